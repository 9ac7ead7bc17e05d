// How the configuration pipeline behaves at scale: a mesh of many services, many proxies that follow a few destinations each, and
// endpoints that come and go. In one process, without a wire: registry → translate → hub → streams.
//   node bench/discovery-scale.ts [--services 10000] [--proxies 1000] [--destinations 5] [--changes 500]
import { Hub, InProcessStream } from '../src/discovery/index.ts';
import { type KubeObject, Registry } from '../src/registry/index.ts';
import { silentLog } from '../src/telemetry/index.ts';
import { systemClock } from '../src/time/index.ts';
import { Translator } from '../src/translate/index.ts';
import { readFlags } from './flags.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    services: { type: 'string', default: '10000' },
    proxies: { type: 'string', default: '1000' },
    destinations: { type: 'string', default: '5' },
    changes: { type: 'string', default: '500' },
  },
});
const services = Number(values.services);
const proxies = Number(values.proxies);
const destinations = Number(values.destinations);
const changes = Number(values.changes);
const podsPerService = 3;

const addressOf = (service: number, pod: number): string => {
  const number = service * 8 + pod;
  return `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`;
};
const virtualAddress = (service: number): string => `10.96.${service >> 8}.${service & 255}`;
const namespaceOf = (service: number): string => `ns-${service % 100}`;

function serviceObject(service: number): KubeObject {
  return {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { name: `svc-${service}`, namespace: namespaceOf(service) },
    spec: { clusterIP: virtualAddress(service), ports: [{ name: 'http', port: 80, targetPort: 8080 }] },
  };
}

function sliceObject(service: number, pods: readonly number[]): KubeObject {
  const name = `svc-${service}`;
  const labels = { 'kubernetes.io/service-name': name };
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: { name: `${name}-1`, namespace: namespaceOf(service), labels },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: pods.map(pod => ({
      addresses: [addressOf(service, pod)],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name: `${name}-${pod}` },
    })),
  };
}

function podObject(service: number, pod: number): KubeObject {
  const annotations = { 'weft.dev/status': '{}' };
  return {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      name: `svc-${service}-${pod}`,
      namespace: namespaceOf(service),
      labels: { app: `svc-${service}` },
      annotations,
    },
    spec: {
      serviceAccountName: `svc-${service}`,
      containers: [{ name: 'app', ports: [{ containerPort: 8080 }] }],
    },
    status: { podIP: addressOf(service, pod) },
  };
}

const mb = (): string => `${Math.round(process.memoryUsage().rss / 1e6)} MB`;
const elapsed = (sinceMs: number): string => `${(performance.now() - sinceMs).toFixed(0)} ms`;
const quantile = (sorted: readonly number[], q: number): string =>
  (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(2);

// 1. The mesh.
const registry = new Registry({ clock: systemClock, quietMs: 3_600_000, maxWaitMs: 3_600_000 });
const entries = registry.of({ name: 'bench' });
const translator = new Translator();
const hub = new Hub(translator.mesh);
registry.subscribe(({ changes: batch, changedAtMs }) => {
  const { mesh, touched } = translator.apply(batch);
  hub.update(mesh, touched, changedAtMs);
});
let startMs = performance.now();
for (let service = 0; service < services; service++) {
  entries.put(serviceObject(service));
  entries.put(
    sliceObject(
      service,
      Array.from({ length: podsPerService }, (_, pod) => pod),
    ),
  );
  for (let pod = 0; pod < podsPerService; pod++) entries.put(podObject(service, pod));
}
registry.flush();
console.log(
  `mesh: ${services} services, ${services * podsPerService} pods, translated in ${elapsed(startMs)}, ${mb()}`,
);

// 2. The proxies. Every one follows service 0, and a few of its own.
let deliveries = 0;
let waiting = 0;
let allDelivered: () => void = () => {};
const streams = Array.from({ length: proxies }, (_, index) => {
  const service = (index * 7) % services;
  const stream = new InProcessStream({
    hub,
    sink: {
      apply: ({ kind }) => {
        deliveries++;
        if (kind === 'endpoints' && --waiting === 0) allDelivered();
        return undefined;
      },
      connection() {},
    },
    log: silentLog,
    caller: { namespace: namespaceOf(service), labels: {} },
    pod: `${namespaceOf(service)}/svc-${service}-0`,
    source: 'bench',
  });
  stream.start();
  return stream;
});
startMs = performance.now();
const wanted = streams.map((_, index) => {
  const own = (count: number): number => (count === 0 ? 0 : (index * 31 + count * 997) % services);
  return new Set(Array.from({ length: destinations }, (_unused, count) => own(count)));
});
waiting = wanted.reduce((sum, each) => sum + each.size, 0);
const subscribed = new Promise<void>(resolve => {
  allDelivered = resolve;
});
streams.forEach((stream, index) => {
  for (const service of wanted[index]!) stream.want(`${virtualAddress(service)}:80`);
});
await subscribed;
console.log(
  `proxies: ${proxies} with ${destinations} destinations each, answered in ${elapsed(startMs)}, ${hub.size} different resources, ${mb()}`,
);

// 3. Changes of an endpoint that every proxy follows: from the registry to the last sink.
const toAll: number[] = [];
for (let change = 0; change < changes; change++) {
  waiting = proxies;
  const done = new Promise<void>(resolve => {
    allDelivered = resolve;
  });
  const beganMs = performance.now();
  entries.put(sliceObject(0, change % 2 === 0 ? [0, 1] : [0, 1, 2]));
  registry.flush();
  await done;
  toAll.push(performance.now() - beganMs);
}
toAll.sort((left, right) => left - right);
console.log(
  `change followed by all ${proxies}: p50 ${quantile(toAll, 0.5)} ms, p99 ${quantile(toAll, 0.99)} ms, from registry to last sink`,
);

// 4. Changes of endpoints that hardly anybody follows: what churn elsewhere in the mesh costs.
const beforeDeliveries = deliveries;
const unfollowed: number[] = [];
for (let change = 0; change < changes; change++) {
  const service = services - 1 - (change % Math.floor(services / 10));
  const beganMs = performance.now();
  entries.put(sliceObject(service, [0, 1, 3 + (change % 4)]));
  entries.put(podObject(service, 3 + (change % 4)));
  registry.flush();
  unfollowed.push(performance.now() - beganMs);
}
await new Promise(resolve => setImmediate(resolve));
unfollowed.sort((left, right) => left - right);
console.log(
  `pod replaced elsewhere: p50 ${quantile(unfollowed, 0.5)} ms, p99 ${quantile(unfollowed, 0.99)} ms of CPU each, ${deliveries - beforeDeliveries} pushes`,
);

// 5. Edits that mean nothing.
startMs = performance.now();
for (let service = 0; service < 1_000; service++) {
  const object = serviceObject(service);
  entries.put({ ...object, metadata: { ...object.metadata, labels: { team: 'a' } } });
}
const before = deliveries;
registry.flush();
await new Promise(resolve => setImmediate(resolve));
console.log(`1000 metadata-only edits: ${elapsed(startMs)}, ${deliveries - before} pushes, ${mb()}`);
// For bench/run.ts.
console.log(
  `RESULT ${JSON.stringify({
    all_p50_ms: Number(quantile(toAll, 0.5)),
    all_p99_ms: Number(quantile(toAll, 0.99)),
    elsewhere_p99_ms: Number(quantile(unfollowed, 0.99)),
    rss_mb: process.memoryUsage().rss / 1e6,
  })}`,
);
for (const stream of streams) stream.close();
