import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head } from '../http/index.ts';
import { HeadBuffer } from './head-buffer.ts';
import { DEFAULT_LIMITS, FAULT, INCOMPLETE, parseRequestHead } from './index.ts';

/** A buffer that counts the bytes that its parser was given. */
function counting(maxBytes = 1 << 20): { buffer: HeadBuffer; head: Head; parsed: () => number } {
  let bytesParsed = 0;
  const buffer = new HeadBuffer((head, bytes, start, end) => {
    bytesParsed += end - start;
    return parseRequestHead(head, bytes, start, end, DEFAULT_LIMITS);
  }, maxBytes);
  return { buffer, head: new Head(), parsed: () => bytesParsed };
}

test('a head in one piece is parsed where it lies', () => {
  const { buffer, head } = counting();
  const bytes = Buffer.from('xxGET / HTTP/1.1\r\nHost: a\r\n\r\nrest');
  const { result, next } = buffer.offer(head, bytes, 2, bytes.length);
  assert.ok(result > 0);
  assert.equal(bytes.toString('latin1', next), 'rest');
  assert.equal(head.bytes, bytes);
  assert.equal(buffer.partial, false);
});

test('a head in pieces outlives the buffer that it was read into, and what follows is told exactly', () => {
  const text = 'GET /path HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n';
  for (let at = 1; at < text.length; at++) {
    const { buffer, head } = counting();
    const shared = Buffer.alloc(200);
    shared.write(text.slice(0, at), 10);
    assert.equal(buffer.offer(head, shared, 10, 10 + at).result, INCOMPLETE);
    assert.ok(buffer.partial);
    shared.fill(0);
    const rest = `${text.slice(at)}NEXT`;
    shared.write(rest, 3);
    const { result, next } = buffer.offer(head, shared, 3, 3 + rest.length);
    assert.ok(result > 0);
    assert.equal(shared.toString('latin1', next, 3 + rest.length), 'NEXT');
    shared.fill(0);
    assert.equal(head.targetText, '/path');
    assert.equal(head.text(1), 'y');
    assert.equal(buffer.partial, false);
  }
});

test('a trickle of single bytes costs a small multiple of its size', () => {
  const { buffer, head, parsed } = counting();
  const text = `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(100_000)}\r\n\r\n`;
  let result = 0;
  for (const char of text) result = buffer.offer(head, Buffer.from(char), 0, 1).result;
  assert.ok(result > 0);
  assert.ok(parsed() < 8 * text.length, `${parsed()} bytes parsed for ${text.length}`);
});

test('a malformed beginning does not wait for an end that never comes', () => {
  const { buffer, head } = counting();
  let given = 0;
  let result = 0;
  for (const char of `GET / HTTP/1.1\nHost: a${'z'.repeat(1000)}`) {
    ({ result } = buffer.offer(head, Buffer.from(char), 0, 1));
    given++;
    if (result < 0) break;
  }
  assert.equal(result, FAULT.BARE_LF);
  assert.ok(given < 50);
});

test('a head that outgrows the limit is refused', () => {
  const { buffer, head } = counting(1000);
  let result = 0;
  let given = 0;
  for (const char of `GET / HTTP/1.1\r\nHost: a\r\n${'X: yyyyyy\r\n'.repeat(200)}`) {
    ({ result } = buffer.offer(head, Buffer.from(char), 0, 1));
    given++;
    if (result < 0) break;
  }
  assert.equal(result, FAULT.HEAD_TOO_LARGE);
  assert.equal(given, 1001);
});
