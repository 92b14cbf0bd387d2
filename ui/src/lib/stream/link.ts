// One connection to the stream, kept up: reconnects at 1, 2, 4, 8, 16 s, then every 30 s; notices
// silence, sleep and announced ends. What a frame means is the feed's business.

import { Parser, type Frame } from './sse';

/** Seconds before each new try; past the last it is `SLOW`. */
export const DELAYS = [1, 2, 4, 8, 16];
const SLOW = 30;
/** The server pings every 30 s: more silence than this is a dead line. */
const SILENCE_MS = 75_000;
/** After sleep a line that was silent for longer than a ping is tried anew. */
const STALE_MS = 40_000;

export type LinkState =
  | { kind: 'connecting' }
  | { kind: 'live' }
  /** `announced`: the server said that it would close; no failed attempt. */
  | { kind: 'waiting'; until: number; failures: number; announced: string | null }
  | { kind: 'ended'; reason: 'superseded' | 'auth_expired' | 'refused'; code: string };

export interface Bye {
  reason: string;
  reconnect: boolean;
  retry_ms: number;
}

export interface LinkOptions {
  /** Opens the stream after a cursor. */
  open: (cursor: string | null, signal: AbortSignal) => Promise<Response>;
  cursor: () => string | null;
  onFrame: (frame: Frame) => void;
  onState: (state: LinkState) => void;
  now?: () => number;
}

/** Answers on which trying again does not help. */
function final(status: number): boolean {
  return status === 401 || status === 403 || status === 404 || status === 400;
}

export class Link {
  private state: LinkState = { kind: 'connecting' };
  private failures = 0;
  private abort: AbortController | null = null;
  private timer: ReturnType<typeof setTimeout> | null = null;
  private watchdog: ReturnType<typeof setInterval> | null = null;
  private lastBytes = 0;
  private stopped = false;
  private readonly now: () => number;

  constructor(private readonly options: LinkOptions) {
    this.now = options.now ?? Date.now;
  }

  start(): void {
    this.stopped = false;
    this.watchdog = setInterval(() => this.watch(SILENCE_MS), 5_000);
    void this.connect();
  }

  stop(): void {
    this.stopped = true;
    this.clear();
    if (this.watchdog) clearInterval(this.watchdog);
    this.abort?.abort();
    this.abort = null;
  }

  /** The page came back to life, or the person pressed the button. */
  wake(byHand = false): void {
    if (this.stopped) return;
    if (this.state.kind === 'waiting' || (byHand && this.state.kind === 'ended')) {
      if (byHand) this.failures = 0;
      void this.connect();
    } else {
      this.watch(STALE_MS);
    }
  }

  /** Drops the line and comes back at once: something is missing. */
  restart(): void {
    if (!this.stopped) void this.connect();
  }

  /** A report or a ping came: what failed before is past. */
  proven(): void {
    this.failures = 0;
  }

  private watch(limit: number): void {
    const busy = this.state.kind === 'live' || this.state.kind === 'connecting';
    if (busy && this.now() - this.lastBytes > limit) this.failed();
  }

  private set(state: LinkState): void {
    this.state = state;
    this.options.onState(state);
  }

  private clear(): void {
    if (this.timer) clearTimeout(this.timer);
    this.timer = null;
  }

  private failed(): void {
    this.abort?.abort();
    this.abort = null;
    this.failures += 1;
    this.wait((DELAYS[this.failures - 1] ?? SLOW) * 1_000, null);
  }

  private wait(ms: number, announced: string | null): void {
    this.clear();
    this.set({ kind: 'waiting', until: this.now() + ms, failures: this.failures, announced });
    this.timer = setTimeout(() => void this.connect(), ms);
  }

  private async connect(): Promise<void> {
    this.clear();
    this.abort?.abort();
    const abort = new AbortController();
    this.abort = abort;
    this.lastBytes = this.now();
    // While it goes on trying in the background, the message with the button stays.
    if (this.failures <= DELAYS.length) this.set({ kind: 'connecting' });
    const current = () => this.abort === abort && !this.stopped;
    try {
      const response = await this.options.open(this.options.cursor(), abort.signal);
      if (!current()) return;
      if (!response.ok || !response.body) {
        if (final(response.status)) {
          const problem = (await response.json().catch(() => ({}))) as { code?: string };
          const reason = response.status === 401 ? 'auth_expired' : 'refused';
          if (current()) this.set({ kind: 'ended', reason, code: problem.code ?? '' });
          return;
        }
        const after = Number(response.headers.get('retry-after'));
        if (after > 0) return this.wait(after * 1_000, 'limit');
        return this.failed();
      }
      const bye = await this.read(response.body, current);
      if (!current()) return;
      if (!bye) return this.failed();
      this.end(bye);
    } catch {
      if (current()) this.failed();
    }
  }

  private async read(body: ReadableStream<Uint8Array>, current: () => boolean): Promise<Bye | null> {
    const parser = new Parser();
    const reader = body.getReader();
    const decoder = new TextDecoder();
    let live = false;
    for (;;) {
      const { value, done } = await reader.read();
      if (done || !current()) return null;
      this.lastBytes = this.now();
      for (const frame of parser.push(decoder.decode(value, { stream: true }))) {
        if (frame.event === 'bye') {
          await reader.cancel().catch(() => {});
          return JSON.parse(frame.data) as Bye;
        }
        if (!live) {
          live = true;
          this.set({ kind: 'live' });
        }
        this.options.onFrame(frame);
        if (!current()) return null;
      }
    }
  }

  private end(bye: Bye): void {
    this.abort = null;
    if (bye.reconnect) return this.wait(bye.retry_ms, bye.reason);
    const reason = bye.reason === 'superseded' ? 'superseded' : 'auth_expired';
    this.set({ kind: 'ended', reason, code: bye.reason });
  }
}
