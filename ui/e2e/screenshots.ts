// The pictures in docs/img, of a real server with something going on.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { launch, PHONE, profile, Tab, type BrowserContext } from './lib/browser';
import { joins, person, type Person } from './lib/people';
import { FailingAgent } from './lib/failing';
import { few } from './lib/png';
import { Server } from './lib/server';
import { until } from './lib/until';

const FOLDER = join(import.meta.dirname, '../../docs/img');
const MOST_BYTES = 200_000;
const WHERE = 'https://hooks.example.com/team/%EA%B3%B5%EC%A7%80';

async function something(server: Server, mina: Person, jun: Person): Promise<void> {
  const run = async (task: string) => Object.values((await server.view())['autopilot'] ?? {}).find((one) => one.task_id === task);
  const say = async (who: Person, text: string, ends = true) => {
    const task = await server.command('chat.message', { text }, who.token);
    await until('its run', async () => ends ? (await run(task))?.done : run(task));
  };
  const songs = [
    ['https://youtu.be/dQw4w9WgXcQ', '비 오는 날 듣는 재즈 피아노'], ['https://youtu.be/aaaaaaaaaaa', '한강의 저녁, 로파이 믹스'],
    ['https://youtu.be/bbbbbbbbbbb', 'Deep focus: two hours of ambient'], ['https://youtu.be/ccccccccccc', '국악과 일렉트로닉'],
  ];
  for (const [url, title] of songs) await server.task(await server.command('youtube.queue.add', { url, title }, jun.token), 'succeeded');
  await say(mina, '/파일 쓰기 공지.txt 이번 주 금요일 3시에 전체 회의가 있습니다.\n/파일 읽기 공지.txt');
  await say(jun, '/youtube list');
  await say(mina, `/유튜브 목록\n/공유 웹훅 ${WHERE} {"channel":"전체 공지","text":"이번 주 금요일 3시에 전체 회의가 있습니다."}`, false);
  await until('an ask', async () => (await server.ask('service', 'GET', '/approvals?status=pending')).items.length === 1);
}

test('screenshots', async () => {
  mkdirSync(FOLDER, { recursive: true });
  const [server, browser] = await Promise.all([Server.start(), launch()]);
  try {
    const [mina, jun] = [await person(server, '김미나', 'admin'), await person(server, 'Jun Park', 'operator')];
    await server.ask('admin', 'POST', '/tenants', { org_id: 'acme', project_id: 'seoul', title: '아크메 서울' }, null);
    await joins(server, mina, 'approver', 'acme:seoul');
    await something(server, mina, jun);
    await server.command('share.webhook', { url: 'https://hooks.example.com/acme', payload: { text: 'Quarterly numbers' } }, 'service', 'acme:seoul');

    const shoot = async (name: string, tab: Tab, part?: string) => {
      await tab.page.evaluate(() => document.fonts.ready);
      await tab.frames(5);
      const path = join(FOLDER, `console-${name}.png`);
      const picture = few(await (part ? tab.page.locator(part).first() : tab.page).screenshot({ animations: 'disabled', caret: 'hide' }));
      writeFileSync(path, picture);
      expect(picture.length, path).toBeLessThan(MOST_BYTES);
    };
    const as = async (options: object, place: string, act: (tab: Tab, context: BrowserContext) => Promise<void>, who = mina) => {
      const context = await profile(browser, server, { locale: 'en-US', ...options });
      await act(await Tab.signedIn(context, server, who, `${place}?tenant=default%3Adefault`), context);
      await context.close();
    };

    const { link } = await server.ask('admin', 'POST', '/users', { email: 'sora@example.com', name: '이소라', role: 'approver' });
    const stranger = await profile(browser, server, { locale: 'ko-KR' });
    const welcome = await Tab.open(stranger, server, link.slice('/ui'.length));
    await welcome.page.locator('input[name=password]').waitFor();
    await shoot('welcome', welcome);
    await stranger.close();

    const ready = async (tab: Tab) => {
      await tab.ask.waitFor();
      await tab.timeline.locator('.run').first().waitFor();
    };
    await as({}, '#/work', async (tab) => {
      await ready(tab);
      await shoot('work-light', tab);
      await shoot('ask', tab, 'article[data-open]');
    });
    await as({ colorScheme: 'dark', locale: 'ko-KR' }, '#/work', async (tab) => {
      await ready(tab);
      await shoot('work-dark', tab);
    });
    await as({ ...PHONE, locale: 'ko-KR' }, '#/work', async (tab) => {
      await ready(tab);
      await shoot('phone', tab);
    });
    await as({}, '#/youtube', async (tab) => {
      await tab.page.getByTitle('YouTube player').waitFor();
      await shoot('youtube', tab);
    });
    const printer = await FailingAgent.of(server, 'label.print');
    for (let n = 1; n <= 11; n += 1) await printer.fail(`${n}번 프린터에 용지가 없습니다`);
    for (const n of [3, 8]) await printer.fail(`no answer from 10.0.0.${n} in 30 s`, 'PROVIDER_TIMEOUT');
    await server.task(await server.command('file.read', { path: '없는 파일.txt' }), 'dead');
    await as({}, '#/operations/dlq', async (tab) => {
      await tab.page.getByRole('table').waitFor();
      await shoot('operations', tab);
    });
    await as({}, '#/inbox', async (tab) => {
      await tab.page.locator('main li:visible').nth(1).waitFor();
      await shoot('inbox', tab);
    });
  } finally {
    await browser.close();
    await server.close();
  }
}, 120_000);
