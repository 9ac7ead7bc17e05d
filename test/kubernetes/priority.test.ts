// The start of a control plane beside a crowd that API Priority and Fairness sends away: on a real API server, in the same low
// priority level as the crowd. WEFT_TEST_PODS=20000 is the size of docs/scale.md.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import {
  type ApiCall,
  ApiError,
  type ApiObject,
  KubeClient,
  ListStreams,
} from '../../src/kubernetes/index.ts';
import { Registry } from '../../src/registry/index.ts';
import { KubernetesSource } from '../../src/source/kubernetes/index.ts';
import { silentLog } from '../../src/telemetry/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { noOwnApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { apply, good, makeNamespace } from './support/objects.ts';

const pods = Number(process.env.WEFT_TEST_PODS ?? 1_000);
const group = 'flowcontrol.apiserver.k8s.io';
const user = 'weft-crowded';

let api: TestApiServer;
let version: string;

before(async () => {
  if (noOwnApiServer) return;
  api = await openApiServer();
  await makeNamespace(api.client, 'crowd');
  const { preferredVersion } = await good(api.client.call({ path: `/apis/${group}` }));
  ({ version } = preferredVersion as { version: string });
  await apply(api.client, '/apis/rbac.authorization.k8s.io/v1/clusterrolebindings', {
    apiVersion: 'rbac.authorization.k8s.io/v1',
    kind: 'ClusterRoleBinding',
    metadata: { name: user },
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'cluster-admin' },
    subjects: [{ kind: 'User', name: user }],
  });
  await makePods(pods);
});

after(async () => {
  if (!noOwnApiServer) await api.close();
});

/** Pods without a node: nothing runs. */
async function makePods(count: number): Promise<void> {
  const env = Array.from({ length: 20 }, (_, index) => ({
    name: `VARIABLE_${index}`,
    value: 'v'.repeat(40),
  }));
  let next = 0;
  const make = async (): Promise<void> => {
    for (let number = next++; number < count; number = next++) {
      const metadata = { name: `pod-${number}`, namespace: 'crowd' };
      const spec = { containers: [{ name: 'app', image: 'app:1', env }] };
      await apply(api.client, '/api/v1/namespaces/crowd/pods', {
        apiVersion: 'v1',
        kind: 'Pod',
        metadata,
        spec,
      });
    }
  };
  await Promise.all(Array.from({ length: 16 }, make));
}

/** A priority level with a single seat and no queue, for all that the user asks. */
async function crowdIn(): Promise<void> {
  const isOld = version.endsWith('beta1') || version.endsWith('beta2');
  const shares = isOld ? 'assuredConcurrencyShares' : 'nominalConcurrencyShares';
  const limited = { [shares]: 1, limitResponse: { type: 'Reject' } };
  const apiVersion = `${group}/${version}`;
  await apply(api.client, `/apis/${group}/${version}/prioritylevelconfigurations`, {
    apiVersion,
    kind: 'PriorityLevelConfiguration',
    metadata: { name: 'crowd' },
    spec: { type: 'Limited', limited },
  });
  const resourceRules = [
    { verbs: ['*'], apiGroups: ['*'], resources: ['*'], namespaces: ['*'], clusterScope: true },
  ];
  const nonResourceRules = [{ verbs: ['*'], nonResourceURLs: ['*'] }];
  const subjects = [{ kind: 'User', user: { name: user } }];
  await apply(api.client, `/apis/${group}/${version}/flowschemas`, {
    apiVersion,
    kind: 'FlowSchema',
    metadata: { name: 'crowd' },
    spec: {
      priorityLevelConfiguration: { name: 'crowd' },
      matchingPrecedence: 2,
      rules: [{ subjects, resourceRules, nonResourceRules }],
    },
  });
}

/** Counts how pods came: pages of lists, and lists that were streamed, with what those brought. */
class CountingClient extends KubeClient {
  pages = 0;
  streams = 0;
  bytes = 0;
  override async call(call: ApiCall): Promise<ApiObject | ApiError> {
    const answer = await super.call(call);
    if (call.path === '/api/v1/pods' && !(answer instanceof ApiError)) this.pages++;
    return answer;
  }
  override stream(call: ApiCall, onLine: (line: string) => boolean, onOpen = (): void => {}) {
    if (call.path !== '/api/v1/pods' || call.query?.sendInitialEvents !== true)
      return super.stream(call, onLine, onOpen);
    const counted = (line: string): boolean => {
      this.bytes += line.length;
      return onLine(line);
    };
    return super.stream(call, counted, () => {
      this.streams++;
      onOpen();
    });
  }
}

test('a start beside a crowd that the server sends away reads everything once, and the crowd costs it time alone', {
  skip: noOwnApiServer,
  timeout: 300_000 + 30 * pods,
}, async context => {
  const kubeconfig = await api.kubeconfigOfUser(user, []);
  if (kubeconfig === undefined) {
    context.skip('the authority of users is not ours');
    return;
  }
  await crowdIn();
  const stop = new AbortController();
  context.after(() => stop.abort());
  let away = 0;
  // Calls of one attempt each: what is over before the time is, and no Retry-After fits into that.
  const client = new KubeClient({ kubeconfig });
  const crowd = async (): Promise<void> => {
    while (!stop.signal.aborted) {
      const answer = await client.call({ path: '/api/v1/pods', timeoutMs: 900, signal: stop.signal });
      if (answer instanceof ApiError && answer.status === 429) away++;
      await new Promise(resolve => setTimeout(resolve, 20));
    }
  };
  const crowds = Array.from({ length: 6 }, crowd);
  const counting = new CountingClient({ kubeconfig });
  const source = new KubernetesSource({
    ...{ client: counting, clock: systemClock, log: silentLog, policyKinds: [] },
  });
  const registry = new Registry({ clock: systemClock });
  const startMs = performance.now();
  await source.start(registry.of(source), stop.signal);
  const seconds = ((performance.now() - startMs) / 1000).toFixed(1);
  stop.abort();
  await Promise.all(crowds);
  assert.equal(registry.counts().Pod, pods);
  const { pages, streams, bytes } = counting;
  // One that streams lists is asked once, any other for each page once.
  const isStreamed = await new ListStreams(client).offered();
  // A stream is over so soon that the crowd may not have met it.
  assert.ok(away > 0 || isStreamed, 'the server sent nobody away, so that nothing was shown');
  assert.deepEqual([streams, pages], isStreamed ? [1, 0] : [0, Math.ceil(pods / 100)]);
  const how = isStreamed ? `one stream of ${(bytes / 1e6).toFixed(1)} MB` : `${pages} pages`;
  const residentMb = Math.round(process.memoryUsage.rss() / 1e6);
  context.diagnostic(
    `${pods} pods in ${how} after ${seconds} s, ${residentMb} MB resident; the crowd was sent away ${away} times`,
  );
});
