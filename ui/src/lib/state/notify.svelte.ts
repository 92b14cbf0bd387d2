// Short messages at the edge of the page, and what screen readers are told.

import { Refusal } from '../api/client';
import { t } from '../i18n/index.svelte';

export interface Toast {
  id: number;
  text: string;
  kind: 'info' | 'error';
}

let next = 0;
let toasts = $state.raw<Toast[]>([]);
let spoken = $state('');

export const notices = {
  get toasts(): Toast[] {
    return toasts;
  },
  get spoken(): string {
    return spoken;
  },
  /** Says something to screen readers only. */
  say(text: string): void {
    spoken = '';
    setTimeout(() => (spoken = text), 30);
  },
  show(text: string, kind: Toast['kind'] = 'info'): void {
    next += 1;
    const id = next;
    toasts = [...toasts.slice(-3), { id, text, kind }];
    setTimeout(() => this.drop(id), kind === 'error' ? 10_000 : 4_000);
  },
  drop(id: number): void {
    toasts = toasts.filter((toast) => toast.id !== id);
  },
  fail(error: unknown): void {
    this.show(explain(error), 'error');
  },
};

/** A refusal as a sentence that says what to do. */
export function explain(error: unknown): string {
  if (!(error instanceof Refusal)) return `${t().errors.generic} ${String(error)}`;
  if (error.unreachable) return t().errors.unreachable;
  return t().errors.codes[error.code] ?? error.message;
}
