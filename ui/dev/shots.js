// Screenshots of the console for looking at: node dev/shots.js <url> <folder> [only]
// Needs a Chromium (CHROMIUM, default /usr/bin/chromium). Sign-in: NEXUS_SHOTS_EMAIL and _PASSWORD.
import { mkdirSync } from 'node:fs';
import { chromium } from 'playwright-core';

const [url = 'http://127.0.0.1:5173/', folder = '.shots', only = ''] = process.argv.slice(2);
mkdirSync(folder, { recursive: true });
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
    '--disable-background-networking', '--disable-component-update', '--disable-sync'],
});

const WIDE = { width: 1440, height: 900 };
const PHONE = { width: 390, height: 844 };
const shots = [
  { name: 'work', hash: '/work?tenant=default:default' },
  { name: 'work-dark-ko', hash: '/work?tenant=default:default', dark: true, lang: 'ko' },
  { name: 'phone', hash: '/work?tenant=default:default', size: PHONE, touch: true },
  { name: 'phone-ko-dark', hash: '/work?tenant=default:default', size: PHONE, touch: true, dark: true, lang: 'ko' },
  { name: 'tasks', hash: '/work/tasks?tenant=default:default' },
  { name: 'task', hash: '/work/tasks?tenant=default:default', act: (page) => page.locator('td.type a').first().click() },
  { name: 'completion', hash: '/work?tenant=default:default', act: (page) => page.locator('.composer textarea').fill('/') },
  { name: 'form', hash: '/work?tenant=default:default', lang: 'ko', act: async (page) => {
    await page.locator('.composer textarea').fill('/share.web');
    await page.keyboard.press('Enter');
  } },
  { name: 'youtube', hash: '/youtube?tenant=default:default' },
  { name: 'inbox', hash: '/inbox' },
  { name: 'account', hash: '/account' },
  { name: 'palette', hash: '/work?tenant=default:default', act: (page) => page.keyboard.press('Control+k') },
  { name: 'keys', hash: '/work?tenant=default:default', act: (page) => page.keyboard.press('?') },
  { name: 'stop', hash: '/work?tenant=default:default', act: (page) => page.getByRole('button', { name: /Stop all/ }).click({ force: true }) },
];

for (const shot of shots.filter((one) => one.name.includes(only))) {
  const context = await browser.newContext({
    viewport: shot.size ?? WIDE,
    colorScheme: shot.dark ? 'dark' : 'light',
    locale: shot.lang === 'ko' ? 'ko-KR' : 'en-US',
    hasTouch: shot.touch ?? false,
    isMobile: shot.touch ?? false,
  });
  const page = await context.newPage();
  page.on('console', (message) => { if (['error', 'warning'].includes(message.type())) console.log(shot.name, message.text()); });
  page.on('pageerror', (error) => console.log(shot.name, String(error)));
  if (process.env.NEXUS_SHOTS_EMAIL) {
    await page.goto(url);
    await page.locator('#email').fill(process.env.NEXUS_SHOTS_EMAIL);
    await page.locator('input[name=password]').fill(process.env.NEXUS_SHOTS_PASSWORD ?? '');
    await page.keyboard.press('Enter');
    await page.locator('#main').waitFor();
  }
  await page.goto(`${url}#${shot.hash}`);
  await page.waitForTimeout(900);
  if (shot.act) await shot.act(page);
  await page.waitForTimeout(500);
  await page.screenshot({ path: `${folder}/${shot.name}.png` });
  await context.close();
}
await browser.close();
