// A NEXUS of a test's own: the built binary on a free port, with its data in a directory of its own.
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { database, type Database } from './database';
import { Sink } from './sink';
import { until } from './until';

const BINARY = resolve(process.env['NEXUS_BINARY'] ?? join(import.meta.dirname, '../../../target/debug/nexus'));
const SERVICE = 'service-key-of-the-tests-0123456789';
const ADMIN = 'admin-key-of-the-tests-0123456789';

export const TENANT = 'default:default';

export interface Answer<T = any> {
  status: number;
  body: T;
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, '127.0.0.1');
  await once(probe, 'listening');
  const address = probe.address();
  probe.close();
  await once(probe, 'close');
  if (address === null || typeof address === 'string') throw new Error('no port');
  return address.port;
}

export class Server {
  /** What it printed since its last start. */
  output = '';
  private child: ChildProcess | null = null;

  private constructor(
    readonly url: string,
    readonly sink: Sink,
    private readonly home: string,
    private readonly database: Database | null,
    private readonly settings: Record<string, string>,
  ) {}

  static async start(settings: Record<string, string> = {}): Promise<Server> {
    const sink = await Sink.open();
    const home = mkdtempSync(join(tmpdir(), 'nexus-e2e-'));
    const server = new Server(`http://127.0.0.1:${await freePort()}`, sink, home, database(), settings);
    await server.begin();
    return server;
  }

  private async begin(): Promise<void> {
    this.output = '';
    const env: Record<string, string> = {
      PATH: process.env['PATH'] ?? '',
      NEXUS_BIND: new URL(this.url).host,
      NEXUS_DATA_DIR: join(this.home, 'data'),
      NEXUS_LANG: 'en',
      NEXUS_API_KEY: SERVICE,
      ADMIN_API_KEY: ADMIN,
      EGRESS_ALLOW: this.sink.host,
      ...(this.database ? { DATABASE_URL: this.database.url } : {}),
      ...this.settings,
    };
    const child = spawn(BINARY, ['serve'], { cwd: this.home, env, stdio: ['ignore', 'pipe', 'pipe'] });
    this.child = child;
    let broken = '';
    child.on('error', (error) => { broken = error.message; });
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (chunk: Buffer) => { this.output += chunk.toString(); });
    await until(`${BINARY} answers`, async () => {
      if (broken || child.exitCode !== null) return true;
      return (await fetch(`${this.url}/health/ready`)).ok;
    });
    if (broken || child.exitCode !== null) throw new Error(`${BINARY} did not start: ${broken}${this.output}`);
  }

  /** The link that somebody at the terminal sees, as they would copy it. */
  link(): Promise<string> {
    return until('a one-time link on the terminal', () => /https?:\/\/\S+\/ui#\/welcome\/\S+/.exec(this.output)?.[0]);
  }

  /** As SIGTERM does, or as a crash does. Gives the exit code. */
  async stop(signal: 'SIGTERM' | 'SIGKILL' = 'SIGTERM'): Promise<number | null> {
    const child = this.child;
    if (!child) return null;
    this.child = null;
    if (child.exitCode === null && child.signalCode === null) {
      const exited = once(child, 'exit');
      child.kill(signal);
      await exited;
    }
    return child.exitCode;
  }

  /** On the same port and the same data; nothing if it runs. */
  async startAgain(): Promise<void> {
    if (!this.child) await this.begin();
  }

  async close(): Promise<void> {
    await this.stop('SIGKILL');
    await this.sink.close();
    this.database?.drop();
    rmSync(this.home, { recursive: true, force: true });
  }

  /** A request by a key or by a session's token; keys are `service` and `admin`. */
  async api<T = any>(by: string | null, method: string, path: string, body?: unknown, tenant: string | null = TENANT): Promise<Answer<T>> {
    const headers: Record<string, string> = {};
    if (by === 'service' || by === 'admin') headers['x-api-key'] = by === 'service' ? SERVICE : ADMIN;
    else if (by?.startsWith('key:')) headers['x-api-key'] = by.slice(4);
    else if (by) headers['authorization'] = `Bearer ${by}`;
    if (tenant) [headers['x-org-id'], headers['x-project-id']] = tenant.split(':') as [string, string];
    if (body !== undefined) headers['content-type'] = 'application/json';
    const init: RequestInit = { method, headers };
    if (body !== undefined) init.body = JSON.stringify(body);
    const response = await fetch(this.url + path, init);
    const text = await response.text();
    return { status: response.status, body: (text && response.headers.get('content-type')?.includes('json') ? JSON.parse(text) : text) as T };
  }

  /** The same, when nothing but success will do. */
  async ask<T = any>(by: string | null, method: string, path: string, body?: unknown, tenant: string | null = TENANT): Promise<T> {
    const answer = await this.api<T>(by, method, path, body, tenant);
    if (answer.status >= 300) throw new Error(`${method} ${path}: ${answer.status} ${JSON.stringify(answer.body)}`);
    return answer.body;
  }

  /** Sends a command as a program does; gives the task's id. */
  async command(command_type: string, params: unknown, by = 'service', tenant = TENANT): Promise<string> {
    const accepted = await this.ask(by, 'POST', '/sidecar/command', { command_type, params }, tenant);
    return accepted.task_id as string;
  }

  /** Waits until a task has one of these states, and gives it. */
  task(id: string, ...states: string[]): Promise<any> {
    return until(`${id} is ${states.join(' or ')}`, async () => {
      const task = await this.ask('service', 'GET', `/tasks/${id}`);
      return states.includes(task.status) ? task : false;
    });
  }

  /** Every line of the worklog, oldest first. */
  async worklog(tenant = TENANT): Promise<{ id: string; text: string }[]> {
    const lines: { id: string; text: string }[] = [];
    let cursor: string | null = null;
    do {
      const query: string = cursor ? `&cursor=${encodeURIComponent(cursor)}` : '';
      const page: { items: { id: string; text: string }[]; next?: string | null } =
        await this.ask('service', 'GET', `/worklog?limit=200${query}`, undefined, tenant);
      lines.push(...page.items);
      cursor = page.next ?? null;
    } while (cursor);
    return lines.reverse();
  }

  /** The view that somebody gets who opens the stream now. */
  async view(by = 'service', tenant = TENANT): Promise<Record<string, Record<string, any>>> {
    const [org, project] = tenant.split(':') as [string, string];
    const key = by === 'service' ? SERVICE : ADMIN;
    const headers = { 'x-api-key': key, 'x-org-id': org, 'x-project-id': project, accept: 'text/event-stream' };
    const response = await fetch(`${this.url}/agent/reports/stream`, { headers });
    if (!response.body) throw new Error('no stream');
    const reader = response.body.getReader();
    const decoder = new TextDecoder();
    let text = '';
    for (;;) {
      const { value, done } = await reader.read();
      if (done) throw new Error(`no snapshot in ${text}`);
      text += decoder.decode(value, { stream: true });
      const found = /^event: snapshot\n(?:.+\n)*?data: (.*)\n\n/m.exec(text);
      if (!found?.[1]) continue;
      await reader.cancel();
      return JSON.parse(found[1]).view;
    }
  }

  /** A number of `/metrics`. */
  async metric(name: string): Promise<number> {
    const text = await this.ask<string>('admin', 'GET', '/metrics', undefined, null);
    const line = text.split('\n').find((one) => one.startsWith(`${name} `));
    if (!line) throw new Error(`no ${name} in ${text}`);
    return Number(line.split(' ')[1]);
  }
}
