import { randomBytes, timingSafeEqual } from 'node:crypto';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { LiveApi } from './connect.ts';

/** A way from this machine's browser to the live API. */
export interface Relay {
  /** With the token behind it, which the page takes out of the address. */
  readonly url: string;
}

/** What is handed on; the rest of what the API says is its connection's own. */
const handedOn = [
  'content-type',
  'content-security-policy',
  'cross-origin-opener-policy',
  'cross-origin-resource-policy',
  'referrer-policy',
  'x-content-type-options',
  'cache-control',
  'etag',
  'location',
];

/**
 * Serves the dashboard and the live API on 127.0.0.1 until the signal aborts, each request with the proof of who runs the
 * command. A browser proves itself with a token of this relay alone: other pages and other users of the machine have none.
 * Rejects with WeftError `port-in-use` or `listen-failed`.
 */
export async function openRelay(api: LiveApi, port: number, signal: AbortSignal): Promise<Relay> {
  const token = randomBytes(24).toString('base64url');
  const server = createServer((request, response) => {
    relay(api, token, request, response).catch((thrown: unknown) => {
      if (response.headersSent) response.destroy();
      else
        answer(
          response,
          502,
          thrown instanceof WeftError ? thrown.code : 'live-unreachable',
          errorMessage(thrown),
        );
    });
  });
  await new Promise<void>((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      const why = inUse
        ? `port ${port} is in use; leave --port out for a free one`
        : `cannot listen on 127.0.0.1:${port}: ${error.message}; leave --port out for a free one`;
      reject(new WeftError(inUse ? 'port-in-use' : 'listen-failed', why, { source: 'config', cause: error }));
    });
    server.listen(port, '127.0.0.1', resolve);
  });
  signal.addEventListener(
    'abort',
    () => {
      server.close();
      server.closeAllConnections();
    },
    { once: true },
  );
  const bound = (server.address() as AddressInfo).port;
  return { url: `http://127.0.0.1:${bound}/dashboard/#token=${token}` };
}

async function relay(
  api: LiveApi,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const path = request.url ?? '/';
  if (request.method !== 'GET') return answer(response, 405, 'live-method', 'only GET is answered here');
  if (path === '/') return void response.writeHead(302, { location: '/dashboard/' }).end();
  const open = path.startsWith('/dashboard/') && !path.startsWith('/dashboard/api/');
  if (!open && !isToken(request.headers.authorization, token)) {
    const why = 'this page has no token of this run; open the address that weft dashboard printed';
    return answer(response, 401, 'live-unproven', why);
  }
  const gone = new AbortController();
  response.on('close', () => gone.abort());
  const said = await api.get(path, gone.signal);
  const headers = handedOn.flatMap(name => {
    const value = said.headers[name];
    return typeof value === 'string' ? [[name, value] as const] : [];
  });
  response.writeHead(said.statusCode ?? 502, Object.fromEntries(headers));
  said.on('error', () => response.destroy());
  said.pipe(response);
}

function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function answer(response: ServerResponse, status: number, code: string, error: string): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify({ code, error }));
}
