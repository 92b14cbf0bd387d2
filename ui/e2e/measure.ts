// Numbers, printed and not judged: first paint, size, frames while reports come, memory after.
import { get } from 'node:http';
import { loadavg } from 'node:os';
import { test } from 'vitest';
import { Talker } from './lib/agent';
import { launch, profile, Tab, type Browser, type Page } from './lib/browser';
import { person } from './lib/people';
import { Server } from './lib/server';

const REPORTS = 500;
const EACH_MS = 20;

const rows: { what: string; is: string; aim: string }[] = [];
const note = (what: string, is: string, aim = '') => rows.push({ what, is, aim });
const median = (all: number[]) => [...all].sort((a, b) => a - b)[all.length >> 1] ?? NaN;

async function paint(page: Page): Promise<number> {
  return page.evaluate(() => new Promise<number>((resolve) => {
    new PerformanceObserver((list) => {
      const found = list.getEntriesByName('first-contentful-paint')[0];
      if (found) resolve(found.startTime);
    }).observe({ type: 'paint', buffered: true });
  }));
}

function size(url: string, encoding: string): Promise<number> {
  return new Promise((resolve, reject) => {
    get(url, { headers: { 'accept-encoding': encoding } }, (response) => {
      let bytes = 0;
      response.on('data', (chunk: Buffer) => { bytes += chunk.length; });
      response.on('end', () => resolve(bytes));
    }).on('error', reject);
  });
}

async function firstPaints(browser: Browser, server: Server): Promise<void> {
  const cold: number[] = [];
  const warm: number[] = [];
  for (let n = 0; n < 5; n += 1) {
    const context = await profile(browser, server);
    // Routes switch the cache off.
    await context.unrouteAll();
    const page = await context.newPage();
    await page.goto('/ui');
    cold.push(await paint(page));
    await page.reload();
    warm.push(await paint(page));
    await context.close();
  }
  note('first paint of /ui, cold cache, median of 5', `${median(cold).toFixed(0)} ms`, '< 300 ms');
  note('first paint of /ui, warm cache, median of 5', `${median(warm).toFixed(0)} ms`, '< 300 ms');
}

test('measure', async () => {
  const [server, browser] = await Promise.all([Server.start(), launch(['--enable-precise-memory-info'])]);
  try {
    note('page, gzip', `${((await size(`${server.url}/ui`, 'gzip')) / 1_000).toFixed(1)} KB`, '< 250 KB');
    note('page, plain', `${((await size(`${server.url}/ui`, 'identity')) / 1_000).toFixed(1)} KB`);
    await firstPaints(browser, server);

    const context = await profile(browser, server);
    const tab = await Tab.signedIn(context, server, await person(server, '김미나', 'approver'));
    const talk = await (await Talker.make(server)).begin();
    await talk.says('first');
    await tab.timeline.getByText('first', { exact: true }).waitFor();
    const heap = async () => {
      const session = await context.newCDPSession(tab.page);
      await session.send('HeapProfiler.collectGarbage');
      await session.send('Performance.enable');
      const { metrics } = await session.send('Performance.getMetrics');
      return (metrics.find((one) => one.name === 'JSHeapUsedSize')?.value ?? NaN) / 1e6;
    };
    const before = await heap();
    await tab.page.evaluate(() => {
      const seen = { deltas: [] as number[], long: [] as number[], last: performance.now(), on: true };
      (window as unknown as { seen: typeof seen }).seen = seen;
      new PerformanceObserver((list) => { for (const one of list.getEntries()) seen.long.push(one.duration); }).observe({ type: 'longtask' });
      const frame = (now: number) => {
        seen.deltas.push(now - seen.last);
        seen.last = now;
        if (seen.on) requestAnimationFrame(frame);
      };
      requestAnimationFrame(frame);
    });
    const begun = Date.now();
    const going: Promise<void>[] = [];
    for (let n = 0; n < REPORTS; n += 1) {
      const wait = begun + n * EACH_MS - Date.now();
      if (wait > 0) await new Promise((resolve) => setTimeout(resolve, wait));
      going.push(talk.says(`report ${n}: 안녕하세요, 오늘의 작업을 알려 드립니다.`));
    }
    await Promise.all(going);
    const took = (Date.now() - begun) / 1_000;
    await tab.timeline.getByText(`report ${REPORTS - 1}:`).waitFor();
    const seen = await tab.page.evaluate(() => {
      const { seen } = window as unknown as { seen: { deltas: number[]; long: number[]; on: boolean } };
      seen.on = false;
      return seen;
    });
    const deltas = seen.deltas.slice(1);
    const late = deltas.filter((delta) => delta > 20).length;
    note('reports a second for 10 s', (REPORTS / took).toFixed(1), '50');
    note('frames a second', (deltas.length / (deltas.reduce((sum, one) => sum + one, 0) / 1_000)).toFixed(1), '60');
    note('frames later than 20 ms', `${((100 * late) / deltas.length).toFixed(1)} % of ${deltas.length}`, '0 %');
    note('slowest frame', `${Math.max(...deltas).toFixed(0)} ms`);
    note('long tasks (> 50 ms)', `${seen.long.length}${seen.long.length ? `, longest ${Math.max(...seen.long).toFixed(0)} ms` : ''}`, '0');
    note('heap before and after', `${before.toFixed(1)} and ${(await heap()).toFixed(1)} MB`);
    note('load of the machine meanwhile', loadavg()[0]?.toFixed(1) ?? '');
    await talk.end();
  } finally {
    await browser.close();
    await server.close();
  }
  const width = Math.max(...rows.map((row) => row.what.length));
  process.stdout.write(`\n${rows.map((row) => `${row.what.padEnd(width)}  ${row.is.padEnd(24)}${row.aim && `aim ${row.aim}`}`).join('\n')}\n`);
}, 180_000);
