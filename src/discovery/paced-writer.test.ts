import assert from 'node:assert/strict';
import type { Socket } from 'node:net';
import { PassThrough, Writable } from 'node:stream';
import { test } from 'node:test';
import { PacedWriter } from './paced-writer.ts';

test('more is asked for only when the socket has taken what was written, and nothing is lost or out of order', async () => {
  let text = '';
  let most = 0;
  const slow = new Writable({
    decodeStrings: false,
    highWaterMark: 1 << 20,
    writev(chunks, done) {
      const piece = chunks.map(({ chunk }) => chunk as string).join('');
      most = Math.max(most, piece.length);
      text += piece;
      setImmediate(done);
    },
  });
  const lines = Array.from({ length: 100 }, (_, index) => `${index} ${'x'.repeat(1_000)}\n`);
  let next = 0;
  await new Promise<void>(resolve => {
    const write = (): void =>
      writer.together(() => {
        while (next < lines.length) if (!writer.write(lines[next++]!)) return;
        slow.end(resolve);
      });
    const writer = new PacedWriter(slow as unknown as Socket, write);
    write();
  });
  assert.equal(text, lines.join(''));
  assert.ok(most <= 15_000, `${most} characters were under way`);
});

test('a socket that is full says so by itself, however little was written', () => {
  const full = new PassThrough({ highWaterMark: 10 });
  let drained = 0;
  const writer = new PacedWriter(full as unknown as Socket, () => void drained++);
  assert.equal(writer.write('more than ten'), false);
  full.on('data', () => {});
  return new Promise<void>(resolve => {
    full.once('drain', () => {
      assert.equal(drained, 1);
      resolve();
    });
  });
});
