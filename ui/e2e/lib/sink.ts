// What webhooks are sent to.
import { once } from 'node:events';
import { createServer, type Server as HttpServer } from 'node:http';

export interface Received {
  path: string;
  body: string;
}

export class Sink {
  private constructor(
    private readonly server: HttpServer,
    readonly host: string,
    readonly received: Received[],
  ) {}

  static async open(): Promise<Sink> {
    const received: Received[] = [];
    const server = createServer((request, response) => {
      let body = '';
      request.setEncoding('utf8');
      request.on('data', (chunk: string) => { body += chunk; });
      request.on('end', () => {
        received.push({ path: request.url ?? '', body });
        response.writeHead(200, { 'content-type': 'application/json' }).end('{"ok":true}');
      });
    }).listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    return new Sink(server, `127.0.0.1:${address.port}`, received);
  }

  /** An address of its own for each thing that is sent. */
  url(path: string): string {
    return `http://${this.host}/${path}`;
  }

  of(path: string): Received[] {
    return this.received.filter((one) => one.path === `/${path}`);
  }

  async close(): Promise<void> {
    this.server.closeAllConnections();
    this.server.close();
    await once(this.server, 'close');
  }
}
