// The package as it is published against a real server, whose line breaks and which is restarted.
import { NexusStream, toJson, type StreamEvent } from 'nexus-stream';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Server } from '../../../ui/e2e/lib/server';
import { until } from '../../../ui/e2e/lib/until';
import { Line } from './line.ts';

const KEY = 'service-key-of-the-tests-0123456789';

let server: Server;
let line: Line;

beforeAll(async () => {
  server = await Server.start();
  line = await Line.to(Number(new URL(server.url).port));
});

afterAll(async () => {
  line?.close();
  await server?.close();
});

/** Some work whose reports everybody sees. */
async function work(count: number): Promise<void> {
  const tasks = Array.from({ length: count }, (_, i) => server.command('file.write', { path: `a/${i}.txt`, content: '한글 '.repeat(40) }));
  for (const task of await Promise.all(tasks)) await server.task(task, 'succeeded');
}

/** What the server shows now is what the stream has folded. */
async function agrees(stream: NexusStream): Promise<void> {
  const shown = await server.view();
  await until('the stream has everything', () => {
    const folded = stream.view && toJson(stream.view);
    return folded !== null && JSON.stringify(folded['tasks']) === JSON.stringify(shown['tasks']);
  });
  expect(toJson(stream.view!)).toEqual(shown);
}

test('the view is the server’s over a line that breaks, a stop and a crash', async () => {
  const events: StreamEvent[] = [];
  const stream = new NexusStream({
    url: line.url, org: 'default', project: 'default', apiKey: KEY,
    // The server lets everybody wait for seconds; a test has no time for that.
    fetch: async (url, init) => hurried(await fetch(url, init)),
  });
  const loop = (async () => {
    for await (const event of stream) events.push(event);
  })();
  await until('a snapshot', () => stream.view !== null);
  const returns = () => events.filter((event) => event.type === 'resumed').length;
  const mend = async () => {
    const before = returns();
    line.after = Infinity;
    line.break();
    await until('it is back', () => returns() > before);
  };

  line.after = 9_000;
  line.break();
  await work(12);
  line.break();
  await work(3);
  for (const signal of ['SIGTERM', 'SIGKILL'] as const) {
    // On a line that stands, so that the server's last word arrives.
    await mend();
    await agrees(stream);
    await server.stop(signal);
    line.after = 9_000;
    await server.startAgain();
    await work(3);
  }
  await mend();
  await agrees(stream);
  stream.stop();
  await loop;

  const reports = events.flatMap((event) => (event.type === 'report' ? [Number(event.report.cursor.split('.')[1])] : []));
  expect(reports).toEqual(reports.map((_, index) => reports[0]! + index));
  expect(events.filter((event) => event.type === 'snapshot')).toHaveLength(1);
  expect(returns()).toBeGreaterThan(3);
  const announced = events.flatMap((event) => (event.type === 'state' && event.state.kind === 'waiting' ? [event.state.announced] : []));
  expect(announced).toContain('shutdown');
  expect(line.breaks).toBeGreaterThan(4);
});

test('a key that is none ends the stream, and the program with it', async () => {
  const events: StreamEvent[] = [];
  for await (const event of new NexusStream({ url: server.url, org: 'default', project: 'default', apiKey: 'none' })) events.push(event);
  expect(events.at(-1)).toMatchObject({ type: 'state', state: { kind: 'ended', reason: 'auth_expired' } });
});

/** The same answer, whose `retry` says 20 ms. */
function hurried(response: Response): Response {
  if (!response.body) return response;
  const [decoder, encoder] = [new TextDecoder(), new TextEncoder()];
  const body = response.body.pipeThrough(new TransformStream<Uint8Array, Uint8Array>({
    transform(chunk, out) {
      const text = decoder.decode(chunk, { stream: true });
      out.enqueue(encoder.encode(text.replace(/^retry: \d+$/gm, 'retry: 20').replace(/"retry_ms":\d+/, '"retry_ms":20')));
    },
  }));
  return new Response(body, { status: response.status, headers: response.headers });
}
