// The agent contract of NEXUS in TypeScript: claim, heartbeat, callback, signature, digest.
//
//     await run('text.shout', async (task) => ({ text: String(task.params.text).toUpperCase() }));
//
// NEXUS_AGENT_KEY is the agent's key, NEXUS_URL the server, CALLBACK_SIGNATURE_SECRET the secret where
// callbacks must be signed. Keep this file as it is, and write the work beside it.
import { createHash, createHmac, randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';

const { env } = process;
const SERVER = (env['NEXUS_URL'] ?? 'http://127.0.0.1:8000').replace(/\/+$/, '');
const KEY = env['NEXUS_AGENT_KEY'] ?? '';
const SECRET = (env['CALLBACK_SIGNATURE_SECRET'] ?? '').split(',')[0]?.trim() ?? '';

export type Json = null | boolean | number | string | Json[] | { [name: string]: Json };

/** What a claim hands out; a later server may say more. */
export interface Envelope {
  task_id: string;
  attempt: number;
  attempt_token: string;
  tenant: string;
  task_type: string;
  params: Record<string, Json>;
  correlation_id: string;
  risk: 'GREEN' | 'YELLOW' | 'RED';
  approval?: { ask_id: string; approver: string; digest: string; bound: Json[] };
  issued_at: string;
  deadline: string;
  lease_until: string;
}

/** Somebody cancelled the task, or the claim is lost: do nothing more for it. */
export class Stopped extends Error {}

/** Ends the attempt. For a RED task, `retryable: true` says that you are sure that nothing left. */
export class Failed extends Error {
  readonly code: string;
  readonly retryable: boolean | null;

  constructor(message: string, code = 'AGENT_ERROR', retryable: boolean | null = null) {
    super(message);
    this.code = code;
    this.retryable = retryable;
  }
}

/** The server said no, and would say it again. */
class Refused extends Error {
  readonly status: number;

  constructor(status: number, body: string) {
    super(`${status} ${body}`);
    this.status = status;
  }
}

/** One attempt: its envelope, and what can be said about it while it goes on. */
export class Task {
  readonly envelope: Envelope;
  readonly params: Record<string, Json>;
  /** Aborted as soon as the work must end; hand it to `fetch` and the like. */
  readonly stopped: AbortSignal;
  readonly #agent: string;
  readonly #stop = new AbortController();

  constructor(envelope: Envelope, agent: string) {
    this.envelope = envelope;
    this.params = envelope.params;
    this.stopped = this.#stop.signal;
    this.#agent = agent;
  }

  /** Sleeps; throws `Stopped` as soon as the work must end. Call it often. */
  async wait(seconds = 0): Promise<void> {
    await pause(seconds, this.stopped);
    if (this.stopped.aborted) throw new Stopped();
  }

  /** How far it is, 0 to 1, and a line for the worklog. */
  async progress(fraction: number, text?: string, level: 'info' | 'warn' | 'error' = 'info'): Promise<void> {
    await this.say({ status: 'progress', progress: fraction, worklog: text ? [{ level, text }] : [] });
  }

  async say(what: Record<string, Json>): Promise<void> {
    const { task_id, attempt, attempt_token } = this.envelope;
    const sent_at = new Date().toISOString();
    await post('/agent/callback', { task_id, attempt, attempt_token, agent: this.#agent, sent_at, ...what }, SECRET);
  }

  /** Keeps the claim until the work ends. */
  async beat(): Promise<void> {
    const { task_id, attempt, attempt_token, lease_until, issued_at } = this.envelope;
    const lease = (Date.parse(lease_until) - Date.parse(issued_at)) / 1_000;
    for (;;) {
      await pause(lease / 3, this.stopped);
      if (this.stopped.aborted) return;
      try {
        const { cancel } = await post<{ cancel: boolean }>(`/agent/tasks/${task_id}/heartbeat`, { attempt, attempt_token });
        if (cancel) this.end();
      } catch {
        this.end();
      }
    }
  }

  end(): void {
    this.#stop.abort();
  }
}

export type Perform = (task: Task) => Promise<Json>;

/** Claims tasks of a type, one after the other, and ends each with what `perform` returns. */
export async function run(taskType: string, perform: Perform, name = taskType.replaceAll('.', '-')): Promise<never> {
  const agent = env['AGENT_NAME'] || name;
  for (;;) {
    const wanted = { agent, types: [taskType], wait_seconds: 20 };
    const { tasks } = await post<{ tasks: Envelope[] }>('/agent/tasks/claim', wanted);
    for (const envelope of tasks) await attempt(new Task(envelope, agent), perform);
  }
}

async function attempt(task: Task, perform: Perform): Promise<void> {
  const { task_id, attempt } = task.envelope;
  const beating = task.beat();
  try {
    let end: Record<string, Json>;
    try {
      checkApproved(task.envelope);
      await task.say({ status: 'running', worklog: [{ text: `attempt ${attempt} begins` }] });
      end = { status: 'succeeded', result: await perform(task) };
    } catch (error) {
      if (error instanceof Refused) throw error;
      end = failed(error);
    }
    try {
      await task.say(end);
    } catch (error) {
      if (!(error instanceof Refused) || ![413, 422].includes(error.status)) throw error;
      await task.say(failed(new Failed('the result was refused: it may be too large', 'AGENT_ERROR', false)));
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    console.error(`${task_id}: ${error.message}`); // 409 stale_attempt: the task is somebody else's now
  } finally {
    task.end();
    await beating;
  }
}

function failed(error: unknown): Record<string, Json> {
  const stopped = error instanceof Stopped ? new Failed('stopped as asked', 'AGENT_ERROR', true) : error;
  const { code, message, retryable } = stopped instanceof Failed ? stopped : new Failed(String(error), 'AGENT_ERROR', false);
  return { status: 'failed', error: { failure_code: code, message, retryable } };
}

/** What a person approved is what stands here, or nothing is done. */
function checkApproved({ approval, params }: Envelope): void {
  if (!approval) return;
  const digest = createHash('sha256').update(canonical({ bound: approval.bound, params })).digest('hex');
  if (digest !== approval.digest) throw new Failed('this is not what was approved', 'APPROVAL_PARAMS_MISMATCH', true);
}

/** Sends the same bytes, under the same id, until they are answered: taken twice, they count once. */
async function post<T>(path: string, what: Record<string, Json>, secret = ''): Promise<T> {
  const body = JSON.stringify(what);
  const id = randomUUID();
  for (let tries = 0; ; tries++) {
    let seconds = Math.min(15, 0.5 * 2 ** tries) * (0.5 + Math.random() / 2);
    try {
      const headers = { 'content-type': 'application/json', 'x-api-key': KEY, ...signed(body, id, secret) };
      const answer = await fetch(SERVER + path, { method: 'POST', headers, body, signal: AbortSignal.timeout(60_000) });
      const text = await answer.text();
      if (answer.ok) return JSON.parse(text) as T;
      if (answer.status < 500 && answer.status !== 429) throw new Refused(answer.status, text);
      seconds = Math.max(seconds, Math.min(60, Number(answer.headers.get('retry-after')) || 0));
    } catch (error) {
      if (error instanceof Refused) throw error; // anything else: the server restarts, or the network is away
    }
    await sleep(seconds * 1_000);
  }
}

/** Standard Webhooks: over the exact bytes, at this moment. */
function signed(body: string, id: string, secret: string): Record<string, string> {
  if (!secret) return {};
  const key = secret.startsWith('whsec_') ? Buffer.from(secret.slice(6), 'base64') : Buffer.from(secret);
  const now = String(Math.floor(Date.now() / 1_000));
  const mac = createHmac('sha256', key).update(`${id}.${now}.${body}`).digest('base64');
  return { 'webhook-id': id, 'webhook-timestamp': now, 'webhook-signature': `v1,${mac}` };
}

async function pause(seconds: number, signal: AbortSignal): Promise<void> {
  await sleep(seconds * 1_000, undefined, { signal }).catch(() => undefined);
}

/** JSON as RFC 8785 writes it: ECMAScript's own, with names in order. */
function canonical(value: Json): string {
  if (Array.isArray(value)) return `[${value.map(canonical).join(',')}]`;
  if (value === null || typeof value !== 'object') return JSON.stringify(value);
  const names = Object.keys(value).sort();
  return `{${names.map((name) => `${JSON.stringify(name)}:${canonical(value[name] ?? null)}`).join(',')}}`;
}
