// The view of a tenant, and the fold of reports into it: pure, and the same law as the server's own
// (`nexus-core/src/view.rs`): a snapshot at cursor a with reports a+1…b applied is the snapshot at b,
// exactly.

export const COLLECTIONS = [
  'alerts', 'asks', 'autopilot', 'rag', 'system', 'tasks', 'worklog', 'youtube',
] as const;

export type CollectionName = (typeof COLLECTIONS)[number];

/** How many items each bounded collection keeps. */
export type Keep = Partial<Record<CollectionName, number>>;

/** A value of a bounded collection says when it came and whether it may be dropped. */
export interface Item {
  seq?: number;
  done?: boolean;
  [field: string]: unknown;
}

export type Collection = ReadonlyMap<string, Item>;
export type View = Readonly<Record<CollectionName, Collection>>;

export interface Change {
  op: 'upsert' | 'remove';
  collection: string;
  id: string;
  value?: Item;
}

export interface Report {
  cursor: string;
  report_id: string;
  correlation_id: string;
  kind: string;
  at: string;
  meta: Record<string, string | undefined>;
  changes: Change[];
}

export interface Snapshot {
  cursor: string;
  /** Why it came: `initial`, `expired`, `epoch`, `ahead`, `bad_cursor`, `rights`. */
  reason: string;
  server_time: string;
  tenant: string;
  keep: Keep;
  view: Record<string, Record<string, Item>>;
}

/** A report that cannot be folded: the caller asks for a fresh snapshot. */
export class FoldError extends Error {}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const hasCursor = (value: Record<string, unknown>): boolean =>
  typeof value['cursor'] === 'string' && parseCursor(value['cursor']) !== null;

/** Whether it can be folded: a cursor, an id, and changes that are whole. */
export function isReport(value: unknown): value is Report {
  if (!isObject(value) || !hasCursor(value) || typeof value['report_id'] !== 'string') return false;
  const changes = value['changes'];
  return Array.isArray(changes) && changes.every((change) =>
    isObject(change) && typeof change['collection'] === 'string' && typeof change['id'] === 'string'
      && (change['op'] === 'remove' || change['value'] !== undefined));
}

/** Whether a view can be made of it. */
export function isSnapshot(value: unknown): value is Snapshot {
  return isObject(value) && hasCursor(value) && isObject(value['keep']) && isObject(value['view'])
    && Object.values(value['view']).every(isObject);
}

function known(name: string): name is CollectionName {
  return (COLLECTIONS as readonly string[]).includes(name);
}

export function emptyView(): View {
  return Object.fromEntries(COLLECTIONS.map((name) => [name, new Map()])) as unknown as View;
}

/** A view from a snapshot; a smaller `keep` takes hold at once. */
export function fromSnapshot(stored: Snapshot['view'], keep: Keep): View {
  const view = emptyView() as Record<CollectionName, Map<string, Item>>;
  for (const [name, items] of Object.entries(stored)) {
    // A newer server may show collections that this page does not know.
    if (!known(name)) continue;
    for (const [id, value] of Object.entries(items)) view[name].set(id, value);
    bound(view[name], keep[name]);
  }
  return view;
}

/** The view after one report. Collections that it does not touch stay the same object. */
export function fold(view: View, report: Pick<Report, 'changes'>, keep: Keep): View {
  return foldAll(view, [report], keep);
}

/** The view after several reports, copying each touched collection once. */
export function foldAll(view: View, reports: readonly Pick<Report, 'changes'>[], keep: Keep): View {
  const next = { ...view } as Record<CollectionName, Collection>;
  const own = new Set<CollectionName>();
  const writable = (name: CollectionName) => {
    if (!own.has(name)) {
      own.add(name);
      next[name] = new Map(next[name]);
    }
    return next[name] as Map<string, Item>;
  };
  for (const report of reports) {
    const touched = new Set<CollectionName>();
    for (const change of report.changes) {
      if (!known(change.collection)) continue;
      const items = writable(change.collection);
      touched.add(change.collection);
      if (change.op === 'remove') {
        items.delete(change.id);
      } else {
        if (change.value === undefined) throw new FoldError(`${change.id} comes without a value`);
        items.set(change.id, change.value);
      }
    }
    for (const name of touched) bound(next[name] as Map<string, Item>, keep[name]);
  }
  return next;
}

/** Ids are compared as the server does: by bytes. They are ASCII, so code units do. */
function older(a: [string, Item], b: [string, Item]): boolean {
  const [left, right] = [a[1].seq ?? 0, b[1].seq ?? 0];
  return left !== right ? left < right : a[0] < b[0];
}

/** Drops done items, the lowest `seq` first, while there are more than `keep`. */
function bound(items: Map<string, Item>, keep: number | undefined): void {
  if (keep === undefined) return;
  const over = items.size - keep;
  if (over <= 0) return;
  if (over > 4) {
    const done = [...items].filter(([, item]) => item.done);
    done.sort((a, b) => (older(a, b) ? -1 : 1));
    for (const [id] of done.slice(0, over)) items.delete(id);
    return;
  }
  // Almost always one item leaves: looking for it beats sorting.
  for (let left = over; left > 0; left -= 1) {
    let first: [string, Item] | undefined;
    for (const entry of items) {
      if (entry[1].done && (first === undefined || older(entry, first))) first = entry;
    }
    if (first === undefined) return;
    items.delete(first[0]);
  }
}

/** A view as plain JSON, collections and ids sorted: what tests and new tabs compare and read. */
export function toJson(view: View): Record<string, Record<string, Item>> {
  const sorted = (items: Collection) =>
    Object.fromEntries([...items].sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)));
  return Object.fromEntries(COLLECTIONS.map((name) => [name, sorted(view[name])]));
}

/** `<epoch>.<number>`, as the server writes it. */
export function parseCursor(cursor: string): { epoch: string; number: number } | null {
  const found = /^([a-z0-9]{4,12})\.(0|[1-9][0-9]{0,15})$/.exec(cursor);
  const number = Number(found?.[2]);
  return found && Number.isSafeInteger(number) ? { epoch: found[1]!, number } : null;
}
