import type { IncomingMessage, ServerResponse } from 'node:http';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { guarded, internalError, WeftError } from '../errors/index.ts';
import type { Credentials } from '../identity/index.ts';
import { formatAddress, type HostPort } from '../model/index.ts';
import { Newcomers } from '../newcomers/index.ts';
import type { Clock } from '../time/index.ts';
import { formatBundle } from './bundle.ts';

/** What the server of our own bundle is made of. */
export interface BundleServerOptions {
  readonly listen: HostPort;
  /** PEM of every root that is good now. */
  readonly roots: () => readonly string[];
  /** Calls with the control plane's certificate, at once and with every change: its SPIFFE id is that of the endpoint. */
  readonly credentials: (use: (credentials: Credentials) => void) => () => void;
  readonly clock: Clock;
  readonly signal: AbortSignal;
  readonly refused?: (code: string) => void;
}

/** Roots are no secret, and who fetches them comes every few minutes. */
const connectionLimits = { total: 128, perAddress: 32 };
/** How often others are asked to look: a root is announced for longer than that before anything is issued under it by hand. */
const REFRESH_HINT_MS = 60_000;

/**
 * A SPIFFE bundle endpoint (profile https_spiffe) until the signal aborts; resolves with its port. Errors: port-in-use,
 * listen-failed.
 */
export function serveBundle(options: BundleServerOptions): Promise<number> {
  const { listen, roots, credentials, clock, signal, refused = () => {} } = options;
  const timeouts = { requestTimeout: 10_000, headersTimeout: 10_000, handshakeTimeout: 10_000 };
  const answer = guarded('federation.bundle', (request: IncomingMessage, response: ServerResponse) => {
    response.on('error', () => {});
    const isGet = request.method === 'GET' || request.method === 'HEAD';
    const body = isGet ? formatBundle(roots(), REFRESH_HINT_MS) : '{"error":"only GET is answered here"}\n';
    response.writeHead(isGet ? 200 : 405, {
      'content-type': 'application/json',
      'content-length': Buffer.byteLength(body),
    });
    response.end(body);
  });
  const server = createServer({ ...timeouts, minVersion: 'TLSv1.2' }, answer);
  new Newcomers({ limits: connectionLimits, clock, closed: refused }).guard(server);
  server.on('tlsClientError', (_error, socket) => socket.destroy());
  const unsubscribe = credentials(
    guarded('federation.certificate', ({ keyPem, chainPem }: Credentials) =>
      server.setSecureContext({ key: keyPem, cert: chainPem, minVersion: 'TLSv1.2' }),
    ),
  );
  const stop = (): void => {
    unsubscribe();
    server.close();
    server.closeAllConnections();
  };
  signal.addEventListener('abort', stop, { once: true });
  const { host, port } = listen;
  return new Promise((resolve, reject) => {
    server.once('error', (error: NodeJS.ErrnoException) => {
      const inUse = error.code === 'EADDRINUSE';
      const why = `cannot serve the trust bundle at ${formatAddress(host, port)} (${error.message}); give another address with --bundle-listen`;
      reject(new WeftError(inUse ? 'port-in-use' : 'listen-failed', why, { source: 'config', cause: error }));
    });
    server.listen({ port, ...(host !== '' && { host }) }, () => {
      server.on('error', error => internalError('federation.accept', error));
      resolve((server.address() as AddressInfo).port);
    });
  });
}
