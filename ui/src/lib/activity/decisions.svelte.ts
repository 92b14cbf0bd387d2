// Decisions on their way: sent, but not yet in a report.

import { Refusal, type Tenant } from '../api/client';
import { api } from '../api/routes';
import { t } from '../i18n/index.svelte';
import { explain } from '../state/notify.svelte';

export type Decision = 'approve' | 'deny';
export type Way = { state: 'sending' | 'sent'; decision: Decision };

let ways = $state.raw<ReadonlyMap<string, Way>>(new Map());

function put(id: string, way: Way | null): void {
  const next = new Map(ways);
  if (way) next.set(id, way);
  else next.delete(id);
  ways = next;
}

export const decisions = {
  of(id: string): Way | undefined {
    return ways.get(id);
  },
  /** A report about the ask came. */
  settle(id: string): void {
    if (ways.has(id)) put(id, null);
  },
  /** Sends a decision; gives what went wrong, if anything. */
  async send(
    id: string,
    decision: Decision,
    body: { digest: string; reason?: string; params?: unknown },
    tenant?: Tenant,
  ): Promise<Refusal | null> {
    put(id, { state: 'sending', decision });
    try {
      await api.decide(id, { decision, ...body }, tenant);
      put(id, { state: 'sent', decision });
      return null;
    } catch (error) {
      put(id, null);
      return error instanceof Refusal ? error : new Refusal(0, 'unknown', String(error));
    }
  },
};

export function refusedBecause(refusal: Refusal): string {
  if (refusal.code === 'ask_already_decided') return t().asks.already;
  if (refusal.status === 409 && refusal.code.includes('digest')) return t().asks.digestChanged;
  return explain(refusal);
}
