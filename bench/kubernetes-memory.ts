// What a cluster costs the control plane in memory: reads PODS pods (10,000), a tenth as many Services and their EndpointSlices
// from an API server in another process, through the whole pipeline.  node --expose-gc bench/kubernetes-memory.ts [PODS]
import { fork } from 'node:child_process';
import { KubeConfig } from '@kubernetes/client-node';
import { KubeClient, TYPES } from '../src/kubernetes/index.ts';
import { FakeApi } from '../src/kubernetes/testing/fake-api.ts';
import { startPipeline } from '../src/main/pipeline.ts';
import { KubernetesSource } from '../src/source/kubernetes/index.ts';
import { silentLog } from '../src/telemetry/index.ts';
import { systemClock } from '../src/time/index.ts';

const podsPerService = 10;
const namespaces = 200;
const nodes = 100;

const address = (n: number): string => `10.${n >> 16}.${(n >> 8) & 255}.${n & 255}`;
const podName = (n: number): string =>
  `svc-${Math.floor(n / podsPerService)}-7d9c8b6f5-${n.toString(36).padStart(5, 'x')}`;

/** As large as pods are that carry a sidecar: 6 KB of JSON. */
function pod(n: number) {
  const service = Math.floor(n / podsPerService);
  const env = Array.from({ length: 20 }, (_, i) => ({ name: `VARIABLE_${i}`, value: 'v'.repeat(40) }));
  const ip = address(n);
  return {
    metadata: {
      name: podName(n),
      namespace: `ns-${service % namespaces}`,
      creationTimestamp: '2026-01-01T00:00:00Z',
      labels: {
        app: `svc-${service}`,
        'app.kubernetes.io/version': 'v1',
        'pod-template-hash': '7d9c8b6f5',
        team: `t${n % 20}`,
      },
      annotations: {
        'weft.dev/status': '{"version":"0.1.0","containers":["weft-proxy"]}',
        other: 'x'.repeat(300),
      },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: `svc-${service}-7d9c8b6f5`, controller: true },
      ],
      managedFields: [{ manager: 'kubelet', fieldsV1: { x: 'y'.repeat(1500) } }],
    },
    spec: {
      serviceAccountName: `svc-${service}`,
      nodeName: `node-${n % nodes}`,
      containers: [
        { name: 'app', image: 'app:1', env, ports: [{ containerPort: 8080, name: 'http', protocol: 'TCP' }] },
        {
          name: 'weft-proxy',
          image: 'weft-proxy:1',
          env,
          ports: [{ containerPort: 15020, name: 'weft-health' }],
        },
      ],
    },
    status: {
      phase: 'Running',
      podIP: ip,
      podIPs: [{ ip }],
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: '2026-01-01T00:00:00Z' }],
      containerStatuses: [{ name: 'app', ready: true, state: { running: {} }, imageID: 'a'.repeat(64) }],
    },
  };
}

async function serve(pods: number): Promise<void> {
  const api = new FakeApi();
  await api.start();
  for (let n = 0; n < namespaces; n++) api.put(TYPES.namespace, { metadata: { name: `ns-${n}` } });
  for (let n = 0; n < pods; n++) api.put(TYPES.pod, pod(n));
  for (let s = 0; s < pods / podsPerService; s++) {
    const namespace = `ns-${s % namespaces}`;
    const ports = [{ name: 'http', port: 80, targetPort: 8080, protocol: 'TCP' }];
    api.put(TYPES.service, {
      metadata: { name: `svc-${s}`, namespace },
      spec: { clusterIP: `10.200.${s >> 8}.${s & 255}`, ports },
    });
    const endpoints = Array.from({ length: podsPerService }, (_, i) => {
      const n = s * podsPerService + i;
      const targetRef = { kind: 'Pod', namespace, name: podName(n) };
      return {
        addresses: [address(n)],
        conditions: { ready: true },
        nodeName: `node-${n % nodes}`,
        zone: `z${n % 3}`,
        targetRef,
      };
    });
    api.put(TYPES.endpointSlice, {
      metadata: { name: `svc-${s}-abcde`, namespace, labels: { 'kubernetes.io/service-name': `svc-${s}` } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080 }],
      endpoints,
    });
  }
  const child = fork(import.meta.filename, [api.url], { execArgv: ['--expose-gc', ...process.execArgv] });
  child.on('exit', code => process.exit(code ?? 1));
}

async function read(url: string): Promise<void> {
  const collect = globalThis.gc!;
  const mb = (bytes: number): number => Math.round(bytes / 2 ** 20);
  const config = new KubeConfig();
  config.loadFromOptions({
    clusters: [{ name: 'bench', server: url, skipTLSVerify: true }],
    users: [{ name: 'me', token: 'none' }],
    contexts: [{ name: 'bench', cluster: 'bench', user: 'me' }],
    currentContext: 'bench',
  });
  const client = new KubeClient({ load: () => config });
  const source = new KubernetesSource({ client, clock: systemClock, log: silentLog, policyKinds: [] });
  const names = { trustDomain: 'cluster.local', clusterDomain: 'cluster.local' };
  const stop = new AbortController();
  const alive = setInterval(() => {}, 1000);
  collect();
  const before = process.memoryUsage();
  const startMs = performance.now();
  const pipeline = await startPipeline(
    { sources: [source], ...names, clock: systemClock, log: silentLog },
    stop.signal,
  );
  const readMs = Math.round(performance.now() - startMs);
  const peak = process.memoryUsage();
  collect();
  const settled = process.memoryUsage();
  console.log({
    objects: pipeline.counts(),
    readMs,
    heapMb: { before: mb(before.heapUsed), added: mb(settled.heapUsed - before.heapUsed) },
    residentMb: { before: mb(before.rss), peakAdded: mb(peak.rss - before.rss) },
  });
  clearInterval(alive);
  stop.abort();
  process.exit(0);
}

const argument = process.argv[2] ?? '10000';
if (argument.startsWith('http')) await read(argument);
else await serve(Number(argument));
