// What a proxy has, as tables.
import { abortWords, formatRef, type MtlsMode, type ObjectRef } from '../../model/index.ts';
import { type Cell, plainText, type Screen, shortTime, table } from '../table.ts';
import type {
  CertificateDump,
  ConfigDump,
  DirectedCluster,
  ListenerDump,
  LoggingDump,
  SecretDump,
} from './dump.ts';
import { destinationsOf, type EndpointRow, type Filters, type RouteRow } from './rows.ts';
import { actionWords, matchWords, outlierWords, retryWords, timeWords } from './words.ts';

/** Clusters: how many endpoints are healthy of how many there are, what is under way, the settings that hold. */
export function clustersText(clusters: readonly DirectedCluster[], wide: boolean, screen: Screen): string {
  if (clusters.length === 0) return 'no cluster; proxies make them when their app first calls a destination';
  const head = [
    'CLUSTER',
    'DIRECTION',
    'HEALTHY',
    'BALANCER',
    'CONNECT',
    'CONNECTIONS',
    'REQUESTS',
    'OUTLIERS',
  ];
  const wideHead = ['IDLE', 'MAX CONNECTIONS', 'MAX PENDING', 'MAX REQUESTS', 'RETRIES', 'OVERFLOWS', 'CORE'];
  const rows = clusters.map((each): Cell[] => [
    each.name,
    each.direction,
    healthyCell(each),
    each.balancer,
    timeWords(each.settings.connectTimeoutMs),
    String(each.connections),
    String(each.activeRequests),
    outlierWords(each.settings.outlier),
    ...(wide ? wideCells(each) : []),
  ]);
  const empty = clusters.flatMap(({ name, why }) =>
    why === undefined ? [] : [plainText(`  ! ${name}: ${why}`)],
  );
  return [
    ...table(wide ? [...head, ...wideHead] : head, rows, screen),
    ...(empty.length > 0 ? ['', 'without endpoints:', ...empty] : []),
  ].join('\n');
}

function healthyCell({ endpoints, endpointsInAll }: DirectedCluster): Cell {
  const healthy = endpoints.filter(({ health }) => health === 'healthy').length;
  const text = `${healthy}/${Math.max(endpointsInAll, endpoints.length)}`;
  return healthy === 0 ? { text, colour: 'red' } : text;
}

function wideCells({ settings, retries, overflows, core = 0 }: DirectedCluster): string[] {
  const { limits, idleTimeoutMs } = settings;
  const figures = [
    limits.maxConnections,
    limits.maxPendingRequests,
    limits.maxRequests,
    retries,
    overflows,
    core,
  ];
  return [timeWords(idleTimeoutMs), ...figures.map(String)];
}

/** Endpoints: state, latency, what is under way. */
export function endpointsText(endpoints: readonly EndpointRow[], wide: boolean, screen: Screen): string {
  if (endpoints.length === 0)
    return 'no endpoint; weft proxy-config clusters tells whether there are clusters';
  const head = [
    'ENDPOINT',
    'STATE',
    'CLUSTER',
    'POD',
    'TLS',
    'LATENCY',
    'ACTIVE',
    'CONNECTIONS',
    'EJECTIONS',
  ];
  const rows = endpoints.map((each): Cell[] => [
    each.address,
    stateCell(each),
    each.cluster,
    each.pod === '' ? '-' : each.pod,
    each.tls === 'mesh' ? 'mutual' : 'none',
    each.latencyMs > 0
      ? `${each.latencyMs < 10 ? each.latencyMs.toFixed(1) : Math.round(each.latencyMs)}ms`
      : '-',
    String(each.activeRequests),
    String(each.connections.open),
    String(each.ejections),
    ...(wide
      ? [
          each.workload || '-',
          each.version || '-',
          String(each.weight ?? 1),
          each.principal || '-',
          String(each.core ?? 0),
        ]
      : []),
  ]);
  return table(
    wide ? [...head, 'WORKLOAD', 'VERSION', 'WEIGHT', 'IDENTITY', 'CORE'] : head,
    rows,
    screen,
  ).join('\n');
}

function stateCell({ state, health, warmth }: EndpointRow): Cell {
  if (typeof health !== 'string') {
    const left = health.leftMs === undefined ? '' : `, ${shortTime(health.leftMs / 1000)} left`;
    return { text: `ejected (${health.reason}${left})`, colour: 'red' };
  }
  if (state === 'draining') return { text: state, colour: 'yellow' };
  return warmth === undefined
    ? { text: state, colour: 'green' }
    : { text: `healthy (warming up, ${Math.round(warmth * 100)}%)`, colour: 'yellow' };
}

/** Routes in the order in which they are tried, each with the object that it came from. */
export function routesText(routes: readonly RouteRow[], wide: boolean, screen: Screen): string {
  if (routes.length === 0) return 'no route; proxies learn of a destination when their app first calls it';
  const head = ['DESTINATION', '#', 'MATCH', 'TO', 'TIMEOUT', 'RETRIES', 'OBJECT'];
  const rows = routes.map(({ destination, place, route }): Cell[] => [
    destination,
    String(place + 1),
    matchWords(route.matches),
    actionWords(route),
    timeWords(route.timeoutMs),
    retryWords(route.retry),
    objectWords(route.from),
    ...(wide ? [route.name, timeWords(route.idleTimeoutMs), moreWords(route)] : []),
  ]);
  return table(wide ? [...head, 'ROUTE', 'IDLE', 'BESIDES'] : head, rows, screen).join('\n');
}

function objectWords(from: ObjectRef | undefined): string {
  return from ? formatRef(from) : '-';
}

function moreWords(route: RouteRow['route']): string {
  const { mirrors = [], fault, rateLimits = [], session, cors, requestHeaders, responseHeaders } = route;
  return (
    [
      ...mirrors.map(({ cluster, percent }) => `${percent}% copied to ${cluster}`),
      ...(fault?.delay ? [`${fault.delay.percent}% wait ${timeWords(fault.delay.ms)}`] : []),
      ...(fault?.abort ? [`${fault.abort.percent}% answered ${abortWords(fault.abort)}`] : []),
      ...(rateLimits.length > 0 ? ['rate limit'] : []),
      ...(session ? [`session cookie ${session.cookie}`] : []),
      ...(cors ? ['CORS'] : []),
      ...(requestHeaders ? ['request headers'] : []),
      ...(responseHeaders ? ['response headers'] : []),
    ].join(', ') || '-'
  );
}

/** Three tables: ports that are listened on, what holds on the ports of the app, what the app has called so far. */
export function listenersText(
  listeners: readonly ListenerDump[],
  dump: ConfigDump,
  filters: Filters,
  screen: Screen,
): string {
  const own = table(
    ['LISTENER', 'ADDRESS', 'PORT', 'OPEN'],
    listeners.map(({ name, hosts, port, openConnections }) => [
      name,
      hosts.join(', '),
      String(port),
      openConnections === undefined ? '-' : String(openConnections),
    ]),
    screen,
  );
  const called = destinationsOf(dump, filters).map(
    ({ key, host, port, protocol, found, routes, refused }): Cell[] => [
      key,
      found === 'unknown' ? '-' : `${host}:${port}`,
      protocol,
      refused === undefined ? found : { text: 'refused', colour: 'red' },
      String(routes.length),
    ],
  );
  return [
    ...own,
    '',
    ...inboundLines(dump, filters, screen),
    '',
    ...(called.length > 0
      ? table(['CALLED BY THE APP', 'DESTINATION', 'PROTOCOL', 'FOUND', 'ROUTES'], called, screen)
      : ['the app has called nothing yet that is meant here']),
  ].join('\n');
}

function inboundLines({ inbound }: ConfigDump, { port }: Filters, screen: Screen): string[] {
  if (inbound === null) return ['the control plane has said nothing of the ports of the app yet'];
  const rows = inbound.ports
    .filter(({ number }) => port === undefined || number === port)
    .map(({ number, protocol, mtls, from, service, rateLimits = [] }): Cell[] => [
      String(number),
      protocol,
      modeCell(mtls),
      objectWords(from),
      service ? `${service.name}.${service.namespace}` : '-',
      String(rateLimits.length),
    ]);
  const others: Cell[] = [
    'any other',
    'auto',
    modeCell(inbound.defaultMtls),
    objectWords(inbound.defaultFrom),
    '-',
    '0',
  ];
  const limits = String(inbound.defaultRateLimits?.length ?? 0);
  const all = port === undefined ? [...rows, [...others.slice(0, -1), limits]] : rows;
  return table(['PORT OF THE APP', 'PROTOCOL', 'MTLS', 'DECIDED BY', 'SERVICE', 'RATE LIMITS'], all, screen);
}

function modeCell(mode: MtlsMode): Cell {
  return mode === 'strict' ? { text: mode, colour: 'green' } : mode;
}

/** The chain and the roots, with what is left of each. `nowMs`: since the epoch. */
export function secretText({ principal, chain, roots }: SecretDump, nowMs: number, screen: Screen): string {
  if (chain.length === 0) return 'this proxy has no certificate; weft proxy-status and its log say why';
  const row = (kind: string, each: CertificateDump): Cell[] => {
    const leftMs = Date.parse(each.notAfter) - nowMs;
    return [
      kind,
      kind === 'certificate' ? principal : each.subject,
      each.serial,
      each.notBefore,
      each.notAfter,
      leftMs > 0 ? shortTime(leftMs / 1000) : { text: 'expired', colour: 'red' },
    ];
  };
  const rows = [
    ...chain.map((each, at) => row(at === 0 ? 'certificate' : 'issuer', each)),
    ...roots.map(each => row('root', each)),
  ];
  return table(['KIND', 'IDENTITY', 'SERIAL', 'VALID FROM', 'VALID UNTIL', 'LEFT'], rows, screen).join('\n');
}

/** The levels, and when which come back. */
export function loggingText({ level, accessLog, back }: LoggingDump): string {
  const lines = [`level       ${level}`, `access log  ${accessLog}`];
  if (back === undefined) return lines.join('\n');
  return [
    ...lines,
    `in ${shortTime(back.inSeconds)} again: level ${back.level}, access log ${back.accessLog}`,
  ].join('\n');
}
