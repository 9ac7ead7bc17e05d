import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Http2Settings, Protocol } from '../model/index.ts';
import { carriageOf } from './carriage.ts';
import { config, endpoint } from './testing/clusters.ts';

function carriage(tls: 'mesh' | 'plaintext', protocol: Protocol, http2: Http2Settings = {}): string {
  return carriageOf({ ...config({ http2 }), protocol }, { ...endpoint(1), tls });
}

test('a request goes as its client sent it, but for what the port is declared to speak', () => {
  assert.deepEqual(
    (['auto', 'http', 'http2', 'grpc'] as const).map(each => [
      carriage('mesh', each),
      carriage('plaintext', each),
    ]),
    [
      ['client', 'client'],
      ['client', 'http1'],
      ['http2', 'http2'],
      ['http2', 'http2'],
    ],
  );
});

test('requests are upgraded between proxies alone, and not where the protocol of the client is to be kept', () => {
  const upgrade = { upgrade: true };
  assert.equal(carriage('mesh', 'auto', upgrade), 'http2');
  assert.equal(carriage('mesh', 'http', upgrade), 'http2');
  assert.equal(carriage('plaintext', 'auto', upgrade), 'client');
  assert.equal(carriage('plaintext', 'http', upgrade), 'http1');
  assert.equal(carriage('mesh', 'auto', { ...upgrade, useClientProtocol: true }), 'client');
  assert.equal(carriage('plaintext', 'http2', { useClientProtocol: true }), 'client');
  assert.equal(carriage('mesh', 'auto', { upgrade: false }), 'client');
});
