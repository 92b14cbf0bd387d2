// One box as it is looked at: filter, page by page, its numbers, what is ticked. It is asked for again
// when a report names a task that enters or leaves a box.

import { api } from '../api/routes';
import { explain } from '../state/notify.svelte';
import { stream } from '../state/stream.svelte';
import { query, slim, type BoxFilter, type BoxItem, type BoxName, type BoxStats, type Cause } from './model';

/** Shortest time between two questions that reports bring about. */
const REST_MS = 1_500;
const PAGE = '50';
const IN_A_BOX = ['dead', 'held', 'alarmed'];

export class Box {
  filter = $state.raw<BoxFilter>({});
  items = $state.raw<BoxItem[]>([]);
  next = $state<string | null>(null);
  stats = $state.raw<BoxStats | null>(null);
  /** Of the whole box, whatever the filter. */
  whole = $state.raw<BoxStats | null>(null);
  causes = $state.raw<Cause[]>([]);
  ticked = $state.raw<ReadonlySet<string>>(new Set());
  loaded = $state(false);
  busy = $state(false);
  failed = $state('');
  private asked = 0;

  constructor(readonly name: BoxName) {}

  get filtered(): boolean {
    return Object.keys(slim(this.filter)).length > 0;
  }

  /** Looks for something else; what was ticked is forgotten, since it may no longer be seen. */
  want(filter: BoxFilter): void {
    this.filter = { ...this.filter, ...filter };
    this.ticked = new Set();
    void this.load();
  }

  clear(): void {
    this.filter = {};
    this.ticked = new Set();
    void this.load();
  }

  async load(): Promise<void> {
    const round = (this.asked += 1);
    this.busy = true;
    const wanted = query(this.filter);
    try {
      const [page, stats, causes, whole] = await Promise.all([
        api.peek(this.name, { ...wanted, limit: PAGE }),
        api.boxStats(this.name, wanted),
        api.causes(this.name, { ...wanted, limit: '5' }),
        this.filtered ? api.boxStats(this.name, {}) : null,
      ]);
      if (round !== this.asked) return;
      this.items = page.items;
      this.next = page.next ?? null;
      this.stats = stats;
      this.whole = whole ?? stats;
      this.causes = causes.items;
      const there = new Set(page.items.map((item) => item.task_id));
      this.ticked = new Set([...this.ticked].filter((id) => there.has(id)));
      this.failed = '';
      this.loaded = true;
    } catch (error) {
      if (round === this.asked) this.failed = explain(error);
    }
    if (round === this.asked) this.busy = false;
  }

  async more(): Promise<void> {
    if (!this.next) return;
    const round = this.asked;
    this.busy = true;
    try {
      const page = await api.peek(this.name, { ...query(this.filter), limit: PAGE, cursor: this.next });
      if (round !== this.asked) return;
      const seen = new Set(this.items.map((item) => item.task_id));
      this.items = [...this.items, ...page.items.filter((item) => !seen.has(item.task_id))];
      this.next = page.next ?? null;
    } catch (error) {
      if (round === this.asked) this.failed = explain(error);
    }
    if (round === this.asked) this.busy = false;
  }

  tick(id: string, on: boolean): void {
    const ticked = new Set(this.ticked);
    if (on) ticked.add(id);
    else ticked.delete(id);
    this.ticked = ticked;
  }

  tickAll(on: boolean): void {
    this.ticked = new Set(on ? this.items.map((item) => item.task_id) : []);
  }

  /** Looks again when boxes change; gives the way to stop. Pages that were opened further stay. */
  follow(): () => void {
    let timer: ReturnType<typeof setTimeout> | undefined;
    const shown = () => this.items.length <= Number(PAGE);
    const stop = stream.onReport((report) => {
      const touched = report.changes.some((change) => {
        if (change.collection !== 'tasks') return false;
        const status = change.value?.['status'];
        return IN_A_BOX.includes(String(status)) || this.items.some((item) => item.task_id === change.id);
      });
      if (!touched || timer !== undefined) return;
      timer = setTimeout(() => {
        timer = undefined;
        if (shown()) void this.load();
      }, REST_MS);
    });
    return () => {
      clearTimeout(timer);
      stop();
    };
  }
}
