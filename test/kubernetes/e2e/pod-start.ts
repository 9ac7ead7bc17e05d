// How much later a pod is ready with the mesh, and where the time goes: `make pod-start`, or
//   node test/kubernetes/e2e/pod-start.ts --image weft-example-shop:dev [--pods 15] [--with weft.dev/redirection=none …]
// The cluster is that of KUBECONFIG, with Weft in it and nothing else to do. Pods are made one at a time, in turn without the
// mesh, with it, and with it and each annotation of --with. Makes the namespaces start-plain and start-mesh, and takes them away.
//
// A step counts from the request that makes the pod to when its event is seen here (Kubernetes writes whole seconds into events),
// or to a line of a container's log, whose time is the node's: its clock and this machine's must be in step for those.
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cluster, isReady, type Pod, until } from './cluster.ts';

const { values } = parseArgs({
  options: {
    image: { type: 'string', default: 'weft-example-shop:dev' },
    pods: { type: 'string', default: '15' },
    with: { type: 'string', multiple: true, default: [] },
  },
});
const { KUBECONFIG } = process.env;
if (!KUBECONFIG || !/^[1-9]\d*$/.test(values.pods)) {
  console.error('pod-start: needs KUBECONFIG, and --pods a number from 1; see the head of this file');
  process.exit(2);
}
const cluster = new Cluster(KUBECONFIG);

interface Kind {
  readonly words: string;
  readonly namespace: string;
  readonly annotations: Readonly<Record<string, string>>;
}

const kinds: readonly Kind[] = [
  { words: 'without the mesh', namespace: 'start-plain', annotations: {} },
  { words: 'with the mesh', namespace: 'start-mesh', annotations: {} },
  ...values.with.map(text => {
    const [key = '', value = ''] = text.split(/=(.*)/s);
    return { words: `with ${text}`, namespace: 'start-mesh', annotations: { [key]: value } };
  }),
];

/** Steps in the order in which they come, and what each means. */
const steps = [
  ['weft-init Created', 'weft-init made'],
  ['weft-init Started', 'weft-init started'],
  ['weft-init logged', 'weft-init done (its log)'],
  ['weft-proxy Created', 'weft-proxy made'],
  ['weft-proxy Started', 'weft-proxy started'],
  ['weft-proxy logged', 'weft-proxy carries traffic (its log)'],
  ['app Created', 'app made'],
  ['app Started', 'app started'],
  ['ready', '**pod ready**'],
] as const;

/** Milliseconds by step. */
type Times = Map<string, number>;

/** Calls `seen` with what is in each line of a watch, until it is aborted. Resolves when the watch is open. */
function watch(path: string, signal: AbortSignal, seen: (object: Record<string, unknown>) => void) {
  return new Promise<void>((resolve, reject) => {
    const line = (text: string): boolean => {
      seen((JSON.parse(text) as { object: Record<string, unknown> }).object);
      return true;
    };
    const query = { watch: 'true' };
    const over = cluster.client.stream({ path, query, signal, timeoutMs: 600_000 }, line, resolve);
    void over.then(failed => reject(failed ?? new Error(`the watch of ${path} ended`)));
  });
}

/** Makes a pod, waits until it is ready, takes it away. */
async function startOne({ namespace, annotations }: Kind, name: string): Promise<Times> {
  const times: Times = new Map();
  const over = new AbortController();
  const ready = Promise.withResolvers<void>();
  let startedMs = 0;
  const note = (step: string): void => {
    if (!times.has(step)) times.set(step, performance.now() - startedMs);
  };
  const base = `/api/v1/namespaces/${namespace}`;
  await watch(`${base}/events`, over.signal, ({ involvedObject, reason }) => {
    const about = involvedObject as { name?: string; fieldPath?: string };
    const container = /\{(.+)\}/.exec(about.fieldPath ?? '')?.[1];
    if (about.name === name && container !== undefined) note(`${container} ${String(reason)}`);
  });
  await watch(`${base}/pods`, over.signal, object => {
    const pod = object as unknown as Pod;
    if (pod.metadata.name !== name || !isReady(pod)) return;
    note('ready');
    ready.resolve();
  });
  const container = {
    name: 'app',
    image: values.image,
    workingDir: '/app/shop',
    command: ['node', 'ratings.ts'],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  const spec = { containers: [container], terminationGracePeriodSeconds: 1 };
  // The kubelet looks at its containers once a second, and the pod before this one went at such a look: without a pause of any
  // length all pods would start in step with it.
  await sleep(Math.random() * 1000);
  const startedAtMs = Date.now();
  startedMs = performance.now();
  const body = { apiVersion: 'v1', kind: 'Pod', metadata: { name, annotations }, spec };
  await cluster.call({ method: 'POST', path: `${base}/pods`, body });
  await Promise.race([ready.promise, sleep(120_000, undefined, { ref: false })]);
  if (!times.has('ready')) throw new Error(`pod ${namespace}/${name} was not ready within two minutes`);
  if (namespace === 'start-mesh') {
    for (const [own, pattern] of [
      ['weft-init', /ipv\d: /],
      ['weft-proxy', /carries traffic/],
    ] as const) {
      const path = `${base}/pods/${name}/log`;
      const log = await cluster.text(path, { container: own, timestamps: 'true' }).catch(() => '');
      const last = log.split('\n').findLast(line => pattern.test(line));
      if (last) times.set(`${own} logged`, Date.parse(last.split(' ')[0]!) - startedAtMs);
    }
  }
  over.abort();
  await cluster.delete(`${base}/pods/${name}`);
  await until('the pod to be gone', async () => (await cluster.find(`${base}/pods/${name}`)) === undefined);
  return times;
}

for (const [name, labels] of [
  ['start-plain', {}],
  ['start-mesh', { 'weft.dev/inject': 'enabled' }],
] as const) {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}
// Their ServiceAccounts and the roots take a moment; the first pod of each kind is not counted.
await until('the ServiceAccounts', async () => {
  const found = kinds.map(({ namespace }) =>
    cluster.find(`/api/v1/namespaces/${namespace}/serviceaccounts/default`),
  );
  return (await Promise.all(found)).every(each => each !== undefined);
});
const all = kinds.map((): Times[] => []);
for (let round = 0; round <= Number(values.pods); round++) {
  for (const [index, kind] of kinds.entries()) {
    const times = await startOne(kind, `pod-${index}-${round}`);
    if (round > 0) all[index]!.push(times);
  }
}
for (const name of ['start-plain', 'start-mesh']) await cluster.delete(`/api/v1/namespaces/${name}`);

/** `1.25 / 1.61`: median and 90th percentile in seconds; nothing where the step was never seen. */
function figures(runs: readonly Times[], step: string): string {
  const sorted = runs.flatMap(times => times.get(step) ?? []).sort((a, b) => a - b);
  const at = (share: number): string => (sorted[Math.floor((sorted.length - 1) * share)]! / 1000).toFixed(2);
  return sorted.length === 0 ? '' : `${at(0.5)} / ${at(0.9)}`;
}

console.log(`Seconds since the request that makes the pod, p50 / p90 of ${values.pods} pods each:\n`);
console.log(`| | ${kinds.map(({ words }) => words).join(' | ')} |\n|---|${kinds.map(() => '---|').join('')}`);
for (const [step, words] of steps) {
  const row = all.map(runs => figures(runs, step));
  if (row.some(cell => cell !== '')) console.log(`| ${words} | ${row.join(' | ')} |`);
}
