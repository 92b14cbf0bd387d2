// One connection to the stream, kept up: comes back by itself, notices silence, sleep and announced
// ends. What a frame means is the feed's business.

import { Parser, type Frame } from './sse.ts';

/** Seconds before each new try; past the last it is `SLOW`. A report or a ping starts over. */
export const DELAYS = [1, 2, 4, 8, 16];
const SLOW = 30;
/** The server pings every 30 s: more silence than this is a dead line. */
const SILENCE_MS = 75_000;
/** After sleep a line that was silent for longer than a ping is tried anew. */
const STALE_MS = 40_000;
/** How often the silence is looked at. */
const LOOK_MS = 5_000;
/** Waits that a server may ask for. */
const SHORTEST_MS = 10;
const LONGEST_MS = 600_000;

export type LinkState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `until` in ms of this machine's clock. `announced`: the server said when to come back, and this why (the word of its `bye`, `limit` or `busy`); no failed attempt. */
  | { kind: 'waiting'; until: number; failures: number; announced: string | null }
  /** For good, until somebody wakes it by hand. `code` is the server's word. */
  | { kind: 'ended'; reason: 'superseded' | 'auth_expired' | 'refused'; code: string };

export interface LinkOptions {
  /** Opens the stream after a cursor. */
  open: (cursor: string | null, signal: AbortSignal) => Promise<Response>;
  cursor: () => string | null;
  /** Nothing more is read until what it returns is settled. */
  onFrame: (frame: Frame) => void | Promise<void>;
  onState: (state: LinkState) => void;
  now?: () => number;
}

interface Bye {
  reason: string;
  reconnect: boolean;
  /** ms; `null` where the server names none. */
  wait: number | null;
}

/** Answers on which trying again does not help. */
function final(status: number): boolean {
  return status === 204 || (status >= 300 && status < 500 && ![408, 425, 429].includes(status));
}

function isStream(response: Response): boolean {
  const [essence] = (response.headers.get('content-type') ?? '').split(';');
  return response.status === 200 && essence!.trim().toLowerCase() === 'text/event-stream';
}

function readBye(frame: Frame): Bye {
  let data: { reason?: unknown; reconnect?: unknown; retry_ms?: unknown } = {};
  try {
    data = Object(JSON.parse(frame.data ?? '')) as typeof data;
  } catch {
    // An end that nobody can read is an end all the same.
  }
  const reason = typeof data.reason === 'string' ? data.reason : 'unknown';
  const forGood = reason === 'superseded' || reason === 'auth_expired';
  return {
    reason,
    reconnect: typeof data.reconnect === 'boolean' ? data.reconnect : !forGood,
    wait: typeof data.retry_ms === 'number' && data.retry_ms >= 0 ? data.retry_ms : null,
  };
}

export class Link {
  private state: LinkState = { kind: 'connecting' };
  private failures = 0;
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private watchdog: ReturnType<typeof setInterval> | null = null;
  private lastBytes = 0;
  private lastLook = 0;
  /** Whoever takes the frames is slow; the line is not silent for that. */
  private busy = false;
  private stopped = true;
  private asleep = false;
  /** What the connection before said about coming back. */
  private retry: number | null = null;
  private readonly now: () => number;

  constructor(private readonly options: LinkOptions) {
    this.now = options.now ?? Date.now;
  }

  start(): void {
    if (!this.stopped) return;
    this.stopped = false;
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.clear();
    this.unwatch();
    this.hangUp();
  }

  /** The page is put to sleep: nothing is read and nothing tried until `wake`. */
  sleep(): void {
    if (this.stopped || this.state.kind === 'ended') return;
    this.asleep = true;
    this.clear();
    this.hangUp();
  }

  /** The page came back to life, or the person pressed the button. */
  wake(byHand = false): void {
    if (this.stopped) return;
    const { state } = this;
    // A moment that the server chose is kept, unless a person is in a hurry.
    const waits = state.kind === 'waiting' && (byHand || state.announced === null);
    if (this.asleep || waits || (byHand && state.kind === 'ended')) {
      if (byHand) this.failures = 0;
      void this.connect();
    } else {
      this.watch(STALE_MS);
    }
  }

  /** Something is missing: drops the line and comes back, at once or after a wait. */
  restart(atOnce: boolean): void {
    if (this.stopped) return;
    if (atOnce) void this.connect();
    else this.failed();
  }

  /** A report or a ping came: what failed before is past. */
  proven(): void {
    this.failures = 0;
  }

  private look(): void {
    const slept = this.now() - this.lastLook > STALE_MS;
    this.lastLook = this.now();
    this.watch(slept ? STALE_MS : SILENCE_MS);
  }

  private watch(limit: number): void {
    const open = this.state.kind === 'live' || this.state.kind === 'connecting';
    if (open && !this.asleep && !this.busy && this.now() - this.lastBytes > limit) this.failed();
  }

  private unwatch(): void {
    if (this.watchdog) clearInterval(this.watchdog);
    this.watchdog = null;
  }

  private set(state: LinkState): void {
    this.state = state;
    // What has ended for good must not keep a program alive.
    if (state.kind === 'ended') this.unwatch();
    this.options.onState(state);
  }

  private clear(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private hangUp(): void {
    this.abort?.abort();
    this.abort = null;
    this.busy = false;
  }

  private failed(): void {
    this.hangUp();
    const retry = this.failures === 0 ? this.retry : null;
    this.failures += 1;
    // The first time back the server's own choice spreads the herd.
    this.wait(retry ?? (DELAYS[this.failures - 1] ?? SLOW) * 1_000, null);
  }

  private wait(ms: number, announced: string | null): void {
    this.clear();
    this.retry = null;
    const limited = Math.min(Math.max(ms, SHORTEST_MS), LONGEST_MS);
    this.set({ kind: 'waiting', until: this.now() + limited, failures: this.failures, announced });
    this.timer = setTimeout(() => void this.connect(), limited);
  }

  private async connect(): Promise<void> {
    this.clear();
    this.hangUp();
    this.asleep = false;
    const abort = new AbortController();
    this.abort = abort;
    this.lastBytes = this.now();
    this.lastLook = this.lastBytes;
    this.watchdog ??= setInterval(() => this.look(), LOOK_MS);
    // While it goes on trying in the background, the message with the button stays.
    if (this.failures <= DELAYS.length) this.set({ kind: 'connecting' });
    const current = () => this.abort === abort && !this.stopped;
    try {
      const response = await this.options.open(this.options.cursor(), abort.signal);
      if (!current()) return;
      if (!response.body || !isStream(response)) return await this.refused(response, current);
      const bye = await this.read(response.body, current);
      if (!current()) return;
      if (bye) this.end(bye);
      else this.failed();
    } catch {
      if (current()) this.failed();
    }
  }

  private async refused(response: Response, current: () => boolean): Promise<void> {
    if (final(response.status)) {
      const problem = (await response.json().catch(() => null)) as { code?: unknown } | null;
      if (!current()) return;
      const code = typeof problem?.code === 'string' ? problem.code : String(response.status);
      this.abort = null;
      return this.set({ kind: 'ended', reason: response.status === 401 ? 'auth_expired' : 'refused', code });
    }
    const after = response.headers.get('retry-after') ?? '';
    await response.body?.cancel().catch(() => {});
    if (!current()) return;
    if (/^[0-9]+$/.test(after)) {
      this.hangUp();
      this.wait(Math.max(Number(after), 1) * 1_000, response.status === 429 ? 'limit' : 'busy');
    } else {
      this.failed();
    }
  }

  private async read(body: ReadableStream<Uint8Array>, current: () => boolean): Promise<Bye | null> {
    const parser = new Parser();
    const reader = body.getReader();
    let live = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done || !current()) return null;
      this.lastBytes = this.now();
      const frames = parser.push(value);
      this.retry = parser.retry;
      for (const frame of frames) {
        if (frame.event === 'bye') {
          await reader.cancel().catch(() => {});
          return readBye(frame);
        }
        if (!live) {
          live = true;
          this.set({ kind: 'live' });
        }
        const taking = this.options.onFrame(frame);
        if (taking) {
          this.busy = true;
          await taking;
          if (!current()) return null;
          this.busy = false;
          this.lastBytes = this.now();
        }
        if (!current()) return null;
      }
    }
  }

  private end(bye: Bye): void {
    const retry = this.retry;
    this.hangUp();
    if (bye.reconnect) return this.wait(bye.wait ?? retry ?? DELAYS[0]! * 1_000, bye.reason);
    const { reason } = bye;
    const known = reason === 'superseded' || reason === 'auth_expired';
    this.set({ kind: 'ended', reason: known ? reason : 'refused', code: reason });
  }
}
