import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_REVISION, VERSION } from '../config/index.ts';
import type { Fault } from '../kubernetes/testing/fake-api.ts';
import { PART_OF, selectorOf } from './install/names.ts';
import { fakeCluster } from './proxies/testing/fake-cluster.ts';

interface Figures {
  readonly version?: string;
  readonly connected?: number;
  readonly age?: number;
  readonly expires?: number;
  readonly failed?: number;
  readonly refused?: number;
  /** A metric that this proxy does not have. */
  readonly without?: string;
}

/** What a proxy tells of itself, as port 15020 writes it, with the app's metrics behind. */
function exposition(given: Figures = {}): string {
  const { version = VERSION, connected = 1, age = 0, expires = 80_000, failed = 0, refused = 0 } = given;
  const lines = [
    '# HELP weft_build_info Version of weft and of Node.',
    '# TYPE weft_build_info gauge',
    `weft_build_info{version="${version}",node="24.0.0"} 1`,
    '# TYPE weft_control_plane_connected gauge',
    `weft_control_plane_connected ${connected}`,
    `weft_configuration_age_seconds ${age}`,
    `weft_certificate_expires_seconds ${expires}`,
    `weft_certificate_failed_attempts ${failed}`,
    `weft_refused_resources_total ${refused}`,
    'app_orders_total{__proto__="x"} 7',
    'this is no metric',
  ];
  return `${lines.filter(line => !line.includes(given.without ?? '\n')).join('\n')}\n`;
}

const cluster = fakeCluster.bind(undefined, 'proxy-status');

const web = { name: 'web-1', labels: { app: 'web' } };
const controlPlane = {
  ...{ name: 'weft-injector-1', namespace: 'weft-system', meshed: false },
  labels: { ...PART_OF, ...selectorOf(DEFAULT_REVISION) },
};

/** /debug/proxies of a control plane that serves these pods. */
function streams(...served: readonly object[]): Fault {
  const base = { connectedAtMs: Date.now() - 120_000, destinations: 3, outstanding: 0, resources: [] };
  return { text: JSON.stringify(served.map(each => ({ ...base, ...each }))) };
}

test('a mesh where all is well: who serves each proxy, how old its configuration is, when its certificate ends', async t => {
  const { weft, api } = await cluster(t, [web, controlPlane, { name: 'plain', meshed: false }], {
    'web-1:15020': { text: exposition() },
    'weft-injector-1:15014': streams({ pod: 'shop/web-1' }),
  });
  const { code, out, err } = await weft('-o', 'wide');
  assert.deepEqual([code, err], [0, '']);
  const [head, row, ...rest] = out.trimEnd().split('\n');
  assert.match(
    head!,
    /^NAMESPACE +POD +VERSION +STATUS +CONTROL PLANE +CONFIG +NACKS +CERTIFICATE +CONNECTED/,
  );
  assert.deepEqual(row!.split(/ {2,}/).slice(0, 8), [
    ...['shop', 'web-1', VERSION, 'ok', 'weft-injector-1', 'current', '0', '22h'],
  ]);
  assert.match(row!, / 2m +0 +3$/);
  assert.deepEqual(rest, ['', 'all is well']);
  assert.doesNotMatch(out, /\x1b/, 'no colours where nobody looks');
  const listed = api.calls.find(({ path }) => path === '/api/v1/namespaces/weft-system/pods')!;
  assert.equal(listed.query.get('labelSelector'), 'app.kubernetes.io/part-of=weft');
});

/** What is wrong, by what a proxy tells and its control plane says of it. */
const wrongs: readonly [what: string, figures: Figures, stream: object, said: RegExp, code: number][] = [
  [
    'lost control plane',
    { connected: 0, age: 3700 },
    { pod: 'shop/other' },
    /✗ shop\/web-1: it is not connected to the control plane; it goes by what it was told 1h ago\n +next: kubectl logs -n shop web-1 -c weft-proxy; weft check/,
    1,
  ],
  [
    'nack with its reason',
    { refused: 5 },
    { pod: 'shop/web-1', resources: [{ key: 'cart:80', state: 'nacked', reason: 'no such filter' }] },
    /✗ shop\/web-1: it refuses cart:80, and goes by the last good one: no such filter\n +next: weft analyze; /,
    1,
  ],
  ['refused once and mended since', { refused: 5 }, { pod: 'shop/web-1' }, /all is well/, 0],
  [
    'nacks that no control plane tells of',
    { refused: 5 },
    { pod: 'shop/other' },
    /! shop\/web-1: it has refused 5 resources since it started/,
    0,
  ],
  ['ended certificate', { expires: 0 }, { pod: 'shop/web-1' }, /✗ .*no certificate that is valid/, 1],
  [
    'renewal that fails',
    { expires: 600, failed: 4 },
    { pod: 'shop/web-1' },
    /! .*4 attempts to get a new certificate have failed; the one that it has ends in 10m/,
    0,
  ],
  [
    'older proxy',
    { version: '0.0.1', without: 'weft_configuration_age_seconds' },
    { pod: 'shop/web-1' },
    /does not tell weft_configuration_age_seconds: it is of another version\n +next: kubectl rollout restart (?:.|\n)*of version 0\.0\.1, and this weft of/,
    0,
  ],
  [
    'something else on the port',
    { without: 'weft_' },
    { pod: 'shop/web-1' },
    /tells nothing that a proxy of weft tells/,
    0,
  ],
];
for (const [what, figures, stream, said, expected] of wrongs) {
  test(`says what is wrong and what to run next: ${what}`, async t => {
    const { weft } = await cluster(t, [web, controlPlane], {
      'web-1:15020': { text: exposition(figures) },
      'weft-injector-1:15014': streams(stream),
    });
    const { code, out } = await weft();
    assert.match(out, said);
    assert.equal(code, expected);
  });
}

test('a proxy that does not answer, one that is pending and rights that are missing are told beside the others', async t => {
  const pods = [web, { name: 'web-2' }, { name: 'web-3' }, { name: 'web-4', phase: 'Pending' }, controlPlane];
  const forbidden: Fault = { status: 403, reason: 'Forbidden', message: 'pods "web-3" is forbidden' };
  const { weft } = await cluster(t, pods, {
    'web-1:15020': { text: exposition() },
    'web-3:15020': forbidden,
    'weft-injector-1:15014': { text: 'no JSON' },
  });
  const { code, out } = await weft();
  assert.equal(code, 1);
  assert.match(out, /\nshop +web-1 +\S+ +ok +\(not told\)/);
  assert.match(
    out,
    /✗ shop\/web-2: its proxy cannot be asked: .*dial tcp: refused\n +next: kubectl logs -n shop web-2/,
  );
  assert.match(out, /web-3: .*has not the right to get pods\/proxy in namespace shop/);
  assert.match(out, /! shop\/web-4: it is Pending/);
  assert.match(
    out,
    /! control plane weft-injector-1 cannot be asked which proxies it serves: its answer is no JSON/,
  );
});

test('of two replicas that name a proxy the one that it reached last counts', async t => {
  const replicas = [controlPlane, { ...controlPlane, name: 'weft-injector-2' }];
  const { weft } = await cluster(t, [web, ...replicas], {
    'web-1:15020': { text: exposition() },
    'weft-injector-1:15014': streams({ pod: 'shop/web-1', connectedAtMs: Date.now() - 1000 }),
    'weft-injector-2:15014': streams({ pod: 'shop/web-1', connectedAtMs: Date.now() - 9000 }, {}),
  });
  const { proxies } = JSON.parse((await weft('-o', 'json')).out) as { proxies: { controlPlane: string }[] };
  assert.deepEqual(
    proxies.map(each => each.controlPlane),
    ['weft-injector-1'],
  );
});

test('namespace, labels and a name choose proxies', async t => {
  const pods = [
    web,
    { name: 'api-1', labels: { app: 'api' } },
    { name: 'web-9', namespace: 'test' },
    controlPlane,
  ];
  const { weft } = await cluster(t, pods, {});
  const chosen = async (...args: string[]): Promise<string> => {
    const { out } = await weft(...args, '-o', 'json');
    return (JSON.parse(out) as { proxies: { pod: string }[] }).proxies.map(({ pod }) => pod).join(' ');
  };
  assert.equal(await chosen(), 'api-1 web-1 web-9');
  assert.equal(await chosen('-A', '-l', 'app in (web, api),app!=api'), 'web-1');
  assert.equal(await chosen('-n', 'test'), 'web-9');
  assert.equal(await chosen('test/web-9'), 'web-9');
  assert.equal(await chosen('api-1', '-n', 'shop'), 'api-1');
});

test('input that cannot be meant is refused in words', async t => {
  const { weft, api } = await cluster(t, [web, { name: 'plain', meshed: false }, controlPlane], {});
  const cases: readonly [args: readonly string[], said: RegExp][] = [
    [['gone', '-n', 'shop'], /^error: there is no pod or workload gone in namespace shop/],
    [['shop/plain'], /^error: pod plain in namespace shop has no proxy; label its namespace/],
    [['-l', 'app in web'], /^error: -l app in web is no label selector; write /],
    [['-A', '-n', 'shop'], /^error: -A means all namespaces and -n one/],
  ];
  for (const [args, said] of cases) {
    const { code, err } = await weft(...args);
    assert.match(err, said);
    assert.equal(code, 1);
  }
  await api.stop();
  const gone = await weft();
  assert.match(gone.err, /^error: the Kubernetes API server at .* cannot be reached/);
  assert.equal(gone.code, 1);
});

test('a cluster without Weft is told as such', async t => {
  const { weft } = await cluster(t, [{ name: 'plain', meshed: false }], {});
  const { code, out } = await weft();
  assert.match(
    out,
    /^no pod has a proxy here\n\nwhat is wrong:\n {2}✗ no pod of the control plane is running\n {6}next: weft check/,
  );
  assert.equal(code, 1);
});

test('--watch looks again, and says what is so by then', async t => {
  let looks = 0;
  const { start } = await cluster(t, [web, controlPlane], {
    'web-1:15020': () => ({ text: exposition(looks++ === 0 ? {} : { connected: 0, age: 3700 }) }),
    'weft-injector-1:15014': streams({ pod: 'shop/web-1' }),
  });
  const child = start('--watch', '-o', 'json');
  let out = '';
  for await (const chunk of child.stdout!) {
    out += String(chunk);
    if (out.split('\n').length > 2) break;
  }
  child.kill();
  const [first, second] = out.split('\n').map(line => (line === '' ? undefined : JSON.parse(line)));
  assert.deepEqual([first.proxies[0].troubles, second.proxies[0].connected], [[], false]);
});
