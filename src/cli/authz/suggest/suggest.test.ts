import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, test } from 'node:test';
import { meshOfObjects } from '../../../analyze/index.ts';
import { readFiles } from '../../mesh/from-files.ts';
import { assertGolden } from '../../testing/golden.ts';
import { gatherFiles } from './gather.ts';
import type { SuggestOptions } from './propose.ts';
import { prove } from './prove.ts';
import { suggestionOf } from './suggestion.ts';
import { proofWords } from './text.ts';

const main = join(import.meta.dirname, '../../../main/weft.ts');
const folder = mkdtempSync(join(tmpdir(), 'weft-suggest-'));
after(() => rmSync(folder, { recursive: true, force: true }));

const app = (name: string, account = name): string => `---
apiVersion: apps/v1
kind: Deployment
metadata: {name: ${name}, namespace: shop}
spec:
  selector: {matchLabels: {app: ${name}}}
  template:
    metadata: {labels: {app: ${name}}}
    spec: {serviceAccountName: ${account}, containers: [{name: app, image: x, ports: [{containerPort: 8080}]}]}
`;
const namespace =
  '---\napiVersion: v1\nkind: Namespace\nmetadata: {name: shop, labels: {weft.dev/inject: enabled}}\n';
const manifests = [namespace, ...['web', 'cart', 'db', 'jobs'].map(name => app(name))].join('');

/** A line of `weft tap -o json`. */
interface Seen {
  readonly to?: string;
  readonly by?: string;
  readonly method?: string;
  readonly path?: string;
  readonly status?: number;
  readonly flag?: string;
  readonly tcp?: true;
  readonly port?: number;
}
function line({
  to = 'cart',
  by = 'web',
  method = 'GET',
  path = '/',
  status = 200,
  flag = '',
  tcp,
  port = 8080,
}: Seen) {
  const request = tcp ? { protocol: 'tcp' } : { protocol: 'http', method, path, status };
  const principal = by === '' ? {} : { principal: `spiffe://cluster.local/ns/shop/sa/${by}` };
  const source = { address: '10.0.0.9:41234', ...principal };
  const destination = { workload: `shop/${to}`, pod: `shop/${to}-1-a`, address: `10.0.0.1:${port}` };
  return JSON.stringify({ server: { direction: 'inbound', ...request, flag, source, destination } });
}
const times = (count: number, seen: Seen | ((index: number) => Seen)): string[] =>
  Array.from({ length: count }, (_, index) => line(typeof seen === 'function' ? seen(index) : seen));

const options = {
  atLeast: 20,
  detail: 'paths',
  audit: false,
  all: false,
  clusterDomain: 'cluster.local',
} as const;

async function both(lines: readonly string[], yaml: string) {
  const [manifest, seen] = ['mesh.yaml', 'seen.jsonl'].map(name => join(folder, name)) as [string, string];
  writeFileSync(manifest, yaml);
  writeFileSync(seen, `${lines.join('\n')}\n`);
  const { objects, problems } = await readFiles([manifest]);
  const mesh = meshOfObjects(objects, { expectPods: true, clusterDomain: 'cluster.local' }, problems);
  return { mesh, gathered: await gatherFiles([seen], mesh) };
}

async function suggest(lines: readonly string[], yaml: string, more: Partial<SuggestOptions> = {}) {
  const { mesh, gathered } = await both(lines, yaml);
  const { text, proof } = suggestionOf(mesh, gathered, { ...options, ...more });
  return { text: text.replaceAll(`${folder}/`, ''), proof };
}

async function check(lines: readonly string[], yaml: string): Promise<string> {
  const { mesh, gathered } = await both(lines, yaml);
  return proofWords(prove(mesh, gathered.observed)).join('\n');
}

const day = [
  ...times(30, index => ({ path: `/items/${index}?page=${index}` })),
  ...times(12, { method: 'POST', path: '/items' }),
  ...times(4, { method: 'POST', path: '/shop.Cart/Add', by: 'jobs' }),
  ...times(3, { path: '/wp-admin', status: 404 }),
  ...times(2, { path: '/admin', by: 'jobs', status: 403, flag: 'UAEX' }),
  ...times(5, { by: '', path: '/metrics' }),
  ...times(3, { to: 'db', by: 'cart', tcp: true, port: 5432 }),
  JSON.stringify({ client: { direction: 'outbound' } }),
  'not JSON',
];

test('policies allow what was served and no more, and say from how many requests each rule follows', async () => {
  const { text } = await suggest(day, manifests);
  assertGolden(join(import.meta.dirname, 'golden/suggested.yaml'), text);
  const whole = `${manifests}${text}\n`;
  assert.match(await check(day, whole), /^proven: all 49 requests and connections/);
  assert.match(
    await check(times(1, { path: '/items/1/secret' }), whole),
    /^1 of 1 .* refused:\n {2}shop\/web to shop\/cart:8080, GET \/items\/1\/secret \(1\): no rule of/,
  );
});

test('as dry run they decide nothing, and with less detail they say less', async () => {
  const { text } = await suggest(day, manifests, { audit: true, detail: 'methods', all: true });
  assert.equal(text.match(/istio\.io\/dry-run: "true"/g)?.length, 3);
  assert.match(text, /ports: \["8080"\]\n +methods: \[GET, POST\]\n(?! +paths)/);
  assert.match((await suggest(day, manifests, { detail: 'principals' })).text, /sa\/web\]\n(?! +to:)/);
});

test('of too little nothing is proposed, and no default deny where that would close a workload', async () => {
  await assert.rejects(
    suggest(times(19, {}), manifests),
    /^WeftError: shop\/cart: too little was seen of it \(19 requests, 0 connections; --at-least\); watch longer/,
  );
  await assert.rejects(
    suggest([], manifests),
    /no request to a workload with a proxy was seen; watch longer/,
  );
  const { text } = await suggest([...day, ...times(2, { to: 'jobs' })], manifests);
  assert.doesNotMatch(text, /default-deny/);
  assert.match(text, /# namespace shop: no default deny, for it would close jobs; watch longer/);
});

test('a policy that stands in the way is told', async () => {
  const deny =
    '---\napiVersion: security.istio.io/v1\nkind: AuthorizationPolicy\nmetadata: {name: no-posts, namespace: shop}\nspec: {action: DENY, rules: [{to: [{operation: {methods: [POST]}}]}]}\n';
  const { text } = await suggest(day, `${manifests}${deny}`);
  // The connections, too: of them nobody knows a method.
  assert.match(text, /# 19 of 49 .* would be refused:\n[\s\S]*POST \/items \(12\): .*no-posts\.shop/);
});

test('workloads of one app are told apart by version, and what nothing tells apart is said', async () => {
  const versions = ['v1', 'v2'].map(version =>
    app(`cart-${version}`).replaceAll(`{app: cart-${version}}`, `{app: cart, version: ${version}}`),
  );
  const seen = times(20, { to: 'cart-v1' });
  const { text } = await suggest(seen, `${namespace}${versions.join('')}`);
  assert.match(text, /matchLabels:\n +app: cart\n +version: v1/);
  const twins = ['v1', 'v2'].map(version =>
    app(`cart-${version}`).replaceAll(`{app: cart-${version}}`, '{app: cart}'),
  );
  const same = await suggest(seen, `${namespace}${twins.join('')}`);
  assert.match(same.text, /# these labels choose cart-v2 as well/);
});

test('lines of the access log count by the workload of their pod, and what clients write ends no comment', async () => {
  const access = (more: object): string =>
    JSON.stringify({
      ...{
        log: 'access',
        direction: 'inbound',
        pod: 'shop/cart-6d5f-8xk2p',
        protocol: 'HTTP/1.1',
        method: 'GET',
      },
      ...{ status: 200, flags: '-', path: '/a', peer: 'spiffe://cluster.local/ns/shop/sa/web' },
      ...{ downstream: '10.0.0.9:4000', upstream: '127.0.0.1:8080', ...more },
    });
  const evil = '/x\u2028---\u2028kind: evil';
  const lines = [...Array.from({ length: 20 }, () => access({})), access({ path: evil, status: 404 })];
  const { text } = await suggest(lines, manifests);
  assert.match(
    text,
    /# shop\/web: 21 requests\n[\s\S]*ports: \["8080"\]\n +methods: \[GET\]\n +paths: \[\/a\]/,
  );
  assert.match(text, /left out: shop\/web: 1 of GET \/x\?---\?kind: evil, which the app has not/);
  assert.doesNotMatch(text, /[^\x20-\x7e\n]/);
});

test('the commands print what was made, and check ends with 1 where something would be refused', () => {
  const [manifest, seen] = ['whole.yaml', 'day.jsonl'].map(name => join(folder, name)) as [string, string];
  writeFileSync(manifest, manifests);
  writeFileSync(seen, day.join('\n'));
  const run = (...args: readonly string[]) =>
    spawnSync(process.execPath, [main, 'authz', ...args], { encoding: 'utf8' });
  const made = run('suggest', '-f', manifest, '--observed', seen, '--audit');
  assert.equal(made.status, 0, made.stderr);
  assert.match(made.stdout, /^# proposed by weft authz suggest, from 59 of 61 lines/);
  writeFileSync(manifest, `${manifests}---\n${made.stdout.replaceAll('"true"', '"false"')}`);
  writeFileSync(seen, line({ path: '/elsewhere' }));
  const judged = run('check', '-f', manifest, '--observed', seen);
  assert.equal(judged.status, 1, judged.stderr);
  assert.match(judged.stdout, /^1 of 1 requests and connections that were served would be refused:/);
  const blind = run('suggest', '-f', manifest);
  assert.equal(blind.status, 1);
  assert.match(blind.stderr, /say what was observed with --observed/);
});
