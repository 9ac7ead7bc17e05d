import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Head, METHOD, UNKNOWN_LENGTH } from '../http/index.ts';
import {
  allFaults,
  DEFAULT_LIMITS,
  FAULT,
  faultOf,
  INCOMPLETE,
  parseRequestHead,
  parseResponseHead,
} from './index.ts';
import { requestHead, responseHead, sentLines } from './testing/heads.ts';

function parseRequest(text: string, limits = DEFAULT_LIMITS): number {
  const bytes = Buffer.from(text, 'latin1');
  return parseRequestHead(new Head(), bytes, 0, bytes.length, limits);
}

test('names, values, order, case and spacing of headers are kept byte for byte', () => {
  const lines = [
    'HOST:a',
    'x-B:  two  spaces inside ',
    'X-b:\ttabs\t',
    'eMpTy:',
    'q:"a:b, c"',
    'latin: caf\xe9',
  ];
  const head = requestHead(`GET /a%2Fb?x=%00&y HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`);
  assert.deepEqual(sentLines(head), lines);
  assert.equal(head.targetText, '/a%2Fb?x=%00&y');
  assert.equal(head.text(1), 'two  spaces inside');
  assert.equal(head.text(2), 'tabs');
  assert.equal(head.text(3), '');
});

test('every prefix of a head waits for more, and bytes behind it are left alone', () => {
  for (const text of [
    'POST /x HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nX:\r\n\r\n',
    'CONNECT a:443 HTTP/1.1\r\nHost: a:443\r\n\r\n',
    'GET http://h/p HTTP/1.0\r\n\r\n',
  ]) {
    for (let length = 1; length < text.length; length++)
      assert.equal(parseRequest(text.slice(0, length)), INCOMPLETE, JSON.stringify(text.slice(0, length)));
    assert.equal(parseRequest(`${text}GET `), text.length);
  }
  const answer = 'HTTP/1.1 200 Fine by me\r\nX: y\r\n\r\n';
  for (let length = 1; length < answer.length; length++) {
    const bytes = Buffer.from(answer.slice(0, length));
    assert.equal(parseResponseHead(new Head(), bytes, 0, length, DEFAULT_LIMITS, false), INCOMPLETE);
  }
});

test('a head is read at any offset of a buffer', () => {
  const text = 'GET /there HTTP/1.1\r\nHost: h\r\nX: y\r\n\r\n';
  const bytes = Buffer.from(`garbage${text}behind`);
  const head = new Head();
  assert.equal(parseRequestHead(head, bytes, 7, bytes.length, DEFAULT_LIMITS), 7 + text.length);
  assert.equal(head.authority, 'h');
  head.retain();
  bytes.fill(0);
  assert.equal(head.targetText, '/there');
  assert.equal(head.authority, 'h');
  assert.deepEqual(sentLines(head), ['Host: h', 'X: y']);
});

test('edits of a head that was read behind other bytes move with it, into its own buffer and into a copy', () => {
  const text = 'GET /there HTTP/1.1\r\nHost: h\r\nX: y\r\nZ: z\r\n\r\n';
  for (const before of ['', 'garbage']) {
    const bytes = Buffer.from(`${before}${text}behind`);
    const head = new Head();
    parseRequestHead(head, bytes, before.length, bytes.length, DEFAULT_LIMITS);
    head.remove(1);
    const copy = head.copy();
    head.retain();
    bytes.fill(0);
    for (const moved of [head, copy]) {
      assert.equal(moved.start, 0);
      assert.equal(moved.end, text.length);
      assert.equal(moved.methodText, 'GET');
      assert.equal(moved.targetText, '/there');
      assert.deepEqual(sentLines(moved), ['Host: h', 'Z: z']);
      moved.restore(1);
      assert.deepEqual(sentLines(moved), ['Host: h', 'X: y', 'Z: z']);
    }
  }
});

test('methods are known by their exact case, and any other token passes', () => {
  assert.equal(requestHead('GET / HTTP/1.1\r\nHost: a\r\n\r\n').method, METHOD.GET);
  assert.equal(requestHead('get / HTTP/1.1\r\nHost: a\r\n\r\n').method, METHOD.OTHER);
  assert.equal(requestHead("M!#$%&'*+-.^_`|~1 / HTTP/1.1\r\nHost: a\r\n\r\n").method, METHOD.OTHER);
});

test('the four forms of a target', () => {
  const fine = [
    'GET /',
    'GET //double',
    'GET /?',
    'GET /"<>\\^`{|}',
    'OPTIONS *',
    'GET http://a/x',
    'GET HTTPS://A?x',
    'GET http://a',
    'CONNECT a:443',
    'CONNECT [::1]:443',
    'CONNECT 10.0.0.1:1',
  ];
  for (const line of fine) {
    const length = parseRequest(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`);
    assert.ok(length > 0, `${line}: ${faultOf(length).code}`);
  }
  for (const line of [
    'GET x',
    'GET a:443',
    'GET ?',
    'GET http://',
    'GET http:///x',
    'GET :///',
    'GET h1://a',
    'CONNECT a',
    'CONNECT a:',
    'CONNECT :1',
    'CONNECT http://a:1',
    'CONNECT *',
    'PUT *',
    'GET http://[::1/',
    'GET http://a:b/',
    'GET http://a@b/',
  ]) {
    assert.equal(parseRequest(`${line} HTTP/1.1\r\nHost: a\r\n\r\n`), FAULT.BAD_TARGET, line);
  }
});

test('the host in a URL is the one in Host, in any case', () => {
  assert.ok(parseRequest('GET http://ExAmple:81/ HTTP/1.1\r\nHost: eXaMPLE:81\r\n\r\n') > 0);
  assert.ok(parseRequest('GET http://example/ HTTP/1.0\r\n\r\n') > 0);
  for (const host of ['example', 'example:80', 'xample:81', ''])
    assert.equal(
      parseRequest(`GET http://example:81/ HTTP/1.1\r\nHost: ${host}\r\n\r\n`),
      FAULT.HOST_MISMATCH,
      host,
    );
});

test('Host holds a name, an address or nothing, with an optional port', () => {
  for (const host of [
    'a',
    'a.b-c_d~',
    'a:80',
    'a:',
    '1.2.3.4:5',
    '[::1]',
    '[fe80::1%25eth0]:80',
    '',
    'xn--a.b',
    "a!$&'()*+,;=b",
    'a%20b',
  ])
    assert.ok(parseRequest(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`) > 0, host);
  for (const host of [
    'a b',
    'a/b',
    'a@b',
    'a?b',
    'a#b',
    'a:b',
    'a:1:2',
    ':80',
    '[::1',
    '::1',
    '[::1]x',
    '[[::1]]',
    'a]',
    'caf\xe9',
    '<a>',
  ])
    assert.equal(parseRequest(`GET / HTTP/1.1\r\nHost: ${host}\r\n\r\n`), FAULT.BAD_HOST, host);
  assert.equal(parseRequest('GET / HTTP/1.1\r\n\r\n'), FAULT.NO_HOST);
  assert.ok(parseRequest('GET / HTTP/1.0\r\n\r\n') > 0);
});

test('limits are exact, and what is over them is refused without its end', () => {
  const limits = { maxTargetBytes: 100, maxHeaderBytes: 200, maxHeaders: 5, maxTrailerBytes: 100 };
  const target = (length: number): string => `GET /${'x'.repeat(length - 1)} HTTP/1.1\r\nHost: a\r\n\r\n`;
  assert.ok(parseRequest(target(100), limits) > 0);
  assert.equal(parseRequest(target(101), limits), FAULT.TARGET_TOO_LONG);
  assert.equal(parseRequest(`GET /${'x'.repeat(100)}`, limits), FAULT.TARGET_TOO_LONG);
  const headers = (bytes: number): string =>
    `GET / HTTP/1.1\r\nHost: a\r\nX: ${'y'.repeat(bytes - 14)}\r\n\r\n`;
  assert.ok(parseRequest(headers(200), limits) > 0);
  assert.equal(parseRequest(headers(201), limits), FAULT.HEAD_TOO_LARGE);
  assert.equal(parseRequest(headers(400).slice(0, -4), limits), FAULT.HEAD_TOO_LARGE);
  assert.equal(parseRequest(`GET / HTTP/1.1\r\n${'N'.repeat(300)}`, limits), FAULT.HEAD_TOO_LARGE);
  const count = (n: number): string => `GET / HTTP/1.1\r\nHost: a\r\n${'X: y\r\n'.repeat(n - 1)}\r\n`;
  assert.ok(parseRequest(count(5), limits) > 0);
  assert.equal(parseRequest(count(6), limits), FAULT.TOO_MANY_HEADERS);
});

test('96 KB of headers and a 64 KB URL pass with the default limits', () => {
  const value = 'v'.repeat(8000);
  let lines = 'Host: a\r\n';
  for (let i = 0; i < 12; i++) lines += `X-${i}: ${value}\r\n`;
  const head = requestHead(`GET /${'u'.repeat(65_535)} HTTP/1.1\r\n${lines}\r\n`);
  assert.equal(head.targetEnd - head.targetStart, 65_536);
  assert.equal(head.count, 13);
  assert.equal(head.text(12), value);
});

test('a thousand headers are kept in order', () => {
  let lines = '';
  for (let i = 0; i < 999; i++) lines += `N${i}: ${i}\r\n`;
  const head = requestHead(`GET / HTTP/1.1\r\nHost: a\r\n${lines}\r\n`);
  assert.equal(head.count, 1000);
  assert.equal(head.name(999), 'N998');
  assert.equal(head.text(999), '998');
});

test('status lines: reason phrases may be empty, missing or hold spaces and obs-text', () => {
  for (const [line, reason] of [
    ['200 OK', 'OK'],
    ['200 ', ''],
    ['200', ''],
    ['404 Not  Found ', 'Not  Found '],
    ['599 \xe9\t!', '\xe9\t!'],
  ] as const) {
    const head = responseHead(`HTTP/1.1 ${line}\r\n\r\n`);
    assert.equal(head.status, Number(line.slice(0, 3)));
    assert.equal(head.bytes.toString('latin1', head.reasonStart, head.reasonEnd), reason);
  }
});

test('how an answer says where its body ends', () => {
  const body = (text: string, toHead = false): [number, boolean, boolean, boolean] => {
    const head = responseHead(text, toHead);
    return [head.bodyLength, head.chunked, head.untilClose, head.keepAlive];
  };
  const { CHUNKED, SEVEN } = {
    CHUNKED: 'Transfer-Encoding: chunked\r\n\r\n',
    SEVEN: 'Content-Length: 7\r\n\r\n',
  };
  assert.deepEqual(body(`HTTP/1.1 200 OK\r\n${SEVEN}`), [7, false, false, true]);
  assert.deepEqual(body(`HTTP/1.1 200 OK\r\n${CHUNKED}`), [UNKNOWN_LENGTH, true, false, true]);
  assert.deepEqual(body('HTTP/1.1 200 OK\r\n\r\n'), [UNKNOWN_LENGTH, false, true, false]);
  for (const status of [204, 304, 100, 103]) {
    assert.deepEqual(body(`HTTP/1.1 ${status} X\r\n\r\n`), [0, false, false, true], String(status));
  }
  assert.deepEqual(body(`HTTP/1.1 304 X\r\n${SEVEN}`), [0, false, false, true]);
  assert.deepEqual(body(`HTTP/1.1 200 X\r\n${SEVEN}`, true), [0, false, false, true]);
  assert.deepEqual(body(`HTTP/1.1 200 X\r\n${CHUNKED}`, true), [0, false, false, true]);
  assert.deepEqual(body('HTTP/1.1 200 X\r\n\r\n', true), [0, false, false, true]);
  assert.deepEqual(body(`HTTP/1.0 200 OK\r\n${SEVEN}`), [7, false, false, false]);
  assert.deepEqual(body(`HTTP/1.0 200 OK\r\nConnection: keep-alive\r\n${SEVEN}`), [7, false, false, true]);
});

test('every fault has a code of its own, a status and words', () => {
  const faults = allFaults();
  assert.equal(faults.length, Object.keys(FAULT).length);
  assert.equal(new Set(faults.map(fault => fault.code)).size, faults.length);
  for (const fault of faults) {
    assert.ok([400, 414, 431, 501, 502].includes(fault.status), fault.code);
    assert.match(fault.words, /^[^\n]{10,}$/);
  }
});

test('blanks between a name and its colon are taken out of an answer, and refused in a request', () => {
  const text =
    'HTTP/1.1 200 Fine by me\r\nA: 1\r\nServer : x\r\nB:2\r\nContent-Length \t: 5\r\nX-Tab\t:y\r\nSet-Cookie  : a=1\r\nC: 3\r\n\r\n';
  const lines = ['A: 1', 'Server: x', 'B:2', 'Content-Length: 5', 'X-Tab:y', 'Set-Cookie: a=1', 'C: 3'];
  const head = responseHead(text);
  assert.deepEqual(sentLines(head), lines);
  assert.equal(head.bodyLength, 5);
  assert.equal(head.text(head.contentLength), '5');
  assert.equal(head.bytes.toString('latin1', head.reasonStart, head.reasonEnd), 'Fine by me');
  head.remove(1);
  head.retain();
  assert.deepEqual(sentLines(head), lines.toSpliced(1, 1));
  assert.equal(responseHead('HTTP/1.1 200 OK\r\nTransfer-Encoding : chunked\r\n\r\n').chunked, true);
  for (const line of ['X : y', 'Content-Length : 5', 'Transfer-Encoding\t: chunked'])
    assert.equal(parseRequest(`GET / HTTP/1.1\r\nHost: a\r\n${line}\r\n\r\n`), FAULT.SPACE_BEFORE_COLON);
});

test('words name the byte and its place', () => {
  const words = (text: string): string => faultOf(parseRequest(text)).words;
  const target = 'or holds a byte that it may not';
  const cases: readonly (readonly [string, string])[] = [
    ['GET /a\tb HTTP/1.1\r\nHost: a\r\n\r\n', `${target}: byte 0x09 (tab) at position 7 of the first line`],
    [
      'GET http://a#f HTTP/1.1\r\nHost: a\r\n\r\n',
      `${target}: byte 0x23 (#) at position 13 of the first line`,
    ],
    ['GET /\x7f HTTP/1.1\r\nHost: a\r\n\r\n', `${target}: byte 0x7f at position 6 of the first line`],
    ['G@T / HTTP/1.1\r\n\r\n', ': byte 0x40 (@) at position 2 of the first line'],
    [
      'GET / HTTP/1.1\r\nHost: a\r\nno colon\r\n\r\n',
      'a space inside a header name: byte 0x20 (space) at position 3 of header line 2',
    ],
    [
      'GET / HTTP/1.1\r\nHost: a\r\nnocolon\r\n\r\n',
      'a header line has no colon: byte 0x0d (carriage return) at position 8 of header line 2',
    ],
    ['GET / HTTP/1.1\r\nHost : a\r\n\r\n', 'its colon: byte 0x20 (space) at position 5 of header line 1'],
    [
      'GET / HTTP/1.1\r\nHost: a\r\nX\xe9: y\r\n\r\n',
      'token character: byte 0xe9 at position 2 of header line 2',
    ],
    [
      'GET / HTTP/1.1\r\nHost: a\r\nX: y\0\r\n\r\n',
      'control character: byte 0x00 (NUL) at position 5 of header line 2',
    ],
  ];
  for (const [text, end] of cases)
    assert.ok(words(text).endsWith(end), `${JSON.stringify(text)}: ${words(text)}`);
  assert.equal(faultOf(FAULT.BAD_TARGET).words.includes('position'), false, 'a place is told once');
  parseRequest('GET /\t HTTP/1.1\r\n\r\n');
  assert.doesNotMatch(words('GET x HTTP/1.1\r\nHost: a\r\n\r\n'), /position/);
});

test('a URL and Host that differ by the default port only name one host', () => {
  const result = (url: string, host: string): number =>
    parseRequest(`GET ${url} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  for (const [url, host] of [
    ['http://a/', 'a:80'],
    ['http://a:80/', 'A'],
    ['HTTPS://a/', 'a:443'],
    ['http://a:/', 'a:80'],
    ['http://[::1]/', '[::1]:80'],
  ] as const)
    assert.ok(result(url, host) > 0, `${url} ${host}`);
  for (const [url, host] of [
    ['http://a/', 'a:443'],
    ['https://a/', 'a:80'],
    ['http://a:8080/', 'a'],
    ['http://a/', 'a:080'],
    ['http://a/', 'b:80'],
    ['ftp://a/', 'a:80'],
    ['http://[::1]/', '[::2]:80'],
  ] as const)
    assert.equal(result(url, host), FAULT.HOST_MISMATCH, `${url} ${host}`);
});

test('a higher minor version is read as HTTP/1.1, another major one is refused', () => {
  assert.equal(requestHead('GET / HTTP/1.9\r\nHost: a\r\n\r\n').minor, 1);
  assert.equal(responseHead('HTTP/1.2 200 OK\r\n\r\n').keepAlive, false, 'its length is not known');
  for (const version of ['HTTP/2.0', 'HTTP/1.x', 'HTTP/1.10', 'HTTP/0.9'])
    assert.equal(parseRequest(`GET / ${version}\r\nHost: a\r\n\r\n`), FAULT.BAD_VERSION, version);
});
