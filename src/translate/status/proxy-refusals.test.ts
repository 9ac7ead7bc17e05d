import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ObjectRef } from '../../model/index.ts';
import { refusalProblems } from './index.ts';

const ref = (name: string): ObjectRef => ({
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  namespace: 'shop',
  name,
});
const objects = (): readonly ObjectRef[] => [ref('vs'), ref('vs-two'), ref('two-vs')];
const reason = "VirtualService vs.shop, route vs/0: the header 'x' cannot be edited";

test('what several proxies refuse is one problem of the object that they name, and of no other', () => {
  const pods = ['shop/d', 'shop/a', 'shop/c', 'shop/b', 'shop/e'];
  const [problem, ...more] = refusalProblems(
    pods.map(pod => ({ pod, key: '10.0.0.1:80', reason })),
    objects,
  );
  assert.deepEqual(more, []);
  assert.equal(problem!.object?.name, 'vs');
  assert.equal(problem!.code, 'refused-by-proxies');
  assert.match(
    problem!.message,
    /^the proxies of shop\/a, shop\/b, shop\/c and 2 more do not take this .*: VirtualService vs\.shop, route/,
  );
});

test('a refusal that names no object is told all the same', () => {
  const [problem] = refusalProblems([{ pod: 'shop/a', key: '10.0.0.1:80', reason: 'something' }], objects);
  assert.equal(problem!.object, undefined);
  assert.match(problem!.message, /^the proxy of shop\/a does not take this .*: something; /);
  assert.deepEqual(
    refusalProblems([], () => assert.fail('looked for nothing')),
    [],
  );
});
