import type { IncomingMessage } from 'node:http';
import type { AppMetrics } from '../config/app.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { Log } from '../telemetry/index.ts';
import { type AppExposition, mergeExpositions } from '../telemetry/merge-expositions.ts';
import type { AppAddress } from './app-health.ts';
import type { AdminHandler, AdminReply, AdminRoutes } from './http-server.ts';

/** How long the app may take; Prometheus itself gives up after ten seconds unless told otherwise. */
const timeoutMs = 5_000;
/** An app with more metrics than this is not for a sidecar to carry. */
const maxBytes = 8 << 20;

/** Reads `WEFT_APP_METRICS`; undefined where it is not set. Throws WeftError `bad-configuration`. */
export function readAppMetrics(value: string | undefined): AppMetrics | undefined {
  if (value === undefined || value === '') return undefined;
  try {
    const { port, path, scheme } = JSON.parse(value) as Partial<AppMetrics>;
    const fine = Number.isInteger(port) && path?.startsWith('/') && (scheme === 'http' || scheme === 'https');
    if (fine) return { port: port!, path: path!, scheme: scheme! };
  } catch {
    // Said below.
  }
  throw new WeftError(
    'bad-configuration',
    'WEFT_APP_METRICS is not {"port":…,"path":"/…","scheme":"http"|"https"}; inject the pod anew',
    { source: 'config' },
  );
}

/**
 * Prometheus asks the proxy only: what it gets are the proxy's own metrics, always, and the app's with them when the app gives
 * them. `weft_app_metrics_up` tells whether it did.
 */
export function appMetricsRoutes(
  own: AdminHandler,
  metrics: AppMetrics,
  app: AppAddress,
  log: Log,
): AdminRoutes {
  let asking: Promise<AppExposition | string> | undefined;
  let lastFailure = '';
  const handler: AdminHandler = async request => {
    // Everybody who asks meanwhile gets the same answer: a flood of scrapes does not reach the app.
    asking ??= scrape(metrics, app).finally(() => {
      asking = undefined;
    });
    // In the older format, which the app's are brought into as well.
    const { accept: _, ...headers } = request.headers ?? {};
    const [mine, theirs] = await Promise.all([own({ ...request, headers }), asking]);
    const failed = typeof theirs === 'string';
    const failure = failed ? theirs : '';
    if (failure !== lastFailure) {
      lastFailure = failure;
      if (failed) log.warn({ ...metrics }, `the app's metrics are left out: ${failure}`);
      else log.info({ ...metrics }, "the app's metrics are there again");
    }
    return withApp(mine, failed ? undefined : theirs);
  };
  return { 'GET /stats/prometheus': handler, 'GET /metrics': handler };
}

function withApp(own: AdminReply, app: AppExposition | undefined): AdminReply {
  const up =
    '# HELP weft_app_metrics_up Whether the app gave its metrics.\n' +
    `# TYPE weft_app_metrics_up gauge\nweft_app_metrics_up ${app ? 1 : 0}\n`;
  const pieces = followedBy(own, up);
  return { ...own, body: '', pieces: app ? mergeExpositions(pieces, app) : pieces };
}

function* followedBy({ body, pieces }: AdminReply, last: string): Generator<string, void, void> {
  if (pieces === undefined) yield body;
  else yield* pieces;
  yield last;
}

/** The app's metrics, or why there are none. node:http costs 3 MB, which only pods with metrics pay. */
async function scrape({ port, path, scheme }: AppMetrics, app: AppAddress): Promise<AppExposition | string> {
  const { request } = scheme === 'https' ? await import('node:https') : await import('node:http');
  return new Promise(resolve => {
    const call = request(
      {
        host: app.host,
        port,
        path,
        ...(app.localAddress !== undefined && { localAddress: app.localAddress }),
        headers: {
          accept: 'text/plain;version=0.0.4;q=1,*/*;q=0.1',
          'accept-encoding': 'identity',
          'user-agent': 'weft-proxy',
        },
        agent: false,
        rejectUnauthorized: false,
      },
      response => void read(response, path).then(resolve, thrown => resolve(errorMessage(thrown))),
    );
    const limit = setTimeout(() => call.destroy(new Error(`no answer within ${timeoutMs} ms`)), timeoutMs);
    call.on('close', () => clearTimeout(limit));
    call.on('error', error => resolve(`GET ${path} on port ${port}: ${error.message}`));
    call.end();
  });
}

async function read(response: IncomingMessage, path: string): Promise<AppExposition | string> {
  const type = response.headers['content-type'] ?? '';
  const refused =
    response.statusCode !== 200
      ? `GET ${path} answered ${response.statusCode}`
      : /protobuf/.test(type)
        ? `GET ${path} answered in protobuf, though text was asked for`
        : undefined;
  if (refused !== undefined) {
    response.destroy();
    return refused;
  }
  const chunks: Buffer[] = [];
  let length = 0;
  for await (const chunk of response as AsyncIterable<Buffer>) {
    length += chunk.length;
    if (length > maxBytes) {
      response.destroy();
      return `GET ${path} answered with more than ${maxBytes} bytes`;
    }
    chunks.push(chunk);
  }
  return { bytes: Buffer.concat(chunks), openMetrics: /openmetrics/.test(type) };
}
