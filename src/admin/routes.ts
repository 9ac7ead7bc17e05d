import { type DataPlane, proxyMetricPieces, type UnderWay } from '../proxy/index.ts';
import {
  ACCESS_LOG_MODES,
  type AccessLog,
  type AccessLogMode,
  type Exposition,
  LOG_LEVELS,
  type Log,
  type LogLevel,
} from '../telemetry/index.ts';
import { guardAdmin } from './browser-guard.ts';
import { type AdminHandler, type AdminReply, type AdminRoutes, json, text } from './http-server.ts';
import { cpuProfile, heapSnapshot } from './profiling.ts';
import { clusterView, configView, connectionView } from './views.ts';

/** What the endpoints need from the process around them. */
export interface AdminHost {
  readonly plane: DataPlane;
  readonly log: Log;
  readonly accessLog: AccessLog;
  /** Undefined when ready, otherwise why not. */
  notReady(): string | undefined;
  /** Certificate, control-plane connection: shown under `/status`. */
  status(): object;
  /** Metrics of the process beside the data plane's. */
  metrics(out: Exposition): void;
  /** The other cores of this proxy; undefined when it has one. */
  readonly cores?: {
    metrics(own: string): Promise<Iterable<string>>;
    clusters(): Promise<readonly object[][]>;
    setLogging(level: string | undefined, access: string | undefined): void;
  };
  /** On all cores. */
  underWay(): UnderWay;
  /** Begins to drain; the process exits when it is done. */
  drain(): void;
}

/** Port 15020: what kubelet and Prometheus ask. */
export function healthRoutes(host: AdminHost): AdminRoutes {
  const exposition = (pieces: Iterable<string>): AdminReply => ({
    status: 200,
    contentType: 'text/plain; version=0.0.4; charset=utf-8',
    body: '',
    pieces,
  });
  const metrics: AdminHandler = () => {
    const own = proxyMetricPieces(host.plane, out => host.metrics(out));
    return host.cores === undefined
      ? exposition(own)
      : host.cores.metrics([...own].join('')).then(exposition);
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

/** Port 15000, loopback only: what people and tools ask, and no page in a browser (see browser-guard.ts). */
export function adminRoutes(host: AdminHost): AdminRoutes {
  const { plane } = host;
  const routes: AdminRoutes = {
    ...healthRoutes(host),
    'GET /status': () => json(host.status()),
    'GET /config_dump': () => json(configView(plane)),
    'GET /clusters': async () => {
      const own = [...plane.destinations.clusters, ...plane.passThrough.clusters].map(clusterView);
      return json([...own, ...((await host.cores?.clusters()) ?? []).flat()]);
    },
    'GET /inbound': () => json([...plane.inboundPorts.clusters].map(clusterView)),
    'GET /connections': () => json(connectionView(plane, host.underWay())),
    'GET /logging': () => json({ level: host.log.level, accessLog: host.accessLog.mode }),
    'POST /logging': request => setLogging(host, request.query),
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

function setLogging(host: AdminHost, query: URLSearchParams): ReturnType<AdminHandler> {
  const level = query.get('level');
  const mode = query.get('access');
  if (level !== null) {
    if (!LOG_LEVELS.includes(level as LogLevel))
      return text(`weft: level must be one of ${LOG_LEVELS.join(', ')}\n`, 400);
    host.log.level = level;
  }
  if (mode !== null) {
    if (!ACCESS_LOG_MODES.includes(mode as AccessLogMode))
      return text(`weft: access must be one of ${ACCESS_LOG_MODES.join(', ')}\n`, 400);
    host.accessLog.mode = mode as AccessLogMode;
  }
  host.cores?.setLogging(level ?? undefined, mode ?? undefined);
  if (level === null && mode === null) return text('weft: say ?level=debug or ?access=all\n', 400);
  return json({ level: host.log.level, accessLog: host.accessLog.mode });
}
