// One stream per browser and tenant, shared by its tabs. The tab that holds a Web Lock leads: it has
// the connection and passes every frame on by a BroadcastChannel, in order. The others follow. When
// the leader goes, the browser gives the lock to the next tab, which resumes after the last report
// that it has itself, so nothing is missing and nothing comes twice.

import { Feed, type Handover, type Taken } from './feed.ts';
import { Link, type LinkState } from './link.ts';
import type { Frame } from './sse.ts';

type Message =
  | { kind: 'hello'; from: string }
  | { kind: 'welcome'; to: string | null; feed: Handover; state: LinkState }
  | { kind: 'frame'; frame: Frame }
  | { kind: 'state'; state: LinkState }
  /** A follower wants the leader to try now. */
  | { kind: 'wake' };

export interface SharedOptions {
  /** Names user and tenant: tabs with the same name share. */
  name: string;
  open: (cursor: string | null, signal: AbortSignal) => Promise<Response>;
  /** A snapshot or a report was taken; the feed's view has it. */
  onTaken: (taken: Taken, feed: Feed) => void;
  onState: (state: LinkState, leading: boolean) => void;
}

/** A follower that hears nothing for this long doubts its leader. */
const DOUBT_MS = 60_000;
/** What a leader has to answer a hello. */
const ANSWER_MS = 4_000;

export class SharedStream {
  readonly feed = new Feed();
  private readonly me = crypto.randomUUID();
  private readonly channel: BroadcastChannel;
  private link: Link | null = null;
  private state: LinkState = { kind: 'connecting' };
  private heard = Date.now();
  private asked = 0;
  private release: (() => void) | null = null;
  private readonly stopLock = new AbortController();
  private timer: ReturnType<typeof setInterval>;
  private stopped = false;

  constructor(private readonly options: SharedOptions) {
    this.channel = new BroadcastChannel(`nexus-stream ${options.name}`);
    this.channel.onmessage = (event) => this.hear(event.data as Message);
    this.timer = setInterval(() => this.doubt(), 2_000);
    if (navigator.locks) {
      this.say({ kind: 'hello', from: this.me });
      this.queueForLead(false);
    } else {
      this.lead();
    }
  }

  get leading(): boolean {
    return this.link !== null;
  }

  /** The page came back to life, or the person pressed the button. */
  wake(byHand = false): void {
    if (this.link) this.link.wake(byHand);
    else if (byHand) this.say({ kind: 'wake' });
    if (!this.link) this.doubt();
  }

  stop(): void {
    this.stopped = true;
    clearInterval(this.timer);
    this.follow();
    this.stopLock.abort();
    this.channel.close();
  }

  private queueForLead(steal: boolean): void {
    const options: LockOptions = steal ? { steal: true } : { signal: this.stopLock.signal };
    navigator.locks
      .request(`nexus-stream ${this.options.name}`, options, () => {
        // A tab that relieved another one has two requests in the queue.
        if (this.stopped || this.link) return undefined;
        return new Promise<void>((resolve) => {
          this.release = resolve;
          this.lead();
        });
      })
      .catch(() => {
        // Another tab took the lead from this one because it did not answer; queue again.
        if (this.stopped) return;
        this.follow();
        this.queueForLead(false);
      });
  }

  private lead(): void {
    this.link = new Link({
      open: this.options.open,
      cursor: () => this.feed.cursor,
      onFrame: (frame) => this.frame(frame, true),
      onState: (state) => {
        this.say({ kind: 'state', state });
        this.show(state);
      },
    });
    this.link.start();
  }

  private follow(): void {
    this.link?.stop();
    this.link = null;
    this.release?.();
    this.release = null;
  }

  private frame(frame: Frame, leading: boolean): void {
    if (leading) this.say({ kind: 'frame', frame });
    const taken = this.feed.take(frame);
    if (taken.kind === 'ping' || taken.kind === 'report') this.link?.proven();
    if (taken.kind === 'snapshot' || taken.kind === 'report') this.options.onTaken(taken, this.feed);
    if (taken.kind !== 'hole') return;
    if (leading) this.link?.restart(!taken.again);
    else this.hello();
  }

  private hello(): void {
    if (this.asked !== 0) return;
    this.asked = Date.now();
    this.say({ kind: 'hello', from: this.me });
  }

  private hear(message: Message): void {
    if (message.kind === 'hello') {
      const feed = this.link ? this.feed.handover() : null;
      if (feed) this.say({ kind: 'welcome', to: message.from, feed, state: this.state });
      return;
    }
    if (message.kind === 'wake') {
      this.link?.wake(true);
      return;
    }
    if (this.link) return;
    this.heard = Date.now();
    if (message.kind === 'state') this.show(message.state);
    if (message.kind === 'frame' && (this.feed.ready || message.frame.event === 'snapshot')) {
      this.frame(message.frame, false);
    }
    if (message.kind === 'welcome') {
      this.asked = 0;
      if (message.to !== this.me) return;
      const taken = this.feed.adopt(message.feed);
      if (taken.kind === 'snapshot') this.options.onTaken(taken, this.feed);
      this.show(message.state);
    }
  }

  /** A frozen leader keeps its lock and says nothing: after an unanswered hello it is relieved. */
  private doubt(): void {
    if (this.link || this.stopped || !navigator.locks || document.hidden) return;
    if (this.asked !== 0 && Date.now() - this.asked > ANSWER_MS) {
      const unheard = this.heard < this.asked;
      this.asked = 0;
      if (this.state.kind === 'live' && unheard) this.queueForLead(true);
      return;
    }
    if (this.state.kind === 'live' && Date.now() - this.heard > DOUBT_MS) this.hello();
  }

  private show(state: LinkState): void {
    this.state = state;
    this.options.onState(state, this.leading);
  }

  private say(message: Message): void {
    if (!this.stopped) this.channel.postMessage(message);
  }
}
