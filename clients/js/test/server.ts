// A server that does what a test says, one answer after the other, and the frames that it says.

export class Server {
  /** The cursor of every request so far. */
  opens: (string | null)[] = [];
  /** What each request was. */
  requests: { url: string; init: RequestInit }[] = [];
  private answers: (() => Promise<Response>)[] = [];
  private body: ReadableStreamDefaultController<Uint8Array> | null = null;
  /** Chunks that nobody has read yet. */
  get unread(): number {
    return -(this.body?.desiredSize ?? 0);
  }

  fetch = (url: string, init: RequestInit): Promise<Response> => {
    this.requests.push({ url, init });
    return this.open(new Headers(init.headers).get('last-event-id'), init.signal!);
  };

  open = (cursor: string | null, signal: AbortSignal): Promise<Response> => {
    this.opens.push(cursor);
    const answer = this.answers.shift();
    const response = answer ? answer() : Promise.reject(new TypeError('refused'));
    const body = this.body;
    signal.addEventListener('abort', () => {
      try { body?.error(new DOMException('gone', 'AbortError')); } catch { /* closed already */ }
    });
    return response;
  };

  /** The next connection stays open and says this. */
  streams(...frames: (string | Uint8Array)[]): this {
    this.answers.push(() => {
      const body = new ReadableStream<Uint8Array>({
        start: (controller) => {
          this.body = controller;
          if (frames.length > 0) this.say(...frames);
        },
      }, { highWaterMark: 0 });
      return Promise.resolve(new Response(body, { headers: { 'content-type': 'text/event-stream' } }));
    });
    return this;
  }

  answersWith(status: number, body: string | null = '{}', headers: Record<string, string> = {}): this {
    this.answers.push(() => Promise.resolve(new Response(body, { status, headers })));
    return this;
  }

  say(...frames: (string | Uint8Array)[]): void {
    const bytes = frames.map((frame) => typeof frame === 'string' ? new TextEncoder().encode(frame) : frame);
    this.body?.enqueue(Uint8Array.from(bytes.flatMap((some) => [...some])));
  }

  cut(): void {
    this.body?.close();
  }
}

const TIME = '2026-01-02T03:04:05.000Z';

/** A snapshot whose view has these ids in tasks. */
export function snapshot(cursor: string, ids: string[] = [], reason = 'initial'): string {
  const tasks = Object.fromEntries(ids.map((id, seq) => [id, { seq, done: true }]));
  const data = { cursor, reason, server_time: TIME, tenant: 'a:b', keep: { tasks: 10 }, view: { tasks } };
  return `event: snapshot\nid: ${cursor}\ndata: ${JSON.stringify(data)}\n\n`;
}

/** A report that brings the task `t<number>`. */
export function report(cursor: string, report_id = `rpt_${cursor}`): string {
  const number = Number(cursor.split('.')[1]);
  const changes = [{ op: 'upsert', collection: 'tasks', id: `t${number}`, value: { seq: number, done: true } }];
  return `event: report\nid: ${cursor}\ndata: ${JSON.stringify({ cursor, report_id, changes })}\n\n`;
}

export const accepted = (cursor: string) => `id: ${cursor}\n\n`;
export const ping = (cursor: string) => `event: ping\ndata: ${JSON.stringify({ cursor, server_time: TIME })}\n\n`;
export const bye = (reason: string, reconnect: boolean, retry_ms = 2_500) =>
  `event: bye\ndata: ${JSON.stringify({ reason, reconnect, retry_ms })}\n\n`;
