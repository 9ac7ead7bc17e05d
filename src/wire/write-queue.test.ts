import assert from 'node:assert/strict';
import { test } from 'node:test';
import { saveMemory } from './holding.ts';
import { SCRATCH_BYTES } from './scratch.ts';
import { WriteQueue } from './write-queue.ts';

/** Bytes that say where they are in the whole. */
function numbered(from: number, length: number): Buffer {
  const bytes = Buffer.allocUnsafeSlow(SCRATCH_BYTES);
  for (let i = 0; i < length; i++) bytes[i] = (from + i) % 251;
  return bytes;
}

/** Puts pieces of these lengths in and takes everything out again; gives how many pieces came, and how many were kept. */
function through(lengths: readonly number[]): { pieces: number; kept: number } {
  const queue = new WriteQueue();
  let at = 0;
  let kept = 0;
  for (const length of lengths) {
    const bytes = numbered(at, length);
    if (queue.add(bytes, length)) kept++;
    // Whoever gets it back writes on it at once.
    else bytes.fill(0xff);
    at += length;
    assert.equal(queue.bytes, at);
  }
  let seen = 0;
  let pieces = 0;
  while (queue.bytes > 0) {
    const { bytes, used } = queue.take();
    pieces++;
    for (let i = 0; i < used; i++)
      if (bytes[i] !== (seen + i) % 251) assert.fail(`byte ${seen + i} is another`);
    seen += used;
  }
  assert.equal(seen, at);
  return { pieces, kept };
}

test('whatever lengths come, every byte comes out once and in order', () => {
  let seed = 7;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2 ** 31;
    return seed % below;
  };
  for (let round = 0; round < 50; round++)
    through(Array.from({ length: 1 + random(12) }, () => 1 + random(random(2) === 0 ? 200 : SCRATCH_BYTES)));
});

test('much is kept as it is, and what follows fills it; little goes out as one piece', () => {
  assert.deepEqual(through([64 * 1024, 64 * 1024]), { pieces: 1, kept: 1 });
  assert.deepEqual(through([SCRATCH_BYTES, SCRATCH_BYTES]), { pieces: 2, kept: 2 });
  assert.deepEqual(through([10, 20, 30]), { pieces: 1, kept: 0 });
  assert.deepEqual(through([10, SCRATCH_BYTES, 20, 30]), { pieces: 3, kept: 1 });
});

test('while memory is short no scratch buffer is kept', () => {
  saveMemory(true);
  try {
    assert.deepEqual(through([64 * 1024, 64 * 1024]), { pieces: 1, kept: 0 });
  } finally {
    saveMemory(false);
  }
});
