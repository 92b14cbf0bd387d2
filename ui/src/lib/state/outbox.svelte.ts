// What was sent and has no report yet. A thing leaves when its report is in the view.

import { idempotencyKey, Refusal } from '../api/client';
import { api } from '../api/routes';

export interface Sent {
  key: string;
  command_type: string;
  params: Record<string, unknown>;
  at: number;
  state: 'sending' | 'sent' | 'failed';
  task_id: string | null;
  correlation_id: string | null;
  refusal: Refusal | null;
}

class Outbox {
  items = $state.raw<Sent[]>([]);

  /** Sends a command once; sending it again after no answer came uses the same key. */
  async send(command_type: string, params: Record<string, unknown>, key = idempotencyKey()): Promise<Sent> {
    const sent: Sent = {
      key, command_type, params, at: Date.now(), state: 'sending',
      task_id: null, correlation_id: null, refusal: null,
    };
    this.items = [...this.items.filter((one) => one.key !== key), sent];
    try {
      const accepted = await api.send({ command_type, params }, key);
      const { task_id, correlation_id } = accepted;
      return this.change(sent, { state: 'sent', task_id, correlation_id });
    } catch (error) {
      const refusal = error instanceof Refusal ? error : new Refusal(0, 'unknown', String(error));
      return this.change(sent, { state: 'failed', refusal });
    }
  }

  again(sent: Sent): Promise<Sent> {
    // A refusal is the key's answer for good; only a request that got none is the same request.
    const key = sent.refusal?.unreachable ? sent.key : idempotencyKey();
    this.discard(sent.key);
    return this.send(sent.command_type, sent.params, key);
  }

  discard(key: string): void {
    this.items = this.items.filter((one) => one.key !== key);
  }

  clear(): void {
    this.items = [];
  }

  private change(sent: Sent, news: Partial<Sent>): Sent {
    const next = { ...sent, ...news };
    this.items = this.items.map((one) => (one.key === sent.key ? next : one));
    return next;
  }
}

export const outbox = new Outbox();
