// The state of the stream's line in words, ticking.

import { DELAYS } from 'nexus-stream';
import { t } from '../i18n/index.svelte';
import { clock } from '../state/clock.svelte';
import { stream } from '../state/stream.svelte';

export interface LineState {
  tone: 'live' | 'calm' | 'warn' | 'bad';
  text: string;
  short: string;
  /** All quick tries are used up, or the end is for good: a message with a button. */
  message: boolean;
  seconds: number;
}

export function lineState(): LineState {
  const words = t().stream;
  const link = stream.link;
  const one = (tone: LineState['tone'], text: string, short = text, message = false, seconds = 0): LineState =>
    ({ tone, text, short, message, seconds });
  if (link.kind === 'live') return one('live', words.live);
  if (link.kind === 'connecting') return one('calm', words.connecting, '…');
  if (link.kind === 'ended') {
    const text = link.reason === 'superseded' ? words.superseded : words.refused;
    return one('bad', text, words.offline, true);
  }
  const seconds = Math.max(0, Math.ceil((link.until + clock.offset - clock.now) / 1_000));
  if (!navigator.onLine) return one('bad', words.offline, words.offline, true, seconds);
  if (link.announced === 'limit') return one('warn', words.limit, words.waitingShort(seconds), true, seconds);
  const spent = link.failures > DELAYS.length;
  const tone = link.announced ? 'calm' : spent ? 'bad' : 'warn';
  return one(tone, words.waiting(seconds), spent ? words.offline : words.waitingShort(seconds), spent, seconds);
}
