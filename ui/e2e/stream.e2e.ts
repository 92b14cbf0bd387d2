// The stream goes away and comes back: nothing is missing, and nothing is there twice.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser, type BrowserContext } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';
import { until } from './lib/until';

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
  // A test that failed in the middle must not fail the next one.
  await server.startAgain();
  context = await profile(browser, server);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Says something that becomes a run with lines of its own. */
async function busy(n: number): Promise<string[]> {
  const ids: string[] = [];
  for (let i = 0; i < n; i += 1) {
    ids.push(await server.command('chat.message', { text: `/유튜브 목록\n/file write ${i}.txt 안녕 ${i}` }));
  }
  return ids;
}

/** What the page holds of runs and tasks is what the server's view has. */
async function agrees(tab: Tab): Promise<void> {
  await until('runs and tasks of the page are those of the server', async () => {
    const view = await server.view();
    const drawn = await tab.rendered();
    const runs = Object.keys(view['autopilot'] ?? {});
    const missing = runs.filter((id) => !drawn.includes(id));
    if (missing.length > 0) throw new Error(`missing ${missing.join()}`);
    return true;
  });
  await tab.complete();
}

for (const [signal, how] of [['SIGTERM', 'a stop'], ['SIGKILL', 'a crash']] as const) {
  test(`${how} of the server in the middle: the page says so, comes back by itself and has everything`, async () => {
    const tab = await Tab.signedIn(context, server, mina);
    const ask = await server.command('share.webhook', { url: server.sink.url(signal), payload: { text: '안녕' } });
    await tab.ask.getByText(server.sink.url(signal)).first().waitFor();
    await busy(2);
    // While some of it is still under way.
    const last = await busy(1);
    await server.stop(signal);
    await tab.page.getByRole('button', { name: /^Stream: Reconnecting in \d+ s$/ }).waitFor();
    // What was seen stays; what is sent now says that it was not.
    await tab.ask.getByText(server.sink.url(signal)).first().waitFor();
    await tab.say('/youtube list');
    await tab.page.getByText('Not sent').waitFor();

    await server.startAgain();
    // News that come while the page has not come back yet.
    await busy(2);
    await tab.live();
    await tab.page.getByTestId('sent').getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => tab.page.getByTestId('sent').count()).toBe(0);
    for (const id of last) await server.task(id, 'succeeded');
    await agrees(tab);

    // The ask waited through it, and its yes still counts once.
    const waiting = await server.task(ask, 'waiting_approval');
    await tab.page.goto(`/ui#/work/ask/${waiting.ask_id}`);
    await tab.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 450)));
    await tab.approve.click();
    await server.task(ask, 'succeeded');
    await expect.poll(() => tab.ask.count()).toBe(1);
    await tab.page.getByText('by 김미나').waitFor();
    expect(server.sink.of(signal).length).toBe(1);
    await agrees(tab);
    expect(tab.errors).toEqual([]);
  });
}

test('a server that stays away: the tries grow longer, then a message with a button', async () => {
  const tab = await Tab.signedIn(context, server, mina);
  await tab.page.clock.install();
  await tab.page.reload();
  await tab.live();
  // From here on the page's time goes on only when it is told to.
  await tab.page.clock.pauseAt(Date.now() + 2_000);
  await server.stop('SIGKILL');
  await tab.page.getByRole('button', { name: /^Stream: Reconnecting in 1 s$/ }).waitFor();
  for (const seconds of [2, 4, 8, 16]) {
    await tab.page.clock.runFor((seconds / 2) * 1_000 + 100);
    await tab.page.getByRole('button', { name: `Stream: Reconnecting in ${seconds} s` }).waitFor();
  }
  await tab.page.clock.runFor(16_100);
  const alert = tab.page.getByRole('alert').filter({ hasText: 'The connection is lost.' });
  await alert.getByText('Trying again by itself in 30 s.').waitFor();
  await server.startAgain();
  await busy(1);
  await tab.page.clock.resume();
  await alert.getByRole('button', { name: 'Reconnect now' }).click();
  await tab.live();
  await expect.poll(() => alert.count()).toBe(0);
  await agrees(tab);
  expect(tab.errors).toEqual([]);
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
  await busy(2);
  for (const tab of tabs) await agrees(tab);

  for (let round = 0; round < 2; round += 1) {
    const leader = await until('one tab that leads', async () => {
      const titles = await Promise.all(tabs.map((tab) => tab.state.getAttribute('title')));
      const leading = tabs.filter((_, at) => titles[at] === 'What you see is up to date.');
      return leading.length === 1 && leading[0];
    });
    // In the middle of news.
    const going = busy(4);
    await leader.page.close();
    tabs.splice(tabs.indexOf(leader), 1);
    for (const id of await going) await server.task(id, 'succeeded');
    await busy(1);
    for (const tab of tabs) {
      await tab.live();
      await agrees(tab);
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
