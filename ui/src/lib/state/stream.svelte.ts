// The tenant's stream as pages read it: the folded view, the timeline's history, the line's state.

import { emptyView, opener, type Feed, type LinkState, type Report, type Taken, type View } from 'nexus-stream';
import { SharedStream } from 'nexus-stream/share';
import type { Tenant } from '../api/client';
import type { Ask, NowPlaying, Run, Task, TenantState, Video } from '../model';
import { clock } from './clock.svelte';
import { History } from '../activity/history.svelte';

/** Shortest time between two pictures. */
const PICTURE_MS = 80;

/** One browser is one session of the stream: a line that it forgot is ended by its next. */
function browserId(): string {
  const stored = localStorage.getItem('nexus-browser');
  if (stored) return stored;
  const made = crypto.randomUUID();
  localStorage.setItem('nexus-browser', made);
  return made;
}

class Stream {
  view = $state.raw<View>(emptyView());
  ready = $state(false);
  link = $state.raw<LinkState>({ kind: 'connecting' });
  leading = $state(false);
  /** The log was replaced: what was on the screen before is not of this log. */
  epochChanged = $state(false);
  readonly history = new History();

  /** The server ended the stream for want of rights: the session or the role is another one now. */
  onRefused: () => void = () => {};

  private shared: SharedStream | null = null;
  private due = false;
  private shown = 0;
  private reports: Report[] = [];
  private listeners = new Set<(report: Report) => void>();

  /** Values of a collection as they are, newest id last. */
  get tasks(): ReadonlyMap<string, Task> {
    return this.view.tasks as unknown as ReadonlyMap<string, Task>;
  }
  get asks(): ReadonlyMap<string, Ask> {
    return this.view.asks as unknown as ReadonlyMap<string, Ask>;
  }
  get runs(): ReadonlyMap<string, Run> {
    return this.view.autopilot as unknown as ReadonlyMap<string, Run>;
  }
  get queue(): Video[] {
    return (this.view.youtube.get('queue') as { items?: Video[] } | undefined)?.items ?? [];
  }
  get playing(): NowPlaying | null {
    return (this.view.youtube.get('now_playing') as unknown as NowPlaying | undefined) ?? null;
  }
  get tenantState(): TenantState | null {
    return (this.view.system.get('tenant') as TenantState | undefined) ?? null;
  }

  open(user: string, tenant: Tenant): void {
    this.close();
    const name = `${user} ${tenant.org_id}:${tenant.project_id}`;
    const session = navigator.locks ? browserId() : crypto.randomUUID();
    this.shared = new SharedStream({
      name,
      open: opener({ url: '', org: tenant.org_id, project: tenant.project_id, session }),
      onTaken: (taken, feed) => this.taken(taken, feed),
      onState: (state, leading) => {
        clock.tick();
        this.link = state;
        this.leading = leading;
        if (state.kind === 'ended' && state.reason !== 'superseded') this.onRefused();
      },
    });
  }

  close(): void {
    this.shared?.stop();
    this.shared = null;
    this.view = emptyView();
    this.ready = false;
    this.epochChanged = false;
    this.link = { kind: 'connecting' };
    this.reports = [];
    this.history.clear();
  }

  wake(byHand = false): void {
    this.shared?.wake(byHand);
  }

  /** Hears every report after it is in the view; gives the way to stop. */
  onReport(listener: (report: Report) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  private taken(taken: Taken, feed: Feed): void {
    clock.offset = feed.clockOffset;
    if (taken.kind === 'snapshot') {
      this.reports = [];
      this.history.clear();
      this.history.whole = !feed.full('worklog');
      this.epochChanged = taken.reason === 'epoch';
      this.history.addView(feed.view);
      this.view = feed.view;
      this.ready = true;
    } else if (taken.kind === 'report') {
      this.reports.push(taken.report);
      if (!this.due) {
        this.due = true;
        // Many reports at once are one picture, and a storm of them is a dozen pictures a second.
        // Hidden pages get no animation frames.
        const show = () => this.show(feed);
        const soon = PICTURE_MS - (performance.now() - this.shown);
        if (document.hidden || soon > 0) setTimeout(show, Math.max(soon, 0));
        else requestAnimationFrame(show);
      }
    }
  }

  private show(feed: Feed): void {
    this.due = false;
    this.shown = performance.now();
    const reports = this.reports;
    if (!this.shared || this.shared.feed !== feed || reports.length === 0) return;
    this.reports = [];
    this.history.addReports(reports);
    this.view = feed.view;
    for (const report of reports) for (const listener of this.listeners) listener(report);
  }
}

export const stream = new Stream();
