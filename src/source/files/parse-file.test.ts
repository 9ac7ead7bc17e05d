import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseFile } from './parse-file.ts';

const two = `# a shop
apiVersion: v1
kind: Service
metadata:
  name: cart
---
---
apiVersion: v1
kind: Service
metadata:
  name: reviews
  namespace: shop
`;

test('every document is an object with its line; empty documents are nothing', () => {
  const { objects, problems } = parseFile(two, 'shop.yaml');
  assert.deepEqual(
    objects.map(({ object, line }) => [object.metadata.namespace, object.metadata.name, line]),
    [
      ['default', 'cart', 2],
      ['shop', 'reviews', 8],
    ],
  );
  assert.deepEqual(problems, []);
});

test('lists are expanded, also lists in lists and typed lists, each item with its own line', () => {
  const text = `apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: Pod
  metadata: {name: a}
- apiVersion: v1
  kind: ServiceList
  items:
  - apiVersion: v1
    kind: Service
    metadata: {name: b}
`;
  const { objects } = parseFile(text, 'list.yaml');
  assert.deepEqual(
    objects.map(({ object, line }) => [object.kind, object.metadata.name, line]),
    [
      ['Pod', 'a', 4],
      ['Service', 'b', 10],
    ],
  );
});

test('unreadable yaml names the file, the line and what happens', () => {
  const { readable, objects, problems } = parseFile('apiVersion: v1\nkind: [Service\n', 'bad.yaml');
  assert.equal(readable, false);
  assert.equal(objects.length, 0);
  assert.match(problems[0]!.message, /^bad\.yaml:\d+: .*what the file said before stays in use$/);
});

test('a document that is no object is named with its line and the others still count', () => {
  const { readable, objects, problems } = parseFile(
    `${two}---\nkind: Service\n---\njust text\n`,
    'shop.yaml',
  );
  assert.equal(readable, true);
  assert.equal(objects.length, 2);
  assert.deepEqual(
    problems.map(each => [each.code, each.message.slice(0, 13)]),
    [
      ['object-unreadable', 'shop.yaml:14:'],
      ['object-unreadable', 'shop.yaml:16:'],
    ],
  );
});

test('json is read too', () => {
  const text = '{\n\t"apiVersion": "v1",\n\t"kind": "Service",\n\t"metadata": {"name": "cart"}\n}\n';
  const { objects, problems } = parseFile(text, 'cart.json');
  assert.deepEqual([objects.length, problems], [1, []]);
});

test('an alias bomb is refused', () => {
  const layers = ['a: &a [x,x,x,x,x,x,x,x,x,x]'];
  for (let code = 98; code < 108; code++) {
    const [name, before] = [String.fromCharCode(code), String.fromCharCode(code - 1)];
    layers.push(`${name}: &${name} [${new Array(10).fill(`*${before}`).join(',')}]`);
  }
  const { readable, problems } = parseFile(layers.join('\n'), 'bomb.yaml');
  assert.equal(readable, false);
  assert.equal(problems[0]!.code, 'yaml-unreadable');
});

test('an empty text holds nothing', () => {
  assert.deepEqual(parseFile('', 'empty.yaml'), { objects: [], problems: [], readable: true });
});

test('files mean what kubectl makes of them: words for true and false, octal numbers, the last of two keys', () => {
  const { objects, problems } = parseFile(
    'apiVersion: v1\nkind: Pod\nmetadata: {name: a}\nspec: {hostNetwork: yes, paused: off, mode: 0400, mode: 0x1F90, time: 1:30}\n',
    'pod.yaml',
  );
  assert.deepEqual(objects[0]!.object.spec, { hostNetwork: true, paused: false, mode: 8080, time: '1:30' });
  assert.deepEqual(
    problems.map(({ code, severity, message }) => [code, severity, message]),
    [
      [
        'yaml-key-twice',
        'warning',
        'pod.yaml:4: mode stands twice in one map, and the last one counts, as with kubectl; take one out',
      ],
    ],
  );
});
