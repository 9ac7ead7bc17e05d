// What a gateway of Sentinel's dialect answers itself: routes with a builtin-handler and /_/health are sent to this server on
// loopback.
import { createServer, get, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { errorMessage, guarded, internalError, WeftError } from '../errors/index.ts';
import type { HostPort } from '../model/index.ts';
import { FILES_FIELD, type SentinelConfiguration } from '../translate/sentinel/index.ts';
import type { UpstreamStatus } from '../upstreams/index.ts';

/** What the answers are made of. */
export interface BuiltinSubject {
  /** Undefined when the gateway takes requests, otherwise why it does not. */
  notReady(): string | undefined;
  configuration(): SentinelConfiguration | undefined;
  upstreams(): readonly UpstreamStatus[];
  /** Where this proxy's own metrics are served, on loopback. */
  readonly metrics: { readonly port: number };
}

/** Milliseconds for a scrape of our own metrics. */
const METRICS_MS = 10_000;

/** Listens on loopback, on any free port. */
export async function serveBuiltin(
  subject: BuiltinSubject,
): Promise<{ readonly port: number; close(): void }> {
  const server = createServer(
    guarded('sentinel.builtin', (request: IncomingMessage, response: ServerResponse) => {
      const files = request.headers[FILES_FIELD];
      if (files === undefined) answer(subject, pathOf(request), response);
      else answerFile(subject, String(files), request, response);
    }),
  );
  const bound = await listening(server, { host: '127.0.0.1', port: 0 });
  return { port: bound, close: () => void server.close() };
}

/** Metrics where the file wants them, in place of the last such server. */
export class MetricsServer {
  readonly #subject: BuiltinSubject;
  #server: Server | undefined;
  #place = '';

  constructor(subject: BuiltinSubject) {
    this.#subject = subject;
  }

  /** Rejects with a WeftError where the address cannot be listened on. */
  async serve(
    metrics: { readonly host: string; readonly port: number; readonly path: string } | undefined,
  ): Promise<void> {
    const place = JSON.stringify(metrics ?? '');
    if (place === this.#place) return;
    this.close();
    this.#place = place;
    if (!metrics) return;
    const server = createServer(
      guarded('sentinel.builtin', (request: IncomingMessage, response: ServerResponse) => {
        if (pathOf(request) === metrics.path) tellMetrics(this.#subject.metrics.port, response);
        else plain(response, 404, `metrics are at ${metrics.path}\n`);
      }),
    );
    await listening(server, metrics);
    this.#server = server;
  }

  close(): void {
    this.#server?.close();
    this.#server = undefined;
    this.#place = '';
  }
}

async function listening(server: Server, { host, port }: HostPort): Promise<number> {
  await new Promise<void>((resolve, reject) => {
    const failed = (error: unknown): void =>
      reject(
        new WeftError('listen-failed', `cannot listen on ${host} port ${port}: ${errorMessage(error)}`, {
          source: 'config',
        }),
      );
    server.once('error', failed);
    server.listen(port, host, () => {
      server.off('error', failed);
      server.on(
        'error',
        guarded('sentinel.builtin', () => {}),
      );
      resolve();
    });
  });
  // Nothing of it keeps the process.
  server.unref();
  return (server.address() as { port: number }).port;
}

/** Not by URL, which throws for `//`. */
function pathOf({ url = '/' }: IncomingMessage): string {
  return url.split('?', 1)[0]!;
}

/** Of a route with static-files; what serves them is loaded with the first request. */
function answerFile(
  subject: BuiltinSubject,
  id: string,
  request: IncomingMessage,
  response: ServerResponse,
): void {
  const action = subject.configuration()?.routes.find(each => each.id === id)?.action;
  if (action?.kind !== 'files') {
    plain(response, 404, 'not found\n');
    return;
  }
  import('../static-files/index.ts')
    .then(({ serveFile }) => serveFile(action.files, request, response))
    .catch((error: unknown) => {
      internalError('sentinel.files', error);
      response.destroy();
    });
}

function answer(subject: BuiltinSubject, path: string, response: ServerResponse): void {
  const { listeners = [], routes = [], upstreams = [] } = subject.configuration() ?? {};
  const why = subject.notReady();
  const status = why === undefined ? 'healthy' : 'unhealthy';
  switch (path) {
    case '/health': {
      const health = {
        status,
        timestamp: new Date().toISOString(),
        ...(why !== undefined && { reason: why }),
      };
      json(response, why === undefined ? 200 : 503, health);
      break;
    }
    case '/status':
      json(response, 200, {
        status,
        listeners: listeners.length,
        routes: routes.length,
        upstreams: upstreams.length,
      });
      break;
    case '/metrics':
      tellMetrics(subject.metrics.port, response);
      break;
    case '/upstreams':
      json(response, 200, { upstreams: subject.upstreams() });
      break;
    case '/config':
      // Without files of certificates and tokens: who may see this has no need of them.
      json(response, 200, {
        listeners: listeners.map(({ id, host, port, protocol }) => ({
          id,
          address: `${host}:${port}`,
          protocol,
        })),
        routes: routes.map(({ id, action }) => ({
          id,
          action: action.kind,
          ...(action.kind === 'upstream' && { upstream: action.upstream }),
        })),
        upstreams: upstreams.map(({ id }) => ({ id })),
      });
      break;
    default:
      plain(response, 404, 'not found\n');
  }
}

/** The proxy's exposition, as its health port has it. */
function tellMetrics(port: number, response: ServerResponse): void {
  const asked = get(
    { host: '127.0.0.1', port, path: '/stats/prometheus', agent: false, timeout: METRICS_MS },
    from => {
      response.writeHead(from.statusCode ?? 502, {
        'content-type': from.headers['content-type'] ?? 'text/plain',
      });
      from.pipe(response);
    },
  );
  asked.on('timeout', () => asked.destroy());
  asked.on('error', error => {
    if (response.headersSent) response.destroy();
    else plain(response, 502, `the metrics cannot be read: ${errorMessage(error)}\n`);
  });
}

function json(response: ServerResponse, status: number, body: unknown): void {
  response
    .writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
    .end(`${JSON.stringify(body)}\n`);
}

function plain(response: ServerResponse, status: number, body: string): void {
  response.writeHead(status, { 'content-type': 'text/plain' }).end(body);
}
