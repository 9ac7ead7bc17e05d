import { brotliDecompressSync } from 'node:zlib';
import { errorMessage, guarded } from '../../errors/index.ts';
import type { LineStream, LiveAnswer, LiveRequest, LiveRoute, Right } from '../../live/api/index.ts';
import type { Assets } from '../assets/index.ts';
import type { PageMesh, PageRefusal, StreamMessage } from '../contract.ts';
import { proxiesLines } from '../mesh/peer-proxies.ts';
import type { DashboardSource } from '../source.interface.ts';
import { MAX_OPENED, MAX_PAGES } from './limits.ts';

/** Everything of the dashboard is below it. */
export const DASHBOARD_PATH = '/dashboard/';

/** Where a replica tells of the proxies that are connected to it, for the pages of the others. */
export const PROXIES_PATH = `${DASHBOARD_PATH}api/proxies`;

/** What whoever looks must be allowed, in all namespaces. */
const needs: Right = { verb: 'get', subresource: 'figures' };

/** The page runs what it came with, talks to where it came from, and stands in nobody's frame. */
const pageHeaders: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; worker-src 'self'; " +
    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'referrer-policy': 'no-referrer',
};

/**
 * The dashboard in the live API: its files for everybody, because there is nothing in them, and its data for who may see it. It
 * only reads. Tokens come in a header that no page of another origin can send, and nothing is kept in cookies.
 */
export function dashboardRoutes(
  source: DashboardSource,
  assets: () => Promise<Assets>,
): readonly LiveRoute[] {
  let pages = 0;
  return [
    {
      path: DASHBOARD_PATH.slice(0, -1),
      handle: (_, answer) => answer.send(308, '', { location: DASHBOARD_PATH }),
    },
    { path: `${DASHBOARD_PATH}*`, handle: (request, answer) => sendAsset(request, answer, assets) },
    {
      path: `${DASHBOARD_PATH}api/mesh`,
      needs,
      handle: ({ query }, answer) => answer.send(200, source.mesh(openedOf(query)), pageHeaders),
    },
    {
      path: `${DASHBOARD_PATH}api/history`,
      needs,
      handle({ query }, answer) {
        const kind = query.get('pod') === null ? 'workload' : 'pod';
        answer.send(200, source.history(kind, query.get(kind) ?? ''), pageHeaders);
      },
    },
    {
      // What forms make is created by `weft dashboard` alone, on the machine of its user, which answers this itself.
      path: `${DASHBOARD_PATH}api/objects`,
      needs,
      handle: (_, answer) => answer.send(200, { applies: false }, pageHeaders),
    },
    {
      path: PROXIES_PATH,
      needs,
      handle(_, answer) {
        const lines = answer.lines();
        for (const line of proxiesLines(source.proxies())) lines.write(line);
        lines.end();
      },
    },
    {
      path: `${DASHBOARD_PATH}api/stream`,
      needs,
      handle(request, answer) {
        if (pages >= MAX_PAGES) {
          const error = `${MAX_PAGES} pages are open already; close one of them`;
          return answer.send(503, { code: 'dashboard-busy', error } satisfies PageRefusal);
        }
        pages++;
        request.signal.addEventListener('abort', () => pages--, { once: true });
        tell(source, openedOf(request.query), request, answer);
      },
    },
  ];
}

/** The mesh, figures whenever there are new ones, and the mesh again when it changed; until the page closes. */
function tell(
  source: DashboardSource,
  opened: ReadonlySet<string>,
  { signal }: LiveRequest,
  answer: LiveAnswer,
): void {
  let told: PageMesh | undefined;
  let lines: LineStream | undefined;
  const write = (message: StreamMessage): void => lines?.write(message);
  const now = (): void => {
    const mesh = source.mesh(opened);
    if (mesh !== told) write({ type: 'mesh', mesh });
    told = mesh;
    write({ type: 'figures', figures: source.figures(opened) });
  };
  // What it throws becomes the answer; afterwards the answer has begun.
  const unwatch = source.watch(guarded('dashboard', now, () => lines?.end()));
  signal.addEventListener('abort', unwatch, { once: true });
  lines = answer.lines();
  now();
}

/** Not called `namespace`: that is where the caller needs the right, and the page tells of all. */
function openedOf(query: URLSearchParams): ReadonlySet<string> {
  return new Set(query.getAll('open').slice(0, MAX_OPENED));
}

async function sendAsset(
  { path, headers }: LiveRequest,
  answer: LiveAnswer,
  load: () => Promise<Assets>,
): Promise<void> {
  let assets: Assets;
  try {
    assets = await load();
  } catch (thrown) {
    const error = `the page cannot be built: ${errorMessage(thrown)}; see the log of the control plane`;
    return answer.send(500, { code: 'dashboard-unbuilt', error } satisfies PageRefusal);
  }
  const name = path.slice(DASHBOARD_PATH.length) || 'index.html';
  const asset = Object.hasOwn(assets, name) ? assets[name] : undefined;
  if (asset === undefined) {
    const error = `nothing is at ${path}; the page is at ${DASHBOARD_PATH}`;
    return answer.send(404, { code: 'dashboard-no-page', error } satisfies PageRefusal);
  }
  const { etag, type, brotli } = asset;
  const about = {
    ...pageHeaders,
    etag,
    'cache-control': 'no-cache',
    vary: 'accept-encoding',
    'content-type': type,
  };
  if (headers['if-none-match'] === etag) return answer.send(304, '', about);
  const compressed = Buffer.from(brotli, 'base64');
  if (/\bbr\b/.test(String(headers['accept-encoding'] ?? ''))) {
    return answer.send(200, compressed, { ...about, 'content-encoding': 'br' });
  }
  answer.send(200, brotliDecompressSync(compressed), about);
}
