import assert from 'node:assert/strict';
import { test } from 'node:test';
import { CredentialNamespaces } from './credential-namespaces.ts';

const gateway = 'Gateway.gateway.networking.k8s.io';
const classes = 'GatewayClass.gateway.networking.k8s.io';

function gatewayOf(className: string, ...refs: object[]): Record<string, unknown> {
  return { spec: { gatewayClassName: className, listeners: [{ tls: { certificateRefs: refs } }, {}] } };
}

test('Secrets are read where Gateways of ours name certificates, and nowhere else', () => {
  const namespaces = new CredentialNamespaces();
  namespaces.put(gateway, 'shop/edge', gatewayOf('weft', { name: 'a' }, { name: 'b', namespace: 'vault' }));
  namespaces.put(gateway, 'blog/edge', gatewayOf('other', { name: 'a' }));
  namespaces.put(gateway, 'plain/edge', gatewayOf('weft'));
  assert.deepEqual([...namespaces.wanted], ['shop', 'vault']);
  namespaces.put(classes, 'other', { spec: { controllerName: 'weft.dev/gateway-controller' } });
  namespaces.put(classes, 'weft', { spec: { controllerName: 'example.com/controller' } });
  assert.deepEqual([...namespaces.wanted], ['blog']);
  namespaces.delete(classes, 'weft');
  namespaces.delete(gateway, 'blog/edge');
  assert.deepEqual([...namespaces.wanted], ['shop', 'vault']);
});
