// What one client knows of a tenant: its view, up to which report, and whether a frame is the next one.

import {
  emptyView, foldAll, fromSnapshot, isReport, isSnapshot, parseCursor, toJson,
  type CollectionName, type Keep, type Report, type Snapshot, type View,
} from './view.ts';
import type { Frame } from './sse.ts';

/** What a frame did to the feed. */
export type Taken =
  /** `first`: nothing was known before. */
  | { kind: 'snapshot'; reason: string; first: boolean; snapshot: Snapshot | null }
  /** The server took the cursor: what was missed follows. */
  | { kind: 'resumed'; cursor: string }
  | { kind: 'report'; report: Report }
  /** A sign of life, and nothing is missing. */
  | { kind: 'ping' }
  /** Nothing new: seen before, or not known here. */
  | { kind: 'nothing' }
  /** Something is missing before this frame, or it cannot be read. `again`: asking from the cursor did not help, so the feed forgot it and needs a snapshot. */
  | { kind: 'hole'; why: string; again: boolean };

/** A feed as another one takes it over. */
export interface Handover {
  cursor: string;
  keep: Keep;
  view: Snapshot['view'];
  clockOffset: number;
}

/** Ids of reports that are remembered; a replay is never longer than a server keeps. */
const REMEMBERED = 4096;
/** Reports that wait to be folded together, at most. */
const PENDING = 256;

export class Feed {
  private folded: View = emptyView();
  private pending: Report[] = [];
  private keep: Keep = {};
  private at: { epoch: string; number: number } | null = null;
  private seen = new Set<string>();
  /** After which cursor the stream could not go on once already. */
  private stumbled: string | null = null;
  private whole = false;
  /** Server time minus this machine's, in ms. */
  clockOffset = 0;

  /** A feed from now on, or of what follows a cursor: then without a view, until a snapshot comes. */
  constructor(cursor: string | null = null) {
    this.at = cursor === null ? null : parseCursor(cursor);
  }

  /** The view with everything taken so far. While the feed needs a snapshot it is the last one. */
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

  /** Whether the view is the one of the cursor. */
  get ready(): boolean {
    return this.at !== null && this.whole;
  }

  take(frame: Frame, now = Date.now()): Taken {
    if (frame.data === null) {
      const resumed = frame.id !== null && frame.id === this.cursor;
      return resumed ? { kind: 'resumed', cursor: frame.id! } : { kind: 'nothing' };
    }
    if (!['snapshot', 'report', 'ping'].includes(frame.event)) return { kind: 'nothing' };
    let data: unknown;
    try {
      data = JSON.parse(frame.data);
    } catch {
      return this.hole(`a ${frame.event} that is not JSON`);
    }
    if (frame.event === 'ping') return this.ping(data, now);
    if (frame.event === 'snapshot') {
      return isSnapshot(data) ? this.snapshot(data, now) : this.hole('a snapshot that cannot be read');
    }
    return isReport(data) ? this.report(data) : this.hole('a report that cannot be read');
  }

  /** Whether a bounded collection is full: then it may have had older items. */
  full(name: CollectionName): boolean {
    return this.view[name].size >= (this.keep[name] ?? Infinity);
  }

  handover(): Handover | null {
    const cursor = this.cursor;
    if (cursor === null || !this.whole) return null;
    return { cursor, keep: this.keep, view: toJson(this.view), clockOffset: this.clockOffset };
  }

  /** Takes over another tab's feed, unless this one is further in the same epoch. */
  adopt(given: Handover): Taken {
    const at = parseCursor(given.cursor);
    if (!at) return { kind: 'nothing' };
    if (this.at?.epoch === at.epoch && this.at.number >= at.number) return { kind: 'nothing' };
    const first = this.at === null;
    const reason = first ? 'initial' : this.at?.epoch === at.epoch ? 'expired' : 'epoch';
    this.begin(at, given);
    this.clockOffset = given.clockOffset;
    return { kind: 'snapshot', reason, first, snapshot: null };
  }

  private begin(at: { epoch: string; number: number } | null, from: Pick<Snapshot, 'view' | 'keep'>): void {
    this.forget();
    this.at = at;
    this.whole = true;
    this.keep = from.keep;
    this.pending = [];
    this.folded = fromSnapshot(from.view, from.keep);
  }

  private forget(): void {
    this.at = null;
    this.stumbled = null;
    this.seen.clear();
  }

  /** The first time it is asked for again; if the server cannot give it, only a snapshot tells the truth. */
  private hole(why: string): Taken {
    const cursor = this.cursor;
    const again = cursor === null || this.stumbled === cursor;
    if (again) this.forget();
    else this.stumbled = cursor;
    return { kind: 'hole', why, again };
  }

  private snapshot(snapshot: Snapshot, now: number): Taken {
    const first = this.at === null;
    this.begin(parseCursor(snapshot.cursor), snapshot);
    this.clockOffset = Date.parse(snapshot.server_time) - now || 0;
    return { kind: 'snapshot', reason: snapshot.reason, first, snapshot };
  }

  private ping(data: unknown, now: number): Taken {
    const { cursor, server_time } = Object(data) as { cursor?: unknown; server_time?: unknown };
    if (typeof server_time === 'string') this.clockOffset = Date.parse(server_time) - now || 0;
    const head = typeof cursor === 'string' ? parseCursor(cursor) : null;
    const behind = head && this.at && (head.epoch !== this.at.epoch || head.number > this.at.number);
    return behind ? this.hole('reports are missing') : { kind: 'ping' };
  }

  private report(report: Report): Taken {
    const next = parseCursor(report.cursor)!;
    if (!this.at) return this.hole('a report came before a snapshot');
    if (next.epoch !== this.at.epoch) {
      // Another life of the log: nothing known holds any more.
      this.forget();
      return this.hole('the stream changed its epoch');
    }
    if (next.number <= this.at.number) return { kind: 'nothing' };
    if (next.number > this.at.number + 1) return this.hole('reports are missing');
    this.at = next;
    if (this.seen.has(report.report_id)) return { kind: 'nothing' };
    this.seen.add(report.report_id);
    if (this.seen.size > REMEMBERED) this.seen.delete(this.seen.values().next().value!);
    if (this.whole) {
      this.pending.push(report);
      if (this.pending.length >= PENDING) void this.view;
    }
    return { kind: 'report', report };
  }
}
