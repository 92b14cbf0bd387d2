// What one tab knows of a tenant: its view, up to which report, and whether a frame is the next one.

import {
  emptyView, foldAll, fromSnapshot, parseCursor, toJson,
  type CollectionName, type Keep, type Report, type Snapshot, type View,
} from '../view';
import type { Frame } from './sse';

/** What a frame did to the feed. */
export type Taken =
  | { kind: 'snapshot'; reason: Snapshot['reason']; first: boolean }
  | { kind: 'report'; report: Report }
  /** Nothing new: seen before, or only a sign of life. */
  | { kind: 'nothing' }
  /** Something is missing before this frame. */
  | { kind: 'hole' };

/** A feed as another tab takes it over. */
export interface Handover {
  cursor: string;
  keep: Keep;
  view: Snapshot['view'];
  clockOffset: number;
}

export class Feed {
  private folded: View = emptyView();
  private pending: Report[] = [];
  private keep: Keep = {};
  private at: { epoch: string; number: number } | null = null;
  /** Server time minus this machine's, in ms. */
  clockOffset = 0;

  /** The view with everything taken so far. */
  get view(): View {
    if (this.pending.length > 0) {
      this.folded = foldAll(this.folded, this.pending, this.keep);
      this.pending = [];
    }
    return this.folded;
  }

  get cursor(): string | null {
    return this.at ? `${this.at.epoch}.${this.at.number}` : null;
  }

  get ready(): boolean {
    return this.at !== null;
  }

  take(frame: Frame, now = Date.now()): Taken {
    if (frame.event === 'snapshot') return this.snapshot(JSON.parse(frame.data) as Snapshot, now);
    if (frame.event === 'report') return this.report(JSON.parse(frame.data) as Report);
    if (frame.event === 'ping') {
      const ping = JSON.parse(frame.data) as { cursor: string; server_time: string };
      this.clockOffset = Date.parse(ping.server_time) - now;
      const head = parseCursor(ping.cursor);
      const behind = head && this.at && (head.epoch !== this.at.epoch || head.number > this.at.number);
      return { kind: behind ? 'hole' : 'nothing' };
    }
    return { kind: 'nothing' };
  }

  /** Whether a bounded collection is full: then it may have had older items. */
  full(name: CollectionName): boolean {
    return this.view[name].size >= (this.keep[name] ?? Infinity);
  }

  handover(): Handover | null {
    const cursor = this.cursor;
    if (cursor === null) return null;
    return { cursor, keep: this.keep, view: toJson(this.view), clockOffset: this.clockOffset };
  }

  /** Takes over another tab's feed, unless this one is further in the same epoch. */
  adopt(given: Handover): Taken {
    const at = parseCursor(given.cursor);
    if (!at) return { kind: 'nothing' };
    if (this.at?.epoch === at.epoch && this.at.number >= at.number) return { kind: 'nothing' };
    const first = this.at === null;
    const reason = first ? 'initial' : this.at?.epoch === at.epoch ? 'expired' : 'epoch';
    this.at = at;
    this.keep = given.keep;
    this.pending = [];
    this.folded = fromSnapshot(given.view, given.keep);
    this.clockOffset = given.clockOffset;
    return { kind: 'snapshot', reason, first };
  }

  private snapshot(snapshot: Snapshot, now: number): Taken {
    const first = this.at === null;
    this.at = parseCursor(snapshot.cursor);
    this.keep = snapshot.keep;
    this.pending = [];
    this.folded = fromSnapshot(snapshot.view, snapshot.keep);
    this.clockOffset = Date.parse(snapshot.server_time) - now;
    return { kind: 'snapshot', reason: snapshot.reason, first };
  }

  private report(report: Report): Taken {
    const next = parseCursor(report.cursor);
    if (!next || !this.at) return { kind: 'hole' };
    if (next.epoch !== this.at.epoch) return { kind: 'hole' };
    if (next.number <= this.at.number) return { kind: 'nothing' };
    if (next.number > this.at.number + 1) return { kind: 'hole' };
    this.at = next;
    this.pending.push(report);
    return { kind: 'report', report };
  }
}
