// What waits for this person in all tenants; asked for again when the stream names an ask.

import { api, type InboxItem } from '../api/routes';
import { clock } from '../state/clock.svelte';
import { explain } from '../state/notify.svelte';
import { session } from '../state/session.svelte';
import { stream } from '../state/stream.svelte';

/** Other tenants' streams are not open here: their news are asked for now and then. */
const EVERY_MS = 60_000;

class Inbox {
  items = $state.raw<InboxItem[]>([]);
  loaded = $state(false);
  failed = $state('');
  private due: ReturnType<typeof setTimeout> | null = null;

  get count(): number {
    return this.items.length;
  }

  async load(): Promise<void> {
    try {
      this.items = (await api.inbox()).items;
      this.loaded = true;
      this.failed = '';
    } catch (error) {
      this.failed = explain(error);
    }
  }

  /** Keeps it fresh until the way to stop is called. */
  follow(): () => void {
    void this.load();
    const leave = stream.onReport((report) => {
      const names = report.changes.some((change) => change.collection === 'asks' || change.value?.['status'] === 'alarmed');
      if (names) this.soon();
    });
    const timer = setInterval(() => {
      if (!document.hidden && clock.attended && session.phase === 'in') void this.load();
    }, EVERY_MS);
    return () => {
      leave();
      clearInterval(timer);
      if (this.due) clearTimeout(this.due);
      this.due = null;
    };
  }

  private soon(): void {
    if (!clock.attended) return;
    this.due ??= setTimeout(() => {
      this.due = null;
      void this.load();
    }, 300);
  }
}

export const inbox = new Inbox();
