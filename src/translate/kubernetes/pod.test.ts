import assert from 'node:assert/strict';
import { test } from 'node:test';
import { interceptsPort } from '../../model/index.ts';
import { meshFromYaml } from '../testing/from-yaml.ts';

test('of a pod whose proxy intercepts no inbound port peers know that none takes mutual TLS', () => {
  const intercepted = (only: string, port: number): boolean => {
    const { mesh } = meshFromYaml(
      `{apiVersion: v1, kind: Pod, metadata: {name: a, namespace: shop, annotations: {weft.dev/status: '{}', weft.dev/only-inbound-ports: '${only}'}}, spec: {containers: []}}`,
      'pod.yaml',
    );
    return interceptsPort(mesh.workloads.get('shop/a')!, port);
  };
  assert.equal(intercepted('none', 8080), false);
  assert.equal(intercepted('*', 8080), true);
  assert.equal(intercepted('8080', 8080), true);
  assert.equal(intercepted('8080', 8081), false);
});
