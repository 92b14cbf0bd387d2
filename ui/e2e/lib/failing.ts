// An agent outside that fails as it is told, in words of its own.
import type { Server } from './server';

export class FailingAgent {
  private constructor(private readonly server: Server, private readonly type: string, private readonly key: string) {}

  static async of(server: Server, type: string): Promise<FailingAgent> {
    const about = {
      title_en: 'Print a label', title_ko: '라벨 인쇄', params_schema: { type: 'object' }, sends_outside: false, timeout_seconds: 60, retryable: false,
    };
    await server.ask('admin', 'PUT', `/commands/types/${type}?confirm=${type}`, { ...about, risk: 'GREEN' });
    const made = await server.ask('admin', 'POST', '/keys', { kind: 'agent', title: type, types: [type] });
    return new FailingAgent(server, type, `key:${made.key}`);
  }

  /** A task that fails for good with this message. */
  async fail(message: string, failure_code = 'AGENT_ERROR'): Promise<string> {
    const id = await this.server.command(this.type, {});
    const { tasks } = await this.server.ask(this.key, 'POST', '/agent/tasks/claim', { agent: 'printer', types: [this.type], max: 1, wait_seconds: 10 });
    const { task_id, attempt, attempt_token } = tasks[0];
    const sent_at = new Date().toISOString();
    await this.server.ask(this.key, 'POST', '/agent/callback', {
      task_id, attempt, attempt_token, agent: 'printer', status: 'failed', sent_at, error: { failure_code, message, retryable: false },
    });
    await this.server.task(id, 'dead');
    return id;
  }
}
