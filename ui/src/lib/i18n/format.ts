// Times, sizes and amounts as people read them.

import { language, t } from './index.svelte';

/** `just now`, `3 min ago`, `in 2 h`. */
export function relative(at: number, now: number): string {
  const seconds = Math.round((now - at) / 1_000);
  if (Math.abs(seconds) < 5) return t().time.now;
  const text = span(Math.abs(seconds));
  return seconds > 0 ? t().time.ago(text) : t().time.within(text);
}

/** A length of time in its largest unit. */
export function span(seconds: number): string {
  const words = t().time;
  if (seconds < 60) return words.seconds(Math.round(seconds));
  if (seconds < 3_600) return words.minutes(Math.floor(seconds / 60));
  if (seconds < 86_400) return words.hours(Math.floor(seconds / 3_600));
  return words.days(Math.floor(seconds / 86_400));
}

/** How long something took: 12 ms, 3.4 s, 2 min. */
export function took(ms: number): string {
  if (ms < 1_000) return `${Math.max(0, Math.round(ms))} ms`;
  if (ms < 60_000) return `${(ms / 1_000).toFixed(1)} s`;
  return span(ms / 1_000);
}

/** `4:59`, for countdowns. */
export function countdown(ms: number): string {
  const seconds = Math.max(0, Math.ceil(ms / 1_000));
  const [h, m, s] = [Math.floor(seconds / 3_600), Math.floor(seconds / 60) % 60, seconds % 60];
  const two = (n: number) => String(n).padStart(2, '0');
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** Making a formatter costs more than using it a hundred times. */
const made = new Map<string, Intl.DateTimeFormat>();

function formatter(name: string, options: Intl.DateTimeFormatOptions): Intl.DateTimeFormat {
  const key = `${language.now} ${name}`;
  const found = made.get(key) ?? new Intl.DateTimeFormat(language.now, options);
  made.set(key, found);
  return found;
}

export function exact(at: number): string {
  return formatter('exact', { dateStyle: 'medium', timeStyle: 'medium' }).format(at);
}

/** The time of day, for lines of today. */
export function clockTime(at: number): string {
  return formatter('clock', {
    hour: '2-digit', minute: '2-digit', second: '2-digit', hourCycle: 'h23',
  }).format(at);
}

export function day(at: number): string {
  return formatter('day', { year: 'numeric', month: 'long', day: 'numeric', weekday: 'short' }).format(at);
}

export function bytes(n: number): string {
  if (n < 1_024) return `${n} B`;
  if (n < 1_048_576) return `${(n / 1_024).toFixed(1)} KiB`;
  return `${(n / 1_048_576).toFixed(1)} MiB`;
}

export function usd(amount: number): string {
  return `$${amount.toFixed(amount > 0 && amount < 0.01 ? 4 : 2)}`;
}
