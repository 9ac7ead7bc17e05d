// One change among thousands of Ingresses, each with a host and a certificate of its own: what it costs the control plane to
// translate it, to resolve anew what rests on it for a proxy that serves all of them, as the hub does it, and to list what is
// wrong.
//   node bench/ingresses.ts [--ingresses 5000] [--changes 20]
// Prints CPU time of this process, so that other programs of the machine count little.
import { Hub, type Watch } from '../src/discovery/index.ts';
import { type GatewayResource, gatewayKey } from '../src/model/index.ts';
import type { Change } from '../src/registry/index.ts';
import { ANY_NAMESPACE } from '../src/resolve/index.ts';
import { Translator } from '../src/translate/index.ts';
import { changesOf } from '../src/translate/testing/from-yaml.ts';
import { readFlags } from './flags.ts';
import { machine } from './machine.ts';

const { values } = readFlags(import.meta.filename, {
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

function secret(of: number, version: number): object {
  const stringData = { 'tls.crt': `chain ${version}`, 'tls.key': 'key' };
  const metadata = { name: `tls${of}`, namespace: `ns${of % 100}` };
  return { apiVersion: 'v1', kind: 'Secret', metadata, type: 'kubernetes.io/tls', stringData };
}

/** As of a cluster: an object that comes again, unchanged in all but one thing, is not one of another line of a file. */
function withoutLine(change: Change): Change {
  if (change.type !== 'put') return change;
  const { origin: _, ...ref } = change.stored.ref;
  return { ...change, stored: { ...change.stored, ref } };
}

/** JSON is YAML. */
const objects = (all: readonly object[]): string =>
  all.map(each => `${JSON.stringify(each)}\n`).join('---\n');

const caller = { namespace: ANY_NAMESPACE, labels: {} };
const translator = new Translator();
const hub = new Hub(translator.mesh);
const followed = new Map<string, Watch>();
const root = gatewayKey('edge/web');
let told = 0;

/** Follows what a proxy of the gateway follows: all that its listeners name, and nothing else any more. */
function follow(): void {
  const gateway = followed.get(root) ?? hub.watchAsked(caller, root, () => told++);
  followed.set(root, gateway);
  const { listeners } = gateway.value as GatewayResource;
  const keys = new Set([
    root,
    ...listeners.flatMap(({ hosts, tls }) => [
      ...hosts.map(({ destination }) => destination),
      ...(tls?.certificates ?? []),
    ]),
  ]);
  for (const key of keys)
    if (!followed.has(key))
      followed.set(
        key,
        hub.watchAsked(caller, key, () => told++),
      );
  for (const [key, watch] of followed)
    if (!keys.has(key)) {
      watch.close();
      followed.delete(key);
    }
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
  objects([
    ingressClass,
    ...Array.from({ length: ingresses }, (_, each) => secret(each, 0)),
    ...Array.from({ length: ingresses }, (_, each) => ingress(each, '/')),
  ]),
).map(withoutLine);
console.log(`all of them translated: ${cost(() => translator.apply(all)).toFixed(0)} ms of CPU`);
hub.update(translator.mesh, new Set(), 0);
console.log(`all of it resolved: ${cost(follow).toFixed(0)} ms of CPU (${hub.size} resources)`);

/** Changes of one object each, made one after the other. */
function measure(what: string, change: (n: number) => readonly Change[]): void {
  const [translated, resolved]: [number[], number[]] = [[], []];
  told = 0;
  for (let n = 0; n < changes; n++) {
    const changed = change(n);
    let touched: ReadonlySet<string> = new Set();
    translated.push(
      cost(() => {
        touched = translator.apply(changed).touched;
      }),
    );
    resolved.push(cost(() => hub.update(translator.mesh, touched, 0)));
    follow();
  }
  show(`${what}, translated`, translated);
  show(`${what}, what rests on it resolved (${(told / changes).toFixed(1)} resources differ)`, resolved);
}

const one = (object: object): readonly Change[] => changesOf(objects([object])).map(withoutLine);
const any = (n: number): number => (n * 7_919) % ingresses;
measure('another path', n => one(ingress(any(n), `/v${n}`)));
measure('another certificate', n => one(secret(any(n), n + 1)));
measure('one Ingress more', n => one(ingress(ingresses + n, '/')));
measure('one Ingress fewer', n =>
  one(ingress(ingresses + n, '/')).map(each => ({ ...each, type: 'delete' }) as Change),
);
console.log(`what is wrong listed: ${cost(() => void [...translator.problems()]).toFixed(0)} ms of CPU`);
