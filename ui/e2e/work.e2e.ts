// A day at work: say what is wanted, see what happens, decide what may leave the house.
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser, type BrowserContext } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';
import { until } from './lib/until';

let server: Server;
let browser: Browser;
let mina: Person;
let context: BrowserContext;
let tab: Tab;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  mina = await person(server, '김미나', 'approver');
});

beforeEach(async () => {
  await context?.close();
  context = await profile(browser, server);
  tab = await Tab.signedIn(context, server, mina);
});

afterEach(async () => {
  expect(tab.errors).toEqual([]);
  await tab.complete();
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Asks for something to be sent and waits until its ask is open. */
async function share(path: string, payload: string): Promise<string> {
  const { page } = tab;
  const accepted = page.waitForResponse((response) => response.url().endsWith('/sidecar/command'));
  await tab.say(`/share webhook ${server.sink.url(path)} ${payload}`);
  expect((await accepted).status()).toBe(202);
  await tab.ask.getByText(server.sink.url(path)).first().waitFor();
  const { items } = await server.ask('service', 'GET', '/approvals?status=pending');
  return items.find((one: { target: string }) => one.target === server.sink.url(path))?.ask_id;
}

/** Presses right after rows moved do not count. */
async function calm(): Promise<void> {
  await tab.page.evaluate(() => new Promise((resolve) => setTimeout(resolve, 450)));
}

test('a message is answered in its language, and is there once', async () => {
  await tab.say('안녕하세요, 오늘 할 일을 알려 주세요');
  await tab.timeline.getByText('지금은 언어 모델 없이 실행 중').waitFor();
  await tab.say('What can you do?');
  await tab.timeline.getByText('I run without a model').waitFor();
  await expect.poll(() => tab.page.getByText('What can you do?', { exact: true }).and(tab.timeline.locator('p')).count()).toBe(1);
});

test('a command in words becomes a run with its steps', async () => {
  const { page } = tab;
  await tab.say('/youtube https://youtu.be/dQw4w9WgXcQ\n/유튜브 목록');
  const run = tab.timeline.locator('article', { hasText: 'dQw4w9WgXcQ' }).filter({ has: page.locator('.run') });
  await run.getByText('2 of 2 steps').waitFor();
  await tab.timeline.getByText(/1단계\(youtube\.queue\.add\): 재생 중/).waitFor();
  await tab.timeline.getByText(/2단계\(youtube\.queue\.list\)/).waitFor();
  await tab.timeline.getByText('완료: 2단계 중 2단계 성공.').waitFor();
  const plan = page.getByRole('article', { name: /^Goal: \/youtube/ });
  await plan.getByText('Add a video').waitFor();
  await plan.getByText('Show the queue').waitFor();
});

test('/share waits for its ask, and a click that approves sends it once', async () => {
  const { page } = tab;
  const id = await share('mouse', '{"text":"안녕"}');
  // Who, what, to whom, why; and exactly what would be sent.
  for (const part of [
    '김미나', 'always needs approval', '안녕', 'share.webhook', server.sink.url('mouse'), 'left',
  ]) await tab.ask.getByText(part).first().waitFor();
  const ask = await server.ask('service', 'GET', `/approvals/${id}`);
  await tab.ask.getByTitle(ask.digest).waitFor();
  expect(server.sink.of('mouse')).toEqual([]);

  const decided = page.waitForResponse((response) => response.url().endsWith(`/approvals/${id}/decide`));
  await tab.approve.click();
  expect((await decided).status()).toBe(202);
  const mark = tab.requests.length;
  await tab.timeline.getByText(/Step 1 \(share\.webhook\)|1단계\(share\.webhook\)/).filter({ hasNotText: /waits|기다립니다/ }).waitFor();
  await expect.poll(() => tab.ask.count()).toBe(0);
  // All of it came by the stream: the inbox is asked for again because a report named an ask.
  expect(tab.since(mark).filter((line) => line !== 'GET /me/inbox')).toEqual([]);
  const received = server.sink.of('mouse');
  expect(received.map((one) => JSON.parse(one.body))).toEqual([{ text: '안녕' }]);
  const after = await server.ask('service', 'GET', `/approvals/${id}`);
  expect([after.status, after.decided_by_name]).toEqual(['approved', '김미나']);
});

test('the keyboard alone approves', async () => {
  const { page } = tab;
  await page.keyboard.press('/');
  await expect.poll(() => tab.composer.evaluate((node) => node === document.activeElement)).toBe(true);
  await page.keyboard.insertText(`/share webhook ${server.sink.url('keys')} {"n": 2}`);
  await page.keyboard.press('Enter');
  await tab.ask.getByText(server.sink.url('keys')).first().waitFor();
  await page.keyboard.press('Escape');
  await calm();
  await page.keyboard.press('a');
  await expect.poll(() => tab.approve.evaluate((node) => node === document.activeElement)).toBe(true);
  expect(server.sink.of('keys')).toEqual([]);
  await page.keyboard.press('Enter');
  await until('it is sent', () => server.sink.of('keys').length > 0);
  await expect.poll(() => tab.ask.count()).toBe(0);
  expect(server.sink.of('keys').map((one) => JSON.parse(one.body))).toEqual([{ n: 2 }]);
});

test('거부하면 사유가 남고 아무것도 보내지 않는다', async () => {
  const id = await share('denied', '안녕하세요, 모두에게');
  await tab.ask.getByRole('textbox', { name: 'Reason' }).fill('아직 이릅니다');
  await calm();
  await tab.deny.click();
  await tab.timeline.getByText('1단계(share.webhook)가 거절되었습니다: 아직 이릅니다').waitFor();
  await expect.poll(() => tab.ask.count()).toBe(0);
  const ask = await server.ask('service', 'GET', `/approvals/${id}`);
  expect([ask.status, ask.reason]).toEqual(['denied', '아직 이릅니다']);
  expect(server.sink.of('denied')).toEqual([]);
});

test('approving with other params sends those', async () => {
  await share('edited', '{"text":"draft"}');
  await calm();
  await tab.ask.getByRole('button', { name: 'Edit parameters' }).click();
  const form = tab.ask.getByRole('form', { name: 'Approve with other parameters' });
  const field = form.locator('textarea').filter({ hasText: '' }).last();
  await expect.poll(() => field.inputValue()).toContain('draft');
  await field.fill('{"text":"최종본"}');
  await form.getByRole('button', { name: 'Approve the edited parameters' }).click();
  await until('it is sent', () => server.sink.of('edited').length > 0);
  await expect.poll(() => tab.ask.count()).toBe(0);
  expect(server.sink.of('edited').map((one) => JSON.parse(one.body))).toEqual([{ text: '최종본' }]);
});

test('somebody else decides first: the page changes by itself', async () => {
  const other = await person(server, 'Sam', 'admin');
  const id = await share('elsewhere', '{"n":3}');
  await server.ask(other.token, 'POST', `/approvals/${id}/decide`, { decision: 'approve' });
  await expect.poll(() => tab.ask.count()).toBe(0);
  await tab.page.goto(`/ui#/ask/${id}`);
  await tab.page.getByText('by Sam').waitFor();
  await until('it is sent', () => server.sink.of('elsewhere').length > 0);
});

test('a reload in the middle of a waiting ask loses nothing', async () => {
  const { page } = tab;
  const id = await share('reload', '{"text":"다시"}');
  await page.reload();
  await tab.live();
  await tab.ask.getByText(server.sink.url('reload')).first().waitFor();
  await tab.timeline.getByText(/share\.webhook\) waits for a decision|승인을 기다립니다/).last().waitFor();
  await tab.complete();
  const decided = page.waitForResponse((response) => response.url().endsWith(`/approvals/${id}/decide`));
  await tab.approve.click();
  await decided;
  // And again while it is on its way.
  await page.reload();
  await tab.live();
  await until('it is sent', () => server.sink.of('reload').length > 0);
  await expect.poll(() => tab.ask.count()).toBe(0);
  expect(server.sink.of('reload').length).toBe(1);
});

test('links open an ask, a task and a run', async () => {
  const { page } = tab;
  await share('first', '{"n":1}');
  await tab.page.keyboard.press('Escape');
  const accepted = page.waitForResponse((response) => response.url().endsWith('/sidecar/command'));
  await tab.say(`/share webhook ${server.sink.url('second')} {"n":2}`);
  await accepted;
  const second = await until('a second ask', async () => {
    const { items } = await server.ask('service', 'GET', '/approvals?status=pending');
    return items.find((one: { target: string }) => one.target === server.sink.url('second'));
  });
  const run = await until('its run', async () => {
    const runs = Object.entries((await server.view()).autopilot ?? {});
    return runs.find(([, one]) => one.goal.includes('second'))?.[0];
  });

  const fresh = await Tab.open(context, server, `#/ask/${second.ask_id}`);
  await fresh.live();
  await fresh.ask.getByText(server.sink.url('second')).first().waitFor();
  await fresh.page.goto(`/ui#/task/${second.task_id}`);
  await fresh.page.getByRole('heading', { name: /webhook/i }).first().waitFor();
  await fresh.page.getByText('waits for approval').first().waitFor();
  await fresh.page.goto(`/ui#/run/${run}`);
  await fresh.page.getByRole('article', { name: /^Goal: .*second/ }).waitFor();
  await fresh.page.goto('/ui#/ask/ask_00000000000070008000000000000000');
  await fresh.page.getByText('There is no such ask here.').waitFor();
  expect(fresh.errors).toEqual([]);
  await fresh.page.close();
  for (const { ask_id } of (await server.ask('service', 'GET', '/approvals?status=pending')).items) {
    await server.ask('admin', 'POST', `/approvals/${ask_id}/decide`, { decision: 'deny' });
  }
  await expect.poll(() => tab.ask.count()).toBe(0);
});
