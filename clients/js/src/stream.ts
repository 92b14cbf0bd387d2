// A tenant's stream, followed: the one thing that most programs need.

import { Feed } from './feed.ts';
import { watchLife } from './life.ts';
import { Link, type LinkState } from './link.ts';
import { opener, type Source } from './open.ts';
import type { Frame } from './sse.ts';
import type { Report, Snapshot, View } from './view.ts';

/** What happens on a stream. */
export type StreamEvent =
  /** The whole view; whatever was known before is void. */
  | { type: 'snapshot'; snapshot: Snapshot }
  /** The server took the cursor: what was missed follows, without a snapshot. */
  | { type: 'resumed'; cursor: string }
  | { type: 'report'; report: Report }
  /** The line: connecting, live, waiting, ended. */
  | { type: 'state'; state: LinkState };

export interface StreamOptions extends Source {
  /** Begin after this report instead of with a snapshot. There is no view then, until a snapshot comes. */
  cursor?: string | null;
  /** Ends the stream. */
  signal?: AbortSignal;
  /** Nothing more is read until what these return is settled; one that throws ends the stream. */
  onSnapshot?: (snapshot: Snapshot, stream: NexusStream) => unknown;
  onReport?: (report: Report, stream: NexusStream) => unknown;
  onResumed?: (cursor: string, stream: NexusStream) => unknown;
  onState?: (state: LinkState, stream: NexusStream) => void;
}

/**
 * Follows a tenant's stream: every report once and in order, over breaks, restarts and sleep.
 *
 * Give it callbacks and `start()` it, or iterate over it: `for await (const event of stream)`.
 */
export class NexusStream implements AsyncIterable<StreamEvent> {
  private readonly feed: Feed;
  private readonly link: Link;
  private line: LinkState = { kind: 'connecting' };
  private running = false;
  private deaf: () => void = () => {};
  /** Whoever iterates. */
  private reader: ((event: StreamEvent) => Promise<void>) | null = null;
  private onStop: () => void = () => {};
  private readonly abort = () => this.stop();

  constructor(private readonly options: StreamOptions) {
    this.feed = new Feed(options.cursor ?? null);
    this.link = new Link({
      open: opener(options),
      cursor: () => this.feed.cursor,
      onFrame: (frame) => this.frame(frame),
      onState: (state) => this.show(state),
    });
  }

  /** The view with every report that was handed out; `null` until there is a snapshot. */
  get view(): View | null {
    return this.feed.ready ? this.feed.view : null;
  }

  /** The last report that was taken. Keep it to begin there next time. */
  get cursor(): string | null {
    return this.feed.cursor;
  }

  get state(): LinkState {
    return this.line;
  }

  /** The server's time minus this machine's, in ms. */
  get clockOffset(): number {
    return this.feed.clockOffset;
  }

  /** Begins, or goes on where `stop` ended it. */
  start(): this {
    if (this.running || this.options.signal?.aborted) return this;
    this.running = true;
    this.options.signal?.addEventListener('abort', this.abort);
    this.deaf = watchLife(() => this.link.wake(), () => this.link.sleep());
    this.link.start();
    return this;
  }

  /** Ends the connection. What was taken stays. */
  stop(): void {
    if (!this.running) return;
    this.running = false;
    this.options.signal?.removeEventListener('abort', this.abort);
    this.deaf();
    this.link.stop();
    this.onStop();
  }

  /** Tries at once, also after an end for good. */
  wake(): void {
    this.link.wake(true);
  }

  /** Everything that happens, as fast as it is taken: nothing is read from the line meanwhile. Leaving the loop ends the stream; it ends by itself when the server says so. */
  async *[Symbol.asyncIterator](): AsyncGenerator<StreamEvent, void, void> {
    const waiting: { event: StreamEvent; taken: () => void }[] = [];
    let notice: () => void = () => {};
    this.reader = (event) => new Promise((taken) => {
      waiting.push({ event, taken });
      notice();
    });
    this.onStop = () => notice();
    try {
      this.start();
      for (;;) {
        const next = waiting.shift();
        if (next) {
          yield next.event;
          next.taken();
          if (next.event.type === 'state' && next.event.state.kind === 'ended') return;
        } else {
          if (!this.running) return;
          await new Promise<void>((resolve) => { notice = resolve; });
        }
      }
    } finally {
      this.reader = null;
      this.onStop = () => {};
      this.stop();
    }
  }

  private show(state: LinkState): void {
    this.line = state;
    this.options.onState?.(state, this);
    void this.reader?.({ type: 'state', state });
  }

  private frame(frame: Frame): void | Promise<void> {
    const taken = this.feed.take(frame);
    switch (taken.kind) {
      case 'hole':
        return this.link.restart(!taken.again);
      case 'ping':
        return this.link.proven();
      case 'report':
        this.link.proven();
        return this.give(this.options.onReport?.bind(null, taken.report, this), { type: 'report', report: taken.report });
      case 'resumed':
        return this.give(this.options.onResumed?.bind(null, taken.cursor, this), { type: 'resumed', cursor: taken.cursor });
      case 'snapshot':
        if (!taken.snapshot) return;
        return this.give(this.options.onSnapshot?.bind(null, taken.snapshot, this), { type: 'snapshot', snapshot: taken.snapshot });
      case 'nothing':
    }
  }

  private async give(callback: (() => unknown) | undefined, event: StreamEvent): Promise<void> {
    try {
      await callback?.();
    } catch (error) {
      // What was not taken must not be passed over in silence.
      this.stop();
      queueMicrotask(() => { throw error; });
      return;
    }
    await this.reader?.(event);
  }
}
