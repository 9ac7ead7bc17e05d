import assert from 'node:assert/strict';
import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { test } from 'node:test';
import { FakeClock } from '../../time/index.ts';
import { LineStream } from './line-stream.ts';

/** A response to somebody who reads when the test says so. */
class SlowReader extends EventEmitter {
  readonly lines: object[] = [];
  writableLength = 0;
  writable = true;
  closed = false;
  writeHead(): void {}
  flushHeaders(): void {}
  write(text: string): boolean {
    for (const line of text.trimEnd().split('\n')) this.lines.push(JSON.parse(line) as object);
    this.writableLength += text.length;
    return false;
  }
  end(): void {
    this.destroy();
  }
  destroy(): void {
    this.closed = true;
    this.writable = false;
    this.emit('close');
  }
}

function setUp() {
  const clock = new FakeClock();
  const reader = new SlowReader();
  const lines = new LineStream(reader as unknown as ServerResponse, clock);
  return { clock, reader, lines };
}

test('what somebody does not read is left out beyond a megabyte, and counted when they read on', () => {
  const { reader, lines } = setUp();
  const long = 'x'.repeat(1_000);
  for (let said = 0; said < 5_000; said++) lines.write({ type: 'said', long }, 3);
  const kept = reader.lines.length;
  assert.ok(reader.writableLength < 1_100_000, `${reader.writableLength} bytes wait`);
  reader.writableLength = 0;
  lines.write({ type: 'said', n: 1 });
  assert.deepEqual(reader.lines.slice(kept), [
    { type: 'left', count: (5_000 - kept) * 3 },
    { type: 'said', n: 1 },
  ]);
});

test('who takes nothing for a minute is let go; who reads is told that the stream is alive', async () => {
  const { clock, reader, lines } = setUp();
  await clock.advance(20_000);
  assert.deepEqual(reader.lines, [{ type: 'alive' }]);
  reader.writableLength = 2 << 20;
  lines.write({ type: 'said', n: 1 });
  await clock.advance(50_000);
  assert.equal(reader.closed, false);
  await clock.advance(30_000);
  assert.equal(reader.closed, true);
  const told = reader.lines.length;
  await clock.advance(60_000);
  lines.write({ type: 'said', n: 2 });
  assert.equal(reader.lines.length, told, 'nothing is written to who has gone');
});
