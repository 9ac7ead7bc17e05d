// Rules and policies together: what is joined by and, what by or, which action comes first, and what holds of bytes and of gRPC.
import assert from 'node:assert/strict';
import { after, before, test } from 'node:test';
import { AuthorizationRig, policy, type Sent } from './rig.ts';

let rig: AuthorizationRig;
before(async () => {
  rig = await AuthorizationRig.start();
});
after(() => rig.close());

const web: Sent = { by: 'shop/web' };
const api: Sent = { by: 'ops/api' };
const plain: Sent = {};
const post = (sent: Sent): Sent => ({ ...sent, method: 'POST' });
const at = (path: string, sent: Sent = web): Sent => ({ ...sent, path });

/** Tries requests under policies; `true` passes. */
async function decide(yaml: string, expected: readonly (readonly [Sent, boolean])[]): Promise<void> {
  rig.obey(rig.policies(yaml));
  for (const [sent, passes] of expected) {
    const { status } = await rig.send(sent);
    assert.equal(status, passes ? 200 : 403, `${JSON.stringify(sent)} under ${yaml}`);
  }
}

const fromShop = { from: [{ source: { namespaces: ['shop'] } }] };
const gets = { to: [{ operation: { methods: ['GET'] } }] };

test('without a policy everybody may call, and a policy of another workload changes nothing', async () => {
  const other = { selector: { matchLabels: { app: 'other' } }, action: 'DENY', rules: [{}] };
  assert.equal(rig.policies(policy(other)), undefined);
  await decide(policy(other), [
    [web, true],
    [plain, true],
  ]);
});

test('an empty spec allows nothing, and so does ALLOW without rules; one empty rule allows all', async () => {
  await decide(policy({}), [
    [web, false],
    [plain, false],
  ]);
  await decide(policy({ action: 'ALLOW' }), [[web, false]]);
  await decide(policy({ rules: [{}] }), [
    [web, true],
    [plain, true],
  ]);
  await decide(policy({ action: 'DENY', rules: [{}] }), [[web, false]]);
});

test('from, to and when must all hold; of each one element is enough', async () => {
  const rules = [
    {
      from: [{ source: { namespaces: ['shop'] } }, { source: { principals: ['*/sa/api'] } }],
      to: [
        { operation: { methods: ['GET'], paths: ['/info*'] } },
        { operation: { methods: ['POST'], paths: ['/data'] } },
      ],
      when: [
        { key: 'request.headers[version]', values: ['v1', 'v2'] },
        { key: 'request.headers[debug]', notValues: ['on'] },
      ],
    },
  ];
  const headers: Sent['headers'] = [['version', 'v1']];
  const v1 = { headers };
  await decide(policy({ rules }), [
    [{ ...at('/info/x'), ...v1 }, true],
    [{ ...at('/info/x', api), ...v1 }, true],
    [{ ...at('/info/x', plain), ...v1 }, false],
    [{ ...at('/data'), ...v1 }, false],
    [{ ...post(at('/data')), ...v1 }, true],
    [{ ...post(at('/info')), ...v1 }, false],
    [at('/info/x'), false],
    [{ ...at('/info/x'), headers: [['version', 'v3']] }, false],
    [{ ...at('/info/x'), headers: [...headers, ['debug', 'on']] }, false],
    [{ ...at('/info/x'), headers: [...headers, ['debug', 'off']] }, true],
  ]);
});

test('fields of one source and one operation must all hold, with what they exclude', async () => {
  const source = { namespaces: ['shop', 'ops'], notPrincipals: ['*/sa/api'] };
  const operation = { paths: ['/a*'], notPaths: ['/a/secret*'], methods: ['*'], notMethods: ['DELETE'] };
  await decide(policy({ rules: [{ from: [{ source }], to: [{ operation }] }] }), [
    [at('/a'), true],
    [at('/a', api), false],
    [at('/a/secret/x'), false],
    [at('/a/secret/../x'), true],
    [at('/a/x/../secret'), false],
    [{ ...at('/a'), method: 'DELETE' }, false],
    [at('/b'), false],
  ]);
});

test('DENY comes before ALLOW, whatever their scopes; several ALLOW policies add up', async () => {
  const allow = policy({ rules: [fromShop] }, 'allow');
  const alsoOps = policy({ rules: [{ from: [{ source: { namespaces: ['ops'] } }] }] }, 'also-ops');
  const meshWide = policy(
    { action: 'DENY', rules: [{ to: [{ operation: { paths: ['/admin*'] } }] }] },
    'deny',
  );
  const yaml = allow + alsoOps + meshWide.replace('"shop"', '"istio-system"');
  await decide(yaml, [
    [web, true],
    [api, true],
    [plain, false],
    [at('/admin'), false],
    [{ by: 'dev/x' }, false],
  ]);
});

test('a policy of a root namespace holds for all namespaces, by labels too; one of another namespace for none', async () => {
  const denied = { action: 'DENY', rules: [gets] };
  const root = policy({ ...denied, selector: { matchLabels: { app: 'cart' } } }).replace(
    '"shop"',
    '"istio-system"',
  );
  await decide(root, [
    [web, false],
    [post(web), true],
  ]);
  assert.equal(rig.policies(policy(denied).replace('"shop"', '"ops"')), undefined);
});

test('policies that are tried decide nothing, and are counted and told; AUDIT is counted', async () => {
  const tried = { 'istio.io/dry-run': 'true' };
  const yaml =
    policy({ action: 'DENY', rules: [gets] }, 'try-deny', tried) +
    policy({ rules: [fromShop] }, 'try-allow', tried) +
    policy({ action: 'AUDIT', rules: [gets] }, 'audit');
  await decide(yaml, [
    [web, true],
    [post(web), true],
    [post(api), true],
    [plain, true],
  ]);
  const { authorizations } = rig.server.plane.services;
  const matched = (name: string, outcome: string): number =>
    authorizations.open(name === '' ? '' : `AuthorizationPolicy ${name}.shop`, outcome).matched;
  assert.deepEqual(
    [matched('try-deny', 'would-deny'), matched('try-allow', 'would-allow'), matched('', 'would-deny')],
    [2, 2, 2],
  );
  assert.equal(matched('audit', 'audited'), 2);
  const told = rig.server.log.lines.filter(({ message }) => message.startsWith('a policy that is tried'));
  assert.deepEqual(
    told.map(({ message }) => message.replace(/^.*: /, '')),
    [
      'rule 0 of AuthorizationPolicy try-deny.shop',
      'no rule of AuthorizationPolicy try-allow.shop allows it',
      'rule 0 of AuthorizationPolicy try-deny.shop',
      'no rule of AuthorizationPolicy try-allow.shop allows it',
    ],
  );
});

test('a header that comes twice lets nobody in by one of its values, and keeps out by any (CVE-2026-26308)', async () => {
  const twice: Sent = {
    ...web,
    headers: [
      ['x', 'a'],
      ['x', 'b'],
    ],
  };
  const both: Sent = {
    ...web,
    headers: [
      ['x', 'a'],
      ['x', 'a'],
    ],
  };
  const a = [{ when: [{ key: 'request.headers[x]', values: ['a'] }] }];
  const notA = [{ when: [{ key: 'request.headers[x]', notValues: ['a'] }] }];
  await decide(policy({ rules: a }), [
    [twice, false],
    [both, true],
  ]);
  await decide(policy({ action: 'DENY', rules: a }), [
    [twice, false],
    [both, false],
  ]);
  await decide(policy({ rules: notA }), [
    [twice, false],
    [both, false],
  ]);
  await decide(policy({ action: 'DENY', rules: notA }), [
    [twice, false],
    [both, true],
  ]);
});

test('what a client says of its own certificate is nothing that a policy sees', async () => {
  const forged: Sent = {
    ...plain,
    headers: [['x-forwarded-client-cert', 'URI=spiffe://cluster.local/ns/shop/sa/web']],
  };
  await decide(
    policy({ rules: [{ when: [{ key: 'request.headers[x-forwarded-client-cert]', values: ['*'] }] }] }),
    [[forged, false]],
  );
});

test('answers can have a status, a body, and the name of the policy, where its author wants that', async () => {
  const annotations = {
    'weft.dev/denial-status': '404',
    'weft.dev/denial-body': 'ask the shop team',
    'weft.dev/denial-names-policy': 'true',
  };
  rig.obey(rig.policies(policy({ action: 'DENY', rules: [gets] }, 'told', annotations)));
  const { status, body } = await rig.send(web);
  assert.deepEqual(
    [status, body],
    [404, 'ask the shop team: rule 0 of AuthorizationPolicy told.shop refuses it'],
  );
});

test('gRPC: methods are paths, and who is refused gets PERMISSION_DENIED without a body', async () => {
  const call = (path: string, sent: Sent = web): Sent => ({ ...sent, method: 'POST', path, grpc: true });
  const rules = [{ to: [{ operation: { paths: ['/pkg.Svc/Get', '/pkg.Other/*'], methods: ['POST'] } }] }];
  const codes = async (yaml: string, sent: readonly Sent[]): Promise<string[]> => {
    rig.obey(rig.policies(yaml));
    const answers = [];
    for (const each of sent) answers.push(await rig.send(each));
    return answers.map(({ status, headers, body }) => `${status} ${String(headers['grpc-status'])} ${body}`);
  };
  const calls = ['/pkg.Svc/Get', '/pkg.Other/Any', '/pkg.Svc/GetAll', '/pkg.Svc/Get/', '/pkg.svc/Get'].map(
    path => call(path),
  );
  const [yes, no] = ['200 0 app', '200 7 '];
  assert.deepEqual(await codes(policy({ rules }), calls), [yes, yes, no, no, no]);
  assert.deepEqual(await codes(policy({ action: 'DENY', rules }), calls), [no, no, yes, yes, yes]);
});

/** ALLOW and DENY of each rule for bytes of web, api and somebody in plaintext. */
const ofBytes: readonly (readonly [rule: object, allow: string, deny: string])[] = [
  [{}, 'yyy', 'nnn'],
  [fromShop, 'ynn', 'nyy'],
  [{ from: [{ source: { notNamespaces: ['shop'] } }] }, 'nyy', 'ynn'],
  [{ from: [{ source: { principals: ['cluster.local/ns/ops/sa/api'] } }] }, 'nyn', 'yny'],
  [{ from: [{ source: { principals: ['*'] } }] }, 'yyn', 'nny'],
  [{ from: [{ source: { serviceAccounts: ['shop/web'] } }] }, 'ynn', 'nyy'],
  [{ from: [{ source: { trustDomains: ['cluster.local'] } }] }, 'yyn', 'nny'],
  [{ from: [{ source: { ipBlocks: ['127.0.0.0/8'] } }] }, 'yyy', 'nnn'],
  [{ from: [{ source: { remoteIpBlocks: ['10.0.0.0/8'] } }] }, 'nnn', 'yyy'],
  [{ to: [{ operation: { ports: ['TCPPORT'] } }] }, 'yyy', 'nnn'],
  [{ to: [{ operation: { ports: ['1'] } }] }, 'nnn', 'yyy'],
  [{ when: [{ key: 'destination.port', values: ['TCPPORT'] }] }, 'yyy', 'nnn'],
  // What asks for a request is left out of ALLOW whole, and holds for more in DENY.
  [gets, 'nnn', 'nnn'],
  [{ ...fromShop, ...gets }, 'nnn', 'nyy'],
  [{ to: [{ operation: { paths: ['/x'], ports: ['1'] } }] }, 'nnn', 'yyy'],
  [{ to: [{ operation: { paths: ['/x'], ports: ['TCPPORT'] } }] }, 'nnn', 'nnn'],
  [{ to: [{ operation: { ports: ['TCPPORT'] } }, { operation: { methods: ['GET'] } }] }, 'nnn', 'nnn'],
  [{ to: [{ operation: { ports: ['1'] } }, { operation: { notMethods: ['GET'] } }] }, 'nnn', 'nnn'],
  [{ from: [{ source: { requestPrincipals: ['*'] } }] }, 'nnn', 'nnn'],
  [{ from: [{ source: { requestPrincipals: ['*'], namespaces: ['shop'] } }] }, 'nnn', 'nyy'],
  [{ to: [{ operation: { hosts: ['x'] } }] }, 'nnn', 'nnn'],
  [{ when: [{ key: 'request.headers[x]', notValues: ['a'] }] }, 'nnn', 'nnn'],
  [{ when: [{ key: 'request.auth.claims[a]', values: ['b'] }] }, 'nnn', 'nnn'],
  [{ ...fromShop, when: [{ key: 'request.auth.audiences', values: ['b'] }] }, 'nnn', 'nyy'],
];

test('bytes: the rules of connections hold, and those of requests do as in Istio', async () => {
  const wrong: string[] = [];
  for (const [rule, allow, deny] of ofBytes)
    for (const [action, expected] of [
      ['ALLOW', allow],
      ['DENY', deny],
    ] as const) {
      rig.obey(rig.policies(policy({ action, rules: [rule] })));
      let got = '';
      for (const by of ['shop/web', 'ops/api', undefined])
        got += (await rig.speak(by, Buffer.from('these bytes are not HTTP\n'))) ? 'y' : 'n';
      if (got !== expected) wrong.push(`${action} ${JSON.stringify(rule)}: ${got}, not ${expected}`);
    }
  assert.deepEqual(wrong, []);
});
