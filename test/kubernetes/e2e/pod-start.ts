// How long a pod takes to be ready, with and without the mesh: node test/kubernetes/e2e/pod-start.ts --image
// weft-example-shop:dev Needs KUBECONFIG of a cluster with Weft in it and nothing else to do. Prints a table in Markdown for
// docs/install.md.

import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Cluster, isReady, type Pod, until } from './cluster.ts';

const { values } = parseArgs({
  options: {
    image: { type: 'string', default: 'weft-example-shop:dev' },
    pods: { type: 'string', default: '15' },
  },
});
const cluster = new Cluster(process.env.KUBECONFIG ?? '');
const kinds = [
  ['without the mesh', 'start-plain', {}],
  ['with the mesh', 'start-mesh', { 'weft.dev/inject': 'enabled' }],
] as const;

/** Milliseconds from the request that makes the pod to its readiness; it is deleted afterwards. */
async function startOne(namespace: string, name: string): Promise<number> {
  const path = `/api/v1/namespaces/${namespace}/pods`;
  const container = {
    name: 'app',
    image: values.image,
    workingDir: '/app/shop',
    command: ['node', 'ratings.ts'],
    readinessProbe: { httpGet: { path: '/healthz', port: 8080 }, periodSeconds: 1 },
  };
  const spec = { containers: [container], terminationGracePeriodSeconds: 1 };
  const startedMs = performance.now();
  await cluster.call({
    method: 'POST',
    path,
    body: { apiVersion: 'v1', kind: 'Pod', metadata: { name }, spec },
  });
  for (;;) {
    const pod = (await cluster.find(`${path}/${name}`)) as Pod;
    if (isReady(pod)) break;
    await sleep(25);
  }
  const tookMs = performance.now() - startedMs;
  await cluster.delete(`${path}/${name}`);
  await until('the pod to be gone', async () => (await cluster.find(`${path}/${name}`)) === undefined);
  return tookMs;
}

const times: Record<string, number[]> = Object.fromEntries(kinds.map(([words]) => [words, []]));
for (const [, name, labels] of kinds) {
  await cluster.apply({ apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } });
}
// Their ServiceAccounts and the roots take a moment; the first pod of each is not counted.
await sleep(3_000);
for (let round = 0; round <= Number(values.pods); round++) {
  for (const [words, namespace] of kinds) {
    const tookMs = await startOne(namespace, `pod-${round}`);
    if (round > 0) times[words]!.push(tookMs);
  }
}
for (const [, name] of kinds) await cluster.delete(`/api/v1/namespaces/${name}`);
console.log('| pod ready after | pods | p50 | p90 |\n|---|---|---|---|');
for (const [words, all] of Object.entries(times)) {
  all.sort((a, b) => a - b);
  const at = (share: number) => `${(all[Math.floor((all.length - 1) * share)]! / 1000).toFixed(2)} s`;
  console.log(`| ${words} | ${all.length} | ${at(0.5)} | ${at(0.9)} |`);
}
