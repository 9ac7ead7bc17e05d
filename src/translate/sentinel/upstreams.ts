import { type KdlProblem, KdlReport, type Section } from '../../kdl/index.ts';
import {
  type BalancerSettings,
  equal,
  type HealthCheck,
  type OriginatedTls,
  parseHostPort,
  type StickySession,
  type UpstreamDiscovery,
  type UpstreamTarget,
} from '../../model/index.ts';
import { given } from '../given.ts';
import type { UpstreamConfig } from './configuration.ts';
import { BALANCERS, balancerKey, REFUSED_BALANCERS } from './schema/upstream.ts';
import type { Scope, Scoped } from './scopes.ts';
import { breakerOf, limitsIn, type UpstreamLimits } from './upstream-limits.ts';

/**
 * Upstreams by id. Two of one id are one, as an example of Sentinel's pages has it: targets of one serve until the discovery of
 * the other has answered.
 */
export function readUpstreams(sections: readonly Scoped[], report: KdlReport): Map<string, UpstreamConfig> {
  const byId = new Map<string, Section[]>();
  const within = new Map<string, Scope>();
  const spelt = new Map<string, string>();
  for (const { id, scope, section } of sections) {
    if (!within.has(id)) within.set(id, scope);
    const other = spelt.get(id.toLowerCase()) ?? id;
    // Names of hosts are made of it.
    if (other !== id)
      report.error(
        'sentinel-id-twice',
        section.at,
        `upstreams "${other}" and "${id}" differ only in case; rename one`,
      );
    spelt.set(id.toLowerCase(), id);
    byId.set(id, [...(byId.get(id) ?? []), section]);
  }
  return new Map(
    [...byId].map(([id, parts]) => [id, upstreamOf(id, parts, limitsIn(within.get(id)!), report)]),
  );
}

/** An upstream that was read, and what was to be said about it; by its first part. */
const knownUpstreams = new WeakMap<
  Section,
  {
    readonly parts: readonly Section[];
    readonly limits: UpstreamLimits;
    readonly upstream: UpstreamConfig;
    readonly problems: readonly KdlProblem[];
  }
>();

/** The same object as long as what it is read from is the same. */
function upstreamOf(
  id: string,
  parts: readonly Section[],
  limits: UpstreamLimits,
  report: KdlReport,
): UpstreamConfig {
  const first = parts[0]!;
  let known = knownUpstreams.get(first);
  const same =
    known?.upstream.id === id && known.parts.length === parts.length && equal(known.limits, limits);
  if (known === undefined || !same || !parts.every((each, index) => each === known!.parts[index])) {
    const own = new KdlReport();
    known = { parts, limits, upstream: readUpstream(id, parts, limits, own), problems: own.problems };
    knownUpstreams.set(first, known);
  }
  report.problems.push(...known.problems);
  return known.upstream;
}

function readUpstream(
  id: string,
  parts: readonly Section[],
  limits: UpstreamLimits,
  report: KdlReport,
): UpstreamConfig {
  const [first, ...more] = parts as [Section, ...Section[]];
  const discovering = parts.filter(each => each.has('discovery'));
  const targets = parts.flatMap(each => targetsOf(each, report));
  for (const each of more) {
    const before = discovering.length === 1 && targets.length > 0;
    if (!before)
      report.error(
        'sentinel-id-twice',
        each.at,
        `there are two upstreams "${id}"; the other is in line ${first.at.line}`,
      );
  }
  // What else is said is said beside the discovery.
  const main = discovering[0] ?? first;
  const discovered = main.section('discovery');
  const { discovery, written } = discovered ? discoveryOf(discovered, report) : { written: [] };
  const all = [...targets, ...written];
  if (!parts.some(part => ['target', 'targets', 'address', 'discovery'].some(name => part.has(name))))
    report.error('kdl-missing', first.at, `upstream "${id}" has neither targets nor a discovery`);
  const keepTargets = parts.some(each => each.text('static') === 'add');
  if (discovery !== undefined && all.length > 0 && !keepTargets)
    report.warn(
      'sentinel-static-beside-discovery',
      first.at,
      `upstream "${id}" has targets and a discovery; the targets serve until discovery has answered once, and never again then (static "add" keeps them)`,
    );
  const tls = tlsOf(main.section('tls'), report);
  const { balancer, session } = balancerOf(main, report);
  const pool = main.section('connection-pool');
  const timeouts = main.section('timeouts');
  const breaker = main.section('circuit-breaker');
  const version = main.section('http-version');
  const pingMs = version?.number('h2-ping-interval') ?? 0;
  const said = (['read-secs', 'write-secs'] as const).filter(each => timeouts?.has(each));
  return {
    id,
    at: first.at,
    settings: {
      name: id,
      targets: all,
      keepTargets,
      ...given({ discovery, healthCheck: healthCheckOf(main.section('health-check'), tls, report) }),
    },
    balancer,
    idleTimeoutMs: pool?.number('idle-timeout-secs') ?? 60_000,
    connectTimeoutMs: timeouts?.number('connect-secs') ?? 10_000,
    requestTimeoutMs: timeouts?.number('request-secs') ?? 60_000,
    circuitBreaker: breakerOf(breaker),
    http2: {
      maxConcurrentStreams: version?.number('max-h2-streams') ?? 100,
      ...(pingMs > 0 && { keepalive: { intervalMs: pingMs, timeoutMs: 20_000 } }),
    },
    http2Only: (version?.number('min-version') ?? 1) >= 2,
    ...given({
      session,
      tls,
      maxIdle: pool?.number('max-idle') ?? limits.maxIdle,
      maxConnectionAgeMs: pool?.number('max-lifetime-secs'),
      maxPending: limits.maxPending,
      maxConnections: pool?.has('max-connections') ? pool.number('max-connections') : undefined,
      streamIdleTimeoutMs:
        said.length > 0 ? Math.max(...said.map(each => timeouts!.number(each)!)) : undefined,
    }),
  };
}

function targetsOf(section: Section, report: KdlReport): readonly UpstreamTarget[] {
  const blocks = [
    ...section.sections('target'),
    ...section.sections('targets').flatMap(each => each.sections('target')),
  ];
  const written = blocks.flatMap(each => {
    const zone = each.section('metadata')?.entries.find(({ name }) => name === 'zone')?.value;
    const target = targetAt(each.text('address')!, each.placeOf('address'), report);
    const more = given({
      zone: zone === undefined ? undefined : String(zone),
      maxRequests: each.number('max-requests'),
    });
    return target ? [{ ...target, weight: each.number('weight')!, ...more }] : [];
  });
  const plain = section
    .values('address')
    .flatMap(({ value, at }) => targetAt(String(value), at, report) ?? []);
  return [...written, ...plain];
}

function targetAt(address: string, at: Section['at'], report: KdlReport): UpstreamTarget | undefined {
  const parsed = parseHostPort(address);
  if (parsed && parsed.port > 0) return { ...parsed, weight: 1 };
  report.error(
    'kdl-invalid-value',
    at,
    `"${address}" is no target; it takes a host and a port, such as 10.0.0.1:8080`,
  );
  return undefined;
}

/** Where endpoints come from; or, of `discovery "static"`, the targets that it writes down. */
function discoveryOf(
  section: Section,
  report: KdlReport,
): { readonly discovery?: UpstreamDiscovery; readonly written: readonly UpstreamTarget[] } {
  const found = (discovery: UpstreamDiscovery) => ({ discovery, written: [] });
  switch (section.variant) {
    case 'static':
      return {
        written: section
          .values('backends')
          .flatMap(({ value, at }) => targetAt(String(value), at, report) ?? []),
      };
    case 'dns':
      return found({
        kind: 'dns',
        hostname: section.text('hostname')!,
        port: section.number('port')!,
        refreshMs: section.number('refresh-interval')!,
      });
    case 'dns-srv':
      return found({
        kind: 'dns-srv',
        service: section.text('service')!,
        refreshMs: section.number('refresh-interval')!,
      });
    case 'consul':
      return consulOf(section, report);
    case 'kubernetes':
      return found({
        kind: 'kubernetes',
        namespace: section.text('namespace')!,
        service: section.text('service')!,
        refreshMs: section.number('refresh-interval')!,
        ...given({ portName: section.text('port-name'), kubeconfig: section.text('kubeconfig') }),
      });
    default:
      return found({
        kind: 'file',
        path: section.text('path')!,
        refreshMs: section.number('watch-interval')!,
      });
  }
}

function consulOf(
  section: Section,
  report: KdlReport,
): { readonly discovery?: UpstreamDiscovery; readonly written: readonly UpstreamTarget[] } {
  const written = section.text('address')!;
  const address = /^https?:\/\//.test(written) ? written : `http://${written}`;
  if (!URL.canParse(address)) {
    report.error(
      'kdl-invalid-value',
      section.placeOf('address'),
      `address is "${written}"; it takes an URL such as http://consul:8500`,
    );
    return { written: [] };
  }
  return {
    written: [],
    discovery: {
      kind: 'consul',
      address,
      service: section.text('service')!,
      onlyPassing: section.flag('only-passing')!,
      refreshMs: section.number('refresh-interval')!,
      ...given({
        datacenter: section.text('datacenter'),
        tag: section.text('tag'),
        token: section.text('token'),
        tokenFile: section.text('token-file'),
        caFile: section.text('ca-cert'),
      }),
    },
  };
}

const SAME_SITE: Readonly<Record<string, NonNullable<StickySession['sameSite']>>> = {
  lax: 'Lax',
  strict: 'Strict',
  none: 'None',
};

/** Hashes are made of the client's address: Sentinel has no key for them. */
const byClient = [{ kind: 'source-ip' }] as const;

function balancerOf(
  section: Section,
  report: KdlReport,
): { readonly balancer: BalancerSettings; readonly session?: StickySession } {
  const word = section.text('load-balancing') ?? 'round_robin';
  const at = section.placeOf('load-balancing');
  const key = balancerKey(word);
  const refused = REFUSED_BALANCERS[key];
  if (refused !== undefined)
    report.error('kdl-refused', at, `load-balancing "${word}" is not supported: ${refused}`);
  const kind = BALANCERS[key];
  switch (kind) {
    case 'least-request':
    case 'random':
    case 'p2c-ewma':
      return { balancer: { kind } };
    case 'ip-hash':
    case 'ring-hash':
      return { balancer: { kind: 'ring-hash', hash: byClient } };
    case 'maglev':
      return { balancer: { kind, hash: byClient } };
    case 'adaptive':
      report.warn(
        'kdl-approximated',
        at,
        `load-balancing "${word}" is read as power_of_two_choices, by latency and load`,
      );
      return { balancer: { kind: 'p2c-ewma' } };
    case 'locality':
      report.warn(
        'kdl-approximated',
        at,
        `load-balancing "${word}" is read as power_of_two_choices: near targets answer sooner`,
      );
      return { balancer: { kind: 'p2c-ewma' } };
    case 'sticky': {
      const cookie = section.section('load-balancing');
      const ttlMs = cookie?.number('cookie-ttl') ?? 3_600_000;
      const session = {
        cookie: cookie?.text('cookie-name') ?? 'SERVERID',
        path: cookie?.text('cookie-path') ?? '/',
        ttlSeconds: Math.ceil(ttlMs / 1_000),
        sameSite: SAME_SITE[cookie?.text('cookie-same-site') ?? 'lax']!,
        secure: cookie?.flag('cookie-secure') ?? ('by-tls' as const),
      };
      return { balancer: { kind: 'least-request' }, session };
    }
    default:
      return { balancer: { kind: 'round-robin' } };
  }
}

function tlsOf(tls: Section | undefined, report: KdlReport): OriginatedTls | undefined {
  if (!tls) return undefined;
  const certificateFile = tls.text('client-cert');
  const keyFile = tls.text('client-key');
  if ((certificateFile === undefined) !== (keyFile === undefined))
    report.error('kdl-missing', tls.at, 'client-cert and client-key are there together or not at all');
  return {
    mode: certificateFile === undefined ? 'simple' : 'mutual',
    ...given({
      serverName: tls.text('sni'),
      caFile: tls.text('ca-cert'),
      certificateFile,
      keyFile,
      insecureSkipVerify: tls.flag('insecure-skip-verify') === true ? true : undefined,
    }),
  };
}

function healthCheckOf(
  check: Section | undefined,
  tls: OriginatedTls | undefined,
  report: KdlReport,
): HealthCheck | undefined {
  if (!check) return undefined;
  const probe = probeOf(check.section('type'), report);
  return {
    probe,
    intervalMs: check.number('interval-secs')!,
    timeoutMs: check.number('timeout-secs')!,
    healthyThreshold: check.number('healthy-threshold')!,
    unhealthyThreshold: check.number('unhealthy-threshold')!,
    ...(tls && {
      tls: {
        insecureSkipVerify: tls.insecureSkipVerify === true,
        ...given({
          serverName: tls.serverName,
          caFile: tls.caFile,
          certificateFile: tls.certificateFile,
          keyFile: tls.keyFile,
        }),
      },
    }),
  };
}

function probeOf(type: Section | undefined, report: KdlReport): HealthCheck['probe'] {
  if (type === undefined || type.variant === 'tcp') return { kind: 'tcp' };
  if (type.variant === 'grpc') return { kind: 'grpc', service: type.text('service')! };
  const statuses = type.values('expected-status').flatMap(({ value, at }) => {
    const [, min, max] = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(String(value)) ?? [];
    if (min !== undefined) return [{ min: Number(min), max: Number(max ?? min) }];
    report.error(
      'kdl-invalid-value',
      at,
      `expected-status is ${value}; it takes statuses such as 200 or "200-299"`,
    );
    return [];
  });
  return {
    kind: 'http',
    path: type.text('path')!,
    statuses: statuses.length > 0 ? statuses : [{ min: 200, max: 200 }],
    ...given({ host: type.text('host') }),
  };
}
