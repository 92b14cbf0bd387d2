// What waits for a decision, in the order in which it came, and telling people about new ones.

import { t } from '../i18n/index.svelte';
import { language } from '../i18n/index.svelte';
import { clock } from '../state/clock.svelte';
import { notices } from '../state/notify.svelte';
import { prefs } from '../state/prefs.svelte';
import { session } from '../state/session.svelte';
import { stream } from '../state/stream.svelte';
import type { Ask } from '../model';

const pending = $derived.by(() => {
  const open = [...stream.asks.values()].filter((ask) => ask.status === 'pending');
  return open.sort((a, b) => a.seq - b.seq || (a.ask_id < b.ask_id ? -1 : 1));
});

/** Oldest first, so that new ones move nothing. */
export function pendingAsks(): Ask[] {
  return pending;
}

/** An ask whose time is over but whose report has not come: nobody can decide it any more. */
export function overdue(ask: Ask): boolean {
  return Date.parse(ask.expires_at) <= clock.now;
}

export function questionOf(ask: Pick<Ask, 'question' | 'question_ko'>): string {
  return language.now === 'ko' ? ask.question_ko : ask.question;
}

/** A person's name where the server gave one; programs go by what they are. */
export function who(principal: string | undefined, name: string | undefined | null): string {
  if (name) return name;
  if (!principal) return '–';
  const me = session.me?.user;
  if (me && principal === `user:${me.user_id}`) return me.name || me.email;
  const learned = stream.history.nameOf(principal);
  if (learned) return learned;
  // A person whose name is not told: enough of the id to tell two apart.
  return principal.startsWith('user:') && principal.length > 20 ? `user …${principal.slice(-6)}` : principal;
}

/** Says so when asks come: in the page for screen readers, and by the browser where it was allowed. */
export function watchAsks(): () => void {
  let known: Set<string> | null = null;
  const stop = $effect.root(() => {
    $effect(() => {
      const now = pending;
      if (!stream.ready) return;
      const fresh = known ? now.filter((ask) => !known?.has(ask.ask_id)) : [];
      known = new Set(now.map((ask) => ask.ask_id));
      if (fresh.length === 0) return;
      notices.say(`${t().asks.announce(fresh.length)}: ${fresh.map(questionOf).join('. ')}`);
      // One tab tells, and only when nobody looks.
      if (!prefs.notify || !stream.leading || !document.hidden) return;
      for (const ask of fresh.slice(0, 3)) {
        const note = new Notification(t().asks.notifyTitle, { body: questionOf(ask), tag: ask.ask_id });
        note.onclick = () => {
          window.focus();
          location.hash = `#/ask/${ask.ask_id}`;
          note.close();
        };
      }
    });
  });
  return stop;
}
