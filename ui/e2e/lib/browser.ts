// Real Chromium, and the console in it as its users see it.
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFailed } from 'vitest';
import { chromium, type Browser, type BrowserContext, type BrowserContextOptions, type Locator, type Page, type Request } from 'playwright-core';
import { PASSWORD, type Person } from './people';
import type { Server } from './server';
import { PATIENCE_MS, until } from './until';

export type { Browser, BrowserContext, Locator, Page } from 'playwright-core';

const ARGUMENTS = [
  '--no-sandbox', '--disable-gpu', '--disable-quic', '--no-first-run',
  '--disable-background-networking', '--disable-component-update', '--disable-sync',
];

export function launch(more: string[] = []): Promise<Browser> {
  return chromium.launch({
    executablePath: process.env['NEXUS_CHROMIUM'] ?? '/usr/bin/chromium',
    headless: true,
    args: [...ARGUMENTS, ...more],
  });
}

/** What stands where YouTube's player would be: the network is not asked. */
const PLAYER = `<!doctype html><html lang="en"><title>player</title>
  <body style="margin:0;height:100vh;display:grid;place-items:center;background:#111"><svg width="72" viewBox="0 0 10 10"><path fill="#777" d="M2 1 9 5 2 9z"/></svg></body></html>`;

export const PHONE: BrowserContextOptions = {
  viewport: { width: 390, height: 844 }, deviceScaleFactor: 1, isMobile: true, hasTouch: true,
};

/** A browser profile of somebody; pages of one share cookies and the stream. */
export async function profile(browser: Browser, server: Server, options: BrowserContextOptions = {}): Promise<BrowserContext> {
  const context = await browser.newContext({
    baseURL: server.url, locale: 'en-US', timezoneId: 'Asia/Seoul', viewport: { width: 1440, height: 900 }, ...options,
  });
  context.setDefaultTimeout(PATIENCE_MS);
  // Everything that is not this server's is answered here or refused.
  await context.route((url) => url.origin !== server.url, (route) =>
    route.request().resourceType() === 'document'
      ? route.fulfill({ contentType: 'text/html', body: PLAYER })
      : route.abort());
  return context;
}

let pictures = 0;

/** What the page looked like when its test failed. */
function picture(page: Page): void {
  try {
    onTestFailed(async () => {
      if (page.isClosed()) return;
      const path = join(tmpdir(), 'nexus-e2e-failed', `${process.pid}-${(pictures += 1)}.png`);
      await page.screenshot({ path });
      console.error(`see ${path}, ${page.url()}`);
    });
  } catch {
    // A page that no single test made, a hook did.
  }
}

/** A tab of the console. */
export class Tab {
  /** What the page asked of the server, in order. */
  readonly requests: Request[] = [];
  /** What went wrong in the page without anybody catching it. */
  readonly errors: string[] = [];

  private constructor(readonly page: Page, private readonly server: Server) {
    page.on('request', (request) => {
      if (request.url().startsWith(server.url)) this.requests.push(request);
    });
    page.on('pageerror', (error) => this.errors.push(String(error.stack ?? error)));
    picture(page);
  }

  static async open(context: BrowserContext, server: Server, place = ''): Promise<Tab> {
    const tab = new Tab(await context.newPage(), server);
    await tab.page.goto(`/ui${place}`);
    return tab;
  }

  /** Opens the page and signs in with e-mail and password, in whatever language it speaks. */
  static async signedIn(context: BrowserContext, server: Server, who: Person, place = ''): Promise<Tab> {
    const tab = await Tab.open(context, server, place);
    await tab.signIn(who);
    await tab.live();
    return tab;
  }

  async signIn(who: Person): Promise<void> {
    await this.page.locator('input[name=email]').fill(who.email);
    await this.page.locator('input[name=password]').fill(PASSWORD);
    await this.page.locator('input[name=password]').press('Enter');
    await this.page.locator('#main').waitFor();
  }

  /** Waits until the stream is live and the page has its view. */
  async live(): Promise<void> {
    await this.state.and(this.page.locator('.live')).waitFor();
    await this.page.locator('#main[aria-busy=false]').waitFor();
  }

  /** The button that says how the stream stands. */
  get state(): Locator {
    return this.page.getByRole('button', { name: /^(Stream|스트림): / });
  }

  get composer(): Locator {
    return this.page.getByRole('textbox', { name: /^(Message or command|메시지 또는 명령)$/ });
  }

  get timeline(): Locator {
    return this.page.getByRole('feed', { name: /^(Timeline|나눈 말과)/ });
  }

  /** The ask that is open for its decision. */
  get ask(): Locator {
    return this.page.locator('article[data-open]');
  }

  get approve(): Locator {
    return this.ask.locator('[data-key=approve]');
  }

  get deny(): Locator {
    return this.ask.locator('[data-key=deny]');
  }

  async say(text: string): Promise<void> {
    await this.composer.fill(text);
    await this.composer.press('Enter');
  }

  /** Line, run and task ids that the timeline draws, from the oldest to the newest. */
  async rendered(): Promise<string[]> {
    const seen: string[] = [];
    const feed = this.timeline;
    // A tab that nobody looks at is not drawn.
    await this.page.bringToFront();
    await feed.evaluate((node) => { node.scrollTop = 0; });
    for (;;) {
      await this.frames(2);
      const step = await feed.evaluate((node) => ({
        keys: [...node.querySelectorAll<HTMLElement>('article[data-key]')].map((one) => one.dataset['key'] ?? ''),
        end: node.scrollHeight - node.scrollTop - node.clientHeight < 2,
      }));
      const twice = step.keys.filter((key, index) => step.keys.indexOf(key) !== index);
      if (twice.length > 0) throw new Error(`drawn twice: ${twice.join()}`);
      // What is drawn anew begins with rows that were drawn before.
      const from = step.keys.findIndex((key) => !seen.includes(key));
      if (from >= 0) seen.push(...step.keys.slice(from));
      if (step.end) return seen;
      await feed.evaluate((node) => { node.scrollTop += node.clientHeight; });
    }
  }

  /** Lets the page draw. */
  async frames(n = 1): Promise<void> {
    await this.page.evaluate(async (count) => {
      for (let i = 0; i < count; i += 1) await new Promise(requestAnimationFrame);
    }, n);
  }

  /** Waits until the timeline shows exactly what the server has: every line, nothing twice. */
  async complete(): Promise<void> {
    await until('the timeline shows what the server has', async () => {
      const lines = (await this.server.worklog()).map((line) => line.id);
      const drawn = await this.rendered();
      const twice = drawn.filter((key, index) => drawn.indexOf(key) !== index);
      if (twice.length > 0) throw new Error(`twice: ${twice.join()}`);
      const shown = drawn.filter((key) => key.startsWith('wkl_') || lines.includes(key));
      const missing = lines.filter((id) => !shown.includes(id));
      const more = shown.filter((id) => !lines.includes(id));
      if (missing.length > 0 || more.length > 0) throw new Error(`missing ${missing.join()}, not the server's ${more.join()}`);
      return true;
    });
  }

  /** Requests of the page's own since a mark, without the stream. */
  since(mark: number): string[] {
    return this.requests.slice(mark).map((request) => `${request.method()} ${new URL(request.url()).pathname}`)
      .filter((line) => line !== 'GET /agent/reports/stream');
  }
}
