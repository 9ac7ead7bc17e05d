import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import {
  type ApiCall,
  type ApiError,
  type ApiObject,
  groupKindOf,
  KubeClient,
  type ResourceType,
  TYPES,
} from '../../kubernetes/index.ts';
import { FakeApi, type FakeObject } from '../../kubernetes/testing/fake-api.ts';
import { until } from '../../kubernetes/testing/until.ts';
import { Registry } from '../../registry/index.ts';
import { silentLog } from '../../telemetry/index.ts';
import { systemClock } from '../../time/index.ts';
import { KubernetesSource } from './index.ts';

const rules: ResourceType = {
  group: 'networking.istio.io',
  version: 'v1beta1',
  kind: 'DestinationRule',
  plural: 'destinationrules',
  namespaced: true,
};
const ruleKind = 'DestinationRule.networking.istio.io';
const rule = {
  metadata: { name: 'cart', namespace: 'shop' },
  spec: { host: 'cart' },
  status: { seen: true },
};
const { endpointSlice, ...withoutSlices } = TYPES;

interface SetUp {
  readonly api: FakeApi;
  readonly registry: Registry;
  readonly source: KubernetesSource;
  readonly started: Promise<void>;
}

async function setUp(
  context: TestContext,
  {
    types = Object.values(TYPES) as ResourceType[],
    prepare = (_api: FakeApi): void => {},
    policyKinds = [ruleKind, 'PeerAuthentication.security.istio.io'],
  } = {},
): Promise<SetUp> {
  const api = new FakeApi(types);
  await api.start();
  api.put(TYPES.namespace, { metadata: { name: 'shop' } });
  prepare(api);
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await api.stop();
  });
  const registry = new Registry({ clock: systemClock });
  const source = new KubernetesSource({
    client: api.client(),
    clock: systemClock,
    log: silentLog,
    policyKinds,
    lookEveryMs: 10,
    backoff: { firstMs: 2, longestMs: 20 },
  });
  return { api, registry, source, started: source.start(registry.of(source), stop.signal) };
}

test('a start asks for few pages at a time, of all kinds together, and for each page once', async context => {
  const kinds = Array.from({ length: 30 }, (_, number): ResourceType => {
    const kind = `Kind${number}`;
    return { group: 'many.example', version: 'v1', kind, plural: kind.toLowerCase(), namespaced: true };
  });
  const api = new FakeApi([...Object.values(TYPES), ...kinds]);
  await api.start();
  for (let number = 0; number < 250; number++)
    api.put(TYPES.pod, { metadata: { name: `pod-${number}`, namespace: 'shop' } });
  let [under, most] = [0, 0];
  const stop = new AbortController();
  context.after(async () => {
    stop.abort();
    await api.stop();
  });
  class CountingClient extends KubeClient {
    override async call(call: ApiCall): Promise<ApiObject | ApiError> {
      if (call.query?.limit === undefined) return super.call(call);
      most = Math.max(most, ++under);
      return super.call(call).finally(() => under--);
    }
  }
  const source = new KubernetesSource({
    client: new CountingClient({ load: () => api.kubeConfig() }),
    ...{ clock: systemClock, log: silentLog, policyKinds: kinds.map(groupKindOf) },
  });
  await source.start(new Registry({ clock: systemClock }).of(source), stop.signal);
  assert.equal(most, 4);
  assert.equal(api.count('GET', '/api/v1/pods'), 3);
  for (const { plural } of kinds)
    assert.equal(api.count('GET', `/apis/many.example/v1/${plural}`), 1, plural);
});

test('what the dialects read is in the registry when the start is over, without anything else', async context => {
  const pod = {
    metadata: {
      name: 'cart-1',
      namespace: 'shop',
      labels: { app: 'cart' },
      annotations: { 'weft.dev/status': '{}', 'cni.example/status': 'x'.repeat(1000) },
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart-5', controller: true, uid: 'u' },
      ],
      managedFields: [{ manager: 'kubectl' }],
    },
    spec: {
      serviceAccountName: 'cart',
      nodeName: 'n1',
      volumes: [{ name: 'x' }],
      restartPolicy: 'Never',
      containers: [
        {
          name: 'app',
          image: 'cart',
          env: [{ name: 'A', value: 'b' }],
          ports: [{ containerPort: 80, hostPort: 1 }],
        },
      ],
      initContainers: [
        { name: 'once' },
        { name: 'stays', restartPolicy: 'Always', ports: [{ containerPort: 9 }] },
      ],
    },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.0.1' }],
      conditions: [
        { type: 'Ready', status: 'True', lastTransitionTime: 'x' },
        { type: 'Initialized', status: 'True' },
      ],
      containerStatuses: [
        { name: 'app', state: { terminated: { exitCode: 0, reason: 'Completed' } }, imageID: 'sha' },
        { name: 'weft-proxy', state: { running: {} } },
      ],
    },
  };
  const { registry, started } = await setUp(context, { prepare: api => api.put(TYPES.pod, pod) });
  await started;
  assert.deepEqual(registry.get('Pod', 'shop/cart-1')!.object, {
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: {
      uid: 'uid- Pod shop/cart-1',
      name: 'cart-1',
      namespace: 'shop',
      labels: { app: 'cart' },
      annotations: { 'weft.dev/status': '{}' },
      ownerReferences: [{ kind: 'ReplicaSet', name: 'cart-5', controller: true }],
    },
    spec: {
      serviceAccountName: 'cart',
      nodeName: 'n1',
      restartPolicy: 'Never',
      containers: [{ name: 'app', ports: [{ containerPort: 80 }] }],
      initContainers: [{ name: 'stays', restartPolicy: 'Always', ports: [{ containerPort: 9 }] }],
    },
    status: {
      phase: 'Running',
      podIP: '10.0.0.1',
      podIPs: [{ ip: '10.0.0.1' }],
      conditions: [{ type: 'Ready', status: 'True', lastTransitionTime: 'x' }],
      containerStatuses: [{ name: 'app', state: { terminated: { exitCode: 0 } } }],
    },
  });
  assert.ok(registry.get('Namespace', 'shop'));
});

test('EndpointSlices v1 are read where the server has them, Endpoints otherwise', async context => {
  const modern = await setUp(context);
  await modern.started;
  assert.equal(modern.api.count('GET', '/api/v1/endpoints'), 0);
  assert.ok(modern.api.count('GET', '/apis/discovery.k8s.io/v1/endpointslices') > 0);
  const beta = { ...endpointSlice, version: 'v1beta1' };
  const old = await setUp(context, { types: [...Object.values(withoutSlices), beta] });
  await old.started;
  assert.ok(old.api.count('GET', '/api/v1/endpoints') > 0);
  assert.equal(old.api.count('GET', '/apis/discovery.k8s.io/v1beta1/endpointslices'), 0);
});

test('a kind of policies is read as soon as the server has it, and forgotten with its definition', async context => {
  const { api, registry, source, started } = await setUp(context);
  await started;
  api.addType(rules);
  api.put(rules, rule);
  await until('the rule', () => registry.get(ruleKind, 'shop/cart') !== undefined);
  assert.deepEqual(registry.get(ruleKind, 'shop/cart')!.object, {
    apiVersion: 'networking.istio.io/v1beta1',
    kind: 'DestinationRule',
    metadata: { name: 'cart', namespace: 'shop', uid: 'uid-networking.istio.io DestinationRule shop/cart' },
    spec: { host: 'cart' },
  });
  api.removeType('DestinationRule');
  await until('it to go', () => registry.get(ruleKind, 'shop/cart') === undefined);
  assert.deepEqual(source.problems(), []);
});

test('the same objects in another version of their kind do not go in between', async context => {
  const { api, registry, started } = await setUp(context, {
    types: [...Object.values(TYPES), rules],
    prepare: each => each.put(rules, rule),
  });
  await started;
  const batches: string[] = [];
  registry.subscribe(batch => batches.push(...batch.changes.map(change => `${change.type} ${change.kind}`)));
  batches.length = 0;
  const next = { ...rules, version: 'v1' };
  api.addType(next);
  api.put(next, { ...rule, spec: { host: 'other' } });
  api.removeType('DestinationRule');
  await until(
    'the new version',
    () => registry.get(ruleKind, 'shop/cart')?.object.apiVersion === `${next.group}/v1`,
  );
  registry.flush();
  assert.deepEqual(new Set(batches), new Set([`put ${ruleKind}`]));
});

test('without permission for one kind everything else goes on, and the problem names verb, resource and rule', async context => {
  const { api, registry, source, started } = await setUp(context, {
    prepare: each => {
      each.fault = call =>
        call.path === '/api/v1/nodes'
          ? {
              status: 403,
              reason: 'Forbidden',
              message: 'nodes is forbidden: User "me" cannot list resource "nodes"',
            }
          : undefined;
    },
  });
  await started;
  assert.equal(source.notReady(), undefined);
  assert.ok(registry.get('Namespace', 'shop'));
  const [found] = source.problems();
  assert.equal(found!.code, 'api-forbidden');
  assert.match(
    found!.message,
    /^not allowed to list nodes \(.*User "me".*\); add the rule \{apiGroups: \[""\], resources: \["nodes"\], verbs: \["list", "watch"\]\}/,
  );
  api.fault = () => undefined;
  await until('the problem to go', () => source.problems().length === 0);
});

test('the start waits for what a mesh cannot be without, says why, and goes on when it is granted', async context => {
  const { api, source, started } = await setUp(context, {
    prepare: each => {
      each.fault = call => (call.path === '/api/v1/services' ? { status: 403, message: 'no' } : undefined);
    },
  });
  let over = false;
  void started.then(() => {
    over = true;
  });
  await until('the problem', () => source.problems().some(each => each.message.includes('services')));
  assert.equal(over, false);
  assert.match(source.notReady()!, /services cannot be read: no/);
  api.fault = () => undefined;
  await started;
  assert.equal(source.notReady(), undefined);
});

test('a server that is away at the start is waited for, with one problem for all kinds', async context => {
  const { api, source, started } = await setUp(context, {
    prepare: each => {
      each.fault = () => 'break';
    },
  });
  await until('the problem', () => source.problems().length > 0);
  const codes = source.problems().map(each => each.code);
  assert.deepEqual(codes, ['api-unreachable']);
  api.fault = () => undefined;
  await started;
  assert.deepEqual(source.problems(), []);
});

test('an object that is none is named and its last good version stays', async context => {
  const { api, registry, source, started } = await setUp(context, {
    prepare: each =>
      each.put(TYPES.service, { metadata: { name: 'web', namespace: 'shop', labels: { a: 'b' } } }),
  });
  await started;
  api.put(TYPES.service, { metadata: { name: 'web', namespace: 'shop', labels: { a: 7 } } });
  await until('the problem', () => source.problems().length > 0);
  assert.deepEqual(
    source.problems().map(each => [each.code, each.object!.name, each.path]),
    [['object-unreadable', 'web', "metadata.labels['a']"]],
  );
  assert.deepEqual(registry.get('Service', 'shop/web')!.object.metadata.labels, { a: 'b' });
  api.remove(TYPES.service, 'shop', 'web');
  await until('no problem', () => source.problems().length === 0);
  assert.equal(registry.get('Service', 'shop/web'), undefined);
});

test('of ConfigMaps only those with settings of the mesh are read, by name; without permission the rest goes on', async context => {
  const data = { mesh: 'pathNormalization: {normalization: NONE}', meshNetworks: 'networks: {}' };
  const { api, registry, source, started } = await setUp(context, {
    prepare: each => {
      each.put(TYPES.configMap, { metadata: { name: 'istio', namespace: 'istio-system' }, data });
      each.put(TYPES.configMap, { metadata: { name: 'large', namespace: 'shop' }, data: { x: 'y' } });
    },
  });
  await started;
  assert.deepEqual(registry.get('ConfigMap', 'istio-system/istio')!.object.data, { mesh: data.mesh });
  assert.equal(registry.get('ConfigMap', 'shop/large'), undefined);
  api.put(TYPES.configMap, { metadata: { name: 'weft-mesh', namespace: 'weft-system' }, data });
  await until("Weft's own", () => registry.get('ConfigMap', 'weft-system/weft-mesh') !== undefined);
  assert.ok(
    registry.get('ConfigMap', 'istio-system/istio'),
    'one reader does not forget what the other read',
  );
  api.remove(TYPES.configMap, 'istio-system', 'istio');
  await until('no word of Istio', () => registry.get('ConfigMap', 'istio-system/istio') === undefined);
  assert.deepEqual(source.problems(), []);

  const denied = await setUp(context, {
    prepare: each => {
      each.fault = call =>
        call.path === '/api/v1/configmaps' ? { status: 403, message: 'User "me" cannot' } : undefined;
    },
  });
  await denied.started;
  assert.deepEqual(
    denied.source.problems().map(({ code, message }) => [code, /configmaps/.test(message)]),
    [['api-forbidden', true]],
  );
});

test('Secrets are read where a Gateway of ours names certificates, and forgotten with the last that does', async context => {
  const gateways: ResourceType = {
    group: 'gateway.networking.k8s.io',
    version: 'v1',
    kind: 'Gateway',
    plural: 'gateways',
    namespaced: true,
  };
  const gateway = {
    metadata: { name: 'edge', namespace: 'shop' },
    spec: {
      gatewayClassName: 'weft',
      listeners: [{ name: 'https', port: 443, tls: { certificateRefs: [{ name: 'tls' }] } }],
    },
  };
  const { api, registry, started } = await setUp(context, {
    types: [...(Object.values(TYPES) as ResourceType[]), gateways],
    policyKinds: ['Gateway.gateway.networking.k8s.io'],
    prepare: fake => {
      for (const namespace of ['shop', 'other'])
        fake.put(TYPES.secret, {
          metadata: { name: 'tls', namespace },
          type: 'kubernetes.io/tls',
          data: { 'tls.crt': 'YQ==', password: 'c2VjcmV0' },
        });
    },
  });
  await started;
  assert.deepEqual([...registry.list('Secret')], []);
  api.put(gateways, gateway);
  await until('the Secret of its namespace is read', () => [...registry.list('Secret')].length === 1);
  const [stored] = [...registry.list('Secret')];
  assert.deepEqual(stored!.object.data, { 'tls.crt': 'YQ==' });
  api.remove(gateways, 'shop', 'edge');
  await until('no Secret is kept', () => [...registry.list('Secret')].length === 0);
});

test('a ConfigMap with fields of headers is read whole and by its name, also beside others of its namespace, as long as somebody names it', async context => {
  const typeOf = (group: string, kind: string, plural: string, namespaced: boolean): ResourceType => ({
    ...{ group, version: 'v1', kind, plural, namespaced },
  });
  const ingresses = typeOf('networking.k8s.io', 'Ingress', 'ingresses', true);
  const classes = typeOf('networking.k8s.io', 'IngressClass', 'ingressclasses', false);
  const gateways = typeOf('gateway.networking.k8s.io', 'Gateway', 'gateways', true);
  const named = (name: string, namespace = 'shop'): FakeObject => ({
    metadata: {
      ...{ name, namespace },
      annotations: { 'nginx.ingress.kubernetes.io/custom-headers': 'headers' },
    },
    spec: { ingressClassName: 'weft' },
  });
  const { api, registry, source, started } = await setUp(context, {
    types: [...(Object.values(TYPES) as ResourceType[]), ingresses, classes, gateways],
    policyKinds: [
      'Ingress.networking.k8s.io',
      'IngressClass.networking.k8s.io',
      'Gateway.gateway.networking.k8s.io',
    ],
    prepare: fake => {
      const data = { 'X-Mode': 'a', 'ca.crt': 'b' };
      for (const name of ['headers', 'others'])
        fake.put(TYPES.configMap, { metadata: { name, namespace: 'shop' }, data });
      fake.put(classes, { metadata: { name: 'weft' }, spec: { controller: 'weft.dev/ingress-controller' } });
      fake.put(ingresses, named('first'));
    },
  });
  await started;
  const dataOf = (name: string): unknown => registry.get('ConfigMap', `shop/${name}`)?.object.data;
  const whole = { 'X-Mode': 'a', 'ca.crt': 'b' };
  assert.deepEqual(dataOf('headers'), whole, 'when the start is over');
  assert.equal(dataOf('others'), undefined);

  // Now all ConfigMaps of the namespace are read for what gateways have a use for.
  const infrastructure = { parametersRef: { group: '', kind: 'ConfigMap', name: 'others' } };
  const spec = { gatewayClassName: 'weft', listeners: [], infrastructure };
  api.put(gateways, { metadata: { name: 'edge', namespace: 'shop' }, spec });
  await until('the others', () => dataOf('others') !== undefined);
  assert.deepEqual(dataOf('others'), { 'ca.crt': 'b' });
  assert.deepEqual(dataOf('headers'), whole);
  api.put(TYPES.configMap, {
    metadata: { name: 'headers', namespace: 'shop' },
    data: { ...whole, 'X-Mode': 'c' },
  });
  await until('its change', () => (dataOf('headers') as typeof whole)['X-Mode'] === 'c');

  api.remove(ingresses, 'shop', 'first');
  await until('its part', () => Object.keys((dataOf('headers') as object | undefined) ?? {}).length === 1);
  assert.deepEqual(dataOf('headers'), { 'ca.crt': 'b' });
  api.put(ingresses, named('second'));
  await until('all of it again', () => Object.keys(dataOf('headers') as object).length === 2);
  api.remove(gateways, 'shop', 'edge');
  await until('no others', () => dataOf('others') === undefined);
  assert.deepEqual(Object.keys(dataOf('headers') as object), ['X-Mode', 'ca.crt']);

  api.fault = call =>
    /namespaces\/blog\/configmaps/.test(call.path) ? { status: 403, message: 'User "me" cannot' } : undefined;
  api.put(ingresses, named('third', 'blog'));
  await until('what is missing', () => source.problems().length === 1);
  assert.match(source.problems()[0]!.message, /configmaps.*--ingress-secrets names the namespaces/);
});
