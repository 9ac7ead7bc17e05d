// Envoy: one worker, with the retries, outlier detection and identity checks that Istio's sidecar arms by default.

import { execFileSync } from 'node:child_process';
import { freePort } from '../../src/wire/testing/ports.ts';
import type { BenchIdentity } from '../identities.ts';
import { listening, type Running } from '../processes.ts';
import type { Stage } from '../stage.ts';
import { envoyPolicies } from './policies.ts';
import { type Job, type MeasuredProxy, type RunningPath, rulesOf } from './proxy.interface.ts';

/** Envoy at `command`. */
export function envoy(command: string): MeasuredProxy {
  const said = execFileSync(command, ['--version'], { encoding: 'utf8' });
  return {
    name: 'envoy',
    command,
    version: /\/(\d+\.\d+\.\d+)/.exec(said)?.[1] ?? '',
    cannot: job => (job.edge ? 'left out: it is not configured as an edge here' : undefined),
    start: (job, stage) => start(command, job, stage),
  };
}

/** Any part of Envoy's configuration; its API is too large to type here. */
type Config = Record<string, unknown>;

const typed = (name: string, rest: Config): Config => ({ '@type': `type.googleapis.com/${name}`, ...rest });
const address = (port: number, host = '127.0.0.1'): Config => ({
  socket_address: { address: host, port_value: port },
});

async function start(command: string, job: Job, stage: Stage): Promise<RunningPath> {
  const { client, server } = stage.identities;
  const port = await freePort();
  const policies = job.policies === true ? envoyPolicies(client.principal) : [];
  const hop = (listen: number, to: number, retries: boolean, inward?: Config, outward?: Config): Config => ({
    listeners: [listener(job, listen, retries, inward, inward === undefined ? [] : policies)],
    clusters: [{ ...cluster('out', to, retries, outward), ...(job.protocol === 'http2' ? speaksHttp2 : {}) }],
  });
  if (job.topology === 'hop') {
    return { port, programs: [await run(command, stage, port, hop(port, job.backend, true))] };
  }
  const tlsPort = await freePort();
  const extensions = 'envoy.extensions.transport_sockets.tls.v3';
  const inward = {
    name: 'tls',
    typed_config: typed(`${extensions}.DownstreamTlsContext`, {
      require_client_certificate: true,
      common_tls_context: tlsContext(stage, server, client, job),
    }),
  };
  const outward = {
    name: 'tls',
    typed_config: typed(`${extensions}.UpstreamTlsContext`, {
      sni: server.dnsName,
      common_tls_context: tlsContext(stage, client, server, job),
    }),
  };
  const receiving = await run(command, stage, tlsPort, hop(tlsPort, job.backend, false, inward));
  const sending = await run(command, stage, port, hop(port, tlsPort, true, undefined, outward));
  return { port, programs: [sending, receiving] };
}

/** Of a cluster whose endpoints speak HTTP/2. */
const speaksHttp2: Config = {
  typed_extension_protocol_options: {
    'envoy.extensions.upstreams.http.v3.HttpProtocolOptions': typed(
      'envoy.extensions.upstreams.http.v3.HttpProtocolOptions',
      { explicit_http_config: { http2_protocol_options: {} } },
    ),
  },
};

/** Starts an Envoy with these listeners and clusters; resolves when it listens on `port`. */
export async function run(command: string, stage: Stage, port: number, resources: Config): Promise<Running> {
  const config = {
    admin: { address: address(await freePort()) },
    static_resources: resources,
    stats_config: { use_all_default_tags: true },
  };
  const file = stage.file('envoy.json', JSON.stringify(config));
  const flags = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
  const program = stage.proxy(command, flags);
  // Ten thousand clusters take it a while.
  await listening(port, program, 90_000);
  return program;
}

function tlsContext(stage: Stage, own: BenchIdentity, other: BenchIdentity, job: Job): Config {
  return {
    ...(job.protocol === 'http2' ? { alpn_protocols: ['h2'] } : {}),
    tls_params: { tls_minimum_protocol_version: 'TLSv1_3', tls_maximum_protocol_version: 'TLSv1_3' },
    tls_certificates: [
      { certificate_chain: { filename: own.files.chain }, private_key: { filename: own.files.key } },
    ],
    validation_context: {
      trusted_ca: { filename: stage.identities.rootFile },
      match_typed_subject_alt_names: [{ san_type: 'URI', matcher: { exact: other.principal } }],
    },
  };
}

function listener(
  job: Job,
  port: number,
  retries: boolean,
  tls: Config | undefined,
  policies: readonly object[],
): Config {
  const filter =
    job.protocol === 'tcp'
      ? {
          name: 'tcp',
          typed_config: typed('envoy.extensions.filters.network.tcp_proxy.v3.TcpProxy', {
            stat_prefix: 'in',
            cluster: 'out',
          }),
        }
      : httpFilterWith(policies, virtualHost(job, retries));
  return {
    name: 'in',
    address: address(port),
    filter_chains: [{ filters: [filter], ...(tls === undefined ? {} : { transport_socket: tls }) }],
  };
}

/** An HTTP connection manager over these virtual hosts. */
export function httpFilter(...virtualHosts: readonly Config[]): Config {
  return httpFilterWith([], ...virtualHosts);
}

function httpFilterWith(policies: readonly object[], ...virtualHosts: readonly Config[]): Config {
  return {
    name: 'http',
    typed_config: typed('envoy.extensions.filters.network.http_connection_manager.v3.HttpConnectionManager', {
      stat_prefix: 'in',
      codec_type: 'AUTO',
      route_config: { name: 'routes', virtual_hosts: virtualHosts },
      upgrade_configs: [{ upgrade_type: 'websocket' }],
      stream_idle_timeout: '3600s',
      http_filters: [
        ...policies,
        { name: 'router', typed_config: typed('envoy.extensions.filters.http.router.v3.Router', {}) },
      ],
    }),
  };
}

function virtualHost(job: Job, retries: boolean): Config {
  const action = (name: string): Config => ({
    cluster: name,
    timeout: '0s',
    ...(retries ? { retry_policy: retryPolicy } : {}),
  });
  const before = rulesOf(job).map(({ prefix, header, value }) => ({
    match: { prefix, headers: [{ name: header, string_match: { exact: value } }] },
    route: action('out'),
  }));
  return {
    name: 'any',
    domains: ['*'],
    routes: [...before, { match: { prefix: '/' }, route: action('out') }],
  };
}

/** Istio's default is connect-failure, refused-stream, unavailable, cancelled; these are Weft's. */
export const retryPolicy = {
  retry_on: 'connect-failure,refused-stream,reset,gateway-error',
  num_retries: 2,
};

/** A cluster of one endpoint. */
export function cluster(name: string, port: number, outliers: boolean, tls?: Config, host?: string): Config {
  return {
    name,
    type: 'STATIC',
    connect_timeout: '5s',
    lb_policy: 'LEAST_REQUEST',
    circuit_breakers: {
      thresholds: [{ max_connections: 65_536, max_requests: 65_536, max_pending_requests: 65_536 }],
    },
    ...(outliers ? { outlier_detection: { consecutive_5xx: 5 } } : {}),
    load_assignment: {
      cluster_name: name,
      endpoints: [{ lb_endpoints: [{ endpoint: { address: address(port, host) } }] }],
    },
    ...(tls === undefined ? {} : { transport_socket: tls }),
  };
}
