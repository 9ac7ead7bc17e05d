import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Mesh, Workload } from '../../model/index.ts';
import { podsMeant } from './targets.ts';

const workload = (name: string, labels: Record<string, string>): Workload =>
  ({ namespace: 'shop', name, labels, owner: { kind: 'Deployment', name: labels.app ?? '' } }) as Workload;

const mesh = {
  workloads: new Map([
    ['shop/web-1', workload('web-1', { app: 'web', tier: 'front' })],
    ['shop/web-2', workload('web-2', { app: 'web', tier: 'canary' })],
    ['shop/cart-1', workload('cart-1', { app: 'cart', tier: 'front' })],
  ]),
} as unknown as Mesh;

function meant(wanted: Parameters<typeof podsMeant>[1]): unknown {
  const chosen = podsMeant(() => mesh, wanted);
  return typeof chosen === 'string' ? chosen : [...mesh.workloads.keys()].filter(chosen);
}

test('pods are meant by target and labels, both where both are there', () => {
  assert.deepEqual(meant({ selector: 'tier=front' }), ['shop/web-1', 'shop/cart-1']);
  assert.deepEqual(meant({ selector: 'tier=front', target: 'deploy/web' }), ['shop/web-1']);
  assert.deepEqual(meant({ selector: 'app in (cart,stock)', namespace: 'bank' }), []);
  assert.deepEqual(meant({ namespace: 'shop' }), ['shop/web-1', 'shop/web-2', 'shop/cart-1']);
});

test('a selector or target that cannot be read is told with what to write', () => {
  assert.match(String(meant({ selector: 'app==' + '=web' })), /is no label selector; write app=web/);
  assert.match(String(meant({ target: 'thing/web' })), /names no pods; write pod\/NAME/);
});
