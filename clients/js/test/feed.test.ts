import { describe, expect, it } from 'vitest';
import { Feed } from '../src/feed.ts';
import { Parser, type Frame } from '../src/sse.ts';
import { toJson } from '../src/view.ts';
import { accepted, ping as pinged, report as reported, snapshot as shown } from './server.ts';

const frame = (text: string): Frame => new Parser().push(new TextEncoder().encode(text))[0]!;
const snapshot = (...args: Parameters<typeof shown>) => frame(shown(...args));
const report = (...args: Parameters<typeof reported>) => frame(reported(...args));
const ping = (cursor: string) => frame(pinged(cursor));
const broken = (event: string): Frame => ({ event, id: null, data: '{"cursor":' });

describe('a feed', () => {
  it('takes each report once and in order', () => {
    const feed = new Feed();
    expect(feed.take(snapshot('aaaa.3')).kind).toBe('snapshot');
    expect(feed.take(report('aaaa.4')).kind).toBe('report');
    expect(feed.take(report('aaaa.4')).kind).toBe('nothing');
    expect(feed.take(report('aaaa.2')).kind).toBe('nothing');
    expect(feed.cursor).toBe('aaaa.4');
    // A later place for what was reported before: the place counts, the report does not.
    expect(feed.take(report('aaaa.5', 'rpt_aaaa.4')).kind).toBe('nothing');
    expect(feed.take(report('aaaa.6')).kind).toBe('report');
    expect([...feed.view.tasks.keys()]).toEqual(['t4', 't6']);
  });

  it('notices what is missing; the second time at one place it needs a snapshot', () => {
    const feed = new Feed();
    feed.take(snapshot('aaaa.3'));
    expect(feed.take(report('aaaa.5'))).toEqual({ kind: 'hole', why: 'reports are missing', again: false });
    expect(feed.cursor).toBe('aaaa.3');
    expect(feed.take(report('aaaa.4')).kind).toBe('report');
    expect(feed.take(ping('aaaa.4'))).toEqual({ kind: 'ping' });
    expect(feed.take(ping('aaaa.6'))).toMatchObject({ kind: 'hole', again: false });
    expect(feed.take(report('aaaa.7'))).toMatchObject({ kind: 'hole', again: true });
    expect([feed.cursor, feed.ready]).toEqual([null, false]);
    expect(feed.take(report('aaaa.8'))).toMatchObject({ kind: 'hole', again: true });
    expect(feed.take(snapshot('aaaa.8', ['t8'])).kind).toBe('snapshot');
    expect([...feed.view.tasks.keys()]).toEqual(['t8']);
  });

  it('treats what it cannot read as missing', () => {
    const feed = new Feed();
    expect(feed.take(broken('snapshot'))).toMatchObject({ kind: 'hole', again: true });
    feed.take(snapshot('aaaa.3'));
    expect(feed.take(broken('report'))).toMatchObject({ kind: 'hole', again: false });
    const noValue = { cursor: 'aaaa.4', report_id: 'r', changes: [{ op: 'upsert', collection: 'tasks', id: 'x' }] };
    expect(feed.take({ event: 'report', id: null, data: JSON.stringify(noValue) })).toMatchObject({ kind: 'hole', again: true });
    expect(feed.take({ event: 'later', id: null, data: '{' })).toEqual({ kind: 'nothing' });
  });

  it('starts over with another epoch, and forgets what it has seen', () => {
    const feed = new Feed();
    feed.take(snapshot('aaaa.3', ['old']));
    feed.take(report('aaaa.4', 'rpt_1'));
    expect(feed.take(report('bbbb.5'))).toEqual({ kind: 'hole', why: 'the stream changed its epoch', again: true });
    const taken = feed.take(snapshot('bbbb.1', ['fresh'], 'epoch'));
    expect(taken).toMatchObject({ kind: 'snapshot', reason: 'epoch', first: true });
    expect(feed.take(report('bbbb.2', 'rpt_1')).kind).toBe('report');
    expect([...feed.view.tasks.keys()]).toEqual(['fresh', 't2']);
    expect(feed.take(ping('cccc.2'))).toMatchObject({ kind: 'hole', again: false });
  });

  it('goes on after a cursor without a view', () => {
    const feed = new Feed('aaaa.7');
    expect(feed.take(frame(accepted('aaaa.7')))).toEqual({ kind: 'resumed', cursor: 'aaaa.7' });
    expect(feed.take(report('aaaa.8')).kind).toBe('report');
    expect([feed.cursor, feed.ready, feed.handover()]).toEqual(['aaaa.8', false, null]);
    expect(new Feed('7').cursor).toBeNull();
  });

  it('keeps little however much comes', () => {
    const feed = new Feed();
    feed.take(snapshot('aaaa.0'));
    for (let number = 1; number <= 10_000; number += 1) feed.take(report(`aaaa.${number}`));
    const { pending, seen } = feed as unknown as { pending: unknown[]; seen: Set<string> };
    expect(pending.length).toBeLessThan(256);
    expect(seen.size).toBe(4096);
    expect(feed.view.tasks.size).toBe(10);
  });

  it('hands over to another tab, which goes on without a gap or a double', () => {
    const leader = new Feed();
    leader.take(snapshot('aaaa.3', ['a']));
    leader.take(report('aaaa.4'));
    const follower = new Feed();
    follower.adopt(structuredClone(leader.handover()!));
    for (const next of [report('aaaa.4'), report('aaaa.5')]) {
      leader.take(next);
      follower.take(next);
    }
    expect(toJson(follower.view)).toEqual(toJson(leader.view));
    expect(follower.cursor).toBe(leader.cursor);
    // A late handover does not turn time back.
    expect(follower.adopt({ ...leader.handover()!, cursor: 'aaaa.4' }).kind).toBe('nothing');
  });

  it('learns the server’s time', () => {
    const feed = new Feed();
    feed.take(snapshot('aaaa.3'), Date.parse('2026-01-02T03:04:00.000Z'));
    expect(feed.clockOffset).toBe(5_000);
  });
});
