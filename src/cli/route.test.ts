import assert from 'node:assert/strict';
import { spawn, spawnSync } from 'node:child_process';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { text } from 'node:stream/consumers';
import { type TestContext, test } from 'node:test';
import { meshOfObjects, type ObjectMesh } from '../analyze/index.ts';
import { resolveDestination } from '../resolve/index.ts';
import { readFiles } from './mesh/from-files.ts';
import { answerOf, type RouteAnswer } from './route/answer.ts';
import { findCaller } from './route/caller.ts';
import { factsFromMesh } from './route/from-mesh.ts';
import { readUrl } from './route/request.ts';
import { routeText } from './route/text.ts';

const main = join(import.meta.dirname, '../main/weft.ts');
const shop = join(import.meta.dirname, 'route/testing/shop.yaml');
const options = { expectPods: true };

async function shopMesh(): Promise<ObjectMesh> {
  const { objects, problems } = await readFiles([shop]);
  return meshOfObjects(objects, options, problems);
}

async function ask(
  url: string,
  headers: readonly string[] = [],
  from = 'shop/productpage',
): Promise<RouteAnswer> {
  const loaded = await shopMesh();
  const asked = readUrl('GET', url, headers);
  const key = `${asked.to.host}:${asked.to.port}`;
  return answerOf(asked, factsFromMesh(loaded, findCaller(loaded.mesh, from, 'default'), key));
}

test('says which rule of which object and line takes the request, and why none before it did', async () => {
  const { rules, leftOut, action } = await ask('http://reviews:9080/old/x?q=1', ['end-user: bob']);
  assert.deepEqual(
    rules.map(({ object, path, matched, why }) => [object!.name, path, matched, why]),
    [
      ['reviews', 'spec.http[0]', false, 'header end-user is bob and not jason'],
      ['reviews', 'spec.http[2]', true, undefined],
    ],
  );
  assert.match(rules[1]!.object!.origin!, /shop\.yaml:53$/);
  assert.deepEqual(
    leftOut.map(({ path, why }) => [path, why]),
    [['spec.http[1]', 'the caller has not the labels app=tester']],
  );
  assert.equal(action!.rewrittenTarget, '/new/x?q=1');
  assert.deepEqual(
    action!.clusters.map(({ cluster, percent, ready, total, mutualTls, accepts }) => [
      cluster,
      percent,
      ready,
      total,
      mutualTls,
      accepts?.mode,
    ]),
    [
      ['reviews.shop.svc.cluster.local:9080/v1', 90, 3, 3, 3, 'strict'],
      ['reviews.shop.svc.cluster.local:9080/v2', 10, 1, 1, 1, 'strict'],
    ],
  );
});

test('the text names everything that becomes of the request', async () => {
  const shown = routeText(await ask('http://reviews:9080/old/x?q=1'));
  for (const line of [
    /^GET reviews:9080\/old\/x\?q=1\n {2}from Deployment productpage in shop\n/,
    /\n {2}- VirtualService reviews\.shop \(.*shop\.yaml:53\) spec\.http\[0\] {2}header end-user is missing\n/,
    /\n {2}✓ VirtualService reviews\.shop \(.*\) spec\.http\[2\]\n/,
    /\n {2}not for this caller: .* spec\.http\[1\]: the caller has not the labels app=tester\n/,
    /\n {2}90 % {2}reviews\.shop\.svc\.cluster\.local:9080\/v1 {2}3 of 3 endpoints ready: reviews-v1\n/,
    /mutual TLS; they take mutual TLS only \(PeerAuthentication default\.shop \(.*:39\)\)/,
    /\n {8}response headers of this share: add x-version: v2\n/,
    /\n {2}a copy of 5 % goes to reviews\.shop\.svc\.cluster\.local:9080\/v2 \(1 of 1 endpoints ready\)\n/,
    /\n {2}path {9}becomes \/new\/x\?q=1\n/,
    /\n {2}time limit {3}3 s\n {2}retries {6}2 more, 1 s for each try, on 5xx, /,
    /\n {2}request {6}without cookie; set x-canary: yes$/,
  ])
    assert.match(shown, line);
});

test('a subset that no DestinationRule defines is named where the share of the requests goes', async () => {
  const loaded = await shopMesh();
  const objects = loaded.objects.filter(({ object }) => object.kind !== 'DestinationRule');
  const without = meshOfObjects(objects, options);
  const facts = factsFromMesh(
    without,
    findCaller(without.mesh, 'shop/productpage', 'default'),
    'reviews:9080',
  );
  assert.match(
    routeText(answerOf(readUrl('GET', 'http://reviews:9080/old/x', []), facts)),
    /:9080\/v1 {2}no DestinationRule defines subset v1 of reviews\.shop .*: 503, flag UH/,
  );
});

test('redirects, hosts that nobody knows, TLS and callers without a proxy are said as they are', async () => {
  const { action } = await ask('http://reviews.shop:9080/gone');
  assert.equal(action!.location, 'http://reviews.shop:9080/here');
  const unknown = await ask('http://example.com/');
  assert.match(routeText(unknown), /example\.com:80 \(not in the mesh\)\n\nnote: .* is passed through/);
  const encrypted = await ask('https://reviews.shop:9080/');
  assert.deepEqual([encrypted.rules, encrypted.connections.length], [[], 1]);
  assert.match(encrypted.notes.join(), /the client speaks TLS itself/);
  const loaded = await shopMesh();
  const outsider = findCaller(loaded.mesh, 'shop/productpage-0', 'default');
  const facts = factsFromMesh(
    loaded,
    { ...outsider, shown: { ...outsider.shown, meshed: false } },
    'reviews:9080',
  );
  assert.match(
    answerOf(readUrl('GET', 'reviews:9080', []), facts).notes.join(),
    /has no proxy: nothing of this happens/,
  );
});

test('a caller that is not there is an error that names those that are', async () => {
  const { mesh } = await shopMesh();
  assert.throws(
    () => findCaller(mesh, 'shop/web', 'default'),
    /no pod or workload web \(it has productpage, reviews-v1/,
  );
  assert.deepEqual(findCaller(mesh, undefined, 'shop').caller, { namespace: 'shop', labels: {} });
});

test('the command prints json, and fails with a reason', () => {
  const run = (...args: string[]) =>
    spawnSync(process.execPath, [main, 'route', ...args], { encoding: 'utf8' });
  const { status, stdout } = run(
    'http://reviews:9080/',
    '-n',
    'shop',
    '-f',
    shop,
    '-o',
    'json',
    '-H',
    'end-user: jason',
  );
  assert.equal(status, 0);
  const answer = JSON.parse(stdout) as RouteAnswer;
  assert.deepEqual(
    [answer.request.method, answer.rules.length, answer.rules[0]!.path],
    ['GET', 1, 'spec.http[0]'],
  );
  const wrong = run('GET', '/only/a/path', '-f', shop);
  assert.deepEqual([wrong.status, wrong.stdout], [1, '']);
  assert.match(wrong.stderr, /^error: '\/only\/a\/path' is no URL; write for example http:/);
});

/** Answers as the admin endpoint of a proxy does whose app has called reviews. */
async function startAdmin(context: TestContext): Promise<string> {
  const { mesh } = await shopMesh();
  const { caller } = findCaller(mesh, 'shop/productpage', 'shop');
  const { resource } = resolveDestination(mesh, caller, 'reviews.shop:9080');
  const self = {
    workload: 'productpage',
    namespace: 'shop',
    app: '',
    version: '',
    principal: '',
    pod: 'productpage-0',
  };
  const endpoint = (health: unknown) => ({ workload: 'reviews-v1', tls: 'mesh', health });
  const endpoints = [endpoint('healthy'), endpoint({ state: 'ejected' })];
  const answers: Record<string, unknown> = {
    '/config_dump': { self, inbound: null, destinations: [{ ...resource, key: '10.96.0.7:9080' }] },
    '/clusters': resource.clusters.map(({ name }) => ({ name, endpointsInAll: 3, endpoints })),
  };
  const server = createServer(({ url = '' }, response) => response.end(JSON.stringify(answers[url])));
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  context.after(() => server.close());
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function runAsync(...args: string[]): Promise<{ stdout: string; stderr: string }> {
  const child = spawn(process.execPath, [main, 'route', ...args]);
  const [stdout, stderr] = await Promise.all([text(child.stdout), text(child.stderr)]);
  return { stdout, stderr };
}

test('a proxy that runs is asked for what it has: by name or address, with ejected endpoints left out', async context => {
  const admin = await startAdmin(context);
  for (const url of ['http://reviews:9080/old/x', 'http://10.96.0.7:9080/old/x']) {
    const { stdout, stderr } = await runAsync(url, '--proxy', admin, '-f', shop);
    assert.equal(stderr, '');
    assert.match(stdout, /from pod productpage-0 in shop/);
    assert.match(stdout, /✓ VirtualService reviews\.shop \(.*shop\.yaml:53\) /);
    assert.match(stdout, /90 % {2}.*\/v1 {2}1 of 3 endpoints ready/);
  }
  const other = await runAsync('http://ratings:9080/', '--proxy', admin);
  assert.match(
    other.stderr,
    /^error: this proxy has no destination ratings:9080 \(it knows reviews\.shop\.svc/,
  );
  const nobody = await runAsync('http://ratings/', '--proxy', 'http://127.0.0.1:1');
  assert.match(
    nobody.stderr,
    /^error: http:\/\/127\.0\.0\.1:1\/config_dump does not answer as a proxy does \(/,
  );
});

test('a path is normalised before rules are asked, as proxies do it, and that is said', async () => {
  const answer = await ask('http://reviews:9080/x/%2e%2e/old/x?q=/../', ['end-user: bob']);
  assert.equal(answer.normalizedTarget, '/old/x?q=/../');
  assert.equal(answer.action!.rewrittenTarget, '/new/x?q=/../');
  assert.match(routeText(answer), /\n {2}as \/old\/x\?q=\/\.\.\/: so rules see it, and so it is sent on\n/);
  assert.equal((await ask('http://reviews:9080/old/x')).normalizedTarget, undefined);
  await assert.rejects(ask('http://reviews:9080/old%00'), /is answered with 400: the path holds %00/);
});

test('what could not be read is said beside the answer', () => {
  const input = 'apiVersion: v1\nkind: Service\nmetadata: {name: {{ .Release.Name }}}\n';
  const args = [main, 'route', 'GET', 'http://web.shop/', '-f', '-'];
  const { stderr } = spawnSync(process.execPath, args, { input, encoding: 'utf8' });
  assert.match(stderr, /^error: stdin:3: looks like a template .*helm template CHART \| weft …\n/);
});
