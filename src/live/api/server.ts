// The live API: HTTP for people's questions. In: requests of whoever reaches the port. Out: what routes answer to who may ask,
// and refusals that say what is missing. docs/decisions/live.md says why it is as it is.

import type { X509Certificate } from 'node:crypto';
import {
  createServer as createPlainServer,
  type IncomingMessage,
  type Server,
  type ServerResponse,
} from 'node:http';
import { createServer as createTlsServer, type Server as TlsServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { TLSSocket } from 'node:tls';
import { errorMessage, guarded, internalError, WeftError } from '../../errors/index.ts';
import { formatAddress, type HostPort } from '../../model/index.ts';
import { Newcomers } from '../../newcomers/index.ts';
import type { Clock } from '../../time/index.ts';
import type { Access, Caller, Proof, Right } from './access.interface.ts';
import { LineStream } from './line-stream.ts';

/** A request that was let in. */
export interface LiveRequest {
  readonly path: string;
  readonly query: URLSearchParams;
  readonly headers: IncomingMessage['headers'];
  /** Undefined where nobody has to prove who they are. */
  readonly caller: Caller | undefined;
  /** Another replica asks on somebody's behalf, and wants what is known here alone. */
  readonly fromPeer: boolean;
  /** Aborts when the asker has gone. */
  readonly signal: AbortSignal;
}

/** How a route answers: once, with either. */
export interface LiveAnswer {
  /** A whole body; `json` unless told. Text and bytes as they are, anything else as JSON. */
  send(status: number, body: unknown, headers?: Readonly<Record<string, string>>): void;
  /** JSON lines that may go on for as long as somebody reads. */
  lines(): LineStream;
}

/** What answers at a path. */
export interface LiveRoute {
  /** `/live/tap`; one that ends with `/*` takes all below it. The longest that fits counts. */
  readonly path: string;
  /** What the caller must be allowed in the namespace that the query names; undefined for what tells nothing of the mesh. */
  readonly needs?: Right;
  handle(request: LiveRequest, answer: LiveAnswer): void | Promise<void>;
}

/** The certificate of the server and whom it believes client certificates. */
export interface LiveTls {
  readonly keyPem: string;
  readonly chainPem: string;
  /** PEM of roots of client certificates: the cluster's, for users, and the mesh's, for other replicas. */
  readonly authorities: readonly string[];
}

/** What the server is made of. */
export interface LiveServerOptions {
  readonly listen: HostPort;
  readonly routes: readonly LiveRoute[];
  readonly access: Access;
  /** Calls at once with what there is, then with every change; undefined: plain HTTP. */
  readonly tls?: (use: (tls: LiveTls) => void) => () => void;
  /**
   * Whether a certificate, which leads to one of the authorities, is that of another replica of the control plane, whose word
   * counts for who is behind it; undefined where there are none.
   */
  readonly isPeer?: (certificate: X509Certificate) => boolean;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Told of connections and requests that were refused, with a code. */
  readonly refused?: (code: string) => void;
}

/** Connections whose peer has proven nothing; who has is bounded by the questions that it may have open. */
const connectionLimits = { total: 256, perAddress: 64 };

/** Serves the routes until the signal aborts; resolves with the port. Errors: port-in-use, listen-failed. */
export function startLiveServer(options: LiveServerOptions): Promise<number> {
  const { clock, signal, refused = () => {} } = options;
  const timeouts = { requestTimeout: 10_000, headersTimeout: 10_000, handshakeTimeout: 10_000 };
  const server = options.tls
    ? createTlsServer({ ...timeouts, minVersion: 'TLSv1.2', requestCert: true, rejectUnauthorized: false })
    : createPlainServer(timeouts);
  const newcomers = new Newcomers({ limits: connectionLimits, clock, closed: refused });
  newcomers.guard(server);
  server.on('request', (request, response) => {
    response.on('error', () => {});
    respond(request, response, options, newcomers).catch(thrown => {
      internalError('live.request', thrown);
      response.destroy();
    });
  });
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const unsubscribe = options.tls?.(
    guarded('live.certificate', ({ keyPem, chainPem, authorities }: LiveTls) =>
      (server as TlsServer).setSecureContext({
        ...{ key: keyPem, cert: chainPem, ca: [...authorities] },
        minVersion: 'TLSv1.2',
      }),
    ),
  );
  const stop = (): void => {
    unsubscribe?.();
    server.close();
    server.closeAllConnections();
  };
  signal.addEventListener('abort', stop, { once: true });
  return bind(server, options.listen);
}

async function respond(
  message: IncomingMessage,
  response: ServerResponse,
  { routes, access, isPeer, clock, refused = () => {} }: LiveServerOptions,
  newcomers: Newcomers,
): Promise<void> {
  const gone = new AbortController();
  response.on(
    'close',
    guarded('live.close', () => gone.abort()),
  );
  const send = (status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): void =>
    write(response, message.method === 'HEAD', status, body, headers);
  const refuse = (status: number, code: string, error: string): void => {
    refused(code);
    send(status, { error, code }, status === 401 ? { 'www-authenticate': 'Bearer realm="weft"' } : {});
  };
  // Never `new URL`: it throws, and whoever reaches the port chooses the target.
  const url = URL.parse(message.url ?? '/', 'http://live');
  const route = url && routeOf(routes, url.pathname);
  if (message.method !== 'GET' && message.method !== 'HEAD')
    return refuse(405, 'live-method', 'only GET is answered here');
  if (!url || !route) return refuse(404, 'live-path', 'nothing is at this path');
  const socket = message.socket instanceof TLSSocket ? message.socket : undefined;
  const certificate = socket?.authorized ? socket.getPeerX509Certificate() : undefined;
  const fromPeer = certificate !== undefined && isPeer?.(certificate) === true;
  let caller: Caller | undefined;
  if (route.needs && !fromPeer) {
    const proof = proofOf(message, socket);
    if (typeof proof === 'string') return refuse(403, 'live-page', proof);
    const found = await access.authenticate(proof);
    if ('why' in found) return refuse(statusOf[found.code], found.code, found.why);
    newcomers.leave(message.socket);
    const denied = await access.authorize(found, route.needs, url.searchParams.get('namespace') ?? '');
    if (denied) return refuse(statusOf[denied.code], denied.code, denied.why);
    caller = found;
  }
  if (gone.signal.aborted) return;
  const request = {
    ...{ path: url.pathname, query: url.searchParams, headers: message.headers },
    ...{ caller, fromPeer, signal: gone.signal },
  };
  try {
    await route.handle(request, { send, lines: () => new LineStream(response, clock) });
  } catch (thrown) {
    // It may have begun to answer.
    if (response.headersSent) throw thrown;
    if (thrown instanceof WeftError)
      refuse(thrown.code === 'live-busy' ? 503 : 400, thrown.code, thrown.message);
    else refuse(500, 'live-failed', errorMessage(thrown));
  }
}

const statusOf = { 'live-unproven': 401, 'live-forbidden': 403, 'live-unavailable': 503 } as const;

/**
 * A certificate is shown by a browser to every page that asks for one, so that it proves nothing about who is at work: with it a
 * header has to come that no page of another origin can send. A token is never sent by a browser of its own accord.
 */
function proofOf({ headers }: IncomingMessage, socket: TLSSocket | undefined): Proof | string {
  const token = /^Bearer +(\S+)$/i.exec(headers.authorization ?? '')?.[1];
  if (token !== undefined) return { token };
  if (socket?.authorized && headers[CLIENT_HEADER] === undefined)
    return `a client certificate counts only with the header ${CLIENT_HEADER}, which no page in a browser can send`;
  return socket ? { socket } : {};
}

/** See proofOf. */
export const CLIENT_HEADER = 'x-weft-client';

function routeOf(routes: readonly LiveRoute[], path: string): LiveRoute | undefined {
  const fits = routes.filter(each =>
    each.path.endsWith('/*') ? path.startsWith(each.path.slice(0, -1)) : each.path === path,
  );
  return fits.sort((a, b) => b.path.length - a.path.length)[0];
}

function write(
  response: ServerResponse,
  headOnly: boolean,
  status: number,
  body: unknown,
  headers: Readonly<Record<string, string>>,
): void {
  const raw = typeof body === 'string' || Buffer.isBuffer(body);
  const content = raw ? body : `${JSON.stringify(body)}\n`;
  response.writeHead(status, {
    ...{ 'content-type': typeof body === 'string' ? 'text/plain; charset=utf-8' : 'application/json' },
    ...{ 'x-content-type-options': 'nosniff', 'cache-control': 'no-store' },
    ...headers,
    'content-length': Buffer.byteLength(content),
  });
  response.end(headOnly ? undefined : content);
}

function bind(server: Server, { host, port }: HostPort): Promise<number> {
  const where = formatAddress(host, port);
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      const why = inUse ? `port ${port} is in use` : `cannot listen on ${where}: ${error.message}`;
      const code = inUse ? 'port-in-use' : 'listen-failed';
      const words = `the live API: ${why}; give another address with --live-listen`;
      reject(new WeftError(code, words, { source: 'config', cause: error }));
    });
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      // From now on: no file descriptor left for one connection, say. Others go on.
      server.on('error', error => internalError('live.accept', error));
      resolve((server.address() as AddressInfo).port);
    });
  });
}
