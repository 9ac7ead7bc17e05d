// How long an endpoint change takes to reach many proxies over mutual TLS, and what a connected proxy costs the control plane:
// the real server with real clients over loopback, all in this one process (so that the clients' work is in the figures too).
//   node bench/discovery-wire.ts [--proxies 1000] [--changes 50]
import { CertificateAuthority } from '../src/ca/index.ts';
import { type CredentialSource, DiscoveryClient, DiscoveryServer, Hub } from '../src/discovery/index.ts';
import { WeftError } from '../src/errors/index.ts';
import { type Credentials, createKeyAndCsr, readCredentials } from '../src/identity/index.ts';
import { type Identity, parseSpiffe } from '../src/model/index.ts';
import { type KubeObject, Registry } from '../src/registry/index.ts';
import { silentLog } from '../src/telemetry/index.ts';
import { systemClock } from '../src/time/index.ts';
import { Translator } from '../src/translate/index.ts';
import { readFlags } from './flags.ts';

const { values } = readFlags(import.meta.filename, {
  options: { proxies: { type: 'string', default: '1000' }, changes: { type: 'string', default: '50' } },
});
const proxies = Number(values.proxies);
const changes = Number(values.changes);
const clock = systemClock;
const authority = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock });
const controlPlaneId = 'spiffe://cluster.local/ns/weft-system/sa/weft-injector';

function credentialsOf(principal: string): CredentialSource {
  const { keyPem, csrPem } = createKeyAndCsr();
  const signed = authority.sign(csrPem, parseSpiffe(principal) as Identity);
  if (signed instanceof WeftError) throw signed;
  const parts = { keyPem, chainPem: signed.chainPem, roots: authority.roots };
  const credentials = readCredentials(parts, clock.now());
  if (credentials instanceof WeftError) throw credentials;
  const current: Credentials = credentials;
  return {
    credentials: current,
    subscribe(listener) {
      listener(current, 'certificate');
      return () => {};
    },
  };
}

function slice(addresses: readonly string[]): KubeObject {
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: 'web-1', namespace: 'shop', labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: addresses.map(address => ({ addresses: [address] })),
  };
}

// 1. A mesh with one service and a pod for each proxy; the batching of production.
const registry = new Registry({ clock });
const entries = registry.of({ name: 'bench' });
const translator = new Translator();
const hub = new Hub(translator.mesh, authority.roots);
registry.subscribe(({ changes: batch, changedAtMs }) => {
  const { mesh, touched } = translator.apply(batch);
  hub.update(mesh, touched, changedAtMs);
});
entries.put({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'web', namespace: 'shop' },
  spec: { clusterIP: '10.96.0.1', ports: [{ name: 'http', port: 80 }] },
});
const base = Array.from({ length: 20 }, (_, index) => `10.1.0.${index + 1}`);
entries.put(slice(base));
for (let index = 0; index < proxies; index++) {
  entries.put({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { name: `front-${index}`, namespace: 'shop' },
    spec: { serviceAccountName: 'front' },
    status: { podIP: `10.2.${index >> 8}.${index & 255}` },
  });
}
registry.flush();

// 2. The server, and how long pushes take from the change to the acknowledgement.
const latencies: number[] = [];
const stop = new AbortController();
const server = new DiscoveryServer({
  hub,
  signer: { roots: authority.roots, sign: (csr, identity) => authority.sign(csr, identity) },
  verifier: { verify: async () => new WeftError('none', 'no tokens here') },
  credentials: credentialsOf(controlPlaneId),
  clock,
  log: silentLog,
  observer: {
    connected() {},
    pushed() {},
    acked: (_kind, latencyMs) => void (latencyMs !== undefined && latencies.push(latencyMs)),
    nacked() {},
    signed() {},
    refused: code => console.log(`refused: ${code}`),
    slowed() {},
    keyRefused() {},
  },
});
const port = await server.start({ host: '127.0.0.1', port: 0 }, stop.signal);
const rssBefore = process.memoryUsage().rss;

// 3. The proxies.
let waiting = proxies;
let reached: () => void = () => {};
const front = credentialsOf('spiffe://cluster.local/ns/shop/sa/front');
const all = (): Promise<void> => {
  waiting = proxies;
  return new Promise(resolve => {
    reached = resolve;
  });
};
let startMs = performance.now();
const connected = all();
const clients = Array.from({ length: proxies }, (_, index) => {
  const client = new DiscoveryClient({
    controlPlane: {
      address: { host: '127.0.0.1', port },
      identity: controlPlaneId,
      bootstrapRoots: () => [],
    },
    credentials: front,
    namespace: 'shop',
    pod: `front-${index}`,
    proxyVersion: 'bench',
    sink: {
      apply: ({ kind }) => {
        if (kind === 'endpoints' && --waiting === 0) reached();
        return undefined;
      },
      connection() {},
    },
    clock,
    log: silentLog,
  });
  client.start();
  client.want('10.96.0.1:80');
  return client;
});
await connected;
const perProxyKb = (process.memoryUsage().rss - rssBefore) / proxies / 1000;
console.log(
  `${proxies} proxies connected and answered in ${(performance.now() - startMs).toFixed(0)} ms; both ends of a connection hold ${perProxyKb.toFixed(0)} KB`,
);

// 4. The changes.
startMs = performance.now();
const toAll: number[] = [];
for (let change = 0; change < changes; change++) {
  const done = all();
  const beganMs = performance.now();
  entries.put(slice([...base, `10.9.${change >> 8}.${change & 255}`]));
  await done;
  toAll.push(performance.now() - beganMs);
}
toAll.sort((left, right) => left - right);
const eachMs = (performance.now() - startMs) / changes;
while (latencies.length < proxies * changes) await new Promise(resolve => setTimeout(resolve, 10));
latencies.sort((left, right) => left - right);
const quantile = (q: number): number =>
  latencies[Math.min(latencies.length - 1, Math.floor(latencies.length * q))]!;
console.log(
  `change to acknowledgement: p50 ${quantile(0.5)} ms, p99 ${quantile(0.99)} ms, max ${latencies.at(-1)} ms (20 ms of it gather a burst); all ${proxies} reached every ${eachMs.toFixed(0)} ms`,
);
const allWithin = (q: number): number => toAll[Math.min(toAll.length - 1, Math.floor(toAll.length * q))]!;
// For bench/run.ts.
console.log(
  `RESULT ${JSON.stringify({
    all_p50_ms: allWithin(0.5),
    all_p99_ms: allWithin(0.99),
    ack_p50_ms: quantile(0.5),
    ack_p99_ms: quantile(0.99),
    kb_per_proxy: perProxyKb,
  })}`,
);
for (const client of clients) client.close();
stop.abort();
