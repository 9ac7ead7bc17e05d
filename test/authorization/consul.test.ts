// Consul's ServiceIntentions at a real server: who is let in, by the precedence that Consul documents.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { AuthorizationRig, policy, type Sent } from './rig.ts';

let rig: AuthorizationRig;
before(async () => {
  rig = await AuthorizationRig.start();
});
after(() => rig.close());

const service = `apiVersion: v1
kind: Service
metadata: {name: cart, namespace: shop}
spec: {selector: {app: cart}, ports: [{name: http, port: 80, targetPort: PORT}, {name: bytes, port: 81, targetPort: TCPPORT}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: cart-1, namespace: shop, labels: {kubernetes.io/service-name: cart}}
addressType: IPv4
ports: [{name: http, port: PORT}, {name: bytes, port: TCPPORT}]
endpoints: [{addresses: [10.0.0.9], conditions: {ready: true}, targetRef: {kind: Pod, name: cart-0, namespace: shop}}]
---
`;

function intentions(
  sources: readonly object[],
  destination: object = { name: 'cart' },
  name = 'cart',
): string {
  const metadata = { name, namespace: 'shop' };
  const spec = { destination, sources };
  return `${JSON.stringify({ apiVersion: 'consul.hashicorp.com/v1alpha1', kind: 'ServiceIntentions', metadata, spec })}\n---\n`;
}

const everybody: Readonly<Record<string, Sent>> = {
  web: { by: 'shop/web' },
  batch: { by: 'shop/batch' },
  ops: { by: 'ops/web' },
  plain: {},
};

/** Who of everybody is let in. */
async function letIn(yaml: string, more: Omit<Sent, 'by'> = {}): Promise<readonly string[]> {
  rig.obey(rig.policies(service + yaml));
  const found: string[] = [];
  for (const [name, sent] of Object.entries(everybody)) {
    const { status } = await rig.send({ ...sent, ...more });
    assert.ok(status === 200 || status === 403, String(status));
    if (status === 200) found.push(name);
  }
  return found;
}

const web = { name: 'web' };
const allow = (source: object) => ({ ...source, action: 'allow' });
const deny = (source: object) => ({ ...source, action: 'deny' });
const all = { name: '*' };
const closed = intentions([deny(all)], { name: '*' }, 'all');

test('who is allowed is let in, and nobody else; who is denied is refused, and nobody else', async () => {
  assert.deepEqual(await letIn(intentions([allow(web)])), ['web']);
  assert.deepEqual(await letIn(intentions([deny(web)])), ['batch', 'ops', 'plain']);
});

test('an entry holds on a pod that no EndpointSlice names yet, for who reaches it by its address', async () => {
  const [ofService = ''] = service.split('---\n');
  const soon = `${ofService}---\n${intentions([allow(web)])}`;
  const targeted = policy({
    targetRefs: [{ kind: 'Service', group: '', name: 'cart' }],
    rules: [{ from: [{ source: { namespaces: ['ops'] } }] }],
  });
  for (const [yaml, who] of [
    [soon, 'shop/web'],
    [`${ofService}---\n${targeted}`, 'ops/web'],
  ] as const) {
    rig.obey(rig.policies(yaml));
    for (const by of ['shop/web', 'ops/web', 'shop/batch', undefined]) {
      const { status } = await rig.send(by === undefined ? {} : { by });
      assert.equal(status, by === who ? 200 : 403, `${by} of ${who}`);
      assert.equal(await rig.speak(by), by === who, `${by} of ${who}`);
    }
  }
});

test('the more precise source decides, in whatever order they stand', async () => {
  assert.deepEqual(await letIn(intentions([deny(all), allow(web)])), ['web']);
  assert.deepEqual(await letIn(intentions([allow(all), deny(web)])), ['batch', 'ops']);
  const inShop = { name: '*', namespace: 'shop' };
  assert.deepEqual(await letIn(intentions([allow(inShop), deny({ name: 'batch' }), deny(all)])), ['web']);
  assert.deepEqual(await letIn(intentions([deny(inShop), allow({ name: 'batch' }), allow(all)])), [
    'batch',
    'ops',
  ]);
  assert.deepEqual(await letIn(intentions([allow({ name: 'web', namespace: 'ops' })])), ['ops']);
});

test('a denial of everybody to everything leaves what is allowed to one Service', async () => {
  assert.deepEqual(await letIn(closed), []);
  assert.deepEqual(await letIn(closed + intentions([allow(web)])), ['web']);
  assert.deepEqual(await letIn(closed + intentions([allow(all), deny(web)])), ['batch', 'ops']);
  assert.deepEqual(await letIn(intentions([allow(all)], { name: '*' }, 'all') + intentions([deny(web)])), [
    'batch',
    'ops',
  ]);
});

test('of two entries for one destination the older counts, and the other is told', async () => {
  const at = (yaml: string, when: string): string =>
    yaml.replace('"metadata":{', `"metadata":{"creationTimestamp":"${when}",`);
  const older = at(intentions([allow(web)], undefined, 'older'), '2024-01-01T00:00:00Z');
  const younger = at(
    intentions([allow({ name: 'batch' }), deny(web)], undefined, 'a-younger'),
    '2024-01-02T00:00:00Z',
  );
  assert.deepEqual(await letIn(younger + older), ['web']);
  const told = meshFromYaml(younger + older).problems.map(({ code, object }) => [code, object?.name]);
  assert.deepEqual(told, [['policy-shadowed', 'a-younger']]);
  const open = at(intentions([allow(all)], { name: '*' }, 'open'), '2024-01-01T00:00:00Z');
  const shut = at(intentions([deny(all)], { name: '*' }, 'a-shut'), '2024-01-02T00:00:00Z');
  assert.deepEqual(await letIn(shut + open), ['web', 'batch', 'ops']);
});

test('the first permission whose tests hold decides, and none is a refusal', async () => {
  const permissions = [
    { action: 'deny', http: { pathPrefix: '/admin', methods: ['POST', 'PUT'] } },
    { action: 'allow', http: { pathPrefix: '/admin', header: [{ name: 'x-team', exact: 'ops' }] } },
    { action: 'allow', http: { pathExact: '/health' } },
  ];
  const yaml = intentions([{ ...web, permissions }, deny(all)]);
  const team = [['x-team', 'ops']] as const;
  assert.deepEqual(await letIn(yaml, { path: '/admin/x', headers: team }), ['web']);
  assert.deepEqual(await letIn(yaml, { path: '/admin/x', headers: team, method: 'POST' }), []);
  assert.deepEqual(await letIn(yaml, { path: '/admin/x' }), []);
  assert.deepEqual(await letIn(yaml, { path: '/health' }), ['web']);
  assert.deepEqual(await letIn(yaml, { path: '/other' }), []);
  // Below an entry that lets everybody in: what no permission says is refused all the same.
  const open = intentions([allow(all)], { name: '*' }, 'all');
  assert.deepEqual(await letIn(open + yaml, { path: '/other' }), []);
});

test('the path is what the app gets to see, and no other spelling of it', async () => {
  const yaml = intentions([
    { ...all, permissions: [{ action: 'deny', http: { pathPrefix: '/admin' } }, { action: 'allow' }] },
  ]);
  assert.deepEqual(await letIn(yaml, { path: '/x' }), ['web', 'batch', 'ops']);
  for (const path of ['/admin', '/./admin', '/a/../admin', '/%61dmin'])
    assert.deepEqual(await letIn(yaml, { path }), [], path);
});

test('bytes are let in by who calls; where permissions would have to be asked nobody is', async () => {
  rig.obey(rig.policies(service + intentions([allow(web)])));
  assert.deepEqual([await rig.speak('shop/web'), await rig.speak('shop/batch')], [true, false]);
  const permissions = [{ action: 'allow', http: { pathPrefix: '/' } }];
  rig.obey(rig.policies(service + intentions([{ ...web, permissions }])));
  assert.equal(await rig.speak('shop/web'), false);
});

test('an entry that cannot be read lets nobody in where nothing held before', async () => {
  const broken = intentions([{ ...web, action: 'allow', permission: [] }]);
  rig.obey(rig.policies(service + broken, undefined, undefined, true));
  for (const each of Object.values(everybody)) assert.equal((await rig.send(each)).status, 403);
});
