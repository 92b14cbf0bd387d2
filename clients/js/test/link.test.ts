import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Link, type LinkState } from '../src/link.ts';
import type { Frame } from '../src/sse.ts';
import { Server, accepted, bye, ping, report } from './server.ts';

let server: Server;
let states: LinkState[];
let frames: Frame[];
let link: Link;

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  states = [];
  frames = [];
  link = new Link({
    open: server.open,
    cursor: () => 'aaaa.7',
    onFrame: (frame) => void frames.push(frame),
    onState: (state) => states.push(state),
  });
});

afterEach(() => {
  link.stop();
  vi.useRealTimers();
});

const now = () => states.at(-1);
const settle = () => vi.advanceTimersByTimeAsync(0);

describe('a link', () => {
  it('is live with the first bytes and resumes after its cursor', async () => {
    server.streams(accepted('aaaa.7'));
    link.start();
    await settle();
    expect(server.opens).toEqual(['aaaa.7']);
    expect(now()).toEqual({ kind: 'live' });
    expect(frames).toHaveLength(1);
  });

  it('comes back at 1, 2, 4, 8, 16 s and then every 30 s', async () => {
    link.start();
    await settle();
    for (const [index, seconds] of [1, 2, 4, 8, 16, 30, 30].entries()) {
      expect(server.opens).toHaveLength(index + 1);
      expect(now()).toMatchObject({ kind: 'waiting', failures: index + 1, announced: null });
      await vi.advanceTimersByTimeAsync(seconds * 1_000 - 1);
      expect(server.opens).toHaveLength(index + 1);
      await vi.advanceTimersByTimeAsync(1);
    }
    expect(server.opens).toHaveLength(8);
  });

  it('keeps the message while it goes on trying in the background', async () => {
    link.start();
    await vi.advanceTimersByTimeAsync(31_000);
    states.length = 0;
    await vi.advanceTimersByTimeAsync(30_000);
    expect(states.map((state) => state.kind)).not.toContain('connecting');
  });

  it('counts from the start again after a report', async () => {
    server.answersWith(503);
    server.answersWith(503);
    server.streams(report('aaaa.8'));
    link.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(now()).toEqual({ kind: 'live' });
    link.proven();
    server.cut();
    await settle();
    expect(now()).toMatchObject({ kind: 'waiting', failures: 1 });
  });

  it('does not count a close that was announced', async () => {
    for (const reason of ['idle', 'rotate', 'shutdown', 'slow', 'limit']) {
      server.streams(accepted('aaaa.7'), bye(reason, true));
      link.start();
      link.wake(true);
      await settle();
      expect(now()).toMatchObject({ kind: 'waiting', failures: 0, announced: reason, until: Date.now() + 2_500 });
    }
    server.streams(accepted('aaaa.7'));
    await vi.advanceTimersByTimeAsync(2_500);
    expect(now()).toEqual({ kind: 'live' });
  });

  it('comes back by `retry` after an end that says nothing of it', async () => {
    server.streams('retry: 700\nevent: bye\ndata: what\n\n').streams(accepted('aaaa.7'));
    link.start();
    await settle();
    expect(now()).toMatchObject({ kind: 'waiting', failures: 0, announced: 'unknown', until: Date.now() + 700 });
  });

  it('takes the server’s own `retry` for the first return, and its own waits after that', async () => {
    server.streams('retry: 3300\n\n', ping('aaaa.7'));
    link.start();
    await settle();
    server.cut();
    await settle();
    expect(now()).toMatchObject({ kind: 'waiting', failures: 1, until: Date.now() + 3_300 });
    await vi.advanceTimersByTimeAsync(3_300);
    expect(now()).toMatchObject({ kind: 'waiting', failures: 2, until: Date.now() + 2_000 });
  });

  it('stays away when the server says so, until somebody asks', async () => {
    server.streams(bye('superseded', false));
    server.streams(accepted('aaaa.7'));
    link.start();
    await vi.advanceTimersByTimeAsync(120_000);
    expect(now()).toMatchObject({ kind: 'ended', reason: 'superseded' });
    expect(server.opens).toHaveLength(1);
    link.wake(true);
    await settle();
    expect(now()).toEqual({ kind: 'live' });
  });

  it('ends where the session has ended', async () => {
    server.answersWith(401, '{"code":"session_ended"}');
    link.start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(now()).toEqual({ kind: 'ended', reason: 'auth_expired', code: 'session_ended' });
    expect(server.opens).toHaveLength(1);
  });

  it('ends where asking again does not help, and says why', async () => {
    for (const [status, body, code] of [[400, '{"code":"invalid_session"}', 'invalid_session'], [403, '{"code":"forbidden"}', 'forbidden'], [404, '<html>', '404'], [204, null, '204']] as const) {
      server.answersWith(status, body);
      link.start();
      link.wake(true);
      await settle();
      expect(now()).toEqual({ kind: 'ended', reason: 'refused', code });
    }
    server.streams(bye('auth_expired', false));
    link.wake(true);
    await settle();
    expect(now()).toEqual({ kind: 'ended', reason: 'auth_expired', code: 'auth_expired' });
    expect(vi.getTimerCount(), 'nothing keeps a program alive').toBe(0);
  });

  it('format-mime-valid-bogus: takes a stream whatever else its type says', async () => {
    server.answersWith(200, accepted('aaaa.7'), { 'content-type': 'Text/Event-Stream; charset=windows-1252' });
    link.start();
    await settle();
    expect(frames).toEqual([{ event: 'message', data: null, id: 'aaaa.7' }]);
  });

  it('tries again where something else than the stream answered', async () => {
    server.answersWith(200, '<html>', { 'content-type': 'text/html' });
    server.answersWith(502).answersWith(408);
    link.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(now()).toMatchObject({ kind: 'waiting', failures: 3 });
  });

  it('waits as long as a busy server says', async () => {
    server.answersWith(429, '{}', { 'retry-after': '25' });
    server.answersWith(503, '{}', { 'retry-after': '0' });
    server.streams(accepted('aaaa.7'));
    link.start();
    await vi.advanceTimersByTimeAsync(24_000);
    // Somebody who looks at the page again is no reason to come before that.
    link.wake();
    expect(now()).toMatchObject({ kind: 'waiting', failures: 0, announced: 'limit' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(now()).toMatchObject({ kind: 'waiting', failures: 0, announced: 'busy' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(now()).toEqual({ kind: 'live' });
  });

  it('reads nothing while its reader is busy, and calls no line silent for that', async () => {
    const taken: string[] = [];
    let go = () => {};
    link = new Link({
      open: server.open,
      cursor: () => 'aaaa.7',
      onFrame: (frame) => new Promise((resolve) => { taken.push(frame.id!); go = resolve; }),
      onState: (state) => states.push(state),
    });
    server.streams(accepted('aaaa.7'));
    link.start();
    await settle();
    for (let i = 0; i < 20; i += 1) server.say(report(`aaaa.${8 + i}`));
    await vi.advanceTimersByTimeAsync(200_000);
    expect(now()).toEqual({ kind: 'live' });
    expect(taken).toEqual(['aaaa.7']);
    expect(server.unread).toBe(20);
    for (let i = 0; i < 20; i += 1) {
      go();
      await settle();
    }
    expect(taken).toHaveLength(21);
    expect(server.opens).toHaveLength(1);
  });

  it('holds no line while the page sleeps, and comes back when it wakes', async () => {
    server.streams(accepted('aaaa.7')).streams(accepted('aaaa.7'));
    link.start();
    await settle();
    link.sleep();
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(server.opens).toHaveLength(1);
    link.wake();
    await settle();
    expect(server.opens).toHaveLength(2);
    expect(now()).toEqual({ kind: 'live' });
  });

  it('gives up a line that says nothing, not one that pings', async () => {
    server.streams(accepted('aaaa.7'));
    link.start();
    for (let i = 0; i < 5; i += 1) {
      await vi.advanceTimersByTimeAsync(30_000);
      server.say(ping('aaaa.7'));
    }
    await settle();
    expect(now()).toEqual({ kind: 'live' });
    await vi.advanceTimersByTimeAsync(85_000);
    expect(server.opens.length).toBeGreaterThan(1);
  });

  it('tries at once when the page comes back to life', async () => {
    server.answersWith(503);
    server.answersWith(503);
    server.answersWith(503);
    server.streams(accepted('aaaa.7'));
    link.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(now()).toMatchObject({ kind: 'waiting', failures: 3 });
    link.wake();
    await settle();
    expect(now()).toEqual({ kind: 'live' });
  });

  it('does not trust a line that slept', async () => {
    server.streams(accepted('aaaa.7'));
    server.streams(accepted('aaaa.7'));
    link.start();
    await settle();
    vi.setSystemTime(Date.now() + 3_600_000);
    link.wake();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.opens).toHaveLength(2);
    expect(now()).toEqual({ kind: 'live' });
  });
});
