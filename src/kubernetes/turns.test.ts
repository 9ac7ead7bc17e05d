import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Turns } from './turns.ts';

test('so many are under way at once, the others come in order, and one that fails gives its turn back', async () => {
  const turns = new Turns(2);
  const log: string[] = [];
  const ends = new Map<string, (error?: Error) => void>();
  const begin = (name: string): Promise<string> =>
    turns.take(() => {
      log.push(name);
      return new Promise((resolve, reject) =>
        ends.set(name, error => (error ? reject(error) : resolve(name))),
      );
    });
  const [a, b, c, d] = ['a', 'b', 'c', 'd'].map(begin);
  assert.deepEqual([log.join(''), turns.waiting], ['ab', 2]);
  ends.get('b')!();
  assert.equal(await b, 'b');
  await new Promise(setImmediate);
  assert.deepEqual([log.join(''), turns.waiting], ['abc', 1]);
  ends.get('a')!(new Error('no'));
  await assert.rejects(a!, /no/);
  await new Promise(setImmediate);
  assert.deepEqual([log.join(''), turns.waiting], ['abcd', 0]);
  ends.get('c')!();
  ends.get('d')!();
  assert.deepEqual(await Promise.all([c, d]), ['c', 'd']);
  assert.equal(await turns.take(async () => 'e'), 'e');
});
