import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { connect, type Socket } from 'node:net';
import { errorMessage } from '../../errors/index.ts';
import { joinStreams } from './forwards.ts';
import type { Operations } from './operations.ts';

/** What requests may carry; which of it matters depends on the path. */
interface RequestBody {
  readonly target?: string;
  readonly container?: string;
  readonly command?: readonly string[];
  readonly replicas?: number;
  readonly force?: boolean;
  readonly graceSeconds?: number;
  readonly signal?: NodeJS.Signals;
  readonly name?: string;
  readonly yaml?: string;
  readonly port?: number | string;
  readonly hostPort?: number;
}

const bodyLimit = 16 << 20;

/**
 * The agent's API: JSON over HTTP on a unix socket, which network namespaces do not divide. `curl --unix-socket` reads it:
 * GET /status, /objects, /events; POST /restart, /scale, /delete, /signal, /exec, /trigger, /apply, /forward;
 * CONNECT svc/NAME:PORT is a stream to a Service or pod.
 */
export class AgentServer {
  readonly #operations: Operations;
  readonly #server: Server;

  constructor(operations: Operations) {
    this.#operations = operations;
    this.#server = createServer((request, response) => void this.#serve(request, response));
    this.#server.on('connect', (request, socket, head) => this.#connect(request, socket as Socket, head));
  }

  /** Listens on a unix socket that only this user can open. */
  async listen(path: string): Promise<void> {
    const before = process.umask(0o077);
    this.#server.listen(path);
    process.umask(before);
    await once(this.#server, 'listening');
  }

  async #serve(request: IncomingMessage, response: ServerResponse): Promise<void> {
    try {
      if (request.method === 'GET' && request.url === '/events') {
        this.#follow(response);
        return;
      }
      const result = await this.#answer(request);
      send(
        response,
        typeof result === 'object' && result !== null && 'problem' in result ? 400 : 200,
        result,
      );
    } catch (error) {
      send(response, 400, { problem: errorMessage(error) });
    }
  }

  async #answer(request: IncomingMessage): Promise<unknown> {
    const operations = this.#operations;
    if (request.method === 'GET') {
      if (request.url === '/status') return operations.status();
      if (request.url === '/objects') return operations.objects();
      return { problem: `there is nothing at ${request.url}` };
    }
    const body = await readBody(request);
    const target = body.target ?? '';
    switch (request.url) {
      case '/restart':
        return operations.restart(target);
      case '/scale':
        return operations.scale(target, body.replicas ?? Number.NaN);
      case '/delete':
        return operations.deletePod(target, body);
      case '/signal':
        return operations.signal(target, body.signal ?? 'SIGTERM', body.container);
      case '/exec':
        return operations.exec(target, body.command ?? [], body.container);
      case '/trigger':
        return operations.trigger(target);
      case '/apply':
        return operations.apply(body.name ?? '', body.yaml);
      case '/forward':
        return operations.forward(target, body.port ?? 0, body.hostPort ?? 0);
      default:
        return { problem: `there is nothing at ${request.url}` };
    }
  }

  #follow(response: ServerResponse): void {
    response.writeHead(200, { 'content-type': 'application/x-ndjson' });
    const write = (event: object): void => void response.write(`${JSON.stringify(event)}\n`);
    for (const event of this.#operations.events.list()) write(event);
    const stop = this.#operations.events.onEvent(write);
    response.on('close', stop);
  }

  #connect(request: IncomingMessage, socket: Socket, head: Buffer): void {
    socket.on('error', () => socket.destroy());
    const text = request.url ?? '';
    const colon = text.lastIndexOf(':');
    const port = text.slice(colon + 1);
    const found = this.#operations.dial(text.slice(0, colon), /^\d+$/.test(port) ? Number(port) : port);
    if ('problem' in found) {
      refuse(socket, found.problem);
      return;
    }
    const upstream = connect({ host: found.host, port: found.port, allowHalfOpen: true });
    const failed = (error: Error): void =>
      refuse(socket, `${text} (${found.host}:${found.port}): ${error.message}`);
    upstream.once('error', failed);
    upstream.once('connect', () => {
      upstream.removeListener('error', failed);
      socket.write('HTTP/1.1 200 Connected\r\n\r\n');
      if (head.length > 0) upstream.write(head);
      joinStreams(socket, upstream);
    });
  }
}

function refuse(socket: Socket, problem: string): void {
  const body = JSON.stringify({ problem });
  socket.end(`HTTP/1.1 502 Bad Gateway\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`);
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' });
  response.end(`${JSON.stringify(body)}\n`);
}

async function readBody(request: IncomingMessage): Promise<RequestBody> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > bodyLimit) throw new Error(`the request is larger than ${bodyLimit} bytes`);
    chunks.push(chunk);
  }
  return length === 0 ? {} : (JSON.parse(Buffer.concat(chunks).toString()) as RequestBody);
}
