import assert from 'node:assert/strict';
import { test } from 'node:test';
import { chooseNamed, choosePod, inNamespace, parseTarget } from './target.ts';

const pod = (namespace: string, name: string, workloadKind = 'Pod', workload = name, ready = true) => ({
  namespace,
  name,
  workload,
  workloadKind,
  ready,
  terminating: false,
});
const pods = [
  pod('shop', 'cart-1', 'Deployment', 'cart', false),
  pod('shop', 'cart-2', 'Deployment', 'cart'),
  pod('test', 'cart-9', 'Deployment', 'cart'),
  pod('shop', 'db-0', 'StatefulSet', 'db'),
  pod('shop', 'client'),
];
const chosen = (text: string): string => {
  const found = choosePod(text, pods);
  return 'problem' in found ? found.problem : `${found.namespace}/${found.name}`;
};

test('every way of writing a target means the same for every command', () => {
  assert.deepEqual(parseTarget('web'), { name: 'web' });
  assert.deepEqual(parseTarget('deploy/web'), { kind: 'Deployment', name: 'web' });
  assert.deepEqual(parseTarget('shop/web'), { namespace: 'shop', name: 'web' });
  assert.deepEqual(parseTarget('Deployment/shop/web'), {
    kind: 'Deployment',
    namespace: 'shop',
    name: 'web',
  });
  for (const text of ['', '/', 'a/', '/a', 'a//b', 'a/b/c/d'])
    assert.match((parseTarget(text) as { problem: string }).problem, /names nothing; write NAME/, text);
  assert.match((parseTarget('thing/a/b') as { problem: string }).problem, /no kind thing; kinds are pod,/);
});

test('-n is the namespace of a target that names none, and contradicts none that does', () => {
  assert.equal(inNamespace('web', 'shop'), 'shop/web');
  assert.equal(inNamespace('deploy/web', 'shop'), 'deployment/shop/web');
  assert.equal(inNamespace('shop/web', 'shop'), 'shop/web');
  assert.equal(inNamespace('web', undefined), 'web');
  assert.match((inNamespace('shop/web', 'test') as { problem: string }).problem, /leave one of them out/);
});

test('a pod is named, or one of a workload, a ready one', () => {
  assert.equal(chosen('cart-1'), 'shop/cart-1');
  assert.equal(chosen('shop/cart'), 'shop/cart-2');
  assert.equal(chosen('deploy/shop/cart'), 'shop/cart-2');
  assert.equal(chosen('db'), 'shop/db-0');
  assert.equal(chosen('pod/client'), 'shop/client');
});

test('a name in two namespaces is never picked silently', () => {
  assert.equal(
    chosen('cart'),
    'cart can be deployment/shop/cart, deployment/test/cart; name it in full, or its namespace with -n',
  );
  assert.match(chosen('deploy/cart'), /can be deployment\/shop\/cart, deployment\/test\/cart/);
});

test('what does not exist is answered with what is spelt alike, not with everything', () => {
  assert.equal(
    chosen('crat'),
    'there is no Pod, Deployment, StatefulSet, DaemonSet or Job named crat; see weft sandbox status',
  );
  assert.match(chosen('carts'), /did you mean deployment\/shop\/cart or deployment\/test\/cart\?$/);
  assert.match(
    chosen('deploy/db'),
    /^there is no Deployment named db; did you mean statefulset\/shop\/db or pod\/shop\/db-0\?$/,
  );
  assert.match(chosen('other/db'), /no .* named db in namespace other; did you mean statefulset\/shop\/db/);
  assert.match(chosen('svc/cart'), /is a Service; this takes Pod, Deployment/);
});

test('commands for workloads take those kinds only', () => {
  const workloads = [
    { kind: 'Deployment', namespace: 'shop', name: 'web' },
    { kind: 'StatefulSet', namespace: 'shop', name: 'web' },
  ];
  const kinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;
  assert.deepEqual(chooseNamed('sts/web', workloads, kinds), workloads[1]);
  assert.match(
    (chooseNamed('web', workloads, kinds) as { problem: string }).problem,
    /web can be deployment/,
  );
  assert.match(
    (chooseNamed('pod/web', workloads, kinds) as { problem: string }).problem,
    /this takes Deployment/,
  );
});
