// 첫 관리자가 되고, 로그인하고, 세션이 끝나면 보던 곳으로 돌아온다.
import { get } from 'node:http';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser } from './lib/browser';
import { PASSWORD, person } from './lib/people';
import { Server } from './lib/server';

let server: Server;
let browser: Browser;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test('the link on the terminal makes the first admin, who lands on Work', async () => {
  const context = await profile(browser, server);
  const page = await context.newPage();
  const link = await server.link();
  await page.goto(link);
  await page.getByRole('heading', { name: 'Make the first admin' }).waitFor();

  // A password that is too weak is refused beside its field, and the link still works.
  await page.getByLabel('E-mail').fill('mina@example.com');
  await page.getByLabel('Name').fill('김미나');
  await page.getByLabel('Password', { exact: true }).fill('12345678');
  await page.getByRole('button', { name: 'Set password and sign in' }).click();
  await page.getByLabel('Password', { exact: true }).and(page.locator('[aria-invalid=true]')).waitFor();

  await page.getByLabel('Password', { exact: true }).fill(PASSWORD);
  await page.getByRole('button', { name: 'Set password and sign in' }).click();
  await page.getByRole('button', { name: 'Stream: Live' }).waitFor();
  expect(new URL(page.url()).hash).toBe('#/work');
  await page.getByText('Nothing has happened yet').waitFor();

  // Nothing that a script could read is the session.
  expect(await page.evaluate(() => document.cookie)).toBe('');
  const cookies = await context.cookies();
  expect(cookies.map(({ name, httpOnly, secure, sameSite }) => ({ name, httpOnly, secure, sameSite })))
    .toEqual([{ name: '__Host-nexus_session', httpOnly: true, secure: true, sameSite: 'Strict' }]);
  await context.close();
});

test('a link works once', async () => {
  const context = await profile(browser, server);
  const page = await context.newPage();
  await page.goto(await server.link());
  await page.getByRole('heading', { name: 'This link was used or is too old.' }).waitFor();
  await page.getByRole('button', { name: 'To sign in' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await context.close();
});

test('틀린 비밀번호는 이유를 말하고, 맞으면 들어간다', async () => {
  const who = await person(server, '박서준', 'operator');
  const context = await profile(browser, server, { locale: 'ko-KR' });
  const tab = await Tab.open(context, server);
  const { page } = tab;
  await page.getByLabel('이메일').fill(who.email);
  await page.getByLabel('비밀번호', { exact: true }).fill('아닌 비밀번호');
  await page.getByRole('button', { name: '로그인', exact: true }).click();
  await page.getByRole('alert').getByText('이메일이나 비밀번호가 맞지 않습니다').waitFor();
  expect(await page.getByLabel('이메일').inputValue()).toBe(who.email);
  await tab.signIn(who);
  await tab.live();
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('a session that ended elsewhere leads to sign-in, and from there back to the same place', async () => {
  const who = await person(server, 'Jo', 'operator');
  const task = await server.command('youtube.queue.list', {});
  await server.task(task, 'succeeded');
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, who, `#/task/${task}`);
  const { page } = tab;
  await page.getByRole('heading', { name: 'Show the queue' }).waitFor();

  // Another device of the same person ends it.
  const { sessions } = await server.ask(who.token, 'GET', '/auth/sessions', undefined, null);
  const mine = sessions.find((one: { current: boolean }) => !one.current);
  await server.ask(who.token, 'DELETE', `/auth/sessions/${mine.session_id}`, undefined, null);

  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await page.getByText('Your session has ended').waitFor();
  expect(new URL(page.url()).hash).toBe(`#/task/${task}`);
  await tab.signIn(who);
  await page.getByRole('heading', { name: 'Show the queue' }).waitFor();
  await tab.live();
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('signing out in one tab is so in all', async () => {
  const who = await person(server, 'Two', 'viewer');
  const context = await profile(browser, server);
  const first = await Tab.signedIn(context, server, who);
  const second = await Tab.open(context, server, '#/account');
  await second.live();
  await second.page.getByRole('button', { name: 'Sign out' }).click();
  for (const tab of [first, second]) await tab.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect((await context.cookies()).length).toBe(0);
  await context.close();
});

test('언어는 브라우저를 따르고, 바꾸면 그대로 남는다', async () => {
  const who = await person(server, '이하나', 'operator');
  const context = await profile(browser, server, { locale: 'ko-KR' });
  const tab = await Tab.open(context, server);
  const { page } = tab;
  await page.getByRole('heading', { name: '로그인' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('ko');
  await page.getByRole('button', { name: 'English' }).click();
  await page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await tab.signIn(who);
  await tab.live();
  await page.goto('/ui#/account');
  await page.getByRole('heading', { name: 'Account' }).waitFor();
  await page.getByRole('button', { name: '한국어' }).click();
  await page.getByRole('heading', { name: '계정' }).waitFor();
  await page.getByRole('link', { name: '작업', exact: true }).click();
  await page.reload();
  await tab.live();
  await page.getByRole('heading', { name: '결정이 필요함' }).waitFor();
  expect(await page.locator('html').getAttribute('lang')).toBe('ko');
  await context.close();

  const english = await profile(browser, server, { locale: 'en-GB' });
  await (await Tab.open(english, server)).page.getByRole('heading', { name: 'Sign in' }).waitFor();
  await english.close();
});

test('the page is one file that refers to no other, of less than 250 KB', async () => {
  const sent = await new Promise<{ bytes: number; encoding: string | undefined }>((resolve, reject) => {
    get(`${server.url}/ui`, { headers: { 'accept-encoding': 'gzip' } }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => { bytes += chunk.length; });
      response.on('end', () => resolve({ bytes, encoding: response.headers['content-encoding'] }));
    }).on('error', reject);
  });
  expect(sent.encoding).toBe('gzip');
  expect(sent.bytes).toBeLessThan(250_000);
  const context = await profile(browser, server);
  const tab = await Tab.open(context, server);
  await tab.page.getByRole('heading', { name: 'Sign in' }).waitFor();
  expect(tab.requests.map((one) => new URL(one.url()).pathname)).toEqual(['/ui', '/me']);
  await context.close();
});
