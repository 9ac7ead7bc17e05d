import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { type TestContext, test } from 'node:test';
import { forbiddenAddress, forbiddenHost } from '../model/index.ts';
import { keyFetcher, MAX_KEYS_BYTES } from './fetch-keys.ts';

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener).listen(0, '127.0.0.1');
  await once(server, 'listening');
  t.after(() => {
    server.close();
    server.closeAllConnections();
  });
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
}

/** Fetches from this machine, which nothing else may. */
const fetch = keyFetcher({ forbidden: () => undefined });

test('fetches keys, and says how long they may be kept', async t => {
  const uri = await serve(t, (_, response) => {
    response.setHeader('cache-control', 'public, max-age=300, must-revalidate');
    response.end('{"keys":[]}');
  });
  assert.deepEqual(await fetch(uri, 1000), { text: '{"keys":[]}', maxAgeMs: 300_000 });
});

const answers: readonly (readonly [what: string, listener: RequestListener, why: RegExp])[] = [
  ['an error', (_, response) => response.writeHead(500).end(), /the answer is 500/],
  [
    'a redirect',
    (_, response) => response.writeHead(302, { location: 'http://169.254.169.254/' }).end(),
    /302, a redirect to http:\/\/169\.254\.169\.254\/: write the last address in jwksUri/,
  ],
  [
    'ten megabytes',
    (_, response) => response.end(Buffer.alloc(10 * MAX_KEYS_BYTES)),
    /longer than 1048576 bytes/,
  ],
  ['nothing for long', () => {}, /no complete answer within 50 ms/],
  [
    'a head and nothing for long',
    (_, response) => void response.write('{'),
    /no complete answer within 50 ms/,
  ],
  ['a broken connection', request => request.socket.destroy(), /other side closed|ECONNRESET/],
];
for (const [what, listener, why] of answers) {
  test(`does not take ${what} for keys`, async t => {
    await assert.rejects(fetch(await serve(t, listener), what.includes('long') ? 50 : 5000), why);
  });
}

test('asks no metadata and nothing of the pod itself, by whatever name', async t => {
  const uri = await serve(t, (_, response) => response.end('{"keys":[]}'));
  const guardedFetch = keyFetcher();
  await assert.rejects(guardedFetch(uri, 1000), /127\.0\.0\.1 is the pod itself/);
  await assert.rejects(guardedFetch(uri.replace('127.0.0.1', '[::ffff:127.0.0.1]'), 1000), /the pod itself/);
  await assert.rejects(guardedFetch(uri.replace('127.0.0.1', '2130706433'), 1000), /the pod itself/);
  const rebinding = keyFetcher({
    lookUp: ((_: string, __: unknown, answer: (...all: unknown[]) => void) =>
      answer(null, [{ address: '169.254.169.254', family: 4 }])) as never,
  });
  await assert.rejects(
    rebinding('http://keys.example/', 1000),
    /keys\.example leads to the cloud's metadata/,
  );
});

test('addresses are judged in every way of writing them', () => {
  const forbidden = [
    '169.254.169.254',
    '::ffff:169.254.169.254',
    '::ffff:a9fe:a9fe',
    'fe80::1',
    'fd00:ec2::254',
    '::1',
    '0.0.0.0',
  ];
  for (const address of forbidden) assert.ok(forbiddenAddress(address), address);
  for (const address of ['10.0.0.1', 'fd00::1', '8.8.8.8', '::ffff:10.0.0.1', 'keys.example'])
    assert.equal(forbiddenAddress(address), undefined, address);
  for (const host of ['[::1]', 'localhost', 'LOCALHOST.', 'metadata.google.internal', '169.254.169.254.'])
    assert.ok(forbiddenHost(host), host);
  for (const host of ['keys.example', 'metadata.example', 'localhost.example'])
    assert.equal(forbiddenHost(host), undefined, host);
});
