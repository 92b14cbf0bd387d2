// The timeline: lines, runs and commands in one order of time, also those that the view has dropped.

import type { Report, View } from 'nexus-stream';
import type { Line, Run, Task } from '../model';
import type { LineRow } from '../api/routes';

export type Entry =
  | { key: string; kind: 'line'; at: number; line: Line }
  | { key: string; kind: 'run'; at: number; correlation: string }
  | { key: string; kind: 'task'; at: number; correlation: string };

/** More than this is not kept; the server has the rest. */
const MOST = 20_000;

export class History {
  /** Oldest first. */
  entries = $state.raw<readonly Entry[]>([]);
  /** The newest state of runs and tasks that were ever shown. The maps grow in place, because a copy
      for each picture would cost more than everything else; `version` says that they changed. */
  private readonly allRuns = new Map<string, Run>();
  private readonly allTasks = new Map<string, Task>();
  private version = $state(0);
  /** What persons are called, learned from whatever said it: some values carry the id alone. */
  private readonly names = new Map<string, string>();
  /** No line is older than those that are here. */
  whole = $state(false);
  /** Counts how often everything was read anew. */
  era = $state(0);
  private seen = new Set<string>();

  clear(): void {
    this.entries = [];
    this.whole = false;
    this.era += 1;
    this.allRuns.clear();
    this.allTasks.clear();
    this.version += 1;
    this.seen.clear();
  }

  get runs(): ReadonlyMap<string, Run> {
    void this.version;
    return this.allRuns;
  }

  get tasks(): ReadonlyMap<string, Task> {
    void this.version;
    return this.allTasks;
  }

  nameOf(principal: string): string | undefined {
    void this.version;
    return this.names.get(principal);
  }

  addView(view: View): void {
    const fresh: Entry[] = [];
    for (const [id, value] of view.worklog) this.line(fresh, id, value as unknown as Line);
    for (const [id, value] of view.autopilot) this.run(fresh, id, value as unknown as Run);
    for (const [id, value] of view.tasks) this.task(fresh, id, value as unknown as Task);
    this.version += 1;
    this.insert(fresh);
  }

  addReports(reports: readonly Report[]): void {
    const fresh: Entry[] = [];
    for (const report of reports) {
      for (const change of report.changes) {
        if (change.op !== 'upsert' || !change.value) continue;
        const value: unknown = change.value;
        if (change.collection === 'worklog') this.line(fresh, change.id, value as Line);
        else if (change.collection === 'autopilot') this.run(fresh, change.id, value as Run);
        else if (change.collection === 'tasks') this.task(fresh, change.id, value as Task);
      }
    }
    this.version += 1;
    this.insert(fresh);
  }

  /** Lines that the server had kept; says how many were new here. */
  addOlder(rows: readonly LineRow[]): number {
    const fresh: Entry[] = [];
    for (const row of rows) this.line(fresh, row.id, row as unknown as Line);
    this.insert(fresh);
    return fresh.length;
  }

  /** When the oldest line that is here was written. */
  get oldest(): string | null {
    const first = this.entries.find((entry) => entry.kind === 'line');
    return first?.kind === 'line' ? first.line.at : null;
  }

  private line(into: Entry[], id: string, line: Line): void {
    if (this.seen.has(id)) return;
    this.seen.add(id);
    into.push({ key: id, kind: 'line', at: Date.parse(line.at), line });
  }

  private run(into: Entry[], id: string, run: Run): void {
    this.allRuns.set(id, run);
    if (this.seen.has(id)) return;
    this.seen.add(id);
    into.push({ key: id, kind: 'run', at: Date.parse(run.created_at), correlation: run.correlation_id });
  }

  private task(into: Entry[], id: string, task: Task): void {
    this.allTasks.set(id, task);
    if (task.requested_by_name) this.names.set(task.requested_by, task.requested_by_name);
    if (this.seen.has(id)) return;
    this.seen.add(id);
    into.push({ key: id, kind: 'task', at: Date.parse(task.created_at), correlation: task.correlation_id });
  }

  private insert(fresh: Entry[]): void {
    if (fresh.length === 0) return;
    const order = (a: Entry, b: Entry) => a.at - b.at || (a.key < b.key ? -1 : 1);
    fresh.sort(order);
    const last = this.entries[this.entries.length - 1];
    const joined = [...this.entries, ...fresh];
    // Almost always what is new is also newest.
    if (last && fresh[0] && order(last, fresh[0]) > 0) joined.sort(order);
    const over = joined.length - MOST;
    if (over > 0) {
      for (const gone of joined.splice(0, over)) {
        this.seen.delete(gone.key);
        this.allRuns.delete(gone.key);
        this.allTasks.delete(gone.key);
      }
    }
    this.entries = joined;
  }
}
