// A line to a server that breaks when it is told to, or after some bytes.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

export class Line {
  /** How often it broke. */
  breaks = 0;
  /** Breaks each connection after so many bytes from the server. */
  after = Infinity;
  private sockets = new Set<Socket>();

  private constructor(private readonly server: Server, readonly url: string) {}

  static async to(port: number): Promise<Line> {
    const server = createServer();
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    const address = server.address();
    if (address === null || typeof address === 'string') throw new Error('no port');
    const line = new Line(server, `http://127.0.0.1:${address.port}`);
    server.on('connection', (socket) => line.carry(socket, port));
    return line;
  }

  break(): void {
    for (const socket of this.sockets) socket.destroy();
  }

  close(): void {
    this.break();
    this.server.close();
  }

  private carry(client: Socket, port: number): void {
    const server = connect(port, '127.0.0.1');
    let left = this.after;
    const over = () => {
      if (this.sockets.delete(client)) this.breaks += 1;
      client.destroy();
      server.destroy();
    };
    this.sockets.add(client);
    for (const socket of [client, server]) socket.on('error', over).on('close', over);
    client.pipe(server);
    server.on('data', (bytes: Buffer) => {
      const some = bytes.subarray(0, left);
      left -= some.length;
      client.write(some, () => { if (left <= 0) over(); });
    });
  }
}
