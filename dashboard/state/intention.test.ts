import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseAllDocuments } from 'yaml';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { EMPTY_INTENTION, faultOf, type Intention, noteOf, yamlOf } from './intention.ts';

const web: Intention = { ...EMPTY_INTENTION, source: 'shop/web', destination: 'shop/cart' };
interface Written {
  readonly metadata: object;
  readonly spec: { readonly action: string; readonly rules: readonly { readonly to: object }[] };
}

const objects = (intention: Intention): readonly Written[] =>
  parseAllDocuments(yamlOf(intention)).map(document => document.toJS() as Written);

test('allow and deny are one AuthorizationPolicy for the Service, with the caller by its identity', () => {
  const [allowed] = objects({ ...web, description: 'carts: "shown" to all' });
  assert.deepEqual(allowed, {
    apiVersion: 'security.istio.io/v1',
    kind: 'AuthorizationPolicy',
    metadata: {
      name: 'cart-from-shop-web',
      namespace: 'shop',
      annotations: { 'weft.dev/description': 'carts: "shown" to all' },
    },
    spec: {
      targetRefs: [{ group: '', kind: 'Service', name: 'cart' }],
      action: 'ALLOW',
      rules: [{ from: [{ source: { principals: ['*/ns/shop/sa/web'] } }] }],
    },
  });
  assert.deepEqual(objects({ ...web, source: 'shop/*' })[0]!.spec.rules, [
    { from: [{ source: { namespaces: ['shop'] } }] },
  ]);
  const everybody = { ...web, source: '*' };
  assert.deepEqual(objects(everybody)[0]!.spec.rules, [{ from: [{ source: { principals: ['*'] } }] }]);
  const denied = objects({ ...everybody, action: 'deny' })[0]!.spec;
  assert.deepEqual([denied.action, denied.rules], ['DENY', [{}]]);
});

const aware: Intention = {
  ...web,
  action: 'aware',
  permissions: [
    { action: 'deny', path: '/admin', methods: 'post, put' },
    { action: 'allow', path: '/', methods: '' },
  ],
};

test('application aware: denials and permissions apart in policies, in their order in intentions', () => {
  const [deny, allow] = objects(aware);
  assert.deepEqual(deny!.spec.rules[0]!.to, [
    { operation: { paths: ['/admin*'], methods: ['POST', 'PUT'] } },
  ]);
  assert.deepEqual([deny!.spec.action, allow!.spec.action], ['DENY', 'ALLOW']);
  assert.deepEqual(allow!.spec.rules[0]!.to, [{ operation: { paths: ['/*'] } }]);
  assert.match(noteOf(aware)!, /two policies/);
  const [intentions] = objects({ ...aware, dialect: 'consul', description: 'x' });
  assert.deepEqual(intentions!.spec, {
    destination: { name: 'cart' },
    sources: [
      {
        name: 'web',
        namespace: 'shop',
        permissions: [
          { action: 'deny', http: { pathPrefix: '/admin', methods: ['POST', 'PUT'] } },
          { action: 'allow', http: { pathPrefix: '/' } },
        ],
        description: 'x',
      },
    ],
  });
});

test('whatever the form writes is read without a problem', () => {
  for (const dialect of ['istio', 'consul'] as const)
    for (const source of ['shop/web', 'shop/*', '*'])
      for (const action of ['allow', 'deny', 'aware'] as const) {
        const intention: Intention = { ...aware, dialect, source, action };
        assert.equal(faultOf(intention), undefined);
        const { mesh, problems } = meshFromYaml(yamlOf(intention));
        assert.deepEqual(problems, [], yamlOf(intention));
        assert.equal(mesh.authorizationPolicies.size, 1);
      }
});

test('what is missing or wrong is told with what to write', () => {
  for (const [change, words] of [
    [{ source: '' }, /^Source: write namespace\/service-account/],
    [{ source: 'web' }, /^Source/],
    [{ source: 'shop/Web' }, /^Source/],
    [{ destination: 'cart' }, /^Destination: write namespace\/service/],
    [{ destination: 'shop/*' }, /^Destination/],
    [{ permissions: [] }, /^Add a permission/],
    [{ permissions: [{ action: 'allow', path: 'admin', methods: '' }] }, /^Path admin: it begins with \//],
    [{ permissions: [{ action: 'allow', path: '/', methods: 'G?T' }] }, /^Method G\?T/],
    [
      { permissions: [{ action: 'deny', path: '', methods: '' }, aware.permissions[1]!] },
      /leaves nothing to allow/,
    ],
  ] as const)
    assert.match(faultOf({ ...aware, ...change } as Intention)!, words);
});
