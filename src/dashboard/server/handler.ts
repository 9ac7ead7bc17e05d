import type { IncomingMessage, ServerResponse } from 'node:http';
import { brotliDecompressSync } from 'node:zlib';
import { errorMessage } from '../../errors/index.ts';
import type { Clock } from '../../time/index.ts';
import type { Asset, Assets } from '../assets/index.ts';
import type { PageRefusal } from '../contract.ts';
import type { DashboardSource } from '../source.interface.ts';
import { MAX_OPENED, MAX_WATCHERS } from './limits.ts';
import { refusedAsForeign } from './same-origin.ts';
import { PageStream } from './stream.ts';

/** Everything of the dashboard is below it. */
export const DASHBOARD_PATH = '/dashboard/';

/** Why somebody may not look; the words name the right that is missing. */
export interface Denied extends PageRefusal {
  readonly status: 401 | 403 | 503;
}

/** What the dashboard's server is made of. */
export interface DashboardOptions {
  readonly source: DashboardSource;
  readonly assets: () => Promise<Assets>;
  readonly clock: Clock;
  /**
   * Whether the request may read, by its bearer token; undefined when it may. Without it everybody may who reaches the port, and
   * only pages of this very origin: for loopback.
   */
  readonly authorize?: (request: IncomingMessage) => Promise<Denied | undefined>;
}

/** Answers what is below DASHBOARD_PATH; what is thrown is an answer, too. */
export type DashboardHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

/** The page runs what it came with, talks to where it came from, and stands in nobody's frame. */
const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/**
 * The dashboard's part of an HTTP server. It only reads: every method but GET and HEAD is refused, tokens come in a header that
 * no other site can make a browser send, and nothing is kept in cookies.
 */
export function createDashboard({ source, assets, clock, authorize }: DashboardOptions): DashboardHandler {
  let watchers = 0;
  const api: Readonly<
    Record<string, (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => void>
  > = {
    'api/mesh': (_, response, query) => sendJson(response, 200, source.mesh(openedOf(query))),
    'api/history': (_, response, query) => {
      const kind = query.get('pod') === null ? 'workload' : 'pod';
      sendJson(response, 200, source.history(kind, query.get(kind) ?? ''));
    },
    'api/stream': (request, response, query) => {
      if (watchers >= MAX_WATCHERS) {
        const error = `${MAX_WATCHERS} pages are open already; close one of them`;
        sendJson(response, 503, { code: 'dashboard-busy', error } satisfies PageRefusal);
        return;
      }
      watchers++;
      response.once('close', () => watchers--);
      if (request.method === 'HEAD') response.end();
      else new PageStream(response, source, openedOf(query), clock).start();
    },
  };

  return async (request, response) => {
    try {
      for (const [name, value] of Object.entries(pageHeaders)) response.setHeader(name, value);
      const url = new URL(request.url ?? '/', 'http://page');
      const foreign = authorize === undefined ? refusedAsForeign(request) : undefined;
      if (foreign !== undefined) return sendJson(response, 403, foreign);
      if (request.method !== 'GET' && request.method !== 'HEAD') {
        const error = 'the dashboard only reads; only GET is answered here';
        return sendJson(response, 405, { code: 'dashboard-reads', error } satisfies PageRefusal);
      }
      const path = url.pathname.slice(DASHBOARD_PATH.length);
      const answer = Object.hasOwn(api, path) ? api[path] : undefined;
      if (answer === undefined) return await sendAsset(request, response, path || 'index.html', assets);
      const denied = await authorize?.(request);
      if (denied === undefined) return answer(request, response, url.searchParams);
      if (denied.status === 401) response.setHeader('www-authenticate', 'Bearer realm="weft"');
      return sendJson(response, denied.status, { code: denied.code, error: denied.error });
    } catch (thrown) {
      const error = `the dashboard cannot answer: ${errorMessage(thrown)}; see the log of the control plane`;
      if (response.headersSent) response.destroy();
      else sendJson(response, 500, { code: 'dashboard-failed', error } satisfies PageRefusal);
    }
  };
}

function openedOf(query: URLSearchParams): ReadonlySet<string> {
  return new Set(query.getAll('namespace').slice(0, MAX_OPENED));
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  const text = JSON.stringify(body);
  response.writeHead(status, {
    'content-type': 'application/json',
    'content-length': Buffer.byteLength(text),
    'cache-control': 'no-store',
  });
  response.end(text);
}

async function sendAsset(
  request: IncomingMessage,
  response: ServerResponse,
  name: string,
  load: () => Promise<Assets>,
): Promise<void> {
  const assets = await load();
  const asset: Asset | undefined = Object.hasOwn(assets, name) ? assets[name] : undefined;
  if (asset === undefined) {
    const error = `nothing is at ${DASHBOARD_PATH}${name}`;
    return sendJson(response, 404, { code: 'dashboard-no-page', error } satisfies PageRefusal);
  }
  response.setHeader('etag', asset.etag);
  response.setHeader('cache-control', 'no-cache');
  response.setHeader('vary', 'accept-encoding');
  if (request.headers['if-none-match'] === asset.etag) {
    response.writeHead(304).end();
    return;
  }
  const compressed = Buffer.from(asset.brotli, 'base64');
  const takesBrotli = /\bbr\b/.test(String(request.headers['accept-encoding'] ?? ''));
  const body = takesBrotli ? compressed : brotliDecompressSync(compressed);
  if (takesBrotli) response.setHeader('content-encoding', 'br');
  response.writeHead(200, { 'content-type': asset.type, 'content-length': body.length });
  response.end(body);
}
