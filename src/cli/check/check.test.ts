import assert from 'node:assert/strict';
import { test } from 'node:test';
import { fakeApi } from '../../../webhook/admission/testing/admission.ts';
import { ENTRY_SUFFIX, type KubeAnswer, type KubeCall } from '../../../webhook/index.ts';
import { CertificateAuthority } from '../../ca/index.ts';
import { VERSION } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { FakeClock, systemClock } from '../../time/index.ts';
import { installObjects, installOptions } from '../install/index.ts';
import { INSTALLED_KINDS } from '../kubernetes/objects.ts';
import {
  CheckContext,
  type Checked,
  checksFor,
  checkText,
  initTrouble,
  isFailed,
  isUnderWay,
  judgeBundle,
  judgeExpiries,
  opens,
  runChecks,
} from './index.ts';

type Answers = Record<string, KubeAnswer | ((call: KubeCall) => KubeAnswer)>;

const mesh = CertificateAuthority.createRoot({ trustDomain: 'cluster.local', clock: systemClock });
const bundle = Buffer.from(mesh.roots.join('')).toString('base64');
const status = JSON.stringify({ version: VERSION });

const found = (body: object): KubeAnswer => ({ status: 200, body });
const list = (kind: string, ...items: object[]): KubeAnswer =>
  found({ apiVersion: 'v1', kind: `${kind}List`, items });

/** What discovery says of the kinds of these objects. */
function kindsOf(objects: readonly { readonly apiVersion: string; readonly kind: string }[]): Answers {
  const names = new Map<string, object[]>([['GET /api/v1', [{ name: 'serviceaccounts/token' }]]]);
  for (const { apiVersion, kind } of objects) {
    const path = `GET ${apiVersion.includes('/') ? '/apis' : '/api'}/${apiVersion}`;
    const plural = INSTALLED_KINDS.find(each => each.kind === kind)!.plural;
    names.set(path, [...(names.get(path) ?? []), { name: plural }]);
  }
  return Object.fromEntries([...names].map(([path, resources]) => [path, found({ resources })]));
}

/** A cluster where all is well; `over` changes what it answers. */
function cluster(over: Answers = {}): CheckContext {
  const objects = structuredClone(installObjects(installOptions())) as unknown as Record<
    string,
    Record<string, unknown>
  >[];
  const of = (kind: string) => objects.find(object => (object.kind as unknown) === kind)!;
  const configuration = of('MutatingWebhookConfiguration') as unknown as {
    webhooks: { clientConfig: object }[];
  };
  for (const webhook of configuration.webhooks)
    webhook.clientConfig = { ...webhook.clientConfig, caBundle: bundle };
  const answers: Answers = {
    'GET /version': found({ major: '1', minor: '31', gitVersion: 'v1.31.0' }),
    ...kindsOf(installObjects(installOptions())),
    'GET /apis/policy/v1/namespaces/weft-system/poddisruptionbudgets': list(
      'PodDisruptionBudget',
      of('PodDisruptionBudget'),
    ),
    'POST /api/v1/namespaces/default/configmaps': () =>
      found({ metadata: { creationTimestamp: new Date().toISOString() } }),
    'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations': list(
      'MutatingWebhookConfiguration',
    ),
    'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weft-injector':
      found(configuration),
    'GET /apis/apps/v1/namespaces/weft-system/deployments/weft-injector': found({
      ...of('Deployment'),
      status: { readyReplicas: 2 },
    }),
    'GET /api/v1/namespaces/weft-system/configmaps/weft-injection': found(of('ConfigMap')),
    'POST /api/v1/namespaces/default/pods': found({ spec: { containers: [{ name: 'weft-proxy' }] } }),
    'GET /api/v1/namespaces/weft-system/services/weft-injector:15014/proxy/debug/authority': found({
      expiries: [{ role: 'root', notAfterMs: Date.now() + 1e11 }],
    }),
    'GET /api/v1/namespaces/shop/configmaps/weft-trust': found({}),
    'GET /api/v1/namespaces': list('Namespace', namespace('shop'), { metadata: { name: 'default' } }),
    'GET /api/v1/pods': list('Pod', meshed('good')),
    ...over,
  };
  return new CheckContext({ server: 'https://test', request: fakeApi(answers).request }, 'weft-system');
}

function namespace(name: string, labels: object = {}): object {
  return { metadata: { name, labels: { 'weft.dev/inject': 'enabled', ...labels } } };
}

function meshed(name: string, over: { status?: object; version?: string } = {}): object {
  const annotations = { 'weft.dev/status': status.replace(VERSION, over.version ?? VERSION) };
  const metadata = { name, namespace: 'shop', annotations };
  return { metadata, spec: { containers: [{ name: 'app' }] }, status: { phase: 'Running', ...over.status } };
}

async function run(over: Answers = {}, pre = false): Promise<Checked[]> {
  return runChecks(checksFor(pre), cluster(over));
}

/** Messages and remedies of what is not well, by check. */
function troubles(done: readonly Checked[]): Record<string, string> {
  return Object.fromEntries(
    done.flatMap(({ id, findings }) => {
      const bad = findings.filter(({ result }) => result === 'error' || result === 'warning');
      return bad.length === 0
        ? []
        : [[id, bad.map(each => `${each.result}: ${each.message} → ${each.remedy}`).join('\n')]];
    }),
  );
}

test('a cluster where all is well has no findings', async () => {
  const done = await run();
  assert.deepEqual(troubles(done), {});
  assert.equal(isFailed(done), false);
  assert.match(checkText(done), /all is well$/);
});

test('an API server that is not there ends the checks at the first one', async () => {
  const context = new CheckContext(
    {
      server: 'https://gone',
      request: cluster({ 'GET /version': { status: 401, body: { message: 'who are you' } } }).cluster.request,
    },
    'weft-system',
  );
  const done = await runChecks(checksFor(false), context);
  assert.equal(done.length, 1);
  assert.match(troubles(done).api!, /error: \/version cannot be read: who are you \(401\)/);
});

test('an API server that cannot be reached is not blamed on the rights of the account', async () => {
  const message = 'the Kubernetes API server at https://gone cannot be reached; check its address';
  const request = () => Promise.reject(new WeftError('api-unreachable', message));
  const done = await runChecks(
    checksFor(false),
    new CheckContext({ server: 'https://gone', request }, 'weft-system'),
  );
  assert.deepEqual(done[0]?.findings, [{ result: 'error', message }]);
});

test('before an installation, missing rights and missing token projection are named', async () => {
  const reviews = 'POST /apis/authorization.k8s.io/v1/selfsubjectaccessreviews';
  const deny = (call: KubeCall) => {
    const { spec } = call.body as { spec: { resourceAttributes: { resource: string } } };
    return found({ status: { allowed: spec.resourceAttributes.resource !== 'clusterroles' } });
  };
  const done = await run({ [reviews]: deny, 'GET /api/v1': found({ resources: [] }) }, true);
  const found_ = troubles(done);
  assert.match(
    found_.permissions!,
    /may not create clusterroles\.rbac\.authorization\.k8s\.io → install with an account/,
  );
  assert.match(found_['projected-tokens']!, /no TokenRequest API/);
});

test('clocks that disagree and other meshes are warnings', async () => {
  const done = await run({
    'POST /api/v1/namespaces/default/configmaps': found({
      metadata: { creationTimestamp: new Date(Date.now() + 300_000).toISOString() },
    }),
    'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations': list('X', {
      metadata: { name: 'istio-sidecar-injector' },
    }),
  });
  assert.match(
    troubles(done).clock!,
    /warning: the API server's clock is \d+ s ahead of this machine's → set the clocks/,
  );
  assert.match(troubles(done)['other-meshes']!, /Istio injects into this cluster too/);
  assert.equal(isFailed(done), false);
});

test('a control plane that is missing, down or of another version is told with the command', async () => {
  const path = 'GET /apis/apps/v1/namespaces/weft-system/deployments/weft-injector';
  assert.match(
    troubles(await run({ [path]: { status: 404, body: {} } }))['control-plane']!,
    /weft install \| kubectl apply/,
  );
  const [deployment] = installObjects(installOptions({ version: '0.0.1' })).filter(
    ({ kind }) => kind === 'Deployment',
  );
  const down = troubles(await run({ [path]: found({ ...deployment, status: {} }) }));
  assert.match(down['control-plane']!, /error: 0 of 2 replicas are ready → kubectl describe/);
  assert.match(
    down.versions!,
    new RegExp(`weft is ${VERSION}, the control plane is 0.0.1 → weft upgrade --dry-run`),
  );
});

test('a webhook that is not asked or not trusted is told', async () => {
  const path = 'GET /apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/weft-injector';
  assert.match(
    troubles(await run({ [path]: { status: 404, body: {} } }))['webhook-configuration']!,
    /no pod is injected/,
  );
  const bare = installObjects(installOptions()).at(-1)!;
  assert.match(troubles(await run({ [path]: found(bare) }))['webhook-configuration']!, /no caBundle/);
  const pods = 'POST /api/v1/namespaces/default/pods';
  const ignored = await run({ [pods]: found({ spec: { containers: [{ name: 'app' }] } }) });
  assert.match(troubles(ignored)['webhook-reachable']!, /without a proxy.*port 8443/);
  const failed = await run({ [pods]: { status: 500, body: { message: 'failed calling webhook' } } });
  assert.match(troubles(failed)['webhook-reachable']!, /failed calling webhook \(500\)/);
});

test('bundles and authorities that end soon are told before they do', () => {
  const clock = new FakeClock();
  const lifetimeMs = 20 * 86_400_000;
  const root = CertificateAuthority.createRoot({ trustDomain: 'x', clock, lifetimeMs }).roots.join('');
  const text = Buffer.from(root).toString('base64');
  const result = (nowMs: number) => judgeBundle(text, 'weft-system', nowMs)[0]?.result;
  assert.deepEqual([result(clock.now()), result(clock.now() + 2 * lifetimeMs)], ['warning', 'error']);
  assert.equal(judgeBundle('AAAA', 'n')[0]?.result, 'error');
  // UTCTime: 13 digits. Node takes a certificate whose end is no time.
  const der = Buffer.from(root.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64');
  der.write('zz', der.lastIndexOf(Buffer.from([0x17, 13])) + 4, 'latin1');
  const timeless = `-----BEGIN CERTIFICATE-----\n${der.toString('base64')}\n-----END CERTIFICATE-----\n`;
  const judged = judgeBundle(Buffer.from(timeless).toString('base64'), 'n', clock.now());
  assert.match(JSON.stringify(judged), /whose end cannot be read/);
  const broken = Buffer.from('-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----').toString(
    'base64',
  );
  assert.equal(judgeBundle(broken, 'n')[0]?.result, 'error');
  const expiries = {
    expiries: [
      { role: 'root', notAfterMs: 0 },
      { role: 'issuer', notAfterMs: 86_400_000 },
    ],
  };
  assert.deepEqual(
    judgeExpiries(expiries, 1).map(each => each.result),
    ['error', 'warning'],
  );
});

test('pods outside the mesh, old proxies, proxies that are not ready and failed rules are named', async () => {
  const unready = { containerStatuses: [{ name: 'weft-proxy', ready: false, state: { running: {} } }] };
  const message = 'first\niptables: no permission';
  const failed = {
    initContainerStatuses: [
      { name: 'weft-init', state: { waiting: {} }, lastState: { terminated: { exitCode: 1, message } } },
    ],
  };
  const outside = {
    metadata: { name: 'outside', namespace: 'shop' },
    spec: { containers: [{ name: 'app' }] },
    status: { phase: 'Running' },
  };
  const done = await run({
    'GET /api/v1/pods': list(
      'Pod',
      outside,
      meshed('old', { version: '0.0.1' }),
      meshed('slow', { status: unready }),
      meshed('broken', { status: failed }),
    ),
    'GET /api/v1/namespaces/shop/pods/slow:15020/proxy/ready': {
      status: 503,
      body: { message: 'redirection is missing' },
    },
  });
  const all = troubles(done);
  assert.match(
    all.uninjected!,
    /pod\/outside in shop: one pod is outside the mesh.*→ kubectl get pod\/outside/,
  );
  assert.match(all['proxy-versions']!, /1 pods have a proxy of version 0.0.1 \(in shop\)/);
  assert.match(all['proxies-ready']!, /pod shop\/slow: its proxy is not ready: redirection is missing/);
  assert.match(
    all['proxies-ready']!,
    /pod shop\/broken: weft-init failed with exit code 1: iptables: no permission/,
  );
});

test('init containers that came through in the end are no trouble', () => {
  const state = { terminated: { exitCode: 0 } };
  assert.equal(initTrouble({ status: { initContainerStatuses: [{ name: 'weft-init', state }] } }), undefined);
  assert.equal(initTrouble({}), undefined);
});

test('Pod Security and NetworkPolicies that stand in the way are told with the remedy', async () => {
  const policy = (name: string, where: string, spec: object) => ({
    metadata: { name, namespace: where },
    spec,
  });
  const done = await run({
    'GET /api/v1/namespaces': list(
      'Namespace',
      namespace('shop', { 'pod-security.kubernetes.io/enforce': 'restricted' }),
    ),
    'GET /apis/networking.k8s.io/v1/networkpolicies': list(
      'NetworkPolicy',
      policy('closed', 'shop', { policyTypes: ['Egress'], egress: [] }),
      policy('open', 'shop', { policyTypes: ['Egress'], egress: [{}] }),
      policy('elsewhere', 'other', { policyTypes: ['Egress'] }),
      policy('guard', 'weft-system', { policyTypes: ['Ingress'], ingress: [{ ports: [{ port: 8443 }] }] }),
    ),
  });
  assert.match(
    troubles(done)['pod-security']!,
    /namespace shop enforces restricted.*enforce=privileged, or weft\.dev\/redirection: none/,
  );
  const networks = troubles(done)['network-policies']!;
  assert.match(networks, /shop\/closed limits egress/);
  assert.match(networks, /weft-system\/guard limits ingress/);
  assert.doesNotMatch(networks, /open|elsewhere/);
});

test('who has told the pods of a namespace to do without packet rules is not told again', async () => {
  const annotations = { 'weft.dev/status': '{}', 'weft.dev/redirection': 'none' };
  const without = { metadata: { name: 'a', namespace: 'shop', annotations }, status: { phase: 'Running' } };
  const restricted = namespace('shop', { 'pod-security.kubernetes.io/enforce': 'restricted' });
  const troubleWith = async (...pods: object[]) =>
    troubles(
      await run({
        'GET /api/v1/namespaces': list('Namespace', restricted),
        'GET /api/v1/pods': list('Pod', ...pods),
      }),
    )['pod-security'];
  assert.equal(await troubleWith(without), undefined);
  assert.match((await troubleWith(without, meshed('good')))!, /enforces restricted/);
  assert.match((await troubleWith())!, /enforces restricted/);
});

test('where nobody writes packet rules, no level of Pod Security is in the way', async () => {
  const done = await run({
    'GET /api/v1/namespaces': list(
      'Namespace',
      namespace('shop', { 'pod-security.kubernetes.io/enforce': 'restricted' }),
    ),
    'GET /api/v1/namespaces/weft-system/configmaps/weft-injection': {
      status: 200,
      body: { data: { 'injection.yaml': 'redirection: none' } },
    },
  });
  assert.equal(troubles(done)['pod-security'], undefined);
});

test('ranges and protocols of NetworkPolicies are understood', () => {
  const policy = (...ports: object[]) => ({ spec: { egress: [{ ports }] } });
  assert.equal(opens(policy({ port: 15000, endPort: 15020 }), 'egress', 15012), true);
  assert.equal(opens(policy({ port: 15012, protocol: 'UDP' }), 'egress', 15012), false);
  assert.equal(opens(policy({ port: 'tls' }), 'egress', 15012), false);
  assert.equal(opens(policy({ protocol: 'TCP' }), 'egress', 15012), true);
});

test('a missing weft-trust is told by namespace', async () => {
  const done = await run({ 'GET /api/v1/namespaces/shop/configmaps/weft-trust': { status: 404, body: {} } });
  assert.match(troubles(done).trust!, /ConfigMap weft-trust is missing in shop/);
});

test('what may not be read is a finding of its check, and the others go on', async () => {
  const done = await run({ 'GET /api/v1/pods': { status: 403, body: { message: 'pods is forbidden' } } });
  assert.match(troubles(done).uninjected!, /pods is forbidden \(403\) → see that this account may read it/);
  assert.equal(done.at(-1)?.id, 'network-policies');
});

const version = (minor: string) => found({ major: '1', minor, gitVersion: `v1.${minor}.0` });

test('before an installation it is seen whether the server has what weft install prints, with the command that fits it', async () => {
  const old = { 'GET /version': version('20'), 'GET /apis/policy/v1': { status: 404, body: {} } };
  const { manifests } = troubles(await run(old, true));
  assert.equal(
    manifests,
    'error: it has no poddisruptionbudgets of policy/v1 → weft install --kubernetes-version 1.20 | kubectl apply -f -',
  );
  const off = { 'GET /apis/admissionregistration.k8s.io/v1': { status: 404, body: {} } };
  assert.match(
    troubles(await run(off, true)).manifests!,
    /no mutatingwebhookconfigurations of admissionregistration\.k8s\.io\/v1 → see kubectl api-resources/,
  );
  assert.match(
    troubles(await run({ 'GET /version': version('19') }, true)).api!,
    /^error: .*1\.19.* → Weft needs 1\.20/,
  );
});

test('replicas that are still to come are no error, and are waited for', async () => {
  const path = 'GET /apis/apps/v1/namespaces/weft-system/deployments/weft-injector';
  const half = await run({ [path]: found({ spec: { replicas: 2 }, status: { readyReplicas: 1 } }) });
  assert.match(troubles(half)['control-plane']!, /^warning: 1 of 2 replicas are ready/);
  assert.equal(isUnderWay(half), true);
  assert.equal(isUnderWay(await run()), false);
});

test('two replicas without a PodDisruptionBudget are named, with the manifest for the server', async () => {
  const none = {
    'GET /apis/policy/v1/namespaces/weft-system/poddisruptionbudgets': list('PodDisruptionBudget'),
  };
  assert.match(
    troubles(await run(none))['disruption-budget']!,
    /^warning: there is no PodDisruptionBudget for the 2 replicas.* → weft install \| /,
  );
  const old = await run({ ...none, 'GET /version': version('20') });
  assert.match(troubles(old)['disruption-budget']!, /weft install --kubernetes-version 1\.20 \|/);
  const path = 'GET /apis/apps/v1/namespaces/weft-system/deployments/weft-injector';
  const single = await run({
    ...none,
    [path]: found({ spec: { replicas: 1 }, status: { readyReplicas: 1 } }),
  });
  assert.equal(troubles(single)['disruption-budget'], undefined);
});

test('workloads whose pods injection refuses are named with the reason, whatever kind makes the pods', async () => {
  const words = (reason: string, by: string) =>
    `pods "x" is forbidden: admission webhook "${by}" denied the request: ${reason}`;
  const entry = ENTRY_SUFFIX.startsWith('.') ? `labelled${ENTRY_SUFFIX}` : ENTRY_SUFFIX;
  const failing = (name: string, message: string, over: object = {}) => ({
    metadata: {
      name,
      namespace: 'shop',
      ownerReferences: [{ kind: 'Deployment', name: name.replace(/-\w+$/, '') }],
    },
    spec: { replicas: 2 },
    status: { replicas: 0, conditions: [{ type: 'ReplicaFailure', status: 'True', message }] },
    ...over,
  });
  const event = (kind: string, name: string, message: string) => ({
    metadata: { name: `${name}.1`, namespace: 'shop' },
    involvedObject: { kind, name, namespace: 'shop' },
    message,
  });
  const done = await run({
    'GET /apis/apps/v1/replicasets': list(
      'ReplicaSet',
      failing('cart-5d8', words('runAsUser 1337 is the proxy’s', entry)),
      failing('quota-77', 'exceeded quota'),
      failing('other-88', words('no', 'policy.example.com')),
    ),
    'GET /apis/apps/v1/statefulsets': list(
      'StatefulSet',
      { metadata: { name: 'db', namespace: 'shop' }, spec: { replicas: 1 }, status: { replicas: 0 } },
      { metadata: { name: 'mended', namespace: 'shop' }, spec: { replicas: 1 }, status: { replicas: 1 } },
    ),
    'GET /apis/batch/v1/jobs': list('Job', {
      metadata: { name: 'once', namespace: 'shop' },
      spec: {},
      status: {},
    }),
    'GET /apis/apps/v1/daemonsets': list('DaemonSet'),
    'GET /api/v1/events': list(
      'Event',
      event('StatefulSet', 'db', words('bad port list', entry)),
      event('StatefulSet', 'mended', words('long ago', entry)),
      event('Job', 'once', words('bad annotation', entry)),
    ),
  });
  const lines = troubles(done)['refused-pods']!.split('\n');
  assert.deepEqual(
    lines.map(line => /^error: (\S+ in \S+): .*refuses them: (.*?) → /.exec(line)?.slice(1)),
    [
      ['deployment/cart in shop', 'runAsUser 1337 is the proxy’s'],
      ['statefulset/db in shop', 'bad port list'],
      ['job/once in shop', 'bad annotation'],
    ],
  );
});

test('what proxies refuse is asked of every replica of the control plane, and each thing is told once', async () => {
  const injector = (name: string): object => ({
    metadata: { name, namespace: 'weft-system', labels: { 'app.kubernetes.io/name': 'weft-injector' } },
  });
  const path = (name: string): string =>
    `GET /api/v1/namespaces/weft-system/pods/${name}:15014/proxy/debug/problems`;
  const object = { kind: 'VirtualService', namespace: 'shop', name: 'vs' };
  const problem = (code: string, message: string) => ({ code, severity: 'error', object, message });
  const answers: Answers = {
    'GET /api/v1/pods': list('Pod', meshed('good'), injector('one'), injector('two')),
    [path('one')]: {
      status: 200,
      body: [problem('refused-by-proxies', 'a'), problem('field-not-supported', 'b')] as never,
    },
    [path('two')]: {
      status: 200,
      body: [problem('refused-by-proxies', 'a'), problem('rule-refused', 'c')] as never,
    },
  };
  const found = (await run(answers)).find(({ id }) => id === 'policies-in-effect')!.findings;
  assert.deepEqual(
    found.map(each => `${each.result} ${each.message}`),
    ['error VirtualService vs.shop: a', 'error VirtualService vs.shop: c'],
  );
  const fine = await run({
    ...answers,
    [path('one')]: { status: 200, body: [] as never },
    [path('two')]: { status: 503, body: {} },
  });
  assert.equal(fine.find(({ id }) => id === 'policies-in-effect')!.findings[0]!.result, 'ok');
});
