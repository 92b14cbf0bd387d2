// As much of a browser as tabs need to share a stream: channels and locks, in one process.
import { vi } from 'vitest';

interface Holder {
  reject: (why: unknown) => void;
  release: () => void;
}

/** Web Locks: one holder a name, the others queue; `steal` breaks in. */
class Locks {
  private holders = new Map<string, Holder>();
  private queues = new Map<string, (() => void)[]>();

  request(name: string, options: LockOptions, callback: () => Promise<void> | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const take = () => {
        if (options.signal?.aborted) return this.next(name);
        const holder: Holder = { reject, release: () => {} };
        holder.release = () => {
          if (this.holders.get(name) !== holder) return;
          this.holders.delete(name);
          resolve();
          this.next(name);
        };
        this.holders.set(name, holder);
        void Promise.resolve(callback()).then(holder.release);
      };
      options.signal?.addEventListener('abort', () => reject(new DOMException('gone', 'AbortError')));
      const held = this.holders.get(name);
      if (options.steal && held) {
        this.holders.delete(name);
        held.reject(new DOMException('stolen', 'AbortError'));
        take();
      } else if (held) {
        this.queues.set(name, [...(this.queues.get(name) ?? []), take]);
      } else {
        take();
      }
    });
  }

  private next(name: string): void {
    this.queues.get(name)?.shift()?.();
  }
}

const channels = new Set<Channel>();

/** A BroadcastChannel that can be made to lose what is said, as a frozen tab does. */
export class Channel {
  static last: Channel;
  onmessage: ((event: { data: unknown }) => void) | null = null;
  /** Neither hears nor says anything. */
  frozen = false;

  constructor(readonly name: string) {
    Channel.last = this;
    channels.add(this);
  }

  postMessage(data: unknown): void {
    if (this.frozen) return;
    for (const channel of channels) {
      if (channel === this || channel.name !== this.name || channel.frozen) continue;
      const copy = structuredClone(data);
      queueMicrotask(() => channel.onmessage?.({ data: copy }));
    }
  }

  close(): void {
    channels.delete(this);
  }
}

/** Stands in for the globals of a page, until `vi.unstubAllGlobals()`. */
export function browser(): void {
  channels.clear();
  vi.stubGlobal('navigator', { locks: new Locks() });
  vi.stubGlobal('document', { hidden: false });
  vi.stubGlobal('BroadcastChannel', Channel);
}
