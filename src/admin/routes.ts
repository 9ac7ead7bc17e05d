import type { RunningCluster } from '../cluster/index.ts';
import type { CoreView } from '../cores/index.ts';
import type { ProxyRecords, RecordQuery } from '../model/index.ts';
import {
  type DataPlane,
  mergeAnswers,
  proxyMetricPieces,
  readRecordQuery,
  type UnderWay,
} from '../proxy/index.ts';
import type { AccessLog, Exposition, Log } from '../telemetry/index.ts';
import { guardAdmin } from './browser-guard.ts';
import { mergeConfigs, mergeListeners } from './core-views.ts';
import { type AdminHandler, type AdminReply, type AdminRoutes, json, text } from './http-server.ts';
import { Logging } from './logging.ts';
import { cpuProfile, heapSnapshot } from './profiling.ts';
import {
  certificateView,
  clusterView,
  configView,
  connectionView,
  listenerView,
  type OwnPort,
  stateView,
} from './views.ts';

/** What the endpoints need from the process around them. */
export interface AdminHost {
  readonly plane: DataPlane;
  readonly log: Log;
  readonly accessLog: AccessLog;
  /** Undefined when ready, otherwise why not. */
  notReady(): string | undefined;
  /** Ports beside those of traffic. */
  readonly ownPorts: readonly OwnPort[];
  /** Certificate, control-plane connection: shown under `/status`. */
  status(): object;
  /** Metrics of the process beside the data plane's. */
  metrics(out: Exposition): void;
  /** The other cores of this proxy; undefined when it has one. */
  readonly cores?: {
    metrics(own: string): Promise<Iterable<string>>;
    view(view: CoreView): Promise<readonly unknown[]>;
    requests(query: RecordQuery): Promise<readonly ProxyRecords[]>;
    setLogging(level: string | undefined, access: string | undefined): void;
  };
  /** What the process before counted is added; undefined for one that took over from none. */
  readonly before?: { metrics(own: string): Promise<Iterable<string>> };
  /** Whether its histograms may have exemplars. */
  exemplars?(): boolean;
  /** On all cores. */
  underWay(): UnderWay;
  /** Begins to drain; the process exits when it is done. */
  drain(): void;
}

/** Port 15020: what kubelet and Prometheus ask. */
export function healthRoutes(host: AdminHost): AdminRoutes {
  const exposition = (pieces: Iterable<string>, contentType = 'text/plain; version=0.0.4'): AdminReply => ({
    status: 200,
    contentType: `${contentType}; charset=utf-8`,
    body: '',
    pieces,
  });
  const metrics: AdminHandler = ({ headers }) => {
    // Sums of several cores have none, and where there are none the older format is what everybody reads.
    const asked = headers?.accept?.includes('application/openmetrics-text') === true;
    if (asked && host.cores === undefined && host.before === undefined && host.exemplars?.() === true) {
      const pieces = proxyMetricPieces(host.plane, out => host.metrics(out), 'openmetrics');
      return exposition(pieces, 'application/openmetrics-text; version=1.0.0');
    }
    if (host.cores === undefined && host.before === undefined)
      return exposition(proxyMetricPieces(host.plane, out => host.metrics(out)));
    return wholeMetrics(host).then(pieces => exposition(pieces));
  };
  return {
    'GET /ready': () => {
      const reason = host.notReady();
      return reason === undefined ? text('ready\n') : text(`weft: not ready: ${reason}\n`, 503);
    },
    'GET /healthz': () => text('alive\n'),
    'GET /stats/prometheus': metrics,
    'GET /metrics': metrics,
  };
}

/** The Prometheus text of all cores, with what a process before this one has counted. */
export async function wholeMetrics(host: AdminHost): Promise<Iterable<string>> {
  const own = [...proxyMetricPieces(host.plane, out => host.metrics(out))].join('');
  const all = (await host.cores?.metrics(own)) ?? [own];
  return host.before === undefined ? all : host.before.metrics([...all].join(''));
}

/** Port 15000, loopback only: what people and tools ask, and no page in a browser (see browser-guard.ts). */
export function adminRoutes(host: AdminHost): AdminRoutes {
  const { plane } = host;
  const { clock } = plane.services;
  const logging = new Logging({ ...host, clock });
  const views = (clusters: Iterable<RunningCluster>): object[] =>
    [...clusters].map(each => clusterView(each, clock.monotonic()));
  const others = async (view: CoreView): Promise<readonly unknown[]> => (await host.cores?.view(view)) ?? [];
  const routes: AdminRoutes = {
    ...healthRoutes(host),
    'GET /status': () => json(host.status()),
    'GET /config_dump': async () => json(mergeConfigs(configView(plane), await others('config'))),
    'GET /clusters': async () => {
      const own = views([...plane.destinations.clusters, ...plane.passThrough.clusters]);
      return json([...own, ...(await others('clusters')).flat()]);
    },
    'GET /inbound': async () =>
      json([...views(plane.inboundPorts.clusters), ...(await others('inbound')).flat()]),
    'GET /listeners': async () =>
      json(mergeListeners(listenerView(plane, host.ownPorts), await others('listeners'))),
    'GET /certificates': () => json(certificateView(plane)),
    'GET /requests': async ({ query }) => {
      const asked = readRecordQuery(Object.fromEntries(query));
      const own = plane.recorded(asked, stateView(host.status()));
      return json(mergeAnswers([own, ...((await host.cores?.requests(asked)) ?? [])]));
    },
    'GET /connections': () => json(connectionView(plane, host.underWay())),
    'GET /logging': () => logging.view(),
    'POST /logging': ({ query }) => logging.set(query),
    'POST /cpu': request => cpuProfile(Number(request.query.get('seconds') ?? 10)),
    'POST /heap': () => heapSnapshot(),
    'POST /drain': () => {
      host.drain();
      return text('draining\n');
    },
  };
  const all = {
    ...routes,
    'GET /': () => text(`weft-proxy admin:\n  ${Object.keys(routes).join('\n  ')}\n`),
  };
  return guardAdmin(all);
}
