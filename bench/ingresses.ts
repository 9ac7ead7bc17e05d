// One change among thousands of Ingresses, each with a host and a certificate of its own: what it costs the control plane to
// translate it, to resolve anew what rests on it for a proxy that serves all of them, and to list what is wrong.
//   node bench/ingresses.ts [--ingresses 5000] [--changes 20]
// Prints CPU time of this process, so that other programs of the machine count little.
import { parseArgs } from 'node:util';
import { gatewayKey } from '../src/model/index.ts';
import { ANY_NAMESPACE, type Resolved, resolveDestination, resolveGateway } from '../src/resolve/index.ts';
import { Translator } from '../src/translate/index.ts';
import { changesOf } from '../src/translate/testing/from-yaml.ts';
import { machine } from './machine.ts';

const { values } = parseArgs({
  options: {
    ingresses: { type: 'string', default: '5000' },
    changes: { type: 'string', default: '20' },
  },
});
const ingresses = Number(values.ingresses);
const changes = Number(values.changes);

const ingressClass = {
  apiVersion: 'networking.k8s.io/v1',
  kind: 'IngressClass',
  metadata: { name: 'nginx' },
  spec: {
    controller: 'weft.dev/ingress-controller',
    parameters: {
      ...{ apiGroup: 'gateway.networking.k8s.io', kind: 'Gateway' },
      ...{ namespace: 'edge', name: 'web', scope: 'Namespace' },
    },
  },
};

function ingress(of: number, path: string): object {
  const host = `h${of}.example.com`;
  const backend = { service: { name: `s${of}`, port: { number: 80 } } };
  return {
    apiVersion: 'networking.k8s.io/v1',
    kind: 'Ingress',
    metadata: {
      ...{ name: `i${of}`, namespace: `ns${of % 100}`, creationTimestamp: '2026-01-01T00:00:00Z' },
      annotations: { 'nginx.ingress.kubernetes.io/proxy-read-timeout': '30' },
    },
    spec: {
      ingressClassName: 'nginx',
      tls: [{ hosts: [host], secretName: `tls${of}` }],
      rules: [{ host, http: { paths: [{ path, pathType: 'Prefix', backend }] } }],
    },
  };
}

/** JSON is YAML. */
const objects = (all: readonly object[]): string =>
  all.map(each => `${JSON.stringify(each)}\n`).join('---\n');

const caller = { namespace: ANY_NAMESPACE, labels: {} };
const translator = new Translator();
/** What the proxy has, by key, as the hub of the control plane keeps it. */
const held = new Map<string, Resolved<unknown>>();
const root = gatewayKey('edge/web');

function resolve(key: string): void {
  const { mesh } = translator;
  if (key !== root) {
    held.set(key, resolveDestination(mesh, caller, key));
    return;
  }
  const gateway = resolveGateway(mesh, caller, key);
  held.set(key, gateway);
  for (const { hosts } of gateway.resource.listeners)
    for (const { destination } of hosts) if (!held.has(destination)) resolve(destination);
}

/** How many resources rested on what was touched. */
function refresh(touched: ReadonlySet<string>): number {
  const stale = [...held].filter(([, { facts }]) => [...facts].some(each => touched.has(each)));
  for (const [key] of stale) resolve(key);
  return stale.length;
}

/** Milliseconds of CPU time. */
function cost(work: () => void): number {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1_000;
}

const at = (sorted: readonly number[], q: number): string =>
  sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))]!.toFixed(0);

function show(what: string, times: readonly number[]): void {
  const sorted = times.toSorted((a, b) => a - b);
  console.log(`${what}: p50 ${at(sorted, 0.5)}, max ${at(sorted, 1)} ms of CPU`);
}

const here = machine();
console.log(`${here.cpu}, ${here.cores} CPUs, node ${here.node}, load ${here.load}; ${ingresses} Ingresses`);
const all = changesOf(
  objects([ingressClass, ...Array.from({ length: ingresses }, (_, each) => ingress(each, '/'))]),
);
console.log(`all of them translated: ${cost(() => translator.apply(all)).toFixed(0)} ms of CPU`);
console.log(
  `resolved, one by one: ${cost(() => resolve(root)).toFixed(0)} ms of CPU (${held.size} resources)`,
);
const translated: number[] = [];
const resolved: number[] = [];
let stale = 0;
for (let n = 0; n < changes; n++) {
  const change = changesOf(objects([ingress((n * 7_919) % ingresses, `/v${n}`)]));
  let touched: ReadonlySet<string> = new Set();
  translated.push(
    cost(() => {
      touched = translator.apply(change).touched;
    }),
  );
  resolved.push(
    cost(() => {
      stale = refresh(touched);
    }),
  );
}
show('a change translated', translated);
show(`and what rests on it resolved (${stale} resources)`, resolved);
console.log(`what is wrong listed: ${cost(() => void [...translator.problems()]).toFixed(0)} ms of CPU`);
