// What each role sees and may do; the server has the last word.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser } from './lib/browser';
import { joins, person } from './lib/people';
import { Server } from './lib/server';

let server: Server;
let browser: Browser;
let askId = '';

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  const task = await server.command('share.webhook', { url: server.sink.url('roles'), payload: { text: '안녕' } });
  askId = (await server.task(task, 'waiting_approval')).ask_id;
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Whoever goes around the page meets the server: the same request by hand. */
function force(tab: Tab, path: string, body: unknown): Promise<[number, string]> {
  return tab.page.evaluate(async ([to, json]) => {
    const tenant = { 'x-org-id': 'default', 'x-project-id': 'default' };
    const me = await (await fetch('/me')).json();
    const answer = await fetch(to as string, {
      method: 'POST', body: JSON.stringify(json), headers: { ...tenant, 'content-type': 'application/json', 'x-csrf-token': me.csrf_token },
    });
    return [answer.status, (await answer.json()).code] as [number, string];
  }, [path, body] as const);
}

test('a viewer looks: no composer, no decision, and 403 for whoever forces it', async () => {
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, await person(server, 'Vi', 'viewer'));
  const { page } = tab;
  await tab.ask.waitFor();
  expect(await tab.composer.count()).toBe(0);
  await page.getByText('Ask an admin for the operator role').waitFor();
  await page.getByText('Only an approver can decide.').first().waitFor();
  for (const button of [tab.approve, tab.deny]) {
    expect(await button.getAttribute('aria-disabled')).toBe('true');
    expect(await button.getAttribute('title')).toContain('Only an approver can decide');
    await button.click({ force: true });
  }
  expect(await page.getByRole('button', { name: 'Stop all' }).getAttribute('aria-disabled')).toBe('true');
  expect(tab.requests.filter((one) => one.method() === 'POST' && !one.url().endsWith('/auth/login'))).toEqual([]);
  expect(await force(tab, '/sidecar/command', { command_type: 'youtube.queue.list', params: {} })).toEqual([403, 'forbidden']);
  expect(await force(tab, `/approvals/${askId}/decide`, { decision: 'approve' })).toEqual([403, 'may_not_decide']);
  expect(await force(tab, '/tenant/pause', {})).toEqual([403, 'forbidden']);
  await page.goto('/ui#/youtube');
  expect(await page.getByRole('textbox', { name: /YouTube link/ }).isDisabled()).toBe(true);
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('운영자는 명령을 보내지만 결정하지 못한다', async () => {
  const context = await profile(browser, server, { locale: 'ko-KR' });
  const tab = await Tab.signedIn(context, server, await person(server, '오은영', 'operator'));
  await tab.ask.waitFor();
  await tab.say('/유튜브 목록');
  await tab.timeline.getByText('완료: 1단계 중 1단계 성공.').waitFor();
  await tab.page.getByText('승인자만 결정할 수 있습니다').first().waitFor();
  await tab.approve.click({ force: true });
  expect(tab.requests.filter((one) => one.url().endsWith('/decide'))).toEqual([]);
  expect(await force(tab, `/approvals/${askId}/decide`, { decision: 'approve' })).toEqual([403, 'may_not_decide']);
  expect(server.sink.of('roles')).toEqual([]);
  await context.close();
});

test('an admin stops everything and lets it go on', async () => {
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, await person(server, 'Ada', 'admin'));
  const { page } = tab;
  await page.getByRole('button', { name: 'Stop all' }).click();
  await page.getByRole('button', { name: 'Stop everything' }).click();
  await page.getByText('Everything is stopped in this tenant.').waitFor();
  const task = await server.command('youtube.queue.list', {});
  await page.getByText('youtube.queue.list').first().waitFor();
  expect((await server.ask('service', 'GET', `/tasks/${task}`)).status).toBe('queued');
  await page.getByRole('button', { name: 'Resume' }).first().click();
  await page.getByRole('dialog').getByRole('button', { name: 'Resume' }).click();
  await server.task(task, 'succeeded');
  await expect.poll(() => page.getByText('Everything is stopped in this tenant.').count()).toBe(0);
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('one inbox for all tenants, and what is decided there leaves it', async () => {
  await server.ask('admin', 'POST', '/tenants', { org_id: 'acme', project_id: 'seoul', title: '아크메 서울' }, null);
  const who = await person(server, '정다운', 'approver');
  await joins(server, who, 'approver', 'acme:seoul');
  const task = await server.command('share.webhook', { url: server.sink.url('acme'), payload: { n: 1 } }, 'service', 'acme:seoul');
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, who, '#/inbox');
  const { page } = tab;
  const row = page.getByRole('listitem').filter({ hasText: 'acme:seoul' });
  await row.getByText('아크메 서울').waitFor();
  await page.getByRole('listitem').filter({ hasText: 'default:default' }).waitFor();
  await row.getByRole('button', { name: 'More' }).click();
  await row.getByText(server.sink.url('acme')).first().waitFor();
  await row.getByRole('button', { name: 'Approve' }).click();
  await expect.poll(() => row.count()).toBe(0);
  await expect.poll(() => server.sink.of('acme').length).toBe(1);

  // The link of another tenant brings its tenant along.
  await page.goto(`/ui#/task/${task}?tenant=acme%3Aseoul`);
  await page.getByText('done', { exact: true }).first().waitFor();
  await page.getByRole('button', { name: /Tenant: 아크메 서울/ }).waitFor();
  expect(tab.errors).toEqual([]);
  await context.close();
});
