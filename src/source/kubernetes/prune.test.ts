import assert from 'node:assert/strict';
import { test } from 'node:test';
import { pruneOf } from './prune.ts';

const base64 = (text: string): string => Buffer.from(text).toString('base64');

test('of Secrets only what gateways have a use for is kept: certificates, lists of users, and hashes of passwords', () => {
  const data = {
    'tls.crt': base64('certificate'),
    auth: base64('alice:{SHA}x'),
    alice: base64('$apr1$7yXrLmwK$PDJAsmOVYrMzCib.J.NGl/'),
    bob: base64('$1$abcdefgh$cHJi5PXp/ki/ktXzqlk6I1\n'),
    token: base64('secret of somebody'),
    dollar: base64('$100'),
  };
  const { data: kept } = pruneOf('Secret')({ apiVersion: 'v1', kind: 'Secret', metadata: {}, data });
  assert.deepEqual(Object.keys(kept as object).sort(), ['alice', 'auth', 'bob', 'tls.crt']);
});

test('of annotations of Services those of ingress controllers are kept', () => {
  const annotations = {
    'weft.dev/a': '1',
    'haproxy.org/load-balance': 'source',
    'ingress.kubernetes.io/check': 'true',
    'traefik.ingress.kubernetes.io/service.serversscheme': 'h2c',
    'example.com/note': 'long text',
  };
  const { metadata } = pruneOf('Service')({ apiVersion: 'v1', kind: 'Service', metadata: { annotations } });
  assert.deepEqual(Object.keys((metadata as { annotations: object }).annotations).sort(), [
    'haproxy.org/load-balance',
    'ingress.kubernetes.io/check',
    'traefik.ingress.kubernetes.io/service.serversscheme',
    'weft.dev/a',
  ]);
});
