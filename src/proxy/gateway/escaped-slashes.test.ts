// Escaped slashes at a gateway: what another route or another word of a policy would be for, were they slashes, does not pass.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { ask, httpServer } from '../testing/clients.ts';
import { GatewayRig, gateway, route, service } from './testing/gateway-rig.ts';

const http = '{ name: http, port: 80, protocol: HTTP }';
const path = (type: string, value: string): string =>
  `matches: [{ path: { type: ${type}, value: "${value}" } }]`;

/** A gateway before an app for all and one for /admin; what `apps` say of a request to each path, or its status. */
async function place(t: TestContext, more = '', annotations = '{}') {
  const seen: string[] = [];
  const open = await httpServer((request, response) => {
    seen.push(request.url!);
    response.end('open');
  });
  const admin = await httpServer((_, response) => response.end('admin'));
  t.after(() => {
    open.close();
    admin.close();
  });
  const rig = new GatewayRig(
    gateway(http, annotations) +
      service('open', open.port) +
      service('admin', admin.port) +
      route('open', 'open') +
      route('admin', 'admin', '', path('PathPrefix', '/admin')) +
      more,
  );
  t.after(() => rig.close());
  while (rig.plane.gateway!.notReady() !== undefined) await new Promise(resolve => setImmediate(resolve));
  const answers = async (...paths: readonly string[]): Promise<(string | number)[]> => {
    const got: (string | number)[] = [];
    for (const each of paths) {
      const { status, body } = await ask(rig.port(80), 'www.example.com', { path: each });
      got.push(status === 200 ? body : status);
    }
    return got;
  };
  return { rig, seen, answers };
}

const around = [
  '/x%2f..%2fadmin',
  '/x/..%2Fadmin/users',
  '/%2fadmin',
  '/x%5C..%5Cadmin',
  '/%5cadmin',
  '/x%2f%2e%2e%2fadmin',
  '/x%2F.%2f..%2F/admin',
  '/admin%2f..%2f..%2fadmin/../../admin%2fx',
  '/admin%2Fusers',
  '/admin/..%2f',
];

test('a path that another route is for, were its escaped slashes slashes, is refused', async t => {
  const { rig, seen, answers } = await place(t);
  for (const each of around) {
    const [answer] = await answers(each);
    // Where a slash in the clear makes it /admin already, its own route guards it.
    assert.ok(answer === 400 || answer === 'admin', `${each}: ${answer}`);
  }
  assert.deepEqual(seen, []);
  assert.match(rig.access.records[0]!.detail, /were they slashes it would take another route/);
});

test('one that stays with its route goes on as it is', async t => {
  const { seen, answers } = await place(t);
  const same = [
    '/projects/group%2Fname',
    '/@scope%2fpackage',
    '/a%2F..%2Fb',
    '/?next=%2Fadmin',
    '/%252fadmin',
    '/a%5cb',
  ];
  assert.deepEqual(
    await answers(...same),
    same.map(() => 'open'),
  );
  assert.deepEqual(seen, same);
  assert.deepEqual(await answers('/admin/a%2Fb'), ['admin']);
});

test('an upstream that takes them for nothing else may be sent them: escaped-slashes: keep', async t => {
  const { answers } = await place(t, '', '{ weft.dev/escaped-slashes: keep }');
  assert.deepEqual(await answers('/x%2f..%2fadmin'), ['open']);
});

function authorization(spec: string): string {
  return `---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: { name: edge, namespace: shop }
spec: { targetRefs: [{ group: gateway.networking.k8s.io, kind: Gateway, name: edge }], ${spec} }
`;
}

test('policies are asked about both', async t => {
  const denied = await place(
    t,
    authorization('action: DENY, rules: [{ to: [{ operation: { paths: ["/secret*"] } }] }]'),
  );
  assert.deepEqual(await denied.answers('/secret', '/x%2f..%2fsecret', '/%5csecret/a', '/a%2Fb'), [
    403,
    403,
    403,
    'open',
  ]);
  const allowed = await place(t, authorization('rules: [{ to: [{ operation: { paths: ["/files/*"] } }] }]'));
  assert.deepEqual(
    await allowed.answers('/files/a%2Fb', '/files/..%2f..%2fsecret', '/files/a%2f..%2f..%2fsecret'),
    ['open', 403, 403],
  );
  const asked = await place(
    t,
    authorization(
      'action: CUSTOM, provider: { name: nobody }, rules: [{ to: [{ operation: { paths: ["/ask*"] } }] }]',
    ),
  );
  assert.deepEqual(await asked.answers('/ask', '/x%2f..%2fask', '/a%2Fb'), [403, 400, 'open']);
});
