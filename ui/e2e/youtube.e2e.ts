// 유튜브: 대기열과 플레이어가 스트림을 따른다.
import { afterAll, beforeAll, expect, test } from 'vitest';
import { launch, profile, Tab, type Browser } from './lib/browser';
import { person, type Person } from './lib/people';
import { Server } from './lib/server';

let server: Server;
let browser: Browser;
let dj: Person;

beforeAll(async () => {
  [server, browser] = await Promise.all([Server.start(), launch()]);
  dj = await person(server, '디제이', 'operator');
});

afterAll(async () => {
  await browser?.close();
  await server?.close();
});

/** Video ids as the page shows them, in order. */
const shown = (tab: Tab) => tab.page.getByRole('list', { name: 'Queue' }).locator('li p:first-child').allTextContents();

test('what is asked for in words plays in the frame, and the queue is moved by hand', async () => {
  const context = await profile(browser, server);
  const tab = await Tab.signedIn(context, server, dj);
  const { page } = tab;
  await tab.say('/youtube https://youtu.be/dQw4w9WgXcQ');
  await page.getByRole('navigation').getByRole('link', { name: 'YouTube' }).click();
  const frame = page.getByTitle('YouTube player');
  await expect.poll(() => frame.getAttribute('src')).toContain('youtube-nocookie.com/embed/dQw4w9WgXcQ');

  // A link, an id, and nonsense.
  const add = page.getByRole('textbox', { name: /YouTube link/ });
  for (const text of ['https://www.youtube.com/watch?v=aaaaaaaaaaa', 'bbbbbbbbbbb', 'https://www.youtube.com/watch?v=ccccccccccc']) {
    await add.fill(text);
    await add.press('Enter');
    await expect.poll(() => add.inputValue()).toBe('');
  }
  await add.fill('https://example.com/watch');
  await add.press('Enter');
  await page.getByRole('alert').getByText('neither a YouTube link nor a video id').waitFor();
  const ids = ['aaaaaaaaaaa', 'bbbbbbbbbbb', 'ccccccccccc'];
  const order = async () => (await shown(tab)).map((text) => ids.findIndex((id) => text.includes(id)));
  await expect.poll(order).toEqual([0, 1, 2]);

  // Somebody else moves it: the page follows.
  const view = await server.view();
  const last = view['youtube']?.['queue'].items[2];
  await server.command('youtube.queue.move', { item_id: last.item_id, position: 1 });
  await expect.poll(order).toEqual([2, 0, 1]);
  // By keyboard, and by drag.
  await page.getByRole('button', { name: /^1\. / }).focus();
  await page.keyboard.press('Alt+ArrowDown');
  await expect.poll(order).toEqual([0, 2, 1]);
  await expect.poll(async () => (await server.view())['youtube']?.['queue'].items[0].video_id).toBe('aaaaaaaaaaa');
  const rows = page.getByRole('list', { name: 'Queue' }).locator('li');
  await rows.nth(2).dragTo(rows.nth(0));
  await expect.poll(order).toEqual([1, 0, 2]);

  // The frame follows what the server says plays.
  await page.getByRole('button', { name: 'Next', exact: true }).click();
  await expect.poll(() => frame.getAttribute('src')).toContain('embed/bbbbbbbbbbb');
  await server.command('youtube.queue.previous', {});
  await expect.poll(() => frame.getAttribute('src')).toContain('embed/dQw4w9WgXcQ');

  // It goes on while another page is looked at.
  await page.getByRole('navigation').getByRole('link', { name: 'Work' }).click();
  await expect.poll(() => frame.getAttribute('src')).toContain('embed/dQw4w9WgXcQ');
  expect(tab.errors).toEqual([]);
  await context.close();
});

test('two tabs: one plays, and the other can take it over', async () => {
  const context = await profile(browser, server);
  const first = await Tab.signedIn(context, server, dj, '#/youtube');
  await first.page.getByTitle('YouTube player').waitFor();
  const second = await Tab.open(context, server, '#/youtube');
  await second.page.getByText('Plays in another tab').waitFor();
  expect(await second.page.getByTitle('YouTube player').count()).toBe(0);
  await second.page.getByRole('button', { name: 'Play here' }).click();
  await second.page.getByTitle('YouTube player').waitFor();
  await expect.poll(() => first.page.getByTitle('YouTube player').count()).toBe(0);
  await context.close();
});
