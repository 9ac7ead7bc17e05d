import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AnswerReader, type ProbeAnswer } from './http-answer.ts';

/** What a reader says when bytes come in pieces of `size`, and whether it had to wait for the end. */
function read(text: string, size: number): { result: ProbeAnswer | string; ended: boolean } {
  const reader = new AnswerReader();
  const bytes = Buffer.from(text, 'latin1');
  for (let at = 0; at < bytes.length; at += size) {
    const result = reader.feed(bytes.subarray(at, at + size));
    if (result !== undefined) return { result, ended: false };
  }
  return { result: reader.end(), ended: true };
}
const ok: ProbeAnswer = { status: 200, location: '' };
const long = 'x'.repeat(20_000);

const answers: readonly (readonly [
  what: string,
  bytes: string,
  result: ProbeAnswer | string,
  ended: boolean,
])[] = [
  ['a length', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', ok, false],
  ['no reason', 'HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n', ok, false],
  ['line ends without CR', 'HTTP/1.0 200 OK\nContent-Length: 1\n\nx', ok, false],
  ['no length', 'HTTP/1.1 200 OK\r\n\r\nok', ok, true],
  ['chunks', 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n', ok, false],
  [
    'trailers',
    'HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n2;a=b\r\nok\r\n0\r\nA: b\r\n\r\n',
    ok,
    false,
  ],
  ['no body', 'HTTP/1.1 204 No Content\r\n\r\n', { ...ok, status: 204 }, false],
  [
    'a redirect',
    'HTTP/1.1 302 Found\r\nlocation:  /b \r\nContent-Length: 0\r\n\r\n',
    { status: 302, location: '/b' },
    false,
  ],
  [
    'interim answers',
    'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 x\r\nA: b\r\n\r\nHTTP/1.1 503 no\r\nContent-Length: 0\r\n\r\n',
    { ...ok, status: 503 },
    false,
  ],
  ['10 KB of more', `HTTP/1.1 200 OK\r\nContent-Length: 20000\r\n\r\n${long.slice(0, 10_240)}`, ok, false],
  ['10 KB of an endless one', `HTTP/1.1 200 OK\r\n\r\n${long}`, ok, false],
  ['10 KB in a chunk', `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nffff\r\n${long}`, ok, false],
  [
    'a body cut off',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nok',
    'the connection ended in the middle of the answer',
    true,
  ],
  [
    'chunks cut off',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n',
    'the connection ended in the middle of the answer',
    true,
  ],
  ['nothing', '', 'the connection ended without an answer', true],
  ['half a head', 'HTTP/1.1 200 OK\r\n', 'the connection ended without an answer', true],
  ['another protocol', 'SSH-2.0-x\r\n', 'the answer is no HTTP', false],
  ['no status', 'HTTP/1.1 OK\r\n\r\n', 'the answer is no HTTP', false],
  [
    'a head without end',
    `HTTP/1.1 200 OK\r\nA: ${'a'.repeat(200_000)}`,
    'the head of the answer is too large',
    false,
  ],
  [
    'interim answers without end',
    'HTTP/1.1 100 x\r\n\r\n'.repeat(6),
    'there is no end of interim answers',
    false,
  ],
];
for (const [what, bytes, result, ended] of answers) {
  test(`an answer with ${what}, in whatever pieces it comes`, () => {
    for (const size of bytes.length > 1_000 ? [1_000, 65_536] : [1, 7, 65_536])
      assert.deepEqual(read(bytes, size), { result, ended }, `pieces of ${size}`);
  });
}
