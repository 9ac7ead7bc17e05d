import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Fields, Head, UNKNOWN_LENGTH } from '../http/index.ts';
import { BodyReader, DEFAULT_LIMITS, FAULT, faultOf } from './index.ts';
import { trailers, trailerText } from './testing/heads.ts';

interface Read {
  body: string;
  trailers: string | undefined;
  ended: number;
  /** The last result: an offset or a FAULT. */
  result: number;
  left: string;
}

function chunkedHead(): Head {
  const head = new Head();
  head.chunked = true;
  head.bodyLength = UNKNOWN_LENGTH;
  return head;
}

function lengthHead(length: number): Head {
  const head = new Head();
  head.bodyLength = length;
  return head;
}

function read(
  head: Head,
  pieces: readonly string[],
  maxTrailerBytes = DEFAULT_LIMITS.maxTrailerBytes,
  blanks = false,
): Read {
  const out: Read = { body: '', trailers: undefined, ended: 0, result: 0, left: '' };
  const sink = {
    onBodyData(bytes: Buffer, start: number, end: number): void {
      assert.ok(end > start);
      out.body += bytes.toString('latin1', start, end);
    },
    onBodyEnd(trailers: Fields | undefined): void {
      out.ended++;
      out.trailers = trailers && trailerText(trailers);
    },
  };
  const reader = new BodyReader(sink, { ...DEFAULT_LIMITS, maxTrailerBytes }, { blanks });
  reader.begin(head);
  for (const piece of pieces) {
    const bytes = Buffer.from(`??${piece}`, 'latin1');
    out.result = reader.read(bytes, 2, bytes.length);
    if (out.result < 0) break;
    out.left += bytes.toString('latin1', out.result);
  }
  return out;
}

/** Every way to cut a text in two, and all its bytes alone. */
function cuts(text: string): string[][] {
  const all = [[text], [...text]];
  for (let at = 1; at < text.length; at++) all.push([text.slice(0, at), text.slice(at)]);
  return all;
}

test('a length is read to its last byte and no further', () => {
  for (const pieces of cuts('hello worldGET')) {
    const { body, ended, left } = read(lengthHead(11), pieces);
    assert.deepEqual([body, ended, left], ['hello world', 1, 'GET'], JSON.stringify(pieces));
  }
});

test('no body has no end to tell', () => {
  assert.deepEqual(read(lengthHead(0), ['GET']).ended, 0);
});

test('chunks, trailers and what follows, cut anywhere', () => {
  for (const pieces of cuts('5\r\nhello\r\n00B\r\n, my world!\r\n0\r\nX-A: b\r\nc:\r\n\r\nGET /')) {
    const out = read(chunkedHead(), pieces);
    assert.equal(out.body, 'hello, my world!', JSON.stringify(pieces));
    assert.equal(out.trailers, 'X-A: b\r\nc:\r\n');
    assert.equal(out.ended, 1);
    assert.equal(out.left, 'GET /');
  }
  for (const pieces of cuts('0\r\n\r\nX')) {
    const out = read(chunkedHead(), pieces);
    assert.deepEqual([out.body, out.trailers, out.ended, out.left], ['', undefined, 1, 'X']);
  }
});

test('malformed chunks are refused by name, however they are cut', () => {
  const cases: [string, number][] = [
    ['g\r\n', FAULT.BAD_CHUNK_SIZE],
    ['\r\n', FAULT.BAD_CHUNK_SIZE],
    ['-1\r\n', FAULT.BAD_CHUNK_SIZE],
    ['0x1\r\na', FAULT.BAD_CHUNK_SIZE],
    ['00000000000001\r\n', FAULT.BAD_CHUNK_SIZE],
    ['1;x\r\n', FAULT.CHUNK_EXTENSION],
    ['1 \r\n', FAULT.CHUNK_EXTENSION],
    ['1\na', FAULT.BARE_LF],
    ['1\ra', FAULT.BARE_CR],
    ['1\r\nab', FAULT.BAD_CHUNK_END],
    ['1\r\na\n', FAULT.BAD_CHUNK_END],
    ['1\r\na\rx', FAULT.BAD_CHUNK_END],
    ['0\r\n\n', FAULT.BARE_LF],
    ['0\r\n\rx\n', FAULT.BARE_CR],
    ['0\r\nX\r\n', FAULT.NO_COLON],
    ['0\r\nX : y\r\n', FAULT.SPACE_BEFORE_COLON],
    ['0\r\nX: y\r\n z\r\n', FAULT.OBS_FOLD],
    ['0\r\nX: y\n', FAULT.BARE_LF],
    ['0\r\nX: \0\r\n', FAULT.BAD_HEADER_VALUE],
    ['0\r\ncOnTent-Length: 1\r\n', FAULT.FORBIDDEN_TRAILER],
    ['0\r\nX: y\r\nHost: z\r\n', FAULT.FORBIDDEN_TRAILER],
  ];
  for (const [text, fault] of cases) {
    for (const pieces of cuts(text)) {
      const out = read(chunkedHead(), pieces);
      assert.equal(faultOf(out.result).code, faultOf(fault).code, JSON.stringify(pieces));
      assert.equal(out.ended, 0);
    }
  }
});

test('blanks behind the sizes of an answer are no part of it, however they are cut; nothing else may stand there', () => {
  const answer = (text: string, pieces: readonly string[] = [text]): Read =>
    read(chunkedHead(), pieces, DEFAULT_LIMITS.maxTrailerBytes, true);
  for (const pieces of cuts('5   \r\nhello\r\nB\t \r\n, my world!\r\n0  \r\nX-A: b\r\n\r\nHTTP')) {
    const { body, trailers, ended, left } = answer('', pieces);
    assert.deepEqual([body, trailers, ended, left], ['hello, my world!', 'X-A: b\r\n', 1, 'HTTP']);
  }
  const cases: [string, number][] = [
    [' 5\r\n', FAULT.BAD_CHUNK_SIZE],
    ['5 0\r\n', FAULT.BAD_CHUNK_SIZE],
    ['5 ;a\r\n', FAULT.CHUNK_EXTENSION],
    ['5;a\r\n', FAULT.CHUNK_EXTENSION],
    ['5 \n', FAULT.BARE_LF],
    ['5 \rx', FAULT.BARE_CR],
    ['5\v\r\n', FAULT.BAD_CHUNK_SIZE],
    [`5${' '.repeat(33)}\r\n`, FAULT.CHUNK_EXTENSION],
  ];
  for (const [text, fault] of cases)
    for (const pieces of cuts(text)) assert.equal(answer(text, pieces).result, fault, JSON.stringify(pieces));
});

test('thirteen digits are a size', () => {
  assert.equal(read(chunkedHead(), ['0000000000001\r\na\r\n0\r\n\r\n']).body, 'a');
  assert.equal(read(chunkedHead(), ['fffffffffffff\r\nabc']).body, 'abc');
});

test('a trailer that may not stand there may not in a spelling that servers merge with it either', () => {
  for (const name of [
    'x_forwarded_client_cert',
    'X.Forwarded-Client_Cert',
    'Content_Length',
    'set_cookie',
    'x_forwarded_for',
    'X-Real_IP',
    'ssl-client-verify',
    'SSL_Client_Cert',
  ])
    assert.equal(read(chunkedHead(), [`0\r\n${name}: a\r\n\r\n`]).result, FAULT.FORBIDDEN_TRAILER, name);
});

test('trailers are limited, at whatever speed they come', () => {
  const line = `X: ${'y'.repeat(94)}\r\n`;
  const fits = `0\r\n${line.repeat(9)}\r\n`;
  assert.equal(read(chunkedHead(), [fits], 1000).trailers?.length, 891);
  for (const pieces of [
    [`0\r\n${line.repeat(11)}\r\n`],
    [...`0\r\n${line.repeat(11)}`],
    [`0\r\nX: ${'y'.repeat(1000)}`],
  ])
    assert.equal(read(chunkedHead(), pieces, 1000).result, FAULT.TRAILERS_TOO_LARGE);
  const trickle = [...`0\r\n${'a:\r\n'.repeat(16_000)}\r\n`];
  assert.equal(read(chunkedHead(), trickle).trailers?.length, 64_000);
});

test('a sink that gives the body up in the middle hears no end', () => {
  for (const text of ['3\r\nabc\r\n0\r\n\r\n', 'abc']) {
    let ended = 0;
    const reader: BodyReader = new BodyReader(
      { onBodyData: () => reader.abandon(), onBodyEnd: () => ended++ },
      DEFAULT_LIMITS,
    );
    reader.begin(text === 'abc' ? lengthHead(3) : chunkedHead());
    const bytes = Buffer.from(text);
    reader.read(bytes, 0, bytes.length);
    assert.equal(ended, 0);
    assert.ok(reader.done);
  }
});

test('trailers are fields: names in their case, values without the blanks around them', () => {
  const fields = trailers('Grpc-Status:\t 13 \r\nX-A: b\r\nx-a:\r\n');
  const all = [0, 1, 2].map(index => [fields.name(index), fields.text(index)]);
  assert.deepEqual(all, [
    ['Grpc-Status', '13'],
    ['X-A', 'b'],
    ['x-a', ''],
  ]);
  assert.equal(fields.count, 3);
  assert.equal(fields.find(Buffer.from('x-a'), 2), 2);
  assert.equal(trailerText(fields), 'Grpc-Status:\t 13 \r\nX-A: b\r\nx-a:\r\n', 'they go on byte for byte');
  const copy = fields.copy();
  fields.bytes.fill(0);
  assert.equal(trailerText(copy), 'Grpc-Status:\t 13 \r\nX-A: b\r\nx-a:\r\n');
});
