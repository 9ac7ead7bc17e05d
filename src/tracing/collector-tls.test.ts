// Collectors behind TLS: who they prove to be, and what is said where that is somebody else.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import { certify } from '../ca/testing/odd-certificates.ts';
import type { OriginatedTls } from '../model/index.ts';
import { CollectorClient } from './collector-client.ts';

const hourMs = 3_600_000;
const times = { notBeforeMs: Date.now() - hourMs, notAfterMs: Date.now() + hourMs };

/** A collector with a certificate for `otel.example`, and calls to it with these settings. */
async function collector(t: TestContext) {
  const folder = mkdtempSync(join(tmpdir(), 'weft-collector-'));
  const root = certify({ name: 'root', ca: true, ...times });
  const { keyPem: key, pem: cert } = certify({
    issuer: root,
    dnsNames: ['otel.example'],
    purposes: [],
    ...times,
  });
  const caFile = join(folder, 'ca.pem');
  writeFileSync(caFile, root.pem);
  const bodies: string[] = [];
  const server = createServer({ key, cert }, async (request, response) => {
    let body = '';
    for await (const piece of request.setEncoding('utf8')) body += piece;
    bodies.push(body);
    response.end();
  });
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    server.closeAllConnections();
    server.close();
    rmSync(folder, { recursive: true });
  });
  const address = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  const post = async (tls: OriginatedTls, body = '[]') => {
    const client = new CollectorClient(
      { address, path: '/v1/traces', timeoutMs: 10_000, tls },
      'application/json',
    );
    const result = await client.post(body);
    await client.close();
    return result;
  };
  return { caFile, bodies, post };
}

test('spans reach a collector whose certificate is of the authority and name that are asked for', async t => {
  const { caFile, bodies, post } = await collector(t);
  assert.deepEqual(await post({ mode: 'simple', caFile, serverName: 'otel.example' }, '[1]'), {
    kind: 'taken',
  });
  assert.deepEqual(await post({ mode: 'simple', caFile, subjectAltNames: ['otel.example'] }), {
    kind: 'taken',
  });
  assert.deepEqual(await post({ mode: 'simple', insecureSkipVerify: true }), { kind: 'taken' });
  assert.deepEqual(bodies, ['[1]', '[]', '[]']);
});

test('a collector that proves to be somebody else gets nothing, and the reason is in words', async t => {
  const { caFile, bodies, post } = await collector(t);
  const why = async (tls: OriginatedTls): Promise<string> => {
    const result = await post(tls);
    assert.equal(result.kind, 'later');
    return (result as { why: string }).why;
  };
  assert.match(await why({ mode: 'simple', caFile, serverName: 'other.example' }), /other\.example/);
  assert.match(await why({ mode: 'simple', serverName: 'otel.example' }), /certificate/);
  assert.match(await why({ mode: 'simple', caFile: '/nowhere/ca.pem' }), /\/nowhere\/ca\.pem cannot be read/);
  assert.deepEqual(bodies, []);
});
