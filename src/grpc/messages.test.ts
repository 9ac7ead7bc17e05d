import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Messages } from './index.ts';

function message(length: number, flag = 0): Buffer {
  const bytes = Buffer.alloc(5 + length, 0xff);
  bytes[0] = flag;
  bytes.writeUInt32BE(length, 1);
  return bytes;
}

/** Deterministic numbers below `below`. */
function* numbers(seed: number, below: number): Generator<number, never> {
  let state = seed;
  while (true) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31;
    yield state % below;
  }
}

test('messages are counted when their last byte has come, whatever the pieces', () => {
  const lengths = [0, 1, 5, 0, 0, 300, 70_000, 4];
  const body = Buffer.concat(lengths.map((length, i) => message(length, i % 2)));
  const sizes = numbers(7, 4000);
  for (const size of [1, 2, 3, 4, 5, 6, 7, 4096, body.length, 0]) {
    const messages = new Messages();
    let told = 0;
    for (let at = 0; at < body.length; ) {
      const end = Math.min(body.length, at + (size || 1 + sizes.next().value));
      told += messages.add(body, at, end);
      at = end;
    }
    assert.equal(messages.count, lengths.length, `pieces of ${size}`);
    assert.equal(told, lengths.length);
    assert.equal(messages.between, true);
  }
});

test('it is known whether the body stands between two messages', () => {
  const messages = new Messages();
  assert.equal(messages.between, true);
  const bytes = message(3);
  const seen: boolean[] = [];
  for (let at = 0; at < bytes.length; at++) {
    messages.add(bytes, at, at + 1);
    seen.push(messages.between);
  }
  assert.deepEqual(seen, [false, false, false, false, false, false, false, true]);
});

test('lengths of four bytes hold: 4 GB less one', () => {
  const messages = new Messages();
  messages.add(Buffer.from([1, 0xff, 0xff, 0xff, 0xff]), 0, 5);
  const piece = Buffer.alloc(1 << 20);
  for (let i = 0; i < 4095; i++) messages.add(piece, 0, piece.length);
  assert.equal(messages.add(piece, 0, piece.length - 2), 0);
  assert.equal(messages.add(piece, 0, 1), 1);
});

test('one object counts call after call', () => {
  const messages = new Messages();
  messages.add(message(9), 0, 8);
  messages.clear();
  assert.deepEqual([messages.count, messages.between], [0, true]);
  assert.equal(messages.add(message(2), 0, 7), 1);
});
