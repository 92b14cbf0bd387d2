import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { Link, type LinkState } from './link';
import type { Frame } from './sse';

/** A server that does what each test says, one answer after the other. */
class Server {
  opens: (string | null)[] = [];
  private answers: (() => Promise<Response>)[] = [];
  private controllers: ReadableStreamDefaultController<Uint8Array>[] = [];

  open = (cursor: string | null, signal: AbortSignal): Promise<Response> => {
    this.opens.push(cursor);
    const answer = this.answers.shift();
    const response = answer ? answer() : Promise.reject(new TypeError('refused'));
    signal.addEventListener('abort', () => {
      try { this.controllers.shift()?.error(new DOMException('gone', 'AbortError')); } catch { /* closed already */ }
    });
    return response;
  };

  /** The next connection stays open and says this. */
  streams(text: string): void {
    this.answers.push(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.controllers.push(controller);
          if (text) controller.enqueue(new TextEncoder().encode(text));
        },
      });
      return Promise.resolve(new Response(body, { status: 200 }));
    });
  }

  answersWith(status: number, body = '{}', headers: Record<string, string> = {}): void {
    this.answers.push(() => Promise.resolve(new Response(body, { status, headers })));
  }

  say(text: string): void {
    this.controllers.at(-1)?.enqueue(new TextEncoder().encode(text));
  }

  cut(): void {
    this.controllers.pop()?.close();
  }
}

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
    cursor: () => 'abc.7',
    onFrame: (frame) => frames.push(frame),
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
    server.streams('id: abc.7\n\n');
    link.start();
    await settle();
    expect(server.opens).toEqual(['abc.7']);
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
    server.streams('event: report\ndata: {}\n\n');
    link.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(now()).toEqual({ kind: 'live' });
    link.proven();
    server.cut();
    await settle();
    expect(now()).toMatchObject({ kind: 'waiting', failures: 1 });
  });

  it('does not count a close that was announced', async () => {
    server.streams('event: bye\ndata: {"reason":"idle","reconnect":true,"retry_ms":2500}\n\n');
    server.streams('id: abc.7\n\n');
    link.start();
    await settle();
    expect(now()).toMatchObject({ kind: 'waiting', failures: 0, announced: 'idle' });
    await vi.advanceTimersByTimeAsync(2_500);
    expect(now()).toEqual({ kind: 'live' });
  });

  it('stays away when the server says so, until somebody asks', async () => {
    server.streams('event: bye\ndata: {"reason":"superseded","reconnect":false,"retry_ms":1000}\n\n');
    server.streams('id: abc.7\n\n');
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

  it('waits as long as a busy server says', async () => {
    server.answersWith(429, '{}', { 'retry-after': '25' });
    server.streams('id: abc.7\n\n');
    link.start();
    await vi.advanceTimersByTimeAsync(24_000);
    expect(now()).toMatchObject({ kind: 'waiting', failures: 0, announced: 'limit' });
    await vi.advanceTimersByTimeAsync(1_000);
    expect(now()).toEqual({ kind: 'live' });
  });

  it('gives up a line that says nothing, not one that pings', async () => {
    server.streams('id: abc.7\n\n');
    link.start();
    for (let i = 0; i < 5; i += 1) {
      await vi.advanceTimersByTimeAsync(30_000);
      server.say('event: ping\ndata: {}\n\n');
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
    server.streams('id: abc.7\n\n');
    link.start();
    await vi.advanceTimersByTimeAsync(3_000);
    expect(now()).toMatchObject({ kind: 'waiting', failures: 3 });
    link.wake();
    await settle();
    expect(now()).toEqual({ kind: 'live' });
  });

  it('does not trust a line that slept', async () => {
    server.streams('id: abc.7\n\n');
    server.streams('id: abc.7\n\n');
    link.start();
    await settle();
    vi.setSystemTime(Date.now() + 3_600_000);
    link.wake();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.opens).toHaveLength(2);
    expect(now()).toEqual({ kind: 'live' });
  });
});
