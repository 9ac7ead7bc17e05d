import { readFileSync } from 'node:fs';
import { WeftError } from '../errors/index.ts';
import {
  formatSpiffe,
  type HostPort,
  type MtlsMode,
  parseDurationMs,
  parseHostPort,
  parseQuantity,
  type TracingSettings,
} from '../model/index.ts';
import { ACCESS_LOG_MODES, type AccessLogMode, LOG_LEVELS, type LogLevel } from '../telemetry/index.ts';
import { type DnsConfig, type DnsFlags, readDns } from './dns-flags.ts';
import { readDnsForwards } from './dns-forwards.ts';
import { type LimitsFlags, type LimitsRedis, limitsOf } from './limits-flags.ts';
import { type MachineConfig, readMachine } from './machine-flags.ts';
import { ENVIRONMENT, PATHS, PORTS, SYSTEM_NAMESPACE } from './names.ts';
import { readTracing } from './tracing-flags.ts';

const MOST_RECORD_BYTES = 64 << 20;

/** Where resources come from. */
export const DISCOVERY_MODES = ['control-plane', 'kubernetes', 'files', 'none'] as const;

/** One of DISCOVERY_MODES. */
export type DiscoveryMode = (typeof DISCOVERY_MODES)[number];

/** The static configuration of `weft-proxy run`; frozen after boot. */
export interface ProxyConfig {
  readonly pod: {
    readonly name: string;
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly addresses: readonly string[];
  };
  readonly node: string;
  readonly trustDomain: string;
  readonly clusterDomain: string;
  readonly discovery: DiscoveryMode;
  /** For `files`: the folder of objects, and the folder of an authority to sign own certificates with; '' for none. */
  readonly files: string;
  readonly caDir: string;
  /** For `kubernetes`: a kubeconfig and its context; '' for what kubectl, or a pod, would use. */
  readonly kubernetes: { readonly kubeconfig: string; readonly context: string };
  readonly controlPlane: HostPort;
  /** SPIFFE id that the control plane must prove. */
  readonly controlPlaneIdentity: string;
  readonly tokenFile: string;
  readonly rootCertificateFile: string;
  /** Folder of the last snapshot; '' for none. */
  readonly stateDir: string;
  readonly redirected: boolean;
  /** What the app takes for its clients' addresses: their own, or the proxy's. */
  readonly clientAddresses: 'keep' | 'replace';
  readonly ports: {
    readonly outbound: number;
    readonly inbound: number;
    readonly admin: number;
    readonly health: number;
  };
  /** Addresses to listen on. */
  readonly hosts: {
    readonly outbound: readonly string[];
    readonly inbound: readonly string[];
    readonly admin: readonly string[];
    readonly health: readonly string[];
  };
  /** The address of the Service `kubernetes`, the first of its cluster; '' outside of one. */
  readonly firstServiceAddress: string;
  readonly mtlsUntilKnown: MtlsMode;
  /** DNS servers of domains of their own. */
  readonly dnsForwards: ReadonlyMap<string, readonly HostPort[]>;
  /** Of a machine whose names this proxy answers; undefined: it answers none. */
  readonly dns?: DnsConfig;
  /** Threads that carry traffic, 1 to 64. */
  readonly concurrency: number;
  /** Whether the control plane may give this proxy another program while it runs. */
  readonly liveUpgrade: boolean;
  readonly logLevel: LogLevel;
  readonly accessLog: AccessLogMode;
  /** Bytes of the record of requests, all cores together; 0 for none. */
  readonly requestRecordBytes: number;
  /** From where on requests are slow, milliseconds; undefined: by their route. */
  readonly slowMs: number | undefined;
  /** Of connections of HTTP/2 from clients; see ConnectionLives. Milliseconds, 0 for none. */
  readonly maxConnectionAgeMs: number;
  readonly maxConnectionAgeGraceMs: number;
  /** Of clients that come in by HTTP/2: requests at once on a connection, bytes of headers. Undefined: by who they are. */
  readonly http2MaxStreams: number | undefined;
  readonly http2MaxHeaderBytes: number | undefined;
  /** What holds where discovery says nothing of traces; undefined: then there are none. */
  readonly tracing: TracingSettings | undefined;
  /** Undefined for sidecars. */
  readonly gateway?: GatewayConfig;
  /** Of a machine that joins a WorkloadGroup. */
  readonly machine?: MachineConfig;
}

/** What of a proxy that is a gateway the machine decides. */
export interface GatewayConfig {
  /** `namespace/name` of what it serves; empty: every gateway that its configuration has. */
  readonly names: readonly string[];
  /** Where listeners without addresses are opened. */
  readonly hosts: readonly string[];
  /** Added to every port. */
  readonly portOffset: number;
  /** Folder of the certificates that issuers give, for who has no cluster; '' for none. */
  readonly certificates: string;
  /** Where limits of clients are counted for all replicas; undefined: each counts for itself. */
  readonly limits?: LimitsRedis;
}

/** The flags of `weft-proxy run` as the command line gives them; all optional. */
export interface ProxyFlags extends DnsFlags {
  readonly discovery?: string;
  readonly files?: string;
  readonly caDir?: string;
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly controlPlane?: string;
  readonly controlPlaneIdentity?: string;
  readonly trustDomain?: string;
  readonly clusterDomain?: string;
  readonly rootCertificate?: string;
  readonly token?: string;
  readonly state?: string;
  readonly redirect?: boolean;
  readonly clientAddresses?: string;
  readonly outboundPort?: string;
  readonly inboundPort?: string;
  readonly adminPort?: string;
  readonly healthPort?: string;
  readonly listen?: string;
  readonly concurrency?: string;
  readonly mtls?: string;
  readonly liveUpgrade?: string;
  readonly logLevel?: string;
  readonly accessLog?: string;
  readonly requestRecord?: string;
  readonly slowRequests?: string;
  readonly maxConnectionAge?: string;
  readonly maxConnectionAgeGrace?: string;
  readonly http2MaxStreams?: string;
  readonly http2MaxHeaders?: string;
  readonly traceZipkin?: string;
  readonly traceOtlp?: string;
  readonly traceSampling?: string;
  readonly dnsForward?: string;
  readonly podName?: string;
  readonly podNamespace?: string;
  readonly podIps?: string;
  readonly serviceAccount?: string;
  readonly workloadGroup?: string;
  readonly execProbes?: boolean;
}

type Environment = Readonly<Record<string, string | undefined>>;

/** Reads flags and environment, flags first. Throws WeftError `bad-configuration` that names the flag and what it takes. */
export function readProxyConfig(flags: ProxyFlags, env: Environment): ProxyConfig {
  const pick = (flag: string | undefined, variable: string, otherwise: string): string =>
    flag ?? (env[variable] || otherwise);
  const trustDomain = pick(flags.trustDomain, ENVIRONMENT.trustDomain, 'cluster.local');
  const redirected = flags.redirect ?? true;
  const loopback = dualStack() ? ['127.0.0.1', '::1'] : ['127.0.0.1'];
  const everywhere = flags.listen === undefined ? [dualStack() ? '::' : '0.0.0.0'] : [flags.listen];
  const controlPlane = pick(
    flags.controlPlane,
    ENVIRONMENT.controlPlane,
    `weft-injector.${SYSTEM_NAMESPACE}.svc:${PORTS.discovery}`,
  );
  const addresses = pick(flags.podIps, ENVIRONMENT.podIps, '')
    .split(',')
    .map(address => address.trim())
    .filter(Boolean);
  const inbound = port('--inbound-port', flags.inboundPort, PORTS.inbound);
  const machine = readMachine({
    group: pick(flags.workloadGroup, ENVIRONMENT.workloadGroup, ''),
    podName: flags.podName ?? (env[ENVIRONMENT.podName] || undefined),
    addresses,
    tunnelPort: redirected ? undefined : inbound,
    execProbes: flags.execProbes ?? false,
  });
  const concurrency = cores(pick(flags.concurrency, ENVIRONMENT.concurrency, '1'));
  const dns = readDns(flags, { redirected, concurrency });
  return Object.freeze({
    ...(machine && { machine: machine.machine }),
    ...(dns && { dns }),
    pod: {
      name: machine?.podName ?? pick(flags.podName, ENVIRONMENT.podName, 'local'),
      namespace: pick(flags.podNamespace, ENVIRONMENT.podNamespace, 'default'),
      serviceAccount: pick(flags.serviceAccount, ENVIRONMENT.serviceAccount, 'default'),
      addresses,
    },
    node: env[ENVIRONMENT.nodeName] ?? '',
    trustDomain,
    clusterDomain: pick(flags.clusterDomain, ENVIRONMENT.clusterDomain, 'cluster.local'),
    discovery: oneOf('--discovery', flags.discovery ?? 'control-plane', DISCOVERY_MODES),
    files: flags.files ?? '',
    caDir: flags.caDir ?? '',
    kubernetes: { kubeconfig: flags.kubeconfig ?? '', context: flags.context ?? '' },
    controlPlane: hostPort('--control-plane', controlPlane, PORTS.discovery),
    controlPlaneIdentity: pick(
      flags.controlPlaneIdentity,
      ENVIRONMENT.controlPlaneIdentity,
      formatSpiffe({ trustDomain, namespace: SYSTEM_NAMESPACE, serviceAccount: 'weft-injector' }),
    ),
    tokenFile: pick(flags.token, ENVIRONMENT.token, PATHS.token),
    rootCertificateFile: pick(flags.rootCertificate, ENVIRONMENT.rootCertificate, PATHS.rootCertificate),
    stateDir: pick(flags.state, ENVIRONMENT.state, ''),
    redirected,
    clientAddresses: oneOf(
      '--client-addresses',
      pick(flags.clientAddresses, ENVIRONMENT.clientAddresses, 'replace'),
      ['replace', 'keep'] as const,
    ),
    ports: {
      outbound: port('--outbound-port', flags.outboundPort, PORTS.outbound),
      inbound,
      admin: port('--admin-port', flags.adminPort, PORTS.admin),
      health: port('--health-port', flags.healthPort, PORTS.health),
    },
    hosts: {
      // Redirected connections arrive on loopback, so nobody outside the pod can use the outbound port as a relay.
      outbound: flags.listen === undefined ? loopback : [flags.listen],
      inbound: everywhere,
      admin: flags.listen === undefined ? loopback.slice(0, 1) : [flags.listen],
      health: everywhere,
    },
    firstServiceAddress: env.KUBERNETES_SERVICE_HOST ?? '',
    mtlsUntilKnown: oneOf('--mtls', flags.mtls ?? 'permissive', ['strict', 'permissive', 'disable'] as const),
    concurrency,
    liveUpgrade:
      oneOf('--live-upgrade', pick(flags.liveUpgrade, ENVIRONMENT.liveUpgrade, 'refuse'), [
        'allow',
        'refuse',
      ] as const) === 'allow',
    logLevel: oneOf('--log-level', pick(flags.logLevel, ENVIRONMENT.logLevel, 'info'), LOG_LEVELS),
    accessLog: oneOf(
      '--access-log',
      pick(flags.accessLog, ENVIRONMENT.accessLog, 'errors'),
      ACCESS_LOG_MODES,
    ),
    requestRecordBytes: recordBytes(pick(flags.requestRecord, ENVIRONMENT.requestRecord, '1Mi')),
    slowMs: slowMs(pick(flags.slowRequests, ENVIRONMENT.slowRequests, 'auto')),
    maxConnectionAgeMs: ageMs(
      '--max-connection-age',
      pick(flags.maxConnectionAge, ENVIRONMENT.maxConnectionAge, 'off'),
    ),
    maxConnectionAgeGraceMs: ageMs(
      '--max-connection-age-grace',
      pick(flags.maxConnectionAgeGrace, ENVIRONMENT.maxConnectionAgeGrace, 'off'),
    ),
    http2MaxStreams: maxStreams(pick(flags.http2MaxStreams, ENVIRONMENT.http2MaxStreams, 'auto')),
    dnsForwards: readDnsForwards(pick(flags.dnsForward, ENVIRONMENT.dnsForward, '')),
    http2MaxHeaderBytes: maxHeaderBytes(pick(flags.http2MaxHeaders, ENVIRONMENT.http2MaxHeaders, 'auto')),
    tracing: readTracing({
      zipkin: pick(flags.traceZipkin, ENVIRONMENT.traceZipkin, ''),
      otlp: pick(flags.traceOtlp, ENVIRONMENT.traceOtlp, ''),
      sampling: pick(flags.traceSampling, ENVIRONMENT.traceSampling, '1'),
    }),
  });
}

/** The flags that `weft-proxy gateway` has beside those of `run`. */
export interface GatewayFlags extends ProxyFlags, LimitsFlags {
  readonly gateway?: string;
  readonly config?: string;
  readonly test?: boolean;
  readonly portOffset?: string;
  readonly certificates?: string;
}

/**
 * The same for `weft-proxy gateway`: no redirection, files where --config names them, and the namespace of what it serves as its
 * own where nothing else says it.
 */
export function readGatewayConfig(flags: GatewayFlags, env: Environment): ProxyConfig {
  const names = (flags.gateway ?? env[ENVIRONMENT.gateway] ?? '')
    .split(',')
    .map(each => each.trim())
    .filter(Boolean);
  const wrong = names.find(each => !/^[a-z0-9.-]+\/[a-z0-9.-]+$/.test(each));
  if (wrong !== undefined)
    throw new WeftError('bad-configuration', `--gateway is '${wrong}'; it takes NAMESPACE/NAME`, {
      source: 'config',
    });
  if (names.length === 0 && flags.config === undefined)
    throw new WeftError(
      'bad-configuration',
      'nobody says which gateway this is; give --gateway NAMESPACE/NAME, or --config with a folder of Kubernetes YAML',
      { source: 'config' },
    );
  const [namespace] = names[0]?.split('/') ?? [];
  const config = readProxyConfig(
    {
      ...flags,
      redirect: false,
      ...(flags.config !== undefined && { discovery: 'files', files: flags.config }),
      ...(flags.podNamespace === undefined &&
        !env[ENVIRONMENT.podNamespace] && { podNamespace: namespace ?? '*' }),
    },
    env,
  );
  const portOffset = port('--port-offset', flags.portOffset, 0);
  const kept = config.stateDir === '' ? '' : `${config.stateDir}/certificates`;
  const certificates = flags.config === undefined ? '' : (flags.certificates ?? kept);
  const hosts = flags.listen === undefined ? [dualStack() ? '::' : '0.0.0.0'] : [flags.listen];
  return Object.freeze({
    ...config,
    gateway: { names, hosts, portOffset, certificates, ...limitsOf(flags, env) },
  });
}

/** Whether this machine has IPv6 at all. */
function dualStack(): boolean {
  try {
    return readFileSync('/proc/net/if_inet6', 'utf8').trim() !== '';
  } catch {
    return false;
  }
}

function oneOf<T extends string>(flag: string, value: string, allowed: readonly T[]): T {
  if ((allowed as readonly string[]).includes(value)) return value as T;
  throw new WeftError('bad-configuration', `${flag} is '${value}'; it takes ${allowed.join(', ')}`, {
    source: 'config',
  });
}

function port(flag: string, value: string | undefined, otherwise: number): number {
  if (value === undefined) return otherwise;
  const number = Number(value);
  if (/^\d+$/.test(value) && number <= 65_535) return number;
  throw new WeftError('bad-configuration', `${flag} is '${value}'; it takes a port, 0 to 65535`, {
    source: 'config',
  });
}

function recordBytes(value: string): number {
  if (value === 'off') return 0;
  const bytes = parseQuantity(value);
  if (bytes !== undefined && bytes >= 0 && bytes <= MOST_RECORD_BYTES) return Math.floor(bytes);
  throw new WeftError('bad-configuration', `--request-record is '${value}'; it takes off, or up to 64Mi`, {
    source: 'config',
  });
}

function maxStreams(value: string): number | undefined {
  if (value === 'auto') return undefined;
  if (/^[1-9]\d{0,4}$/.test(value)) return Number(value);
  throw new WeftError(
    'bad-configuration',
    `--http2-max-streams is '${value}'; it takes auto, or a number from 1 to 99999`,
    { source: 'config' },
  );
}

/** More would not fit into the window of one event; and what goes on as HTTP/1 has bounds of its own. */
const MOST_HEADER_BYTES = 1024 * 1024;

function maxHeaderBytes(value: string): number | undefined {
  if (value === 'auto') return undefined;
  const bytes = parseQuantity(value);
  if (bytes !== undefined && bytes >= 4096 && bytes <= MOST_HEADER_BYTES) return Math.floor(bytes);
  throw new WeftError(
    'bad-configuration',
    `--http2-max-headers is '${value}'; it takes auto, or a size from 4Ki to 1Mi`,
    { source: 'config' },
  );
}

function slowMs(value: string): number | undefined {
  if (value === 'auto') return undefined;
  const ms = parseDurationMs(value);
  if (ms !== undefined && ms > 0) return ms;
  throw new WeftError(
    'bad-configuration',
    `--slow-requests is '${value}'; it takes auto, or a duration such as 500ms`,
    { source: 'config' },
  );
}

function ageMs(flag: string, value: string): number {
  if (value === 'off') return 0;
  const ms = parseDurationMs(value);
  if (ms !== undefined && ms > 0) return ms;
  throw new WeftError('bad-configuration', `${flag} is '${value}'; it takes off, or a duration such as 30m`, {
    source: 'config',
  });
}

function cores(value: string): number {
  if (/^\d+$/.test(value) && Number(value) >= 1 && Number(value) <= 64) return Number(value);
  throw new WeftError(
    'bad-configuration',
    `--concurrency is '${value}'; it takes a number of cores, 1 to 64`,
    {
      source: 'config',
    },
  );
}

function hostPort(flag: string, value: string, defaultPort: number): HostPort {
  const parsed = parseHostPort(value, defaultPort);
  if (parsed !== undefined) return parsed;
  throw new WeftError('bad-configuration', `${flag} is '${value}'; it takes host:port`, { source: 'config' });
}
