// A mesh in one process for tests and benchmarks: real data planes, real TLS, real sockets on loopback, resources given by hand.
import { CertificateAuthority } from '../../ca/index.ts';
import { type Credentials, createKeyAndCsr, readCredentials } from '../../identity/index.ts';
import {
  type ClusterConfig,
  type ClusterEndpoint,
  DEFAULT_RETRY,
  DEFAULT_TRAFFIC,
  type DestinationResource,
  type Identity,
  type InboundResource,
  type MtlsMode,
  type Peer,
  parseSpiffe,
  type Resource,
  type RetryPolicy,
  type Route,
  type TrafficSettings,
} from '../../model/index.ts';
import type { AccessLog, AccessRecord, Log } from '../../telemetry/index.ts';
import { type Clock, systemClock } from '../../time/index.ts';
import { MeshTls } from '../../tls/index.ts';
import { DataPlane } from '../data-plane.ts';
import type { DataPlaneOptions } from '../data-plane-options.ts';
import type { DestinationTimes } from '../destinations/destinations.ts';
import { DEFAULT_RECORD } from '../record/recorder.ts';

/** Credentials of a workload, signed by `ca`. */
export function credentialsOf(
  ca: CertificateAuthority,
  identity: Identity,
  lifetimeMs = 3_600_000,
): Credentials {
  const { keyPem, csrPem } = createKeyAndCsr();
  const signed = ca.sign(csrPem, identity, { lifetimeMs });
  if (signed instanceof Error) throw signed;
  const credentials = readCredentials({ keyPem, chainPem: signed.chainPem, roots: ca.roots }, Date.now());
  if (credentials instanceof Error) throw credentials;
  return credentials;
}

/** An access log that keeps what it is given. */
export class KeptAccessLog implements AccessLog {
  readonly silent = { inbound: false, outbound: false };
  mode = 'all' as const;
  readonly records: AccessRecord[] = [];
  wants(): boolean {
    return true;
  }
  write(record: AccessRecord): void {
    this.records.push(record);
  }
  flush(): void {}
}

/** A process log that keeps its lines. */
export class KeptLog implements Log {
  level = 'debug';
  readonly lines: { level: string; fields: object; message: string }[] = [];
  debug(fields: object, message: string): void {
    this.lines.push({ level: 'debug', fields, message });
  }
  info(fields: object, message: string): void {
    this.lines.push({ level: 'info', fields, message });
  }
  warn(fields: object, message: string): void {
    this.lines.push({ level: 'warn', fields, message });
  }
  error(fields: object, message: string): void {
    this.lines.push({ level: 'error', fields, message });
  }
}

/** One workload's proxy, and what it was given. */
export interface TestProxy {
  readonly plane: DataPlane;
  readonly principal: string;
  readonly peer: Peer;
  readonly access: KeptAccessLog;
  readonly log: KeptLog;
}

/** What a test may say about a destination. */
export interface TestDestination {
  readonly key: string;
  readonly endpoints: readonly ClusterEndpoint[];
  /** Beside what the test's destination has in its one route. */
  readonly route?: Partial<Route>;
  readonly settings?: Partial<TrafficSettings>;
  readonly retry?: Partial<RetryPolicy>;
  readonly timeoutMs?: number;
  readonly protocol?: DestinationResource['protocol'];
  readonly total?: number;
  /** Where no endpoint is ready: each has said so itself. */
  readonly ill?: true;
  readonly why?: string;
}

/** Makes proxies and answers what they ask from a table. */
export class StaticMesh {
  readonly ca = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });
  readonly destinations = new Map<string, TestDestination>();
  /** Resources that answer for a key as they stand, in this order; before `destinations`. */
  readonly resources = new Map<string, readonly Resource[]>();
  /** A proxy refuses a resource: the test is wrong, unless it says otherwise. */
  onRefused: (why: string) => void = why => {
    throw new Error(why);
  };
  /** Keys that nobody answers about. */
  readonly silent = new Set<string>();
  readonly #proxies: DataPlane[] = [];

  /** A running proxy for `spiffe://cluster.local/ns/<namespace>/sa/<name>`, in explicit mode. */
  proxy(
    name: string,
    options: {
      namespace?: string;
      mtls?: MtlsMode;
      certificate?: boolean;
      staleAfterMs?: number;
      clock?: Clock;
      times?: DestinationTimes;
      ports?: InboundResource['ports'];
      /** Of the inbound resource, beside what the test's proxies have. */
      inbound?: Partial<InboundResource>;
      /** It will be told later who may call it, and waits for that. */
      unconfigured?: boolean;
      /** Nobody answers unless told. */
      fetchKeys?: DataPlaneOptions['fetchKeys'];
      /** Of the inbound listener. */
      inboundFilters?: DataPlaneOptions['inbound']['filters'];
      lives?: DataPlaneOptions['lives'];
      /** It is a gateway. */
      edge?: DataPlaneOptions['edge'];
    } = {},
  ): TestProxy {
    const namespace = options.namespace ?? 'default';
    const principal = `spiffe://cluster.local/ns/${namespace}/sa/${name}`;
    const peer: Peer = { workload: name, namespace, app: name, version: 'v1', principal, pod: `${name}-0` };
    const tls = new MeshTls();
    if (options.certificate !== false) tls.update(credentialsOf(this.ca, parseSpiffe(principal)!));
    const access = new KeptAccessLog();
    const log = new KeptLog();
    const plane: DataPlane = new DataPlane({
      clock: options.clock ?? systemClock,
      log,
      accessLog: access,
      tls,
      source: { want: key => queueMicrotask(() => this.answer(plane, key)), forget: () => {} },
      outbound: { hosts: ['127.0.0.1'], port: 0 },
      inbound: {
        hosts: ['127.0.0.1'],
        port: 0,
        ...(options.inboundFilters && { filters: options.inboundFilters }),
      },
      redirected: false,
      address: '127.0.0.1',
      staleAfterMs: options.staleAfterMs,
      record: DEFAULT_RECORD,
      times: options.times,
      ...(options.lives && { lives: options.lives }),
      ...(options.edge && { edge: options.edge }),
      mtlsUntilKnown: options.mtls ?? 'strict',
      awaitsInbound: options.unconfigured === true,
      fetchKeys: options.fetchKeys ?? (() => Promise.reject(new Error('nobody is there'))),
    });
    plane.listen();
    this.#proxies.push(plane);
    if (options.unconfigured !== true)
      plane.apply({
        kind: 'inbound',
        key: `${namespace}/${peer.pod}`,
        self: peer,
        ports: options.ports ?? [],
        defaultMtls: options.mtls ?? 'strict',
        ...options.inbound,
      });
    return { plane, principal, peer, access, log };
  }

  /** An endpoint behind a proxy: mesh TLS to its inbound listener, then the app's port. */
  meshed(proxy: TestProxy, appPort: number): ClusterEndpoint {
    return {
      address: '127.0.0.1',
      port: appPort,
      tls: 'mesh',
      tunnelPort: proxy.plane.inboundPort,
      peer: proxy.peer,
    };
  }

  /** An endpoint without a proxy. */
  plain(port: number, name = `plain-${port}`): ClusterEndpoint {
    const peer: Peer = {
      workload: name,
      namespace: 'default',
      app: name,
      version: '',
      principal: '',
      pod: name,
    };
    return { address: '127.0.0.1', port, tls: 'plaintext', peer };
  }

  /** Says, or says anew, where `key` (`host:port`) leads; proxies that use it are told. */
  set(destination: TestDestination): void {
    this.destinations.set(destination.key, destination);
    for (const plane of this.#proxies)
      if ([...plane.destinations.keys].includes(destination.key)) this.answer(plane, destination.key);
  }

  close(): void {
    for (const plane of this.#proxies) plane.destroy();
  }

  /** Tells a proxy about `key`, as it does by itself when the proxy asks. */
  answer(plane: DataPlane, key: string): void {
    if (this.silent.has(key)) return;
    const given = this.resources.get(key);
    if (given !== undefined) {
      for (const resource of given) {
        const refused = plane.apply(resource);
        if (refused !== undefined) this.onRefused(refused);
      }
      return;
    }
    const destination = this.destinations.get(key);
    const refused =
      destination === undefined
        ? plane.apply({
            kind: 'destination',
            key,
            found: 'unknown',
            host: key,
            port: 0,
            protocol: 'tcp',
            routes: [],
            tcp: [],
            clusters: [],
          })
        : (plane.apply(resourceOf(destination)) ??
          plane.apply({
            kind: 'endpoints',
            key,
            endpoints: destination.endpoints,
            total: destination.total ?? destination.endpoints.length,
            ...(destination.why !== undefined && { why: destination.why }),
            ...(destination.ill && { ill: true }),
          }));
    if (refused !== undefined) throw new Error(refused);
  }
}

/** The resource of a destination with one cluster. */
export function resourceOf(destination: TestDestination): DestinationResource {
  const { key } = destination;
  const [host, port] = key.split(':') as [string, string];
  const config: ClusterConfig = {
    name: key,
    service: { host, name: host, namespace: 'default' },
    ...((destination.protocol === 'tcp' || destination.protocol === 'tls') && {
      protocol: destination.protocol,
    }),
    settings: { ...DEFAULT_TRAFFIC, ...destination.settings },
  };
  const clusters = [{ cluster: key, weight: 1 }];
  return {
    kind: 'destination',
    key,
    found: 'service',
    host,
    port: Number(port),
    protocol: destination.protocol ?? 'auto',
    routes: [
      {
        name: 'default',
        action: { kind: 'forward', clusters },
        timeoutMs: destination.timeoutMs ?? 0,
        idleTimeoutMs: 0,
        retry: { ...DEFAULT_RETRY, ...destination.retry },
        ...destination.route,
      },
    ],
    tcp: clusters,
    clusters: [config],
  };
}
