// What failed: found, understood, and dealt with, by the many.
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { FailingAgent } from './lib/failing';
import { launch, profile, Tab, type Browser, type BrowserContext } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';
import { until } from './lib/until';

let server: Server;
let browser: Browser;
let admin: Person;
let context: BrowserContext;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start({ MAX_RETRIES: '0' }), launch()]);
  admin = await person(server, '김미나', 'admin');
});

beforeEach(async () => {
  await context?.close();
  context = await profile(browser, server);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Files that are not there, one cause. */
async function missing(n: number): Promise<string[]> {
  const ids = [];
  for (let i = 0; i < n; i += 1) ids.push(await server.command('file.read', { path: `없는 파일 ${i}.txt` }));
  for (const id of ids) await server.task(id, 'dead');
  return ids;
}

/** A provider without its key, which is an alarm by the settings. */
async function disabled(): Promise<string> {
  const id = await server.command('youtube.search', { query: '재즈' });
  await server.task(id, 'dead', 'alarmed');
  return id;
}

test('one cause behind many is seen, and many are put back to work after a preview', async () => {
  const ids = await missing(4);
  const other = await disabled();
  const tab = await Tab.signedIn(context, server, admin, '#/operations');
  const main = tab.page.getByRole('main');
  const rows = main.locator('tbody');
  await until('five rows', async () => (await rows.count()) === 5);
  await main.getByRole('region', { name: 'Causes' }).getByText('4 of 5').click();
  await until('four rows', async () => (await rows.count()) === 4);
  await main.getByText('4 match the filter').waitFor();

  await rows.first().getByRole('checkbox').check();
  await main.getByText('1 selected').waitFor();
  await main.getByRole('button', { name: 'Requeue…' }).click();
  const dialog = tab.page.getByRole('dialog');
  await dialog.getByText('This touches exactly 1 task.').waitFor();
  const runs = async () => (await Promise.all(ids.map((id) => server.ask('service', 'GET', `/tasks/${id}`)))).map((task) => task.attempts.length);
  expect(await runs()).toEqual([1, 1, 1, 1]);
  await dialog.getByRole('button', { name: 'Requeue' }).click();
  await dialog.waitFor({ state: 'detached' });
  await until('exactly one ran again', async () => (await runs()).reduce((all, n) => all + n, 0) === 5);

  // It failed again, as the page finds out by itself; then the rest, by what the filter says.
  await until('four rows again', async () => (await rows.count()) === 4);
  await main.getByRole('button', { name: 'Requeue…' }).click();
  await dialog.getByText('This touches exactly 4 tasks.').waitFor();
  await dialog.getByRole('button', { name: 'Requeue 4' }).click();
  await until('all four ran again', async () => (await runs()).reduce((all, n) => all + n, 0) === 9);
  expect((await server.task(other, 'dead')).attempts.length).toBe(1);
  expect(tab.errors).toEqual([]);
});

test('the policy sends an alarm to its box, where it stays until its cause is resolved', async () => {
  const id = await disabled();
  const tab = await Tab.signedIn(context, server, admin, '#/operations/dlq');
  const main = tab.page.getByRole('main');
  const dialog = tab.page.getByRole('dialog');
  await main.getByRole('button', { name: 'Apply the policy…' }).click();
  await dialog.getByText(/This touches exactly/).waitFor();
  await dialog.getByRole('button', { name: /^Apply the policy/ }).click();
  await server.task(id, 'alarmed');

  await main.getByRole('link', { name: 'Alarms' }).click();
  await main.getByRole('table').getByText('The provider is not set up').first().waitFor();
  await main.getByRole('button', { name: 'Requeue…' }).click();
  await dialog.getByRole('alert').waitFor();
  await dialog.getByRole('button', { name: 'Cancel' }).click();
  await main.getByRole('button', { name: 'Acknowledge…' }).click();
  await dialog.getByRole('textbox', { name: /Note/ }).fill('지훈이 보고 있음');
  await dialog.getByRole('button', { name: /^Acknowledge/ }).click();
  await main.getByRole('table').getByText('acknowledged').first().waitFor();
  await main.getByRole('button', { name: 'Resolved…' }).click();
  await dialog.getByRole('textbox', { name: /Note/ }).fill('키를 넣음');
  await dialog.getByRole('button', { name: /^Resolved/ }).click();
  await dialog.waitFor({ state: 'detached' });
  await main.getByRole('button', { name: 'Requeue…' }).click();
  await dialog.getByText(/This touches exactly/).waitFor();
  await dialog.getByRole('button', { name: /^Requeue/ }).click();
  await until('it ran again', async () => (await server.task(id, 'dead', 'alarmed')).attempts.length === 2);
  expect(tab.errors).toEqual([]);
});

test('Korean words find what failed; what is deleted is gone, with its reason in the audit log', async () => {
  const printer = await FailingAgent.of(server, 'label.print');
  const paper = await printer.fail('3번 프린터에 용지가 없습니다');
  const ink = await printer.fail('1번 프린터의 잉크가 부족합니다', 'PRINTER_INK');
  const korean = await profile(browser, server, { locale: 'ko-KR' });
  const tab = await Tab.signedIn(korean, server, admin, '#/operations/dlq');
  const main = tab.page.getByRole('main');
  const rows = main.locator('tbody');
  await main.getByRole('table').getByText('용지가 없습니다').waitFor();
  await main.getByRole('searchbox').fill('잉크');
  await until('one row', async () => (await rows.count()) === 1);
  await rows.first().getByText('PRINTER_INK').waitFor();
  await rows.first().getByRole('button', { name: /^더 보기/ }).click();
  await rows.first().getByText('조치 방법').waitFor();
  await main.getByRole('button', { name: '삭제…' }).click();
  const dialog = tab.page.getByRole('dialog');
  await dialog.getByText('정확히 1건에 적용됩니다.').waitFor();
  await dialog.getByRole('button', { name: '삭제' }).click();
  await until('it is gone', async () => (await server.api('service', 'GET', `/tasks/${ink}`)).status === 404);
  await main.getByText('이 함에는 맞는 작업이 없습니다.').waitFor();
  await main.getByRole('button', { name: '모두 보기' }).first().click();
  await main.getByRole('table').getByText('용지가 없습니다').waitFor();
  await server.task(paper, 'dead');
  expect(tab.errors).toEqual([]);
  await korean.close();
});

test('a policy is tried on the past before it is saved', async () => {
  await missing(2);
  const tab = await Tab.signedIn(context, server, admin, '#/operations/policy');
  const main = tab.page.getByRole('main');
  await main.getByRole('radio', { name: 'INVALID_PARAMS: hold' }).check();
  expect(await main.getByRole('button', { name: 'Save' }).isDisabled()).toBe(true);
  await main.getByRole('button', { name: 'Try on the last 7 days' }).click();
  await main.getByText(/in the last 7 days/).waitFor();
  await main.getByRole('button', { name: 'Save' }).click();
  await main.getByText('This tenant has a policy of its own').waitFor();
  expect((await server.ask('admin', 'GET', '/dlq/policy')).hold).toContain('INVALID_PARAMS');
  await main.getByRole('button', { name: 'Back to the settings' }).click();
  await tab.page.getByRole('dialog').getByRole('button', { name: 'Back to the settings' }).click();
  await main.getByText('follows the server’s settings').waitFor();
  expect(tab.errors).toEqual([]);
});

test('what people were told of shows with what to do about it', async () => {
  const tab = await Tab.signedIn(context, server, admin, '#/operations/alerts');
  const main = tab.page.getByRole('main');
  await main.getByText('Nothing is set up to take this.').first().waitFor();
  await disabled();
  await server.ask('admin', 'POST', '/dlq/apply', {});
  const list = main.getByRole('list', { name: 'Alerts' });
  await list.getByRole('button', { name: /needs a person/ }).first().click();
  await list.getByText('What to do about it').waitFor();
  await list.getByRole('link', { name: 'Open the task' }).waitFor();
  await main.getByRole('button', { name: 'Send a test' }).click();
  await list.getByRole('button', { name: /test/i }).first().waitFor();
  expect(tab.errors).toEqual([]);
});

test('who is no admin does not see what failed', async () => {
  const viewer = await person(server, 'Viewer', 'viewer');
  const tab = await Tab.signedIn(context, server, viewer, '#/operations');
  await tab.page.getByRole('main').getByText('Only an admin can do this.').waitFor();
  expect(await tab.page.getByRole('navigation', { name: 'Pages' }).getByRole('link', { name: 'Operations' }).count()).toBe(0);
  expect(tab.since(0).filter((line) => /\/(dlq|hold|alarm)\//.test(line))).toEqual([]);
});
