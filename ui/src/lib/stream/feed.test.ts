import { describe, expect, it } from 'vitest';
import { toJson } from '../view';
import { Feed } from './feed';
import type { Frame } from './sse';

const TIME = '2026-01-02T03:04:05.000Z';

function snapshot(cursor: string, tasks: Record<string, unknown> = {}, reason = 'initial'): Frame {
  const data = { cursor, reason, server_time: TIME, tenant: 'a:b', keep: { tasks: 10 }, view: { tasks } };
  return { event: 'snapshot', id: cursor, data: JSON.stringify(data) };
}

function report(cursor: string, id: string): Frame {
  const value = { seq: Number(cursor.split('.')[1]), done: true };
  const changes = [{ op: 'upsert', collection: 'tasks', id, value }];
  return { event: 'report', id: cursor, data: JSON.stringify({ cursor, report_id: `rpt_${cursor}`, changes }) };
}

const ping = (cursor: string): Frame => ({ event: 'ping', id: null, data: JSON.stringify({ cursor, server_time: TIME }) });

describe('a feed', () => {
  it('takes each report once and in order', () => {
    const feed = new Feed();
    expect(feed.take(snapshot('e.3')).kind).toBe('snapshot');
    expect(feed.take(report('e.4', 'a')).kind).toBe('report');
    expect(feed.take(report('e.4', 'again')).kind).toBe('nothing');
    expect(feed.take(report('e.2', 'old')).kind).toBe('nothing');
    expect(feed.cursor).toBe('e.4');
    expect([...feed.view.tasks.keys()]).toEqual(['a']);
  });

  it('notices what is missing', () => {
    const feed = new Feed();
    expect(feed.take(report('e.1', 'a')).kind).toBe('hole');
    feed.take(snapshot('e.3'));
    expect(feed.take(report('e.5', 'a')).kind).toBe('hole');
    expect(feed.take(report('f.4', 'a')).kind).toBe('hole');
    expect(feed.take(ping('e.3')).kind).toBe('nothing');
    expect(feed.take(ping('e.4')).kind).toBe('hole');
    expect(feed.cursor).toBe('e.3');
  });

  it('starts over with another epoch', () => {
    const feed = new Feed();
    feed.take(snapshot('e.3', { old: { seq: 1, done: true } }));
    const taken = feed.take(snapshot('f.1', { fresh: { seq: 1, done: true } }, 'epoch'));
    expect(taken).toEqual({ kind: 'snapshot', reason: 'epoch', first: false });
    expect([...feed.view.tasks.keys()]).toEqual(['fresh']);
  });

  it('hands over to another tab, which goes on without a gap or a double', () => {
    const leader = new Feed();
    leader.take(snapshot('e.3', { a: { seq: 3, done: true } }));
    leader.take(report('e.4', 'b'));
    const follower = new Feed();
    follower.adopt(structuredClone(leader.handover()!));
    for (const frame of [report('e.4', 'b'), report('e.5', 'c')]) {
      leader.take(frame);
      follower.take(frame);
    }
    expect(toJson(follower.view)).toEqual(toJson(leader.view));
    expect(follower.cursor).toBe(leader.cursor);
    // A late handover does not turn time back.
    expect(follower.adopt({ ...leader.handover()!, cursor: 'e.4' }).kind).toBe('nothing');
  });

  it('learns the server’s time', () => {
    const feed = new Feed();
    feed.take(snapshot('e.3'), Date.parse(TIME) - 5_000);
    expect(feed.clockOffset).toBe(5_000);
  });
});
