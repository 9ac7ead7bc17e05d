import assert from 'node:assert/strict';
import { test } from 'node:test';
import { LineReader } from './line-reader.ts';

test('lines come out whole however the bytes are cut, also inside a character', () => {
  const text = 'one\n\nzwölf 😀\nlast without end';
  const bytes = Buffer.from(text);
  for (let size = 1; size <= bytes.length; size++) {
    const reader = new LineReader(100);
    const lines: string[] = [];
    for (let from = 0; from < bytes.length; from += size) {
      assert.ok(reader.push(bytes.subarray(from, from + size), line => lines.push(line) > 0));
    }
    assert.deepEqual(lines, ['one', 'zwölf 😀'], `in pieces of ${size}`);
  }
});

test('a line over the limit ends it, whether it has an end or not', () => {
  const none = (): boolean => assert.fail('no line is complete');
  assert.equal(new LineReader(3).push(Buffer.from('abcd'), none), false);
  assert.equal(new LineReader(3).push(Buffer.from('abcd\n'), none), false);
  const reader = new LineReader(3);
  assert.equal(reader.push(Buffer.from('ab'), none), true);
  assert.equal(reader.push(Buffer.from('cd\n'), none), false);
  assert.equal(
    new LineReader(3).push(Buffer.from('abc\nabc\n'), () => true),
    true,
  );
});

test('who has heard enough gets no more', () => {
  const lines: string[] = [];
  const enough = (line: string): boolean => lines.push(line) < 2;
  assert.equal(new LineReader(9).push(Buffer.from('a\nb\nc\n'), enough), false);
  assert.deepEqual(lines, ['a', 'b']);
});

test('a line in pieces of one byte holds no more than itself', () => {
  const reader = new LineReader(100_000);
  for (let i = 0; i < 50_000; i++) {
    // Each on a page of its own, as reads of a socket are; none of them may be kept for its one byte.
    const page = Buffer.alloc(1, 'a');
    assert.equal(
      reader.push(page, () => true),
      true,
    );
    page.fill('x');
  }
  let line = '';
  reader.push(Buffer.from('\n'), text => {
    line = text;
    return true;
  });
  assert.equal(line, 'a'.repeat(50_000), 'the pieces themselves were kept');
});

test('of a line without its end it says how many bytes it keeps, whatever the pieces, and forgets them with the end', () => {
  const reader = new LineReader(100_000);
  const lines: number[] = [];
  for (let count = 1; count <= 70_000; count++) {
    reader.push(Buffer.from('x'), () => false);
    if (count % 10_000 === 0) assert.equal(reader.pendingBytes, count);
  }
  assert.ok(reader.push(Buffer.from('\nrest'), line => lines.push(line.length) > 0));
  assert.deepEqual([lines, reader.pendingBytes], [[70_000], 4]);
});
