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

/** Where forms send what they made; it is the relay's own, and the control plane has nothing there. */
const OBJECTS_PATH = '/dashboard/api/objects';
/** A page of another origin can send no body of this type without asking first, which is refused. */
const OBJECTS_TYPE = 'application/yaml';
const maxObjectsBytes = 64 * 1024;

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
  if (path === OBJECTS_PATH) return objects(api, token, request, response);
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

/** GET: whether forms can be applied. POST: applies one. Only for who has the token, and from this page alone. */
async function objects(
  api: LiveApi,
  token: string,
  request: IncomingMessage,
  response: ServerResponse,
): Promise<void> {
  const { method, headers } = request;
  if (method !== 'GET' && method !== 'POST')
    return answer(response, 405, 'live-method', 'only GET and POST are answered here');
  if (!isToken(headers.authorization, token)) {
    const why = 'this page has no token of this run; open the address that weft dashboard printed';
    return answer(response, 401, 'live-unproven', why);
  }
  if (method === 'GET') return send(response, 200, { applies: api.create !== undefined });
  if (headers['content-type'] !== OBJECTS_TYPE)
    return answer(response, 415, 'form-objects', `send ${OBJECTS_TYPE}`);
  const { origin, host } = headers;
  if (origin !== undefined && origin !== `http://${host}`)
    return answer(response, 403, 'live-page', `${origin} is another page than that of weft dashboard`);
  if (api.create === undefined) {
    const why = 'there is no cluster to create objects in; put the YAML into the folder of the sandbox';
    return answer(response, 404, 'form-objects', why);
  }
  const yaml = await bodyOf(request);
  if (yaml === undefined)
    return answer(
      response,
      413,
      'form-objects',
      `more than ${maxObjectsBytes} bytes came; use kubectl apply`,
    );
  const { status, body } = await api.create(yaml);
  send(response, status, body);
}

/** Undefined where it is too long. */
async function bodyOf(request: IncomingMessage): Promise<string | undefined> {
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length <= maxObjectsBytes) chunks.push(chunk);
  }
  return length > maxObjectsBytes ? undefined : Buffer.concat(chunks).toString('utf8');
}

function isToken(header: string | undefined, token: string): boolean {
  const given = Buffer.from(header ?? '');
  const wanted = Buffer.from(`Bearer ${token}`);
  return given.length === wanted.length && timingSafeEqual(given, wanted);
}

function answer(response: ServerResponse, status: number, code: string, error: string): void {
  send(response, status, { code, error });
}

function send(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(JSON.stringify(body));
}
