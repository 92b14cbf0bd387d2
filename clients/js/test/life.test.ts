// A page that is put away, frozen and shown again, around a stream.
import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { NexusStream } from '../src/index.ts';
import { Server, accepted, snapshot } from './server.ts';

let page: EventTarget & { hidden: boolean };
let server: Server;
let stream: NexusStream;

beforeEach(async () => {
  vi.useFakeTimers();
  page = Object.assign(new EventTarget(), { hidden: false });
  vi.stubGlobal('document', page);
  vi.stubGlobal('addEventListener', page.addEventListener.bind(page));
  vi.stubGlobal('removeEventListener', page.removeEventListener.bind(page));
  server = new Server().streams(snapshot('aaaa.2'));
  stream = new NexusStream({ url: '', org: 'o', project: 'p', fetch: server.fetch }).start();
  await settle();
});

afterEach(() => {
  stream.stop();
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);
const happens = (name: string, more = {}) => page.dispatchEvent(Object.assign(new Event(name), more));
const connected = () => !server.requests.at(-1)!.init.signal!.aborted;

it('holds no connection while the page is kept for the way back, and resumes when it is shown', async () => {
  happens('pagehide', { persisted: true });
  expect(connected()).toBe(false);
  await vi.advanceTimersByTimeAsync(3_600_000);
  server.streams(accepted('aaaa.2'));
  happens('pageshow');
  await settle();
  expect(server.opens).toEqual([null, 'aaaa.2']);
  expect(stream.state).toEqual({ kind: 'live' });
});

it('lets go when the page is frozen, not when it is only hidden or about to close', async () => {
  happens('pagehide', { persisted: false });
  page.hidden = true;
  happens('visibilitychange');
  expect(connected()).toBe(true);
  happens('freeze');
  expect(connected()).toBe(false);
  server.streams(accepted('aaaa.2'));
  happens('resume');
  await settle();
  expect(connected()).toBe(true);
});

it('tries at once when the network is back', async () => {
  server.cut();
  await vi.advanceTimersByTimeAsync(3_500);
  expect(stream.state).toMatchObject({ kind: 'waiting', failures: 3 });
  server.streams(accepted('aaaa.2'));
  happens('online');
  await settle();
  expect(stream.state).toEqual({ kind: 'live' });
});

it('hears nothing of the page any more once it has ended', async () => {
  stream.stop();
  for (const name of ['online', 'focus', 'pageshow', 'resume']) happens(name);
  await vi.advanceTimersByTimeAsync(60_000);
  expect(server.opens).toHaveLength(1);
});
