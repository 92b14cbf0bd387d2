// The stream goes away and comes back: nothing is missing, and nothing is there twice.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser, type BrowserContext } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';
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
  // A test that failed in the middle must not fail the next one.
  await server.startAgain();
  context = await profile(browser, server);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

for (const [signal, how] of [['SIGTERM', 'a stop'], ['SIGKILL', 'a crash']] as const) {
  test(`${how} of the server in the middle: the page says so, comes back by itself and has everything`, async () => {
    const tab = await Tab.signedIn(context, server, mina);
    const ask = await server.command('share.webhook', { url: server.sink.url(signal), payload: { text: '안녕' } });
    await tab.ask.getByText(server.sink.url(signal)).first().waitFor();
    await busy(server, 2);
    // While some of it is still under way.
    const last = await busy(server, 1);
    await server.stop(signal);
    await tab.page.getByRole('button', { name: /^Stream: Reconnecting in \d+ s$/ }).waitFor();
    // What was seen stays; what is sent now says that it was not.
    await tab.ask.getByText(server.sink.url(signal)).first().waitFor();
    await tab.say('/youtube list');
    await tab.page.getByText('Not sent').waitFor();

    await server.startAgain();
    // News that come while the page has not come back yet.
    await busy(server, 2);
    await tab.live();
    await tab.page.getByTestId('sent').getByRole('button', { name: 'Try again' }).click();
    await expect.poll(() => tab.page.getByTestId('sent').count()).toBe(0);
    for (const id of last) await server.task(id, 'succeeded');
    await agrees(server, tab);

    // The ask waited through it, and its yes still counts once.
    const waiting = await server.task(ask, 'waiting_approval');
    await tab.page.goto(`/ui#/ask/${waiting.ask_id}`);
    await tab.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 450)));
    await tab.approve.click();
    await server.task(ask, 'succeeded');
    await expect.poll(() => tab.ask.count()).toBe(1);
    await tab.page.getByText('by 김미나').waitFor();
    expect(server.sink.of(signal).length).toBe(1);
    await agrees(server, tab);
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
  // The first time the server has said when: it spreads the herd over some seconds.
  const first = tab.page.getByRole('button', { name: /^Stream: Reconnecting in [1-5] s$/ });
  let before = Number(/in (\d) s/.exec((await first.getAttribute('aria-label')) ?? '')?.[1]);
  for (const seconds of [2, 4, 8, 16]) {
    await tab.page.clock.runFor(before * 1_000 + 100);
    before = seconds;
    await tab.page.getByRole('button', { name: `Stream: Reconnecting in ${seconds} s` }).waitFor();
  }
  await tab.page.clock.runFor(16_100);
  const alert = tab.page.getByRole('alert').filter({ hasText: 'The connection is lost.' });
  await alert.getByText('Trying again by itself in 30 s.').waitFor();
  await server.startAgain();
  await busy(server, 1);
  await tab.page.clock.resume();
  await alert.getByRole('button', { name: 'Reconnect now' }).click();
  await tab.live();
  await expect.poll(() => alert.count()).toBe(0);
  await agrees(server, tab);
  expect(tab.errors).toEqual([]);
});
