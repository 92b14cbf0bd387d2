// An agent of the tests' own, over the agent contract: it says as many lines as are wanted.
import type { Server } from './server';

export const TYPE = 'test.talk';

export class Talker {
  private constructor(private readonly server: Server, private readonly key: string) {}

  static async make(server: Server): Promise<Talker> {
    await server.ask('admin', 'PUT', `/commands/types/${TYPE}?confirm=${TYPE}`, {
      title_en: 'Talk', title_ko: '말하기', params_schema: { type: 'object' }, timeout_seconds: 300, risk: 'GREEN',
    });
    const key = await server.ask('admin', 'POST', '/keys', { kind: 'agent', title: 'talker', types: [TYPE] });
    return new Talker(server, `key:${key.key}`);
  }

  /** Takes a task of its own that goes on until `end` is called. */
  async begin(): Promise<Talk> {
    const id = await this.server.command(TYPE, {}, 'admin');
    const { tasks } = await this.server.ask(this.key, 'POST', `/agent/tasks/${id}/claim`, { agent: 'talker' });
    return new Talk(this.server, this.key, tasks[0]);
  }
}

export class Talk {
  constructor(private readonly server: Server, private readonly key: string, private readonly envelope: any) {}

  get task(): string {
    return this.envelope.task_id;
  }

  /** Up to 64 lines are one report. */
  async says(...texts: string[]): Promise<void> {
    await this.back({ status: 'progress', worklog: texts.map((text) => ({ level: 'info', text })) });
  }

  async end(): Promise<void> {
    await this.back({ status: 'succeeded', result: {} });
  }

  private async back(said: object): Promise<void> {
    const { task_id, attempt, attempt_token } = this.envelope;
    await this.server.ask(this.key, 'POST', '/agent/callback', { task_id, attempt, attempt_token, agent: 'talker', ...said });
  }
}
