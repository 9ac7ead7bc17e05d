import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { type AddressInfo, isIP } from 'node:net';
import { errorMessage, internalError, WeftError } from '../errors/index.ts';
import { formatAddress, type HostPort } from '../model/index.ts';
import { Newcomers } from '../newcomers/index.ts';
import type { Clock } from '../time/index.ts';

/** What a route answers. */
export interface Answer {
  readonly status?: number;
  /** `application/json` unless told. */
  readonly type?: string;
  /** Text as it is; anything else as JSON. */
  readonly body: unknown;
}

/** By path. */
export type Routes = Readonly<Record<string, () => Answer | Promise<Answer>>>;

/** Probes and Prometheus come with a few connections; anybody in the cluster may come with many. */
const connectionLimits = { total: 256, perAddress: 64 };

/**
 * Serves the routes with GET until the signal aborts; resolves with the port. Errors: port-in-use, listen-failed. `refused` hears
 * of connections that were closed because there were too many. `closedTo` says why an address gets nothing of /debug.
 */
export function serveRoutes(
  listen: HostPort,
  routes: Routes,
  signal: AbortSignal,
  clock: Clock,
  refused: (code: string) => void = () => {},
  closedTo: (address: string) => string | undefined = () => undefined,
): Promise<number> {
  const server = createServer({ requestTimeout: 10_000, headersTimeout: 10_000 }, (request, response) => {
    // A client that is gone before its answer.
    response.on('error', () => {});
    respond(request, response, routes, closedTo).catch(thrown => {
      internalError('http', thrown);
      response.destroy();
    });
  });
  new Newcomers({ limits: connectionLimits, clock, closed: refused }).guard(server);
  signal.addEventListener('abort', () => close(server), { once: true });
  return bind(server, listen);
}

async function respond(
  request: IncomingMessage,
  response: ServerResponse,
  routes: Routes,
  closedTo: (address: string) => string | undefined,
): Promise<void> {
  const path = (request.url ?? '/').split('?')[0]!;
  const closed = path.startsWith('/debug')
    ? (foreignHost(request.headers.host) ?? closedTo(request.socket.remoteAddress ?? ''))
    : undefined;
  if (closed !== undefined) {
    send(response, { status: 403, body: { error: closed } });
    return;
  }
  if (request.method !== 'GET' && request.method !== 'HEAD') {
    send(response, { status: 405, body: { error: 'only GET is answered here' } });
    return;
  }
  const route = Object.hasOwn(routes, path) ? routes[path] : undefined;
  if (!route) {
    send(response, { status: 404, body: { error: `nothing is at ${path}`, paths: Object.keys(routes) } });
    return;
  }
  try {
    send(response, await route());
  } catch (thrown) {
    send(response, { status: 500, body: { error: errorMessage(thrown) } });
  }
}

/** A page in a browser that has a name lead to a forwarded port (DNS rebinding) cannot ask by address. */
function foreignHost(host = ''): string | undefined {
  const name = host.replace(/:\d+$/, '').replace(/^\[|\]$/g, '');
  if (isIP(name) !== 0 || name === 'localhost' || /\.svc(?:\.|$)|^$/.test(name)) return undefined;
  return `ask by address and not as ${name.slice(0, 100)}`;
}

function send(response: ServerResponse, { status = 200, type = 'application/json', body }: Answer): void {
  const text = typeof body === 'string' ? body : `${JSON.stringify(body, undefined, 2)}\n`;
  response.writeHead(status, { 'content-type': type, 'content-length': Buffer.byteLength(text) });
  response.end(text);
}

function close(server: Server): void {
  server.close();
  server.closeIdleConnections();
}

function bind(server: Server, { host, port }: HostPort): Promise<number> {
  const where = formatAddress(host, port);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const why =
        error.code === 'EADDRINUSE'
          ? `port ${port} is in use; stop what listens at ${where}, or give another with --metrics-listen`
          : `cannot listen on ${where}: ${error.message}; give another address with --metrics-listen`;
      const code = error.code === 'EADDRINUSE' ? 'port-in-use' : 'listen-failed';
      reject(new WeftError(code, why, { source: 'config', cause: error }));
    });
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      // From now on: no file descriptor left for one connection, say. Others go on.
      server.on('error', error => internalError('http.accept', error));
      resolve((server.address() as AddressInfo).port);
    });
  });
}
