import { strict as assert } from 'node:assert';
import { CASES, container, podSpec } from '../cases.ts';
import type { Claim } from '../claim.ts';
import { type Cluster, containerStatus, type Pod, until } from '../cluster.ts';

/** A service of the mesh and one outside of it. */
const addresses = ['http://ratings.shop:8080/ratings/p1', 'tcp://kubernetes.default.svc:443'];

function job(image: string, name: string, code: number): object {
  const template = {
    metadata: { labels: { app: name } },
    spec: podSpec([container(image, 'app', ['/apps/ask.mjs', '--exit', String(code), ...addresses])], {
      restartPolicy: 'Never',
    }),
  };
  const metadata = { name, namespace: CASES };
  return { apiVersion: 'batch/v1', kind: 'Job', metadata, spec: { backoffLimit: 0, template } };
}

interface JobStatus {
  readonly succeeded?: number;
  readonly failed?: number;
}

/** The pod of a Job that is over, and whether it succeeded. */
async function ended(cluster: Cluster, name: string): Promise<{ status: JobStatus; pod: Pod }> {
  const path = `/apis/batch/v1/namespaces/${CASES}/jobs/${name}`;
  const status = await until(`job ${name} to end`, async () => {
    const now = (await cluster.find(path))?.status as JobStatus | undefined;
    return (now?.succeeded ?? 0) + (now?.failed ?? 0) > 0 ? now : undefined;
  });
  const [pod] = await cluster.pods(CASES, `app=${name}`);
  if (!pod) throw new Error(`job ${name} has no pod`);
  return { status, pod };
}

function exitCode(pod: Pod, name: string): number | undefined {
  return containerStatus(pod, name)?.state.terminated?.exitCode;
}

/** Seconds from the end of the app to the end of the proxy, both of which must have ended, the proxy well. */
function lag(pod: Pod): number {
  const end = (name: string): number => {
    const { terminated } = containerStatus(pod, name)?.state ?? {};
    const atMs = Date.parse(terminated?.finishedAt ?? '');
    if (Number.isNaN(atMs)) throw new Error(`${name} of pod ${pod.metadata.name} has not ended`);
    return atMs;
  };
  const seconds = (end('weft-proxy') - end('app')) / 1000;
  assert.equal(exitCode(pod, 'weft-proxy'), 0, `the proxy of pod ${pod.metadata.name} ended badly`);
  return seconds;
}

/** Where injection puts its containers among those of the author: native sidecars came with Kubernetes 1.29. */
async function initOrder(cluster: Cluster, own: string): Promise<readonly string[]> {
  return (await cluster.minor()) >= 29 ? ['weft-init', 'weft-proxy', own] : [own, 'weft-init'];
}

export const jobsEnd: Claim = {
  name: 'Jobs end with the exit code of their container, and their first act is a call that works',
  async run({ cluster, settings }) {
    await cluster.apply(job(settings.shopImage, 'good', 0), job(settings.shopImage, 'bad', 3));
    const good = await ended(cluster, 'good');
    const bad = await ended(cluster, 'bad');
    assert.equal(exitCode(good.pod, 'app'), 0);
    assert.deepEqual([good.status.succeeded, good.pod.status.phase], [1, 'Succeeded']);
    assert.equal(exitCode(bad.pod, 'app'), 3);
    assert.deepEqual([bad.status.failed, bad.pod.status.phase], [1, 'Failed']);
    return `exit codes 0 and 3; the proxies ended ${lag(good.pod)} s and ${lag(bad.pod)} s after their apps`;
  },
};

export const cronJobsEnd: Claim = {
  name: 'a CronJob completes',
  async run({ cluster, settings }) {
    const { resources } = (await cluster.call({ path: '/apis/batch/v1' })) as unknown as {
      resources: { kind: string }[];
    };
    const version = resources.some(({ kind }) => kind === 'CronJob') ? 'v1' : 'v1beta1';
    const { spec } = job(settings.shopImage, 'minutely', 0) as { spec: object };
    const cronJob = {
      apiVersion: `batch/${version}`,
      kind: 'CronJob',
      metadata: { name: 'minutely', namespace: CASES },
      spec: { schedule: '* * * * *', concurrencyPolicy: 'Forbid', jobTemplate: { spec } },
    };
    await cluster.apply(cronJob);
    const pod = await until(
      'a Job of the CronJob to end',
      async () => {
        const pods = await cluster.pods(CASES, 'app=minutely');
        return pods.find(({ status }) => status.phase === 'Succeeded' || status.phase === 'Failed');
      },
      180_000,
    );
    await cluster.delete(`/apis/batch/${version}/namespaces/${CASES}/cronjobs/minutely`);
    assert.equal(pod.status.phase, 'Succeeded');
    return `the proxy ended ${lag(pod)} s after its app`;
  },
};

export const initContainersCall: Claim = {
  name: 'an init container calls a service of the mesh and one outside of it, without an annotation',
  async run({ cluster, settings }) {
    const ask = (name: string) => container(settings.shopImage, name, ['/apps/ask.mjs', ...addresses]);
    const spec = podSpec([ask('app')], { initContainers: [ask('before')], restartPolicy: 'Never' });
    const metadata = { name: 'with-init', namespace: CASES, labels: { app: 'with-init' } };
    await cluster.apply({ apiVersion: 'v1', kind: 'Pod', metadata, spec });
    const pod = await until('pod with-init to end', async () => {
      const [found] = await cluster.pods(CASES, 'app=with-init');
      return found?.status.phase === 'Succeeded' || found?.status.phase === 'Failed' ? found : undefined;
    });
    const names = pod.status.initContainerStatuses?.map(({ name }) => name);
    assert.deepEqual(names, await initOrder(cluster, 'before'), 'it is injected');
    const log = await cluster.text(`/api/v1/namespaces/${CASES}/pods/with-init/log`, { container: 'before' });
    assert.equal(pod.status.phase, 'Succeeded', log);
    return log.replaceAll('\n', ', ');
  },
};
