import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refOf } from '../registry/index.ts';
import { mentionedServices } from './mentions.ts';
import { meshOfObjects } from './mesh-of-objects.ts';

const services = ['shop/cart', 'shop/web-2', 'other/cart'].map(key => {
  const [namespace = '', name = ''] = key.split('/');
  const object = {
    apiVersion: 'v1',
    kind: 'Service',
    metadata: { namespace, name },
    spec: { ports: [{ port: 80 }] },
  };
  return { object, ref: refOf(object) };
});
const { mesh } = meshOfObjects(services, { expectPods: true });

function mentioned(container: object): readonly string[] {
  return [...mentionedServices({ containers: [{ name: 'app', ...container }] }, 'shop', mesh)];
}

const cases: readonly (readonly [words: string, container: object, found: readonly string[]])[] = [
  ['a URL', { env: [{ name: 'X', value: 'http://cart/orders?x=1' }] }, ['shop/cart']],
  ['a URL of another namespace', { args: ['--to=http://user:pw@cart.other:8080'] }, ['other/cart']],
  ['a full name', { command: ['sh', '-c', 'curl -s cart.shop.svc.cluster.local | wc'] }, ['shop/cart']],
  ['a name with .svc', { args: ['cart.other.svc'] }, ['other/cart']],
  ['several in one text', { env: [{ name: 'X', value: 'cart:80,web-2:80' }] }, ['shop/cart', 'shop/web-2']],
  ['a variable for a host', { env: [{ name: 'CART_HOST', value: 'cart' }] }, ['shop/cart']],
  ['a bare word is nothing', { env: [{ name: 'MODE', value: 'cart' }], args: ['cart'] }, []],
  ['what only looks alike', { args: ['http://cart-2/', 'http://cart.shop.example.com/', '/etc/cart'] }, []],
  ['variables without a value', { env: [{ name: 'X', valueFrom: {} }] }, []],
];

for (const [words, container, found] of cases) {
  test(`whom a pod calls: ${words}`, () => assert.deepEqual(mentioned(container), found));
}
