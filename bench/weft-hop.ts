// The data plane of weft-proxy with resources and certificate given in a file, for measuring one hop without a control plane and
// without packet rules: every outbound connection goes to one destination. Everything that is armed by default in `weft-proxy
// run` is armed here. Not for anything but the bench.
//   node weft-hop.mjs CONFIG.json
import { readFileSync } from 'node:fs';
import { Session } from 'node:inspector/promises';
import { getHeapStatistics } from 'node:v8';
import { linux, yieldToTraffic } from '../src/compiler/index.ts';
import { readCredentials } from '../src/identity/index.ts';
import { reclaimMemory } from '../src/main/proxy-memory.ts';
import { tuneMalloc } from '../src/memory/index.ts';
import type {
  ClusterEndpoint,
  DestinationResource,
  InboundPort,
  InboundResource,
  Peer,
  Protocol,
  RequestMatch,
  Route,
} from '../src/model/index.ts';
import { DEFAULT_RETRY, DEFAULT_STREAM_IDLE_TIMEOUT_MS, DEFAULT_TRAFFIC } from '../src/model/index.ts';
import { DataPlane, DEFAULT_RECORD } from '../src/proxy/index.ts';
import { createAccessLog, createLogger } from '../src/telemetry/index.ts';
import { systemClock } from '../src/time/index.ts';
import { MeshTls } from '../src/tls/index.ts';
import { checkNative, loadSocketOptions } from '../src/wire/index.ts';

/** What the file says. */
export interface HopConfig {
  readonly outboundPort: number;
  readonly inboundPort: number;
  readonly self: Peer;
  readonly keyPem: string;
  readonly chainPem: string;
  readonly roots: readonly string[];
  /** What the destination is declared to speak. */
  readonly protocol: Protocol;
  /** Where outbound connections go; empty for a proxy that only receives. */
  readonly endpoints: readonly ClusterEndpoint[];
  /** Ports of the app that mesh TLS is taken for. */
  readonly inbound: readonly InboundPort[];
  /** Who may call them. */
  readonly policies?: Pick<InboundResource, 'authorization' | 'tokenRules'>;
  /** Rules in front of the route that matches everything. */
  readonly rules: readonly RequestMatch[];
}

const config = JSON.parse(readFileSync(process.argv[2]!, 'utf8')) as HopConfig;
const wanted = { address: '10.96.0.1', port: 80 };

checkNative();
loadSocketOptions();
tuneMalloc();
yieldToTraffic(systemClock, linux());
const tls = new MeshTls();
const credentials = readCredentials(config, Date.now());
if (credentials instanceof Error) throw credentials;
tls.update(credentials);
export const plane: DataPlane = new DataPlane({
  clock: systemClock,
  log: createLogger({ program: 'weft-hop', level: 'warn' }),
  accessLog: createAccessLog(process.env.WEFT_ACCESS_LOG === 'all' ? 'all' : 'errors'),
  tls,
  source: { want: key => setImmediate(() => answer(key)), forget: () => {} },
  outbound: { hosts: ['127.0.0.1'], port: config.outboundPort },
  inbound: { hosts: ['127.0.0.1'], port: config.inboundPort },
  redirected: false,
  fixedDestination: wanted,
  address: '127.0.0.1',
  mtlsUntilKnown: 'strict',
  // `WEFT_REQUEST_RECORD=off`: what the record costs is the difference.
  ...(process.env.WEFT_REQUEST_RECORD !== 'off' && { record: DEFAULT_RECORD }),
});
plane.listen();
reclaimMemory(plane, systemClock);
plane.apply({
  kind: 'inbound',
  key: `${config.self.namespace}/${config.self.pod}`,
  self: config.self,
  ports: config.inbound,
  defaultMtls: 'strict',
  ...config.policies,
});

function answer(key: string): void {
  const host = 'server.bench.svc.cluster.local';
  const name = `${host}:80`;
  const clusters = [{ cluster: name, weight: 1 }];
  const route: Route = {
    name: 'default',
    action: { kind: 'forward', clusters },
    timeoutMs: 0,
    idleTimeoutMs: DEFAULT_STREAM_IDLE_TIMEOUT_MS,
    retry: DEFAULT_RETRY,
  };
  const destination: DestinationResource = {
    kind: 'destination',
    key,
    found: 'service',
    host,
    port: 80,
    protocol: config.protocol,
    routes: [
      ...config.rules.map((rule, index) => ({ ...route, name: `rule-${index}`, matches: [rule] })),
      route,
    ],
    tcp: clusters,
    clusters: [{ name, service: { host, name: 'server', namespace: 'bench' }, settings: DEFAULT_TRAFFIC }],
  };
  const endpoints = { kind: 'endpoints', key: name, endpoints: config.endpoints, total: 1 } as const;
  const refused = plane.apply(destination) ?? plane.apply(endpoints);
  if (refused !== undefined) throw new Error(refused);
}

/** What the bench asks over the channel. */
export type Question =
  | { readonly ask: 'heap'; readonly collect: boolean }
  | { readonly ask: 'allocations'; readonly on: boolean };

const session = new Session();

process.on('message', (question: Question) => {
  if (question.ask === 'allocations') {
    void sampleAllocations(question.on);
    return;
  }
  // For micro.ts, which starts this with a young generation so large that nothing is collected in between: what it holds is then
  // what was allocated.
  if (question.collect) globalThis.gc?.();
  const { used_heap_size: used, external_memory: external } = getHeapStatistics();
  process.send?.({ used, external });
});

/** For profile.ts: where what is allocated is allocated, also when it is garbage at once. */
async function sampleAllocations(on: boolean): Promise<void> {
  if (!on) {
    const { profile } = await session.post('HeapProfiler.stopSampling');
    process.send?.(profile);
    return;
  }
  session.connect();
  await session.post('HeapProfiler.startSampling', {
    samplingInterval: 2048,
    includeObjectsCollectedByMajorGC: true,
    includeObjectsCollectedByMinorGC: true,
  });
  process.send?.({});
}

for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => process.exit(0));
