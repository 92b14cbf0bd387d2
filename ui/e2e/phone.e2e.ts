// On a phone, with a thumb.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, PHONE, profile, Tab, type Browser } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';
import { until } from './lib/until';

let server: Server;
let browser: Browser;
let mina: Person;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  mina = await person(server, '김미나', 'approver');
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Nothing is wider than the screen. */
async function fits(tab: Tab): Promise<void> {
  const wide = await tab.page.evaluate(() => {
    const width = document.documentElement.clientWidth;
    const scrolls = document.documentElement.scrollWidth > width ? [`page ${document.documentElement.scrollWidth}`] : [];
    for (const node of document.querySelectorAll<HTMLElement>('main, main *')) {
      const box = node.getBoundingClientRect();
      if (box.width > 0 && box.height > 1 && box.right > width + 1 && !node.closest('pre, .clip, .hush')) scrolls.push(`${node.tagName}.${node.className} ${box.right}`);
    }
    return scrolls;
  });
  expect(wide).toEqual([]);
}

test('asks come first, one touch decides nothing, two do', async () => {
  const context = await profile(browser, server, PHONE);
  const tab = await Tab.signedIn(context, server, mina);
  const { page } = tab;
  for (let n = 1; n <= 6; n += 1) await server.command('youtube.queue.list', {});
  await fits(tab);
  await server.command('share.webhook', { url: server.sink.url('phone'), payload: { text: '안녕하세요. 긴 글이 화면을 넘지 않는지 봅니다: ' + 'https://example.com/'.repeat(12) } });
  await tab.ask.getByText(server.sink.url('phone')).first().waitFor();
  await fits(tab);
  const order = await page.evaluate(() => {
    const top = (query: string) => document.querySelector(query)?.getBoundingClientRect().top ?? NaN;
    return { ask: top('article[data-open]'), timeline: top('[role=feed]') };
  });
  expect(order.ask).toBeLessThan(order.timeline);

  // Within reach of a thumb without scrolling, equal in size, and far enough from each other.
  const [approve, deny] = await Promise.all([tab.approve.boundingBox(), tab.deny.boundingBox()]);
  if (!approve || !deny) throw new Error('no buttons');
  expect(approve.y + approve.height).toBeLessThanOrEqual(844);
  expect([approve.width, approve.height]).toEqual([deny.width, deny.height]);
  expect(approve.height).toBeGreaterThanOrEqual(44);
  const gap = Math.max(approve.x - (deny.x + deny.width), deny.x - (approve.x + approve.width));
  expect(gap).toBeGreaterThanOrEqual(8);

  const decisions = () => tab.requests.filter((one) => one.url().endsWith('/decide')).length;
  const past = (ms: number) => page.evaluate((wait) => new Promise((resolve) => setTimeout(resolve, wait)), ms);
  await past(450);
  // A finger that bounces is one touch; both in one turn of the page, so that no machine is too slow.
  await tab.approve.evaluate((button) => {
    for (let n = 0; n < 2; n += 1) button.dispatchEvent(new PointerEvent('click', { pointerType: 'touch', bubbles: true }));
  });
  await page.getByRole('button', { name: 'Press again to approve' }).waitFor();
  await tab.frames(5);
  expect(decisions()).toBe(0);
  expect(server.sink.of('phone')).toEqual([]);
  // Whoever touches something else did not mean it.
  await tab.state.tap();
  await page.getByRole('button', { name: 'Approve', exact: true }).waitFor();
  expect(decisions()).toBe(0);

  await tab.approve.tap();
  await page.getByRole('button', { name: 'Press again to approve' }).waitFor();
  await past(450);
  await tab.approve.tap();
  await until('it is sent', () => server.sink.of('phone').length > 0);
  await expect.poll(() => tab.ask.count()).toBe(0);
  expect([decisions(), server.sink.of('phone').length]).toEqual([1, 1]);
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('화면마다 옆으로 넘치지 않는다', async () => {
  const context = await profile(browser, server, { ...PHONE, locale: 'ko-KR' });
  const signIn = await Tab.open(context, server);
  await signIn.page.getByRole('heading', { name: '로그인' }).waitFor();
  await fits(signIn);
  await signIn.page.close();
  const tab = await Tab.signedIn(context, server, mina);
  await tab.say('/유튜브 https://youtu.be/dQw4w9WgXcQ\n/유튜브 https://youtu.be/bbbbbbbbbbb\n/유튜브 목록');
  await tab.timeline.getByText('완료: 3단계 중 3단계 성공.').waitFor();
  const task = await server.command('share.webhook', { url: server.sink.url('wide'), payload: '가'.repeat(400) });
  await tab.ask.first().waitFor();
  for (const place of ['#/work', '#/tasks', `#/task/${task}`, '#/youtube', '#/operations/dlq', '#/operations/policy', '#/operations/alerts', '#/inbox', '#/account']) {
    await tab.page.goto(`/ui${place}`);
    await tab.page.locator('.skeleton').first().waitFor({ state: 'detached' });
    await tab.frames(3);
    await fits(tab);
  }
  expect(tab.errors).toEqual([]);
  await context.close();
});
