// Ten thousand lines: drawn a screen at a time, older ones asked for when they are wanted.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Talker } from './lib/agent';
import { launch, profile, Tab, type Browser } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';
import { until } from './lib/until';

const LINES = 10_000;
const text = (n: number) => `line ${String(n).padStart(5, '0')} ${n % 7 === 0 ? '긴 줄은 여러 줄로 접힙니다. '.repeat(9) : '안녕하세요'}`;

let server: Server;
let browser: Browser;
let who: Person;
let talker: Talker;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  [who, talker] = await Promise.all([person(server, 'Reader', 'operator'), Talker.make(server)]);
  const talk = await talker.begin();
  for (let from = 0; from < LINES; from += 64) {
    await talk.says(...Array.from({ length: Math.min(64, LINES - from) }, (_, at) => text(from + at)));
  }
  await talk.end();
}, 120_000);

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Numbers of the lines that are drawn, in order. */
const drawn = (tab: Tab) => tab.timeline.evaluate((feed) =>
  [...feed.querySelectorAll('article[data-key]')].flatMap((row) => /line (\d{5})/.exec(row.textContent ?? '')?.[1] ?? []).map(Number));

function consecutive(numbers: number[]): void {
  for (let i = 1; i < numbers.length; i += 1) expect(numbers[i], `after ${numbers[i - 1]}`).toBe((numbers[i - 1] ?? 0) + 1);
}

const rows = (tab: Tab) => tab.timeline.locator('article[data-key]');

test('what is older comes when one scrolls up, none missing and none twice, and the page stays small', async () => {
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, who);
  await until('the newest line is drawn', async () => (await drawn(tab)).at(-1) === LINES - 1);
  const size = () => rows(tab).first().getAttribute('aria-setsize').then(Number);
  let most = 0;
  await until('the beginning of the log', async () => {
    most = Math.max(most, await rows(tab).count());
    consecutive(await drawn(tab));
    if (await tab.page.getByText('This is the beginning of the log.').count()) return true;
    await tab.timeline.evaluate((feed) => { feed.scrollTop = 0; });
    return false;
  }, 50_000);
  await until('all of them are there', async () => (await size()) >= LINES);
  // Every line, and the command that made them.
  expect(await size()).toBe(LINES + 1);
  await tab.timeline.evaluate((feed) => { feed.scrollTop = 0; });
  await until('the oldest line is drawn', async () => (await drawn(tab))[0] === 0);
  for (let part = 1; part <= 20; part += 1) {
    await tab.timeline.evaluate((feed, share) => { feed.scrollTop = feed.scrollHeight * share; }, part / 20);
    await tab.frames(3);
    const numbers = await drawn(tab);
    expect(numbers.length).toBeGreaterThan(10);
    consecutive(numbers);
    most = Math.max(most, await rows(tab).count());
  }
  expect(most).toBeLessThan(150);
  expect(await tab.page.evaluate(() => document.querySelectorAll('*').length)).toBeLessThan(2_500);
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('what is read stays where it is while lines arrive, and the page says how many are new', async () => {
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, who);
  await until('the newest line is drawn', async () => (await drawn(tab)).at(-1) === LINES - 1);
  await tab.timeline.hover();
  await tab.page.mouse.wheel(0, -1_500);
  await until('it has scrolled', async () => (await drawn(tab)).at(-1) !== LINES - 1 || tab.timeline.evaluate((feed) => feed.scrollHeight - feed.scrollTop - feed.clientHeight > 1_000));
  await tab.frames(10);
  const read = await until('a line in the middle of the screen', async () => {
    const all = await rows(tab).all();
    for (const row of all) {
      const box = await row.boundingBox();
      if (box && box.y > 300) return { key: await row.getAttribute('data-key'), y: box.y };
    }
    return false;
  });
  const talk = await talker.begin();
  for (let n = 0; n < 12; n += 1) await talk.says(`news ${n}`);
  await talk.end();
  // Twelve lines, and the command that brought them.
  const button = tab.page.getByRole('button', { name: '13 new lines' });
  await button.waitFor();
  const now = await tab.timeline.locator(`article[data-key="${read.key}"]`).boundingBox();
  expect(Math.abs((now?.y ?? 0) - read.y)).toBeLessThan(1);
  await button.click();
  await tab.timeline.getByText('news 11').waitFor();
  await expect.poll(() => button.count()).toBe(0);
  expect(tab.errors).toEqual([]);
  await context.close();
});
