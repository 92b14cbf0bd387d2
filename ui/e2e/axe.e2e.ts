// Nothing that axe knows to look for (WCAG 2.2 A and AA), light and dark, in both languages.
import axe from 'axe-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, PHONE, profile, Tab, type Browser, type Page } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';
import { until } from './lib/until';

let server: Server;
let browser: Browser;
let mina: Person;
let task = '';
let run = '';

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  mina = await person(server, '김미나', 'admin');
  const shared = await server.command('chat.message', {
    text: `/youtube https://youtu.be/dQw4w9WgXcQ\n/youtube https://youtu.be/aaaaaaaaaaa\n/share webhook ${server.sink.url('axe')} {"text":"안녕하세요"}`,
  });
  await server.task(shared, 'succeeded', 'running');
  await until('an ask', async () => (await server.ask('service', 'GET', '/approvals?status=pending')).items.length > 0);
  run = Object.keys((await server.view())['autopilot'] ?? {})[0] ?? '';
  task = await server.command('file.read', { path: '없는-파일.txt' });
  await server.task(task, 'succeeded', 'dead', 'held', 'alarmed');
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

async function violations(page: Page, where: string): Promise<string[]> {
  // Contrast is what stands still.
  await page.evaluate(() => Promise.all(document.getAnimations().filter((one) => one.effect?.getComputedTiming().iterations !== Infinity).map((one) => one.finished.catch(() => {}))));
  await page.evaluate(axe.source);
  const found = await page.evaluate(async () => {
    const { axe: tool } = window as unknown as { axe: typeof import('axe-core') };
    const results = await tool.run(document, {
      iframes: false,
      runOnly: ['wcag2a', 'wcag2aa', 'wcag21a', 'wcag21aa', 'wcag22aa', 'best-practice'],
    });
    return results.violations.flatMap((one) => one.nodes.map((node) => `${one.id}: ${node.target.join(' ')} – ${node.failureSummary?.split('\n')[1]?.trim()}`));
  });
  return found.map((one) => `${where}: ${one}`);
}

for (const [colorScheme, locale] of [['light', 'en-US'], ['dark', 'ko-KR']] as const) {
  test(`pages of somebody who is not signed in, ${colorScheme}, ${locale}`, async () => {
    const context = await profile(browser, server, { colorScheme, locale });
    const tab = await Tab.open(context, server);
    const { page } = tab;
    const found: string[] = [];
    await page.locator('input[name=password]').waitFor();
    found.push(...await violations(page, 'sign-in'));
    await page.locator('input[name=email]').fill('nobody@example.com');
    await page.locator('input[name=password]').fill('wrong');
    await page.locator('input[name=password]').press('Enter');
    await page.getByRole('alert').waitFor();
    found.push(...await violations(page, 'refused sign-in'));
    const { link } = await server.ask('admin', 'POST', '/users', { email: `invited-${locale.toLowerCase()}@example.com`, name: '새 사람', role: 'viewer' });
    await page.goto(link);
    await page.locator('input[name=password][autocomplete=new-password]').waitFor();
    found.push(...await violations(page, 'welcome'));
    expect(found).toEqual([]);
    await context.close();
  });

  test(`pages of somebody who is, ${colorScheme}, ${locale}`, async () => {
    const context = await profile(browser, server, { colorScheme, locale });
    const tab = await Tab.signedIn(context, server, mina);
    const { page } = tab;
    const found: string[] = [];
    const look = async (where: string) => { found.push(...await violations(page, where)); };
    await tab.ask.waitFor();
    await tab.timeline.locator('.run').waitFor();
    await look('Work');
    await tab.composer.fill('/');
    await page.getByRole('option').first().waitFor();
    await look('completion');
    await tab.composer.fill('/share.webhook');
    await tab.composer.press('Enter');
    await page.locator('form textarea').first().waitFor();
    await look('form');
    for (const [place, ready] of [
      [`#/run/${run}`, 'article[aria-label*="youtube"]'], ['#/tasks', 'td'], [`#/task/${task}`, 'dl'],
      ['#/youtube', 'iframe'], ['#/operations/dlq', 'tbody'], ['#/operations/jobs', 'h1'], ['#/operations/policy', 'table'],
      ['#/operations/alerts', 'h2'], ['#/inbox', 'li'], ['#/account', 'li'],
    ] as const) {
      await page.goto(`/ui${place}`);
      await page.locator(`main ${ready}:visible`).first().waitFor();
      await page.locator('.skeleton:visible').first().waitFor({ state: 'detached' });
      await look(place);
    }
    await page.goto(`/ui#/task/${task}`);
    await page.locator('main summary').click();
    await page.locator('main details h3').first().waitFor();
    await look('runbook');
    await page.goto('/ui#/inbox');
    await page.getByRole('main').getByRole('button', { name: /^(More|더 보기)$/ }).first().click();
    await page.locator("main dl:visible").first().waitFor();
    await look('inbox, opened');
    await page.keyboard.press('Control+k');
    await page.getByRole('dialog').waitFor();
    await look('palette');
    await page.keyboard.press('Escape');
    await page.keyboard.press('?');
    await page.getByRole('dialog').waitFor();
    await look('shortcuts');
    await page.keyboard.press('Escape');
    await page.getByRole('button', { name: /^(Stop all|전체 정지)/ }).click();
    await page.getByRole('dialog').waitFor();
    await look('stop');
    expect(found).toEqual([]);
    expect(tab.errors).toEqual([]);
    await context.close();
  });

  test(`on a phone, ${colorScheme}, ${locale}`, async () => {
    const context = await profile(browser, server, { ...PHONE, colorScheme, locale });
    const tab = await Tab.signedIn(context, server, mina);
    await tab.ask.waitFor();
    // What lies under the buttons is reached by scrolling.
    await tab.page.getByRole('complementary').evaluate((node) => node.scrollTo(0, node.scrollHeight));
    expect(await violations(tab.page, 'phone')).toEqual([]);
    await context.close();
  });
}
