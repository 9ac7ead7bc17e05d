import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ByteCollector } from './index.ts';

test('bytes come out as they went in, in whatever pieces, and what was given out stays as it was', () => {
  const all = Buffer.from(Array.from({ length: 5_000 }, (_, i) => i & 255));
  for (const size of [1, 7, 511, 512, 513, 5_000]) {
    const collector = new ByteCollector();
    assert.equal(collector.bytes, undefined);
    const given: Buffer[] = [];
    for (let at = 0; at < all.length; at += size) {
      collector.add(all, at, Math.min(all.length, at + size));
      given.push(collector.bytes!);
    }
    assert.equal(collector.length, all.length);
    for (const each of given) assert.ok(each.equals(all.subarray(0, each.length)), `pieces of ${size}`);
  }
});

test('a flood of single bytes is copied a few times in all, not once for each of them', () => {
  const collector = new ByteCollector();
  const one = Buffer.from('a');
  const buffers = new Set<ArrayBufferLike>();
  for (let i = 0; i < 70_000; i++) {
    collector.add(one, 0, 1);
    buffers.add(collector.bytes!.buffer);
  }
  assert.ok(buffers.size < 12, `${buffers.size} buffers`);
});
