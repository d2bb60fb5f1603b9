// Stands between the phone and the server, counts what passes, and does to it what networks do.
import { once } from 'node:events';
import http from 'node:http';
import net from 'node:net';

export const HTML = '<html><body><h1>502 Bad Gateway</h1></body></html>';

export interface Passing {
  /** `login`, `refreshSession`, `me`, …: the field that is asked for; `avatar` for a picture. */
  field: string;
  /** Which of its kind it is, from 1. */
  count: number;
  token?: string;
  body: string;
}

/** What becomes of a request: it passes; its answer is lost; the connection is cut; or it is answered here. */
export type Fate = 'pass' | 'lose' | 'cut' | 'hang' | { status: number; body: string; type?: string };

export class Proxy {
  readonly seen: Passing[] = [];
  fate: (passing: Passing) => Fate | Promise<Fate> = () => 'pass';
  url = '';
  private server?: http.Server;
  private readonly pipes = new Set<net.Socket>();

  constructor(public target: string) {}

  async start(): Promise<this> {
    this.server = http.createServer((request, response) => void this.handle(request, response).catch(() => response.destroy()));
    this.server.on('upgrade', (request, socket, head) => this.upgrade(request, socket as net.Socket, head));
    this.server.listen(0, '127.0.0.1');
    await once(this.server, 'listening');
    this.url = `http://127.0.0.1:${(this.server.address() as net.AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.cutSockets();
    this.server!.closeAllConnections();
    this.server!.close();
    await once(this.server!, 'close');
  }

  /** Cuts the connections of subscribers. */
  cutSockets(): void {
    this.pipes.forEach((pipe) => pipe.destroy());
  }

  count(field: string): number {
    return this.seen.filter((passing) => passing.field === field).length;
  }

  private async handle(request: http.IncomingMessage, response: http.ServerResponse): Promise<void> {
    const chunks: Buffer[] = [];
    for await (const chunk of request) chunks.push(chunk as Buffer);
    const body = Buffer.concat(chunks);
    const field = fieldOf(request.url!, body.toString());
    const token = request.headers.authorization?.replace('Bearer ', '');
    const passing = { field, count: this.count(field) + 1, token, body: body.toString() };
    this.seen.push(passing);
    const fate = await this.fate(passing);
    if (fate === 'cut') return void request.socket.destroy();
    if (fate === 'hang') return;
    if (typeof fate === 'object') {
      response.writeHead(fate.status, { 'content-type': fate.type ?? 'text/html' });
      return void response.end(fate.body);
    }
    const headers = { ...request.headers } as Record<string, string>;
    delete headers.host;
    delete headers.connection;
    delete headers['content-length'];
    delete headers['transfer-encoding'];
    const answer = await fetch(this.target + request.url, { method: request.method, headers, body });
    const text = await answer.text();
    if (fate === 'lose') return void request.socket.destroy();
    response.writeHead(answer.status, { 'content-type': answer.headers.get('content-type') ?? 'text/plain' });
    response.end(text);
  }

  private upgrade(request: http.IncomingMessage, client: net.Socket, head: Buffer): void {
    const { hostname, port } = new URL(this.target);
    const server = net.connect(Number(port), hostname, () => {
      const lines = request.rawHeaders.map((each, at) => (at % 2 ? `${each}\r\n` : `${each}: `)).join('');
      server.write(`${request.method} ${request.url} HTTP/1.1\r\n${lines}\r\n`);
      server.write(head);
      server.pipe(client).pipe(server);
    });
    for (const pipe of [client, server]) {
      this.pipes.add(pipe);
      pipe.on('error', () => pipe.destroy());
      pipe.on('close', () => {
        this.pipes.delete(pipe);
        client.destroy();
        server.destroy();
      });
    }
  }
}

function fieldOf(url: string, body: string): string {
  if (!url.startsWith('/graphql')) return url.split('/').pop()!;
  const { query } = JSON.parse(body) as { query: string };
  return /\{\s*(?:\w+:\s*)?(\w+)/.exec(query)?.[1] ?? '?';
}
