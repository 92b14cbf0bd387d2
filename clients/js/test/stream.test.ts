// The stream as a program follows it, against a server that is not as it should be.
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { NexusStream, type StreamEvent, type StreamOptions } from '../src/index.ts';
import { Server, accepted, bye, ping, report, snapshot } from './server.ts';

let server: Server;
let happened: string[];

beforeEach(() => {
  vi.useFakeTimers();
  server = new Server();
  happened = [];
});

afterEach(() => {
  vi.unstubAllGlobals();
  vi.useRealTimers();
});

const settle = () => vi.advanceTimersByTimeAsync(0);

function stream(options: Partial<StreamOptions> = {}): NexusStream {
  return new NexusStream({
    url: 'http://nexus.test/', org: 'o', project: 'p', apiKey: 'a-key', fetch: server.fetch,
    onSnapshot: ({ cursor }) => happened.push(`snapshot ${cursor}`),
    onReport: ({ cursor }) => happened.push(`report ${cursor}`),
    onResumed: (cursor) => happened.push(`resumed ${cursor}`),
    ...options,
  });
}

describe('a stream', () => {
  it('asks for the tenant with its key, follows, and comes back after its cursor', async () => {
    server.streams(snapshot('aaaa.2', ['a']), report('aaaa.3')).streams(accepted('aaaa.3'), report('aaaa.4'));
    const following = stream({ session: 'tab 1' }).start();
    await settle();
    expect([...following.view!.tasks.keys()]).toEqual(['a', 't3']);
    server.cut();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(happened).toEqual(['snapshot aaaa.2', 'report aaaa.3', 'resumed aaaa.3', 'report aaaa.4']);
    expect([...following.view!.tasks.keys()]).toEqual(['a', 't3', 't4']);
    expect(following.cursor).toBe('aaaa.4');
    const { url, init } = server.requests[1]!;
    expect(url).toBe('http://nexus.test/agent/reports/stream?on_limit=event&session_id=tab+1');
    expect(init).toMatchObject({
      redirect: 'error',
      headers: { 'x-api-key': 'a-key', 'x-org-id': 'o', 'x-project-id': 'p', 'last-event-id': 'aaaa.3' },
    });
    following.stop();
  });

  it('asks at once for what is missing, and then for a snapshot', async () => {
    server
      .streams(snapshot('aaaa.2'), report('aaaa.3'), report('aaaa.5'))
      .streams(accepted('aaaa.3'), ping('aaaa.5'))
      .streams(snapshot('aaaa.5'));
    const following = stream().start();
    await settle();
    expect(server.opens).toEqual([null, 'aaaa.3']);
    expect(following.state).toMatchObject({ kind: 'waiting', failures: 1 });
    expect([following.cursor, following.view]).toEqual([null, null]);
    await vi.advanceTimersByTimeAsync(1_000);
    expect(server.opens).toEqual([null, 'aaaa.3', null]);
    expect(happened).toEqual(['snapshot aaaa.2', 'report aaaa.3', 'resumed aaaa.3', 'snapshot aaaa.5']);
    following.stop();
  });

  it('does not hammer a server that cuts it off after each snapshot', async () => {
    for (let i = 0; i < 10; i += 1) server.streams(snapshot('aaaa.2'), report('aaaa.4')).streams(report('aaaa.4'));
    const following = stream().start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(server.opens.length).toBeLessThan(15);
    following.stop();
  });

  it('loses and doubles nothing wherever a connection breaks', async () => {
    const frames = [snapshot('aaaa.2', ['t1', 't2']), report('aaaa.3'), ping('aaaa.3'), report('aaaa.4'), report('aaaa.5')].join('');
    const bytes = new TextEncoder().encode(`retry: 5\n: 안녕\n\n${frames}`);
    for (let cut = 0; cut <= bytes.length; cut += 1) {
      server = new Server().streams(bytes.subarray(0, cut));
      happened = [];
      const following = stream({ fetch: server.fetch }).start();
      await settle();
      const from = following.cursor;
      // What a server does that has all five.
      const next = from === null ? [snapshot('aaaa.5', ['t1', 't2', 't3', 't4', 't5'])] : [accepted(from)];
      if (from !== null) for (let n = Number(from.slice(5)) + 1; n <= 5; n += 1) next.push(report(`aaaa.${n}`));
      server.streams(...next, bye('superseded', false));
      server.cut();
      await vi.advanceTimersByTimeAsync(1_000);
      expect(server.opens[1]).toBe(from);
      expect([...following.view!.tasks.keys()], `cut at ${cut}`).toEqual(['t1', 't2', 't3', 't4', 't5']);
      const numbers = happened.filter((word) => !word.startsWith('resumed')).map((word) => Number(word.split('.')[1]));
      expect(numbers, `cut at ${cut}`).toEqual(numbers.map((_, index) => numbers[0]! + index));
      expect(following.state).toMatchObject({ kind: 'ended', reason: 'superseded' });
      following.stop();
    }
  });

  it('begins after a cursor that was kept', async () => {
    server.streams(accepted('aaaa.7'), report('aaaa.8'));
    const following = stream({ cursor: 'aaaa.7' }).start();
    await settle();
    expect(server.opens).toEqual(['aaaa.7']);
    expect(happened).toEqual(['resumed aaaa.7', 'report aaaa.8']);
    expect([following.cursor, following.view]).toEqual(['aaaa.8', null]);
    following.stop();
  });

  it('ends with its signal', async () => {
    server.streams(snapshot('aaaa.2'));
    const ending = new AbortController();
    stream({ signal: ending.signal }).start();
    await settle();
    ending.abort();
    expect(server.requests[0]!.init.signal!.aborted).toBe(true);
    await vi.advanceTimersByTimeAsync(600_000);
    expect(happened).toEqual(['snapshot aaaa.2']);
    expect(vi.getTimerCount()).toBe(0);
    expect(stream({ signal: ending.signal }).start().state).toEqual({ kind: 'connecting' });
    expect(server.opens).toHaveLength(1);
  });

  it('does not pass over what its handler could not take', async () => {
    server.streams(snapshot('aaaa.2'), report('aaaa.3'), report('aaaa.4'));
    const later: (() => void)[] = [];
    vi.stubGlobal('queueMicrotask', (task: () => void) => later.push(task));
    const following = stream({ onReport: () => { throw new Error('full'); } }).start();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(following.cursor).toBe('aaaa.3');
    expect(server.opens).toHaveLength(1);
    expect(later).toHaveLength(1);
    expect(later[0]).toThrow('full');
  });
});

describe('a loop over a stream', () => {
  it('gets everything in order, and ends when the server says so', async () => {
    server.streams(snapshot('aaaa.2'), report('aaaa.3'), bye('idle', true)).streams(accepted('aaaa.3'), report('aaaa.4'), bye('superseded', false));
    const events: string[] = [];
    const loop = (async () => {
      for await (const event of stream()) events.push(said(event));
    })();
    await vi.advanceTimersByTimeAsync(2_500);
    await loop;
    expect(events).toEqual([
      'connecting', 'live', 'snapshot aaaa.2', 'report aaaa.3', 'waiting idle',
      'connecting', 'live', 'resumed aaaa.3', 'report aaaa.4', 'ended superseded',
    ]);
  });

  it('reads no further than it has come, and leaves nothing behind when it is left', async () => {
    server.streams(snapshot('aaaa.0'));
    let go = () => {};
    const seen: string[] = [];
    const following = stream();
    const loop = (async () => {
      for await (const event of following) {
        if (event.type !== 'report') continue;
        seen.push(event.report.cursor);
        if (event.report.cursor === 'aaaa.3') break;
        await new Promise<void>((resolve) => { go = resolve; });
      }
    })();
    await settle();
    for (let number = 1; number <= 50; number += 1) server.say(report(`aaaa.${number}`));
    await settle();
    expect(seen).toEqual(['aaaa.1']);
    expect(server.unread).toBe(49);
    go();
    await settle();
    go();
    await loop;
    expect(seen).toEqual(['aaaa.1', 'aaaa.2', 'aaaa.3']);
    expect(vi.getTimerCount()).toBe(0);
  });
});

function said(event: StreamEvent): string {
  if (event.type === 'snapshot') return `snapshot ${event.snapshot.cursor}`;
  if (event.type === 'report') return `report ${event.report.cursor}`;
  if (event.type === 'resumed') return `resumed ${event.cursor}`;
  const { state } = event;
  if (state.kind === 'waiting') return `waiting ${state.announced}`;
  return state.kind === 'ended' ? `ended ${state.code}` : state.kind;
}
