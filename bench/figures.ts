// What it costs that somebody looks at the dashboard: in a proxy the sum of what was counted in 2.5 s, in the control plane the
// adding up of what all proxies say.
//   node bench/figures.ts [--edges 20] [--proxies 1000]
// In one process without a network, CPU time of this process: what the wire takes is not in it, what is put on it is told.
import { Gatherer } from '../src/dashboard/index.ts';
import {
  type EdgeItem,
  FIGURES_EVERY_MS,
  type FiguresItem,
  figuresAnswerer,
} from '../src/live/figures/index.ts';
import type { LiveListener } from '../src/live/index.ts';
import { emptyMesh, type Mesh, type Peer, type Workload } from '../src/model/index.ts';
import {
  type PeerLabels,
  PeerRequests,
  RequestMetrics,
  TcpMetrics,
  UNKNOWN_PEER,
} from '../src/telemetry/index.ts';
import { FakeClock } from '../src/time/index.ts';
import { readFlags } from './flags.ts';

const { values } = readFlags(import.meta.filename, {
  options: { edges: { type: 'string', default: '20' }, proxies: { type: 'string', default: '1000' } },
});
const edges = Number(values.edges);
const proxies = Number(values.proxies);
const turns = 30;

const cpuMs = (): number => {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1_000;
};
const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;
const peer = (name: string): Peer => ({
  ...UNKNOWN_PEER,
  ...{ workload: name, namespace: 'shop', app: name, version: 'v1' },
});

/** One proxy: milliseconds for what it says each time, and how long that is as JSON. */
async function proxyCost(): Promise<{ ms: number; bytes: number }> {
  const clock = new FakeClock();
  const requests = new RequestMetrics();
  const series = Array.from({ length: edges }, (_, at) => {
    const labels: PeerLabels = {
      ...{ source: peer('cart'), destination: peer(`callee-${at}`), mutualTls: true },
      reporter: 'source',
      protocol: 'http',
      service: { host: `callee-${at}.shop`, name: `callee-${at}`, namespace: 'shop' },
    };
    return new PeerRequests(requests, labels).series(200, '');
  });
  const clusters = series.map(() => ({ retries: 0, size: 3, healthy: 3, occupancy: { waiting: 0 } }));
  let bytes = 0;
  const answerer = figuresAnswerer(() => ({ series: { requests, tcp: new TcpMetrics() }, clusters }), clock);
  const say = (item: object): boolean => {
    bytes += JSON.stringify(item).length;
    return true;
  };
  answerer({ kind: 'figures' }, { say, done: () => {}, skip: () => {}, share: 1 });
  const spent: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    for (const each of series)
      for (let ms = 1; ms < 100; ms *= 3) {
        each.requests++;
        each.durationMs.observe(ms);
      }
    bytes = 0;
    const before = cpuMs();
    await clock.advance(FIGURES_EVERY_MS);
    spent.push(cpuMs() - before);
  }
  return { ms: median(spent), bytes };
}

const workload = (at: number): [string, Workload] => {
  const name = `service-${at >> 1}`;
  const pod = `${name}-${at & 1}`;
  const named = { namespace: 'shop', name: pod };
  return [
    `shop/${pod}`,
    {
      ...named,
      ...{ addresses: [], labels: {}, owner: { kind: 'Deployment', name }, app: name, version: 'v1' },
      ...{ ports: [], meshed: true, ready: true, from: { apiVersion: 'v1', kind: 'Pod', ...named } },
      identity: { trustDomain: 'td', namespace: 'shop', serviceAccount: name },
    },
  ];
};

/** The control plane: milliseconds for what all proxies say in one turn, and for the figures that follow from it. */
async function controlPlaneCost(): Promise<number> {
  const mesh: Mesh = {
    ...emptyMesh(),
    workloads: new Map(Array.from({ length: proxies }, (_, at) => workload(at))),
  };
  const clock = new FakeClock();
  const listeners: LiveListener[] = [];
  const live = { ask: (_: unknown, listener: LiveListener) => void listeners.push(listener) };
  const gatherer = new Gatherer({ live, mesh: () => mesh, clock, graceMs: 0 });
  gatherer.watch(() => {});
  const edge = (from: number, at: number): EdgeItem => ({
    ...{ reporter: 'source', peer: `shop/service-${(from + at) % (proxies >> 1)}`, version: 'v1' },
    ...{ service: `shop/service-${(from + at) % (proxies >> 1)}`, protocol: 'http', mtls: true },
    ...{ requests: 50, failed: 1, received: 5_000, flags: { UF: 1 } },
    buckets: [
      [1, 20],
      [3, 20],
      [5, 10],
    ],
  });
  const own = { activeMs: 50, idleMs: 2_450, memoryBytes: 60e6, retries: 0, ejected: 0, waiting: 0 };
  // As it comes: read from JSON, for each proxy.
  const said = [...mesh.workloads.keys()].map((pod, from) => {
    const items: FiguresItem[] = Array.from({ length: edges }, (_, at) => ({ edge: edge(from, at) }));
    return [pod, JSON.stringify([...items, { proxy: own }])] as const;
  });
  const spent: number[] = [];
  for (let turn = 0; turn < turns; turn++) {
    const before = cpuMs();
    for (const [pod, text] of said) listeners[0]!.said(pod, JSON.parse(text) as unknown[], 0);
    await clock.advance(FIGURES_EVERY_MS);
    spent.push(cpuMs() - before);
  }
  return median(spent);
}

const proxy = await proxyCost();
const all = await controlPlaneCost();
const share = (ms: number): string => `${((ms / FIGURES_EVERY_MS) * 100).toFixed(3)} % of a core`;
console.log(
  `a proxy with ${edges} edges: ${proxy.ms.toFixed(2)} ms every ${FIGURES_EVERY_MS / 1_000} s (${share(proxy.ms)}), ${proxy.bytes} bytes`,
);
console.log(
  `the control plane of ${proxies} proxies: ${all.toFixed(0)} ms every ${FIGURES_EVERY_MS / 1_000} s (${share(all)})`,
);
