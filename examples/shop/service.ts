// What every HTTP service of the shop shares: routes, health, the fault switch, an echo, graceful shutdown. It is an
// ordinary Node program: nothing here knows that a mesh may sit in front of it.
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { FaultSwitch } from './fault.ts';
import type { GrpcServer } from './grpc.ts';

/** What a handler is given. */
export interface Call {
  readonly method: string;
  readonly url: URL;
  /** The parts of the path that a pattern names with a colon. */
  readonly params: Readonly<Record<string, string>>;
  readonly request: IncomingMessage;
  /** The body parsed as JSON; a Refusal with status 400 when it is not JSON. */
  json(): Promise<unknown>;
}

/** What a handler answers with. */
export interface Answer {
  /** 200 unless said. */
  readonly status?: number;
  readonly body: object;
  /** The `Served-By` values of the services that were asked to make this answer. */
  readonly servedBy?: readonly string[];
}

/** Keys are `METHOD /path/:name`. */
export type Routes = Readonly<Record<string, (call: Call) => Answer | Promise<Answer>>>;

/** Thrown by handlers for an answer that is not a success. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

/** This pod's name and version, as they appear in every answer. */
export const pod = process.env.POD_NAME ?? hostname();
/** See `pod`. */
export const version = process.env.VERSION ?? 'v1';

const maxBodyBytes = 1 << 20;
const proxySettings = Object.keys(process.env).filter(name => /_proxy$/i.test(name));
let stopping = false;

/** What a service may have beside its routes. */
export interface Beside {
  /** One of its own unless said. */
  readonly fault?: FaultSwitch;
  /** What it also speaks; counted as served, and ended with it. */
  readonly grpc?: GrpcServer;
}

/**
 * Serves the routes on HOST:PORT (default 0.0.0.0:8080; port 0 picks a free one) until SIGTERM or SIGINT: then it stops
 * accepting, finishes what is in flight and exits. Beside the routes there are `GET /healthz`; `GET|POST|DELETE /fault` (see
 * fault.ts); `GET /stats` (requests served, and the names of proxy settings in the environment, of which there should be none
 * where traffic is intercepted); and `/echo` with any method, which answers with the request line, the header lines in the order
 * and case received, and the peer's address.
 */
export function serve(name: string, routes: Routes, { fault = new FaultSwitch(), grpc }: Beside = {}): void {
  const table = compile(routes);
  let served = 0;
  const own: Routes = {
    'GET /healthz': () => ({ body: { status: 'ok' } }),
    'GET /stats': () => ({ body: { served: served + (grpc?.served() ?? 0), proxySettings } }),
    'GET /fault': () => ({ body: fault.describe() }),
    'POST /fault': async call => ({ body: fault.set(await call.json()) }),
    'DELETE /fault': () => ({ body: fault.clear() }),
  };
  const ownTable = compile(own);

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const url = new URL(request.url ?? '/', 'http://service');
    if (url.pathname === '/echo') return echo(name, request, response);
    try {
      const internal = match(ownTable, request, url);
      if (internal) return send(name, response, await internal());
      served += 1;
      const injected = await fault.apply(url.pathname);
      if (injected === 'reset') return void request.socket.destroy();
      if (injected !== undefined) throw new Refusal(injected, `fault switch answers ${injected}`);
      const route = match(table, request, url);
      if (!route) throw new Refusal(404, `${name} has no ${request.method} ${url.pathname}`);
      send(name, response, await route());
    } catch (thrown) {
      const status = thrown instanceof Refusal ? thrown.status : 500;
      send(name, response, {
        status,
        body: { error: thrown instanceof Error ? thrown.message : String(thrown) },
      });
    }
  }

  const server = createServer((request, response) => void handle(request, response));
  const port = Number(process.env.PORT ?? 8080);
  server.listen(port, process.env.HOST ?? '0.0.0.0', () => {
    const address = server.address();
    const bound = typeof address === 'object' && address ? `${address.address}:${address.port}` : address;
    console.log(`${name} ${version} listens on ${bound}`);
  });
  server.on('error', error => {
    console.error(`${name} cannot listen on port ${port}: ${error.message}`);
    process.exit(1);
  });
  const stop = () => {
    stopping = true;
    const closed = new Promise<void>(resolve => server.close(() => resolve()));
    void Promise.all([closed, grpc?.close()]).then(() => process.exit(0));
  };
  process.once('SIGTERM', stop);
  process.once('SIGINT', stop);
}

interface Compiled {
  readonly method: string;
  readonly parts: readonly string[];
  readonly handler: Routes[string];
}

function compile(routes: Routes): Compiled[] {
  return Object.entries(routes).map(([key, handler]) => {
    const [method = '', path = ''] = key.split(' ');
    return { method, parts: path.split('/'), handler };
  });
}

function match(
  table: readonly Compiled[],
  request: IncomingMessage,
  url: URL,
): (() => Answer | Promise<Answer>) | undefined {
  const parts = url.pathname.split('/');
  const method = request.method ?? 'GET';
  for (const route of table) {
    if (route.method !== method || route.parts.length !== parts.length) continue;
    if (!route.parts.every((part, index) => part.startsWith(':') || part === parts[index])) continue;
    const params: Record<string, string> = {};
    route.parts.forEach((part, index) => {
      if (part.startsWith(':')) params[part.slice(1)] = decodeURIComponent(parts[index]!);
    });
    return () => route.handler({ method, url, params, request, json: () => readJson(request) });
  }
  return undefined;
}

function send(name: string, response: ServerResponse, answer: Answer): void {
  if (response.writableEnded || response.destroyed) return;
  if (stopping) response.shouldKeepAlive = false;
  const body = JSON.stringify({ service: name, pod, version, ...answer.body });
  response.writeHead(answer.status ?? 200, {
    'Content-Type': 'application/json',
    'Content-Length': Buffer.byteLength(body),
    'Served-By': [`${name}/${pod}/${version}`, ...(answer.servedBy ?? [])].join(', '),
  });
  response.end(body);
}

function echo(name: string, request: IncomingMessage, response: ServerResponse): void {
  const lines: string[] = [];
  for (let index = 0; index < request.rawHeaders.length; index += 2) {
    lines.push(`${request.rawHeaders[index]}: ${request.rawHeaders[index + 1]}`);
  }
  const { remoteAddress: address, remotePort: port } = request.socket;
  request.resume();
  request.once('end', () => {
    const requestLine = `${request.method} ${request.url} HTTP/${request.httpVersion}`;
    const body = JSON.stringify({ service: name, pod, version, requestLine, lines, peer: { address, port } });
    // Odd names and cases on purpose: whoever asks can see whether they arrive as they were sent.
    response.writeHead(200, [
      ['X-eChO-CaSe', 'Kept'],
      ['content-TYPE', 'application/json'],
      ['x-twice', 'one'],
      ['X-Twice', 'two'],
      ['Content-Length', String(Buffer.byteLength(body))],
    ]);
    response.end(body);
  });
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  let size = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    size += chunk.length;
    if (size > maxBodyBytes) throw new Refusal(413, `the body is larger than ${maxBodyBytes} bytes`);
    chunks.push(chunk);
  }
  try {
    return JSON.parse(Buffer.concat(chunks).toString('utf8'));
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
}
