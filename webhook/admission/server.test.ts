import assert from 'node:assert/strict';
import { once } from 'node:events';
import { connect as connectPlain } from 'node:net';
import { after, before, test } from 'node:test';
import { connect } from 'node:tls';
import { CertificateAuthority } from '../../src/ca/index.ts';
import type { CertificateKeeper } from '../../src/identity/index.ts';
import { systemClock } from '../../src/time/index.ts';
import type { CertificateSource, Namespaces, ServerCertificate, WebhookOptions } from './options.ts';
import { MAX_BODY_BYTES, startWebhook } from './server.ts';
import { keeperFor, post, Recorder, review, webhookOptions } from './testing/admission.ts';

const serviceName = 'weft-injector.weft-system.svc';
const pod = { metadata: { name: 'cart' }, spec: { containers: [{ name: 'app', image: 'a' }] } };
const shop = { shop: { labels: { 'weft.dev/inject': 'enabled' }, annotations: {} } };
const stop = new AbortController();
let keeper: CertificateKeeper;
let ca: string;

before(async () => {
  const made = await keeperFor([serviceName], stop.signal);
  keeper = made.keeper;
  ca = made.authority.roots.join('');
});
after(() => stop.abort());

async function start(over: Partial<WebhookOptions> = {}) {
  const record = new Recorder();
  const running = await startWebhook({ ...webhookOptions(record, keeper, stop.signal, shop), ...over });
  return { record, running, ask: (body: string | Buffer, how = {}) => post(running.port, ca, body, how) };
}

test('answers the API server over TLS with the name of its Service', async () => {
  const { ask, running, record } = await start();
  const { status, text } = await ask(review(pod));
  assert.equal(status, 200);
  const { response } = JSON.parse(text) as { response: { uid: string; allowed: boolean; patch: string } };
  assert.equal(response.uid, 'u-1');
  assert.equal(response.allowed, true);
  assert.match(Buffer.from(response.patch, 'base64').toString(), /weft-proxy/);
  assert.deepEqual(record.admissions, ['injected injected']);
  assert.equal(running.ready(), true);
});

test('a denial is told as an event once, and not at all for a dry run', async () => {
  const { ask, record } = await start();
  const bad = { ...pod, metadata: { name: 'cart', annotations: { 'weft.dev/log-level': 'loud' } } };
  await ask(review(bad, { dryRun: true }));
  assert.deepEqual(record.events, []);
  const { text } = await ask(review(bad));
  await ask(review(bad));
  const { response } = JSON.parse(text) as { response: { allowed: boolean; status: { message: string } } };
  assert.equal(response.allowed, false);
  assert.match(response.status.message, /log-level/);
  assert.equal(record.events.length, 1);
  assert.deepEqual(record.eventOutcomes, ['sent', 'repeated']);
});

test('garbage, foreign envelopes and wrong calls are refused with a clear status, and the server goes on', async () => {
  const { ask } = await start();
  const cases: [string, object, number, RegExp][] = [
    ['{', {}, 400, /not JSON/],
    ['null', {}, 400, /not an AdmissionReview/],
    ['[]', {}, 400, /not an AdmissionReview/],
    ['{"kind":"Pod"}', {}, 400, /not an AdmissionReview/],
    [review(pod).replace('k8s.io/v1"', 'k8s.io/v9"'), {}, 400, /v9.* is not answered/],
    ['{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}', {}, 400, /no request with a uid/],
    [review(pod), { method: 'GET' }, 405, /with POST/],
    [review(pod), { path: '/' }, 404, /\/inject/],
    [review(pod), { type: 'text/plain' }, 415, /application\/json/],
    ['\u0000\uffff', {}, 400, /not JSON/],
  ];
  for (const [body, how, status, message] of cases) {
    const answer = await ask(body, how);
    assert.equal(answer.status, status, body);
    assert.match((JSON.parse(answer.text) as { error: string }).error, message);
  }
  assert.equal((await ask(review(pod))).status, 200);
});

test('questions that do not concern pods are answered with yes', async () => {
  const { ask, record } = await start();
  const kind = { group: 'apps', version: 'v1', kind: 'Deployment' };
  const { text } = await ask(review({ nonsense: true }, { kind }));
  const { response } = JSON.parse(text) as { response: { allowed: boolean; warnings: string[] } };
  assert.equal(response.allowed, true);
  assert.equal(response.warnings.length, 1);
  assert.deepEqual(record.admissions, ['foreign foreign']);
});

test('a body above 3 MiB is refused, announced or not', async () => {
  const { ask } = await start();
  const large = Buffer.alloc(MAX_BODY_BYTES + 1, ' ');
  for (const chunked of [false, true]) {
    // The server may close while the client still writes; both are refusals.
    const answer = await ask(large, { chunked }).catch((error: NodeJS.ErrnoException) => error);
    if ('status' in answer) assert.equal(answer.status, 413);
    else assert.ok(['EPIPE', 'ECONNRESET'].includes(answer.code ?? ''), answer.message);
  }
  assert.equal((await ask(review(pod))).status, 200);
});

test('health is answered to anybody', async () => {
  const { ask } = await start();
  assert.deepEqual(await ask('', { path: '/healthz', method: 'GET' }), { status: 200, text: 'ok\n' });
});

test('when the namespace cannot be known, the failure policy decides: status 500', async () => {
  const namespaces: Namespaces = { get: () => Promise.reject(new Error('the API server is gone')) };
  const { ask, record } = await start({ namespaces });
  const { status, text } = await ask(review(pod));
  assert.equal(status, 500);
  assert.match(text, /namespace shop the API server is gone/);
  assert.deepEqual(record.admissions, ['failed 500']);
});

test('look-ups that do not end are given up in time', async () => {
  const namespaces: Namespaces = { get: () => new Promise(() => {}) };
  const { ask } = await start({ namespaces, lookupMs: 20 });
  const { status, text } = await ask(review(pod));
  assert.equal(status, 500);
  assert.match(text, /not known within 20 ms/);
});

test('an owner that cannot be read does not hold up the pod', async () => {
  const controlled = {
    ...pod,
    metadata: {
      generateName: 'cart-',
      ownerReferences: [
        { apiVersion: 'apps/v1', kind: 'ReplicaSet', name: 'cart', uid: 'r', controller: true },
      ],
    },
  };
  const { ask, record } = await start({ owners: () => new Promise(() => {}), lookupMs: 20 });
  assert.equal((await ask(review(controlled))).status, 200);
  assert.deepEqual(record.admissions, ['injected injected']);
});

test('a namespace that was labelled a moment ago is read again before its pods are left out', async () => {
  const asked: string[] = [];
  const namespaces: Namespaces = {
    get: () => ({ labels: {}, annotations: {} }),
    fresh: name => {
      asked.push(name);
      return Promise.resolve(shop.shop);
    },
  };
  const { ask, record } = await start({ namespaces });
  await ask(review(pod));
  await ask(review(pod), { path: '/inject/everywhere' });
  assert.deepEqual(record.admissions, ['injected injected', 'skipped not-labelled']);
  assert.deepEqual(asked, ['shop']);
});

test('a renewed certificate is shown to new connections, while open ones go on', async () => {
  let tell: ((certificate: ServerCertificate) => void) | undefined;
  const first = keeper.credentials!;
  const certificate: CertificateSource = {
    subscribe: listener => {
      tell = listener;
      return () => {};
    },
  };
  const { running, ask, record } = await start({ certificate });
  assert.match(running.notReady()!, /no certificate/);
  tell!(first);
  assert.equal(running.ready(), true);
  const old = connect({ host: '127.0.0.1', port: running.port, ca, servername: serviceName });
  await new Promise((resolve, reject) => old.once('secureConnect', resolve).once('error', reject));
  const other = await keeperFor([serviceName], stop.signal);
  tell!(other.keeper.credentials!);
  await assert.rejects(ask(review(pod)), /certificate|unable to verify/i);
  const renewed = await post(running.port, other.authority.roots.join(''), review(pod));
  assert.equal(renewed.status, 200);
  const answer = new Promise<string>(resolve => old.once('data', data => resolve(String(data))));
  old.write('GET /healthz HTTP/1.1\r\nhost: x\r\n\r\n');
  assert.match(await answer, /^HTTP\/1.1 200/);
  old.destroy();
  tell!({ keyPem: 'nonsense', chainPem: 'nonsense' });
  assert.equal((await post(running.port, other.authority.roots.join(''), review(pod))).status, 200);
  assert.ok(record.lines.some(line => /keeps its old certificate/.test(line)));
});

test('a port in use is named with the remedy', async () => {
  const { running } = await start();
  const listen = { host: '127.0.0.1', port: running.port };
  await assert.rejects(start({ listen }), /port \d+ is in use; give another address with --webhook-listen/);
});

test('stops listening when told, after the answer under way', async () => {
  const own = new AbortController();
  let answerNamespace: ((marks: (typeof shop)['shop']) => void) | undefined;
  const namespaces: Namespaces = { get: () => new Promise(resolve => (answerNamespace = resolve)) };
  const { ask, running } = await start({ signal: own.signal, namespaces });
  const pending = ask(review(pod));
  while (answerNamespace === undefined) await new Promise(resolve => setImmediate(resolve));
  own.abort();
  answerNamespace(shop.shop);
  assert.equal((await pending).status, 200);
  assert.match(running.notReady()!, /stopping/);
  await assert.rejects(ask(review(pod)), /ECONNREFUSED/);
});

test('an expired or foreign certificate authority is nothing to crash about', async () => {
  const { running, record } = await start();
  const clock = systemClock;
  const foreign = CertificateAuthority.createRoot({ trustDomain: 'other.example', clock });
  await assert.rejects(post(running.port, foreign.roots.join(''), review(pod)));
  assert.equal((await post(running.port, ca, review(pod))).status, 200);
  assert.deepEqual(record.admissions, ['injected injected']);
});

test('connections and bodies are bounded together, and whoever comes later is still answered', async context => {
  const { ask, running, record } = await start({
    connections: { total: 8, perAddress: 6 },
    bodyBytes: 1_000_000,
  });
  const silent = Array.from({ length: 20 }, (_, index) => {
    const socket = connectPlain({
      host: '127.0.0.1',
      port: running.port,
      localAddress: `127.0.0.${2 + (index % 4)}`,
    });
    socket.on('error', () => {});
    context.after(() => socket.destroy());
    return once(socket, 'connect');
  });
  await Promise.all(silent);
  assert.equal((await ask(review(pod))).status, 200);
  assert.ok(record.refusals.includes('too-many-connections'), String(record.refusals));
  const large = await ask(Buffer.alloc(1_500_000, 0x20));
  assert.deepEqual([large.status, record.refusals.at(-1)], [503, 'too-many-bodies']);
  assert.equal((await ask(review(pod))).status, 200);
});
