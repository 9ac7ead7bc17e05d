import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer as createHttps } from 'node:https';
import type { AddressInfo } from 'node:net';
import { test } from 'node:test';
import { CertificateAuthority } from '../ca/index.ts';
import { certify } from '../ca/testing/odd-certificates.ts';
import { WeftError } from '../errors/index.ts';
import { createKeyAndCsr, readCredentials } from '../identity/index.ts';
import type { FederatedDomain } from '../model/index.ts';
import { FakeClock, systemClock } from '../time/index.ts';
import {
  FederatedBundles,
  type FetchBundle,
  fetchBundle,
  formatBundle,
  readBundle,
  type SpiffeBundle,
  serveBundle,
} from './index.ts';

const hourMs = 3_600_000;
const authority = (): CertificateAuthority =>
  CertificateAuthority.createRoot({ trustDomain: 'weft.example', clock: systemClock });

test('a bundle that is written is read as it was, and a root that comes or goes makes its sequence grow', () => {
  const [one, two] = [authority().roots[0]!, authority().roots[0]!];
  const both = JSON.parse(formatBundle([one, two], 60_000)) as { spiffe_sequence: number; keys: object[] };
  const read = readBundle(JSON.stringify(both)) as SpiffeBundle;
  assert.deepEqual(read.refreshHintMs, 60_000);
  assert.deepEqual(
    read.roots.map(each => each.trim()),
    [one.trim(), two.trim()],
  );
  const less = JSON.parse(formatBundle([two], 60_000)) as typeof both;
  assert.ok(less.spiffe_sequence > both.spiffe_sequence);
  assert.deepEqual(Object.keys(both.keys[0]!).sort(), ['crv', 'kty', 'use', 'x', 'x5c', 'y']);
});

test('what is no bundle is refused in words', () => {
  const key = (JSON.parse(formatBundle(authority().roots, 1000)) as { keys: object[] }).keys[0]!;
  const leaf = certify({ uris: ['spiffe://a/b'], notBeforeMs: Date.now(), notAfterMs: Date.now() + hourMs });
  for (const [text, words] of [
    ['<html>', /no JSON/],
    ['{}', /no list 'keys'/],
    ['{"keys":[]}', /none of its keys is for X\.509/],
    [JSON.stringify({ keys: [{ ...key, use: 'jwt-svid' }] }), /none of its keys/],
    [JSON.stringify({ keys: [{ ...key, x5c: [] }] }), /exactly one certificate/],
    [JSON.stringify({ keys: [{ ...key, x5c: ['AAAA'] }] }), /cannot be used/],
    [JSON.stringify({ keys: [{ ...key, x5c: [leaf.der.toString('base64')] }] }), /not a CA/],
    [JSON.stringify({ keys: Array.from({ length: 65 }, () => key) }), /65 keys/],
  ] as const) {
    const read = readBundle(text);
    assert.ok(read instanceof WeftError, text);
    assert.match(read.message, words);
  }
});

test('our own endpoint is known by its SPIFFE id and roots, and by nothing else', async t => {
  const ca = authority();
  const identity = { trustDomain: 'weft.example', namespace: 'weft-system', serviceAccount: 'weft-injector' };
  const { keyPem, csrPem } = createKeyAndCsr();
  const signed = ca.sign(csrPem, identity, { lifetimeMs: hourMs });
  assert.ok(!(signed instanceof WeftError));
  const credentials = readCredentials({ keyPem, chainPem: signed.chainPem, roots: ca.roots }, Date.now());
  assert.ok(!(credentials instanceof WeftError));
  const stop = new AbortController();
  t.after(() => stop.abort());
  const port = await serveBundle({
    ...{ listen: { host: '127.0.0.1', port: 0 }, roots: () => ca.roots, clock: systemClock },
    credentials: use => {
      use(credentials);
      return () => {};
    },
    signal: stop.signal,
  });
  const url = `https://127.0.0.1:${port}/`;
  const spiffeId = 'spiffe://weft.example/ns/weft-system/sa/weft-injector';
  const get = (from: Partial<Parameters<FetchBundle>[0]>): ReturnType<FetchBundle> =>
    fetchBundle({ url, roots: ca.roots, ...from }, stop.signal);
  const good = (await get({ spiffeId })) as SpiffeBundle;
  assert.deepEqual(
    good.roots.map(each => each.trim()),
    ca.roots.map(each => each.trim()),
  );
  const refused = async (from: Parameters<typeof get>[0], words: RegExp): Promise<void> => {
    const found = await get(from);
    assert.ok(found instanceof WeftError && words.test(found.message), String((found as Error).message));
  };
  await refused(
    { spiffeId: 'spiffe://weft.example/somebody' },
    /its server is spiffe:.*weft-injector and not/,
  );
  await refused({ spiffeId, roots: authority().roots }, /cannot be fetched/);
  // By the Web's rules a certificate without its name is nobody's.
  await refused({}, /cannot be fetched/);
});

test('a server that answers anything else is told as that', async t => {
  const self = certify({
    ...{ name: 'web', ca: true, dnsNames: ['localhost'] },
    ...{ notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + hourMs },
  });
  const leaf = certify({
    ...{ issuer: self, dnsNames: ['localhost'] },
    ...{ notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + hourMs },
  });
  const answers: Record<string, [number, string]> = {
    '/missing': [404, ''],
    '/moved': [302, ''],
    '/html': [200, '<html>'],
    '/huge': [200, `"${'x'.repeat(2 << 20)}"`],
  };
  const server = createHttps({ key: leaf.keyPem, cert: leaf.pem }, (request, response) => {
    const [status, body] = answers[request.url!]!;
    response.writeHead(status, { location: '/html' }).end(body);
  }).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const { port } = server.address() as AddressInfo;
  for (const [path, words] of [
    ['/missing', /answers 404/],
    ['/moved', /answers 302/],
    ['/html', /no JSON/],
    ['/huge', /longer than/],
  ] as const) {
    const url = `https://localhost:${port}${path}`;
    const found = await fetchBundle({ url, roots: [self.pem] }, AbortSignal.timeout(60_000));
    assert.ok(found instanceof WeftError);
    assert.match(found.message, words);
  }
});

/** Lets what was promised by now happen. */
const settled = (): Promise<void> => new Promise(resolve => setImmediate(resolve));

test('bundles are refreshed as they say, within bounds, and the last good one stays', async () => {
  const clock = new FakeClock();
  const [one, two] = [authority().roots[0]!, authority().roots[0]!];
  let answer: SpiffeBundle | WeftError = new WeftError('bundle-unreachable', 'nobody is there');
  let calls = 0;
  const stop = new AbortController();
  const bundles = new FederatedBundles({
    ...{ clock, signal: stop.signal },
    fetch: () => {
      calls++;
      return Promise.resolve(answer);
    },
  });
  let told = 0;
  bundles.subscribe(() => told++);
  const domain: FederatedDomain = {
    ...{ trustDomain: 'a.example', roots: [] },
    endpoints: [{ url: 'https://a.example/bundle' }],
  };
  bundles.follow([domain]);
  await settled();
  assert.deepEqual(bundles.current, [{ trustDomain: 'a.example', roots: [] }]);
  assert.match(
    bundles.problems()[0]!.message,
    /a\.example: nobody is there; none of its workloads is let in/,
  );
  answer = { roots: [one], refreshHintMs: 1 };
  clock.advance(15_000);
  await settled();
  assert.deepEqual([bundles.current[0]!.roots, bundles.problems().length, calls], [[one], 0, 2]);
  // A hint of a millisecond is half a minute.
  clock.advance(29_000);
  await settled();
  assert.equal(calls, 2);
  answer = new WeftError('bundle', 'it is no JSON');
  clock.advance(1_000);
  await settled();
  assert.deepEqual([bundles.current[0]!.roots, calls], [[one], 3]);
  assert.match(bundles.problems()[0]!.message, /the roots before stay in use/);
  answer = { roots: [two], refreshHintMs: 24 * hourMs };
  clock.advance(15_000);
  await settled();
  assert.deepEqual(bundles.current[0]!.roots, [two]);
  // One of a day is an hour.
  answer = { roots: [one, two] };
  clock.advance(hourMs);
  await settled();
  assert.deepEqual([bundles.current[0]!.roots, calls, told], [[one, two], 5, 4]);
  bundles.follow([]);
  assert.deepEqual(bundles.current, []);
  clock.advance(hourMs);
  await settled();
  assert.equal(calls, 5);
});

test('an endpoint that proves itself by SPIFFE id is known by the roots of that domain, and needs one at first', async () => {
  const [one] = authority().roots;
  const asked: (readonly string[])[] = [];
  const bundles = new FederatedBundles({
    ...{ clock: new FakeClock(), signal: new AbortController().signal },
    fetch: ({ roots }) => {
      asked.push(roots);
      return Promise.resolve({ roots: [one!] });
    },
  });
  const endpoints = [{ url: 'https://a.example/', spiffeId: 'spiffe://a.example/server' }];
  bundles.follow([{ trustDomain: 'a.example', roots: [], endpoints }]);
  await settled();
  assert.match(bundles.problems()[0]!.message, /no root of a\.example is known .* give one beside the URL/);
  bundles.follow([{ trustDomain: 'a.example', roots: [one!], endpoints }]);
  await settled();
  assert.deepEqual([asked, bundles.problems()], [[[one]], []]);
  bundles.follow([{ trustDomain: 'a.example', roots: ['no certificate'], endpoints: [] }]);
  assert.match(bundles.problems()[0]!.message, /the certificates in pem cannot be used/);
  assert.deepEqual(bundles.current, [{ trustDomain: 'a.example', roots: [] }]);
});
