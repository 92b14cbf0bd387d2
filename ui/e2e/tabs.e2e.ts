// Tabs of one browser: one stream for all of them.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser, type BrowserContext } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';
import { until } from './lib/until';
import { agrees, busy } from './lib/work';

let server: Server;
let browser: Browser;
let mina: Person;
let context: BrowserContext;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  mina = await person(server, '김미나', 'approver');
});

beforeEach(async () => {
  await context?.close();
  context = await profile(browser, server);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test('seven tabs are one stream; when the tab that holds it goes, the others go on', async () => {
  const first = await Tab.signedIn(context, server, mina);
  const tabs = [first];
  while (tabs.length < 7) {
    const tab = await Tab.open(context, server);
    await tab.live();
    tabs.push(tab);
  }
  await expect.poll(() => server.metric('nexus_sse_connections')).toBe(1);
  const streams = () => tabs.flatMap((tab) => tab.requests).filter((one) => one.url().includes('/agent/reports/stream')).length;
  expect(streams()).toBe(1);
  await busy(server, 2);
  for (const tab of tabs) await agrees(server, tab);

  for (let round = 0; round < 2; round += 1) {
    const leader = await until('one tab that leads', async () => {
      const titles = await Promise.all(tabs.map((tab) => tab.state.getAttribute('title')));
      const leading = tabs.filter((_, at) => titles[at] === 'What you see is up to date.');
      return leading.length === 1 && leading[0];
    });
    // In the middle of news.
    const going = busy(server, 4);
    await leader.page.close();
    tabs.splice(tabs.indexOf(leader), 1);
    for (const id of await going) await server.task(id, 'succeeded');
    await busy(server, 1);
    for (const tab of tabs) {
      await tab.live();
      await agrees(server, tab);
    }
    await expect.poll(() => server.metric('nexus_sse_connections')).toBe(1);
  }
  for (const tab of tabs) expect(tab.errors).toEqual([]);
});

test('a decision in one tab shows in the others', async () => {
  const first = await Tab.signedIn(context, server, mina);
  const second = await Tab.open(context, server);
  await second.live();
  const task = await server.command('share.webhook', { url: server.sink.url('tabs'), payload: { n: 1 } });
  for (const tab of [first, second]) await tab.ask.getByText(server.sink.url('tabs')).first().waitFor();
  await second.approve.click();
  await server.task(task, 'succeeded');
  for (const tab of [first, second]) await expect.poll(() => tab.ask.count()).toBe(0);
  expect(server.sink.of('tabs').length).toBe(1);
});
