import assert from 'node:assert/strict';
import { test } from 'node:test';
import {
  attachedTo,
  certificateKey,
  commonHost,
  coversHost,
  type Gateway,
  type GatewayListener,
  gatewayKey,
  joinedListeners,
  ownCertificateKey,
  parseCertificateKey,
  parseGatewayKey,
  parseVirtualHostKey,
  virtualHostKey,
} from './index.ts';

const ref = { apiVersion: 'gateway.networking.k8s.io/v1', kind: 'Gateway', namespace: 'shop', name: 'edge' };

function gateway(listeners: readonly Partial<GatewayListener>[]): Gateway {
  return {
    namespace: 'shop',
    name: 'edge',
    from: ref,
    listeners: listeners.map((each, index) => ({
      name: `l${index}`,
      port: 80,
      protocol: 'http',
      path: `spec.listeners[${index}]`,
      ...each,
    })),
  };
}

test('a wildcard covers names of one more label and of several, and not the name below it', () => {
  assert.equal(coversHost('*.example.com', 'www.example.com'), true);
  assert.equal(coversHost('*.example.com', 'a.b.example.com'), true);
  assert.equal(coversHost('*.example.com', '*.b.example.com'), true);
  assert.equal(coversHost('*.example.com', 'example.com'), false);
  assert.equal(coversHost('*.example.com', 'www.other.com'), false);
  assert.equal(coversHost('*', 'example.com'), true);
});

test('what two host patterns have in common is the narrower of them, or nothing', () => {
  assert.equal(commonHost('*', '*.example.com'), '*.example.com');
  assert.equal(commonHost('*.example.com', 'www.example.com'), 'www.example.com');
  assert.equal(commonHost('www.example.com', '*.example.com'), 'www.example.com');
  assert.equal(commonHost('www.example.com', 'example.com'), undefined);
});

test('of conflicting listeners of one object none is opened, of several objects those of the first', () => {
  const conflicts = (...gateways: Gateway[]): unknown[] =>
    joinedListeners(gateways).map(({ conflict }) => conflict);
  const [plain, tls] = [{ protocol: 'http' }, { protocol: 'https' }] as const;
  assert.deepEqual(conflicts(gateway([plain, { ...plain, hostname: 'a.example' }])), [undefined, undefined]);
  assert.deepEqual(conflicts(gateway([plain, plain])), ['HostnameConflict', 'HostnameConflict']);
  assert.deepEqual(conflicts(gateway([plain, tls])), ['ProtocolConflict', 'ProtocolConflict']);
  assert.deepEqual(conflicts(gateway([plain]), gateway([plain, { ...plain, port: 81 }])), [
    undefined,
    'HostnameConflict',
    undefined,
  ]);
  assert.deepEqual(conflicts(gateway([{ protocol: 'tcp' }, { protocol: 'udp' }])), [undefined, undefined]);
  assert.deepEqual(
    conflicts(gateway([plain]), gateway([plain, tls]), gateway([{ ...plain, hostname: 'a.example' }])),
    [undefined, 'HostnameConflict', 'ProtocolConflict', undefined],
    'what is not opened takes no place',
  );
  const [a, b] = [{ ...plain, hostname: 'a.example' } as const, { ...plain, hostname: 'b.example' } as const];
  assert.deepEqual(
    conflicts(gateway([plain]), gateway([a, { protocol: 'tcp' }, b])),
    [undefined, undefined, 'ProtocolConflict', undefined],
    'what an earlier object keeps out is in nobody’s way in its own',
  );
});

test('a route belongs to a listener by its name, port, kind, namespace and hostname', () => {
  const [joined] = joinedListeners([gateway([{ name: 'web', hostname: '*.example.com' }])]);
  const route = { gateway: 'shop/edge', namespace: 'shop', kind: 'http', host: '*' } as const;
  const labels = (): Record<string, string> => ({});
  const reason = (more: object): unknown => {
    const found = attachedTo(joined!, { ...route, ...more }, labels);
    return 'host' in found ? found.host : found.reason;
  };
  assert.equal(reason({}), '*.example.com');
  assert.equal(reason({ host: 'www.example.com', section: 'web', port: 80 }), 'www.example.com');
  assert.equal(reason({ section: 'other' }), 'NoMatchingParent');
  assert.equal(reason({ port: 81 }), 'NoMatchingParent');
  assert.equal(reason({ kind: 'tcp' }), 'NotAllowedByListeners');
  assert.equal(reason({ namespace: 'other' }), 'NotAllowedByListeners');
  assert.equal(reason({ host: 'example.com' }), 'NoMatchingListenerHostname');
});

test('namespaces are chosen by their labels, of which each has its own name', () => {
  const allowed = { namespaces: { matchLabels: { 'kubernetes.io/metadata.name': 'a', team: 'x' } } };
  const [joined] = joinedListeners([gateway([{ allowed }])]);
  const at = (namespace: string): boolean =>
    'host' in
    attachedTo(joined!, { gateway: 'shop/edge', namespace, kind: 'http', host: '*' }, () => ({ team: 'x' }));
  assert.deepEqual([at('a'), at('b')], [true, false]);
});

test('keys of gateways are read as they were written, and nothing else is taken for one', () => {
  const host = { gateway: 'shop/edge', port: 443, listener: '*.example.com', host: 'www.example.com' };
  assert.deepEqual(parseVirtualHostKey(virtualHostKey(host)), host);
  assert.equal(parseGatewayKey(gatewayKey('shop/edge')), 'shop/edge');
  const secret = { kind: 'Secret', namespace: 'other', name: 'tls' } as const;
  assert.deepEqual(parseCertificateKey(certificateKey('shop/edge', secret)), {
    gateway: 'shop/edge',
    ref: secret,
    credential: 'Secret other/tls',
  });
  assert.deepEqual(parseCertificateKey(ownCertificateKey(secret)), {
    ref: secret,
    credential: 'Secret other/tls',
  });
  for (const other of [
    '10.0.0.1:80',
    'gateway.shop:80',
    'gateway/shop',
    'virtual-host/a/b/c/*/*',
    'certificate/a/b/c',
    'certificate/a/',
    'certificate/a/b/c/d/e',
  ]) {
    assert.equal(parseGatewayKey(other), undefined, other);
    assert.equal(parseVirtualHostKey(other), undefined, other);
    assert.equal(parseCertificateKey(other), undefined, other);
  }
});
