import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { join } from 'node:path';
import { test } from 'node:test';
import { meshOfObjects, type ObjectMesh } from '../analyze/index.ts';
import { TYPES } from '../kubernetes/index.ts';
import { describeNamespace, describePod, describeService, strangerOf } from './describe/describe.ts';
import type { Description, PodDescription } from './describe/facts.ts';
import { findNamespace, findService, findWorkload } from './describe/subject.ts';
import { descriptionText } from './describe/text.ts';
import { readFiles } from './mesh/from-files.ts';
import { fakeCluster } from './proxies/testing/fake-cluster.ts';
import { findCaller } from './route/caller.ts';
import { assertGolden } from './testing/golden.ts';

const main = join(import.meta.dirname, '../main/weft.ts');
const file = join(import.meta.dirname, 'describe/testing/mall.yaml');

async function mall(): Promise<ObjectMesh> {
  const { objects, problems } = await readFiles([file]);
  return meshOfObjects(objects, { expectPods: true }, problems);
}

const pod = (loaded: ObjectMesh, name: string): PodDescription =>
  describePod(loaded, findWorkload(loaded.mesh, name, undefined));

function golden(name: string, description: Description): void {
  const text = descriptionText(description, { colours: false }).replaceAll(file, 'mall.yaml');
  assertGolden(join(import.meta.dirname, 'describe/golden', `${name}.txt`), text);
}

test('a pod: membership, ports with protocol and mode, rules with weights, policies, findings', async () => {
  golden('pod', pod(await mall(), 'cart-v1'));
});

test('a Service: how it is met, what results from which object, subsets without pods', async () => {
  const loaded = await mall();
  const cart = findService(loaded.mesh, 'cart', 'mall');
  golden('service', describeService(loaded, cart, strangerOf('mall'), 'somebody of namespace mall'));
  const { caller } = findCaller(loaded.mesh, 'street/busker', 'mall');
  const foreign = describeService(loaded, cart, caller, 'Deployment busker in street');
  assert.equal(foreign.caller, 'Deployment busker in street');
  assert.deepEqual(
    foreign.ports[0]!.leftOut.map(({ path, why }) => [path, why]),
    [['spec.http[1]', 'the caller has not the labels app=tester']],
  );
});

test('objects of Gateway API, Linkerd, SMI and Consul are named with what results', async () => {
  const loaded = await mall();
  const limit = 'EnvoyFilter: lets in 10 each 1s, 20 at once, over it 429 on port 8080';
  const kinds = ['shop', 'stock', 'web', 'bank'].map(name => {
    const service = findService(loaded.mesh, name, 'mall');
    const { ports, policies } = describeService(loaded, service, strangerOf('mall'), 'somebody');
    const rule = ports[0]!.rules[0]!;
    return [
      rule.object?.kind,
      rule.match,
      rule.shares.map(({ cluster, percent }) => `${cluster.split('.')[0]} ${percent}`),
      rule.timeoutMs,
      policies
        .map(({ object, says }) => `${object.kind}: ${says}`)
        .filter(each => !each.startsWith('PeerAuth'))
        .slice(0, 2),
    ];
  });
  assert.deepEqual(kinds, [
    ['HTTPRoute', '/cart and below', ['cart 100'], 0, ['HTTPRoute: routes its requests']],
    ['ServiceProfile', 'GET ~/items', ['stock 100'], 300, ['ServiceProfile: routes its requests']],
    ['TrafficSplit', 'any request', ['cart 90', 'shop 10'], 0, ['TrafficSplit: routes its requests', limit]],
    [
      'ServiceResolver',
      'any request',
      ['bank 100'],
      4000,
      ['ServiceResolver: connects within 7s; time limit 4s', limit],
    ],
  ]);
});

test('a namespace: what is in the mesh, why the rest is not, what pods let in', async () => {
  const loaded = await mall();
  golden('namespace', describeNamespace(loaded, findNamespace(loaded, 'mall')));
});

test('pods outside of the mesh say why: label, namespace, host network', async () => {
  const loaded = await mall();
  const whys = ['agent', 'plain', 'busker'].map(name => {
    const { membership, otherPorts, policies } = pod(loaded, name);
    return [membership.meshed, membership.why, otherPorts, policies.length];
  });
  assert.deepEqual(whys, [
    [
      false,
      "hostNetwork is true: its packet rules would be the node's; it stays outside the mesh",
      undefined,
      0,
    ],
    [false, 'disabled by pod label weft.dev/inject=disabled', undefined, 0],
    [false, 'neither the pod nor namespace street is labelled weft.dev/inject=enabled', undefined, 0],
  ]);
});

test('a pod that would be injected if it were made now says so', async () => {
  const { objects } = await readFiles([file]);
  const ref = { apiVersion: 'v1', kind: 'Pod', namespace: 'mall', name: 'old' };
  const object = {
    ...{ apiVersion: 'v1', kind: 'Pod', metadata: { name: 'old', namespace: 'mall', labels: {} } },
    spec: { containers: [{ name: 'app', image: 'app' }] },
    status: { phase: 'Running', podIP: '10.0.0.9', conditions: [{ type: 'Ready', status: 'True' }] },
  };
  const loaded = meshOfObjects([...objects, { object, ref }], { expectPods: false });
  const { membership, findings } = pod(loaded, 'old');
  assert.match(membership.why, /^it would be injected if it were made now: .*restart it$/);
  assert.deepEqual(
    findings.map(({ code }) => code),
    ['pod-not-injected'],
  );
});

test('what is not there is refused with what is', async () => {
  const { mesh, ...rest } = await mall();
  assert.throws(() => findWorkload(mesh, 'nobody', 'mall'), {
    code: 'pod-absent',
    message: /there are agent, cart-v1/,
  });
  assert.throws(() => findService(mesh, 'nothing', undefined), { code: 'service-absent' });
  assert.throws(() => findNamespace({ mesh, ...rest }, 'moon'), {
    code: 'namespace-absent',
    message: /mall, street/,
  });
});

test('the command reads files, and prints text and JSON', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [main, 'describe', ...args, '-f', file], { encoding: 'utf8' });
  const { stdout, stderr } = run('svc', 'mall/cart', '-o', 'json');
  assert.equal(stderr, '');
  const description = JSON.parse(stdout);
  assert.equal(description.kind, 'service');
  assert.equal(description.ports.length, 3);
  const nobody = run('ns', 'moon');
  assert.match(nobody.stderr, /^error: there is no namespace moon \(there are mall, street\)/);
  assert.equal(nobody.status, 1);
});

test('in a cluster the proxy is asked how it is; where it does not answer, that is said', async t => {
  const exposition = [
    'weft_build_info{version="1",node="24"} 1',
    'weft_control_plane_connected 1',
    'weft_configuration_age_seconds 0',
    'weft_certificate_expires_seconds 7200',
  ].join('\n');
  const pods = [{ name: 'web-0' }, { name: 'gone-0' }];
  const { weft } = await fakeCluster('describe', t, pods, { 'web-0:15020': { text: exposition } });
  const { out } = await weft('pod', 'web-0');
  assert.match(out, /^Pod web-0\.shop\n {2}in the mesh {2}yes/);
  assert.match(out, /proxy {8}version 1, connected to .*configuration current, certificate for 2h more/);
  const silent = await weft('pod', 'shop/gone-0', '-o', 'json');
  assert.match(JSON.parse(silent.out).proxy.troubles[0].message, /refused/);
});

test('an app that drops trace contexts is named, of its pod and of its Service', async t => {
  const lines = [
    'weft_build_info{version="1",node="24"} 1',
    'weft_trace_context_dropped_total{destination="prices.shop.svc.cluster.local"} 412',
  ].join('\n');
  const pods = [
    { name: 'web-0', labels: { app: 'web' } },
    { name: 'web-1', labels: { app: 'web' } },
  ];
  const { weft, api } = await fakeCluster('describe', t, pods, {
    'web-0:15020': { text: lines },
    'web-1:15020': { text: lines },
  });
  const metadata = { name: 'web', namespace: 'shop' };
  api.put(TYPES.service, { metadata, spec: { clusterIP: '10.96.0.1', ports: [{ port: 80, name: 'http' }] } });
  api.put(TYPES.endpointSlice, {
    metadata: { ...metadata, labels: { 'kubernetes.io/service-name': 'web' } },
    addressType: 'IPv4',
    ports: [{ name: 'http', port: 8080 }],
    endpoints: pods.map(({ name }, at) => ({
      addresses: [`10.0.0.${at + 1}`],
      conditions: { ready: true },
      targetRef: { kind: 'Pod', name, namespace: 'shop' },
    })),
  });
  const { out } = await weft('pod', 'web-0');
  assert.match(
    out,
    /! its app drops trace contexts: 412 of its calls to prices\.shop\.svc\.cluster\.local carried none.*\n.*next: have it pass on traceparent/,
  );
  const json = JSON.parse((await weft('pod', 'web-0', '-o', 'json')).out);
  assert.deepEqual(json.proxy.droppedContext, [{ destination: 'prices.shop.svc.cluster.local', calls: 412 }]);
});
