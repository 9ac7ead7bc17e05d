// Threads about servers of TLS outside of the mesh: istio 60466, grpc-go 434 and 7922 (a server that demands ALPN h2).
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServerCredentials } from '@grpc/grpc-js';
import { certify } from '../../../src/ca/testing/odd-certificates.ts';
import { MeshPath } from '../mesh-path.ts';
import { answer, Caller, TextServer } from './calls.ts';

test('a gRPC server that takes TLS with ALPN h2 alone is called, by an app that speaks plaintext', async t => {
  const nowMs = Date.now();
  const dnsNames = ['api.example.com'];
  const times = { notBeforeMs: nowMs - 3_600_000, notAfterMs: nowMs + 3_600_000 };
  const { keyPem, pem } = certify({ name: 'api', dnsNames, ...times });
  const credentials = ServerCredentials.createSsl(null, [
    { private_key: Buffer.from(keyPem), cert_chain: Buffer.from(pem) },
  ]);
  const server = await TextServer.start({ Ask: answer('over TLS') }, {}, credentials);
  const path = new MeshPath('mutual TLS');
  const tls = { mode: 'simple', serverName: 'api.example.com', insecureSkipVerify: true } as const;
  path.serveOutside(server.port, { settings: { tls } });
  const caller = new Caller(path.port);
  t.after(() => {
    for (const each of [caller, path, server]) each.close();
  });
  const answers = await Promise.all(Array.from({ length: 10 }, () => caller.unary('Ask')));
  assert.deepEqual(new Set(answers), new Set(['over TLS']));
  assert.deepEqual(path.carried(), ['outbound HTTP/2']);
});
