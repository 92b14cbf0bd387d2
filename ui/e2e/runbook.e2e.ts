// What to do about a failure stands beside it.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';

let server: Server;
let browser: Browser;
let who: Person;
let task: string;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start({ RUNBOOK_BASE_URL: 'https://wiki.example/nexus' }), launch()]);
  who = await person(server, 'Reader', 'viewer');
  task = await server.command('file.read', { path: '없는-파일.txt' });
  await server.task(task, 'dead');
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

test('a failed task shows its title, and its runbook when somebody opens it, in the language spoken', async () => {
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, who, `#/task/${task}`);
  const main = tab.page.getByRole('main');
  await main.getByText('The parameters cannot be used').waitFor();
  const asked = () => tab.since(0).filter((line) => line.startsWith('GET /runbooks'));
  expect(asked()).toEqual([]);

  await main.getByText('What to do about it').click();
  await main.getByRole('heading', { name: 'Likely causes' }).waitFor();
  await main.locator('pre', { hasText: /^nexus task show TASK_ID\nnexus types list\n/ }).waitFor();
  await main.locator('code', { hasText: 'last_error' }).waitFor();
  expect(asked().sort()).toEqual(['GET /runbooks', 'GET /runbooks/INVALID_PARAMS']);
  expect(await main.getByRole('link', { name: 'Your own runbook' }).getAttribute('href')).toBe('https://wiki.example/nexus/INVALID_PARAMS');
  expect(await main.getByText('](').count()).toBe(0);

  await tab.page.evaluate(() => localStorage.setItem('nexus-language', 'ko'));
  await tab.page.reload();
  await main.getByText('매개변수를 사용할 수 없습니다').waitFor();
  await main.getByText('조치 방법').click();
  await main.getByRole('heading', { name: '흔한 원인' }).waitFor();
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('a task that did not fail has none', async () => {
  const done = await server.command('file.list', {});
  await server.task(done, 'succeeded');
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, who, `#/task/${done}`);
  await tab.page.getByRole('main').locator('dl').waitFor();
  expect(await tab.page.getByText('What to do about it').count()).toBe(0);
  await context.close();
});
