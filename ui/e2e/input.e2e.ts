// 한국어 입력기로 쓰는 글.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser } from './lib/browser';
import { person } from './lib/people';
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

test('조합 중의 Enter는 보내지 않고, 끝난 뒤의 Enter는 한 번 보낸다', async () => {
  const who = await person(server, '김미나', 'operator');
  const context = await profile(browser, server, { locale: 'ko-KR' });
  const tab = await Tab.signedIn(context, server, who);
  const keys = await context.newCDPSession(tab.page);
  const compose = (text: string) => keys.send('Input.imeSetComposition', { text, selectionStart: text.length, selectionEnd: text.length });
  /** Without `text` the input method has taken the key for itself. */
  const press = async (key: 'Enter' | 'Process', code: number, text?: string) => {
    await keys.send('Input.dispatchKeyEvent', { type: 'rawKeyDown', key, code: 'Enter', windowsVirtualKeyCode: code });
    if (text) await keys.send('Input.dispatchKeyEvent', { type: 'char', key, code: 'Enter', text, windowsVirtualKeyCode: code });
    await keys.send('Input.dispatchKeyEvent', { type: 'keyUp', key, code: 'Enter', windowsVirtualKeyCode: 13 });
  };
  const sent = () => tab.requests.filter((one) => one.url().endsWith('/sidecar/command')).map((one) => JSON.parse(one.postData() ?? '{}').params.text);
  const heard: string[] = [];
  await tab.page.exposeFunction('heard', (what: string) => heard.push(what));
  await tab.composer.evaluate((node) => {
    const tell = (window as unknown as { heard: (what: string) => void }).heard;
    (node as HTMLElement).addEventListener('keydown', (event) => tell(`${event.key} ${event.isComposing} ${event.keyCode}`));
  });

  await tab.composer.focus();
  for (const step of ['ㅇ', '아', '안']) await compose(step);
  await keys.send('Input.insertText', { text: '안' });
  for (const step of ['ㄴ', '녀', '녕']) await compose(step);
  expect(await tab.composer.inputValue()).toBe('안녕');
  // Some input methods say that they took the key, others only that they compose.
  await press('Process', 229);
  await press('Enter', 13);
  await expect.poll(() => heard.filter((one) => one.startsWith('Enter')).length).toBe(1);
  expect(heard).toEqual(['Process true 229', 'Enter true 13']);
  expect(sent()).toEqual([]);
  expect(await tab.composer.inputValue()).toBe('안녕');

  await keys.send('Input.insertText', { text: '녕' });
  await press('Enter', 13, '\r');
  await tab.timeline.getByText('지금은 언어 모델 없이 실행 중').waitFor();
  expect(sent()).toEqual(['안녕']);
  expect(await tab.composer.inputValue()).toBe('');

  // A command of Hangul letters is completed while it is composed, and chosen after.
  await tab.composer.fill('/');
  await compose('영상');
  await tab.page.getByRole('option', { name: /영상 추가/ }).waitFor();
  await press('Process', 229);
  await tab.page.getByRole('option', { name: /영상 추가/ }).waitFor();
  await keys.send('Input.insertText', { text: '영상' });
  await press('Enter', 13, '\r');
  await tab.page.getByRole('form', { name: /영상/ }).or(tab.page.getByText('youtube.queue.')).first().waitFor();
  expect(sent()).toEqual(['안녕']);
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('Shift+Enter makes a line, and several lines are several steps', async () => {
  const who = await person(server, 'Lee', 'operator');
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, who);
  await tab.composer.fill('/file write 메모.txt 첫 줄');
  await tab.composer.press('Shift+Enter');
  await tab.page.keyboard.insertText('둘째 줄');
  await tab.composer.press('Enter');
  await tab.timeline.getByText(/1 of 1 step|완료: 1단계 중 1단계 성공/).first().waitFor();
  const read = await server.command('file.read', { path: '메모.txt' });
  expect((await server.task(read, 'succeeded')).result.content).toBe('첫 줄\n둘째 줄');
  await context.close();
});

test('a form is made from the schema, and what the server refuses stands beside its field', async () => {
  const who = await person(server, 'Kim', 'operator');
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, who);
  const { page } = tab;
  await tab.composer.fill('/file.write');
  await page.getByRole('option', { name: /file\.write/ }).waitFor();
  await tab.composer.press('Enter');
  await page.getByLabel('path', { exact: true }).fill('../outside.txt');
  await page.getByLabel('content', { exact: true }).fill('x');
  await page.keyboard.press('Control+Enter');
  await page.getByRole('button', { name: /^Send/ }).click();
  await page.locator('[aria-invalid=true]').first().waitFor();
  await page.getByLabel('path', { exact: true }).fill('inside.txt');
  await page.getByRole('button', { name: /^Send/ }).click();
  await expect.poll(async () => {
    const read = await server.command('file.read', { path: 'inside.txt' });
    return (await server.task(read, 'succeeded', 'dead', 'held', 'alarmed')).result?.content;
  }).toBe('x');
  expect(tab.errors).toEqual([]);
  await context.close();
});
