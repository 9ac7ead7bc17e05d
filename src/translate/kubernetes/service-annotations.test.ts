import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { resolveDestination } from '../../resolve/index.ts';
import { meshFromYaml } from '../testing/from-yaml.ts';
import { SERVICE_ANNOTATIONS } from './service-annotations.ts';

test('docs/service-annotations.md has every annotation and no other', () => {
  const text = readFileSync(join(import.meta.dirname, '../../../docs/service-annotations.md'), 'utf8');
  const documented = [...text.matchAll(/^\| `(weft\.dev\/[a-z0-9-]+)`/gm)].map(match => match[1]!);
  assert.deepEqual(documented.sort(), [...SERVICE_ANNOTATIONS].sort());
});

test('sessionAffinity: ClientIP keeps a client with one pod, unless an annotation says otherwise', () => {
  const balancerOf = (spec: string, annotations = '{}'): unknown => {
    const { mesh } = meshFromYaml(`
apiVersion: v1
kind: Service
metadata: {name: sticky, namespace: shop, annotations: ${annotations}}
spec: {clusterIP: 10.0.0.1, ports: [{port: 80}]${spec}}
`);
    const asked = 'sticky.shop.svc.cluster.local:80';
    const { clusters } = resolveDestination(mesh, { namespace: 'shop', labels: {} }, asked).resource;
    return clusters[0]!.settings.balancer;
  };
  const bySource = { kind: 'ring-hash', hash: [{ kind: 'source-ip' }] };
  assert.deepEqual(balancerOf(', sessionAffinity: ClientIP'), bySource);
  assert.notDeepEqual(balancerOf(', sessionAffinity: None'), bySource);
  assert.notDeepEqual(balancerOf(''), bySource);
  assert.deepEqual(balancerOf(', sessionAffinity: ClientIP', "{weft.dev/balancer: 'random'}"), {
    kind: 'random',
  });
});
