import assert from 'node:assert/strict';
import { test } from 'node:test';
import { shapesOf } from './templates.ts';

const shapes = (...paths: readonly (string | readonly [string, number])[]): readonly string[] | undefined =>
  shapesOf(new Map(paths.map(each => (typeof each === 'string' ? [each, 3] : [each[0], each[1]]))))?.map(
    ({ path }) => path,
  );

test('numbers, UUIDs, hashes, dates and files named by them are values, names and versions are not', () => {
  assert.deepEqual(shapes('/v1/items/17/parts', '/v1/items/18/parts'), ['/v1/items/{*}/parts']);
  assert.deepEqual(shapes('/x/7b9c2f4e-8d1a-4c3b-9e5f-0a1b2c3d4e5f'), ['/x/{*}']);
  assert.deepEqual(shapes('/days/2026-11-29'), ['/days/{*}']);
  assert.deepEqual(shapes('/static/main.3f2a1b9c.js'), ['/static/{*}']);
  assert.deepEqual(shapes('/img/17.png'), ['/img/{*}']);
  assert.deepEqual(shapes('/v2/cart', '/'), ['/', '/v2/cart']);
});

test('names that go on in the same way are values, and many names at one place, or many that come once', () => {
  assert.deepEqual(shapes('/u/ann/orders', '/u/bob/orders', '/u/cid/orders'), ['/u/{*}/orders']);
  assert.deepEqual(shapes('/u/ann/orders', '/u/bob/orders'), ['/u/ann/orders', '/u/bob/orders']);
  const rare = ['a', 'b', 'c', 'd', 'e'].map(name => [`/by/${name}`, 1] as const);
  assert.deepEqual(shapes(...rare), ['/by/{*}']);
  assert.deepEqual(
    shapes(...rare.map(([path]) => [path, 30] as const)),
    rare.map(([path]) => path),
  );
  assert.deepEqual(shapes(...Array.from({ length: 21 }, (_, i) => `/w/${'abcdefghijklmnopqrstu'[i]}x`)), [
    '/w/{*}',
  ]);
});

test('what a policy cannot say as it is becomes an operator, and an empty segment is none', () => {
  assert.deepEqual(
    shapes('/glob/*', '/brace/{id}', '/new\u2028line'),
    ['/brace/{*}', '/glob/{*}', '/{*}'].sort(),
  );
  assert.deepEqual(shapes('/items/', '/items/1'), ['/items/', '/items/{*}']);
  assert.deepEqual(shapes('/long/{**}', '/long/x'), ['/long/x', '/long/{**}']);
  assert.equal(shapes('*'), undefined, 'OPTIONS *: any path');
});

test('more templates than anybody reads are their first segments and whatever follows, or any path', () => {
  const names = 'abcdefghijklmno'.split('');
  const many = ['x', 'y'].flatMap(top =>
    names.flatMap(a => names.map((_, i) => `/${top}/${a}/${'l'.repeat(i + 1)}${a}`)),
  );
  assert.deepEqual(shapes(...many), ['/x/{**}', '/y/{**}']);
});
