import { describe, expect, it } from 'vitest';
import history from './fixtures/history.json';
import {
  emptyView, fold, foldAll, fromSnapshot, isReport, parseCursor, toJson, type Item, type Keep, type Report,
} from '../src/view.ts';

// What a running server reported, and the views that the server's own fold made of it.
const keep = history.keep as Keep;
const reports = history.reports as unknown as Report[];
const snapshots = history.snapshots as unknown as { after: number; view: Record<string, Record<string, Item>> }[];

describe('the fold law on the server’s own reports', () => {
  it('holds from every snapshot to every later one, report by report', () => {
    expect(snapshots.length).toBeGreaterThan(3);
    for (const [index, from] of snapshots.entries()) {
      let view = fromSnapshot(from.view, keep);
      let at = from.after;
      for (const to of snapshots.slice(index)) {
        for (; at < to.after; at += 1) view = fold(view, reports[at]!, keep);
        expect(toJson(view), `${from.after} to ${to.after}`).toEqual(to.view);
      }
    }
  });

  it('holds when many reports are folded at once', () => {
    const last = snapshots.at(-1)!;
    for (const from of snapshots) {
      const view = foldAll(fromSnapshot(from.view, keep), reports.slice(from.after, last.after), keep);
      expect(toJson(view)).toEqual(last.view);
    }
  });

  it('drops done items in this history, and keeps every pending ask', () => {
    const names = ['worklog', 'tasks', 'asks'] as const;
    const everSeen = foldAll(emptyView(), reports, {});
    const now = foldAll(emptyView(), reports, keep);
    for (const name of names) expect(everSeen[name].size, name).toBeGreaterThan(now[name].size);
    const pending = [...everSeen.asks.values()].filter((ask) => !ask.done).length;
    expect([...now.asks.values()].filter((ask) => !ask.done)).toHaveLength(pending);
  });
});

describe('a fold', () => {
  const upsert = (collection: string, id: string, value: Item) => ({ op: 'upsert' as const, collection, id, value });
  const small: Keep = { tasks: 2, asks: 2 };

  it('drops the done item with the lowest seq, and of equals the id that sorts first', () => {
    const changes = [upsert('tasks', 'b', { seq: 1, done: true }), upsert('tasks', 'a', { seq: 1, done: true }), upsert('tasks', 'c', { seq: 2, done: true })];
    expect([...fold(emptyView(), { changes }, small).tasks.keys()].sort()).toEqual(['b', 'c']);
  });

  it('never drops what is not done', () => {
    let view = emptyView();
    for (const [id, seq] of [['a', 1], ['b', 2], ['c', 3]] as const) view = fold(view, { changes: [upsert('asks', id, { seq, done: false })] }, small);
    expect(view.asks.size).toBe(3);
    view = fold(view, { changes: [upsert('asks', 'b', { seq: 2, done: true })] }, small);
    expect([...view.asks.keys()].sort()).toEqual(['a', 'c']);
  });

  it('drops the same when one report brings more than is kept', () => {
    const changes = Array.from({ length: 12 }, (_, i) => upsert('tasks', `t${String(i).padStart(2, '0')}`, { seq: 20 - i, done: true }));
    expect([...fold(emptyView(), { changes }, small).tasks.keys()].sort()).toEqual(['t00', 't01']);
  });

  it('removes, replaces whole values, and leaves the view it was given alone', () => {
    const before = fold(emptyView(), { changes: [upsert('youtube', 'queue', { items: [1], extra: true }), upsert('rag', 'index', { n: 1 })] }, small);
    const after = fold(before, { changes: [upsert('youtube', 'queue', { items: [] }), { op: 'remove', collection: 'rag', id: 'index' }] }, small);
    expect(after.youtube.get('queue')).toEqual({ items: [] });
    expect(after.rag.size).toBe(0);
    expect(before.youtube.get('queue')).toEqual({ items: [1], extra: true });
    expect(after.tasks).toBe(before.tasks);
  });

  it('takes a smaller keep at once, and passes over what it does not know', () => {
    const stored = { tasks: { a: { seq: 1, done: true }, b: { seq: 2, done: true }, c: { seq: 3, done: false } }, later: { x: {} } };
    expect([...fromSnapshot(stored, { tasks: 1 }).tasks.keys()]).toEqual(['c']);
    expect(toJson(fold(emptyView(), { changes: [upsert('later', 'x', {})] }, small))).toEqual(toJson(emptyView()));
  });

  it('refuses an upsert without a value', () => {
    expect(() => fold(emptyView(), { changes: [{ op: 'upsert', collection: 'tasks', id: 'a' }] }, small)).toThrow(/without a value/);
  });
});

it('reads cursors as the server writes them', () => {
  expect(parseCursor('g8ne3k9n.17')).toEqual({ epoch: 'g8ne3k9n', number: 17 });
  for (const bad of ['', 'abcd', '.3', 'abcd.x', 'abcd.01', 'abcd.-1', 'abcd.1 ', 'ABCD.1', 'abc.1', 'abcd.9007199254740993']) {
    expect(parseCursor(bad), bad).toBeNull();
  }
});

it('knows a report that can be folded', () => {
  expect(reports.every(isReport)).toBe(true);
  const whole = { cursor: 'abcd.1', report_id: 'rpt_1', changes: [{ op: 'remove', collection: 'tasks', id: 'a' }] };
  expect(isReport(whole)).toBe(true);
  const upsert = { op: 'upsert', collection: 'tasks', id: 'a' };
  for (const bad of [null, [], {}, { ...whole, cursor: '1' }, { ...whole, changes: {} }, { ...whole, report_id: 1 }, { ...whole, changes: [upsert] }, { ...whole, changes: [null] }]) {
    expect(isReport(bad)).toBe(false);
  }
});
