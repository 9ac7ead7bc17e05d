// Makes HTTP/1 byte streams: valid ones from the grammar, and ones that are nearly valid by mutation. Strings are latin1.
import type { Random } from './random.ts';

/** A stream of requests or of responses; `toHead[i]`: the i-th answer is to a HEAD request. */
export interface Case {
  readonly kind: 'request' | 'response';
  readonly bytes: string;
  readonly toHead: readonly boolean[];
  /** Nothing about it may be refused. */
  readonly valid?: boolean;
}

const methods = [
  'GET',
  'GET',
  'POST',
  'PUT',
  'HEAD',
  'DELETE',
  'OPTIONS',
  'CONNECT',
  'PATCH',
  'PROPFIND',
  'BREW',
];
const targets = [
  '/',
  '/a/b?c=d',
  '/%20',
  '*',
  'http://host/x',
  'http://other/',
  'host:443',
  '/a#b',
  '/caf\xc3\xa9?\xe9',
  'host',
  '/"<>|{}',
];
const versions = [
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.1',
  'HTTP/1.0',
  'HTTP/1.2',
  'HTTP/2.0',
  'HTTP/0.9',
];
const names = ['Accept', 'x-a', 'X-Long-Header-Name', 'Cookie', 'Content-Type', 'User-Agent', 'x!#$%&', 'a'];
const values = [
  '',
  'v',
  'a, b',
  '"q;x"',
  'text/html; q=0.5',
  'caf\xe9',
  'tab\tinside',
  '  spaced  ',
  'x'.repeat(70),
];
const framing = [
  'Content-Length: 0\r\n',
  'Content-Length: 5\r\n',
  'content-length:5\r\n',
  'Content-Length: 05\r\n',
  'Content-Length: +5\r\n',
  'Content-Length: 5, 5\r\n',
  'Content-Length: 99999999999999999999\r\n',
  'Content-Length: 0x5\r\n',
  'Transfer-Encoding: chunked\r\n',
  'transfer-encoding:CHUNKED  \r\n',
  'Transfer-Encoding: gzip, chunked\r\n',
  'Transfer-Encoding: chunked, identity\r\n',
  'Transfer-Encoding: xchunked\r\n',
  'Transfer-Encoding: identity\r\n',
  'Transfer-Encoding:\r\n',
  'Transfer-Encoding : chunked\r\n',
  'Content-Length  : 5\r\n',
  'X-A : b\r\n',
  'Transfer-Encoding:\x0bchunked\r\n',
  'Transfer-Encoding:\r\n chunked\r\n',
];
const connection = [
  'Connection: close\r\n',
  'Connection: keep-alive\r\n',
  'Connection: close, x-a\r\n',
  'Connection: upgrade\r\nUpgrade: websocket\r\n',
  'Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AA\r\n',
  'Upgrade: websocket\r\n',
  'Connection: keep-alive, Upgrade\r\nUpgrade: foo, bar\r\n',
  'Connection:\r\n',
  'Connection: close\r\nConnection: keep-alive\r\n',
  'Proxy-Connection: close\r\n',
  'Keep-Alive: timeout=5\r\n',
  'TE: trailers\r\n',
  'TE: deflate, trailers\r\n',
  'Expect: 100-continue\r\n',
];
const pieces = [
  '\r\n',
  '\n',
  '\r',
  '\0',
  '\t',
  ' ',
  ':',
  ';',
  ',',
  '\x0b',
  '\x0c',
  '\x7f',
  '\x80',
  '\xff',
  '#',
  '?',
  '@',
  '/',
  '+',
  '-',
  '_',
  '0x',
  '0',
  '1',
  'a',
  'F',
  'chunked',
  'Transfer-Encoding: chunked\r\n',
  'Content-Length: 5\r\n',
  '\r\n\r\n',
  '0\r\n\r\n',
  '\r\n0\r\n\r\n',
  ';ext',
  ';a="\r\n"',
  'HTTP/1.1',
  ' HTTP/1.1\r\n',
  'GET / HTTP/1.1\r\nHost: a\r\n\r\n',
  'Host: host\r\n',
  'Connection: close\r\n',
  '\r\n ',
  '\r\n\t',
  '\n\n',
  '\r\r\n',
  'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  'ffffffffffffffff',
  '00000000000000005',
  '4294967297',
  'upgrade',
  ' : ',
  'X: y\r\n',
  '\u00a0',
];

function header(random: Random): string {
  const gap = random.oneIn(6) ? random.pick(['', '  ', '\t', ' \t ']) : ' ';
  return `${random.pick(names)}:${gap}${random.pick(values)}\r\n`;
}

function headers(random: Random): string {
  let text = '';
  const count = random.oneIn(50) ? 20 + random.int(40) : random.int(4);
  for (let i = 0; i < count; i++) text += header(random);
  if (random.oneIn(4)) text += random.pick(connection);
  if (random.oneIn(12)) text += random.pick(framing);
  return text;
}

function bodyBytes(random: Random): string {
  const length = random.oneIn(20) ? random.int(3000) : random.int(20);
  if (random.oneIn(3)) return 'abcdefghijklmnopqrstuvwxyz'.repeat(Math.ceil(length / 26)).slice(0, length);
  let text = '';
  while (text.length < length)
    text += random.oneIn(4) ? random.pick(pieces) : String.fromCharCode(random.int(256));
  return text.slice(0, length);
}

function chunked(random: Random): string {
  let text = '';
  for (let count = random.int(4); count > 0; count--) {
    const body = bodyBytes(random) || 'x';
    let size = body.length.toString(16);
    if (random.oneIn(4)) size = size.toUpperCase();
    if (random.oneIn(8)) size = `00${size}`;
    if (random.oneIn(40)) size += random.pick([' ', ';a', ';a=b', ';a="b"', ' ;', '\t', '\n', ';\n']);
    text += `${size}\r\n${body}\r\n`;
  }
  text += random.oneIn(12) ? '000\r\n' : '0\r\n';
  for (let count = random.oneIn(3) ? random.int(3) : 0; count > 0; count--) text += header(random);
  return `${text}\r\n`;
}

/** Body framing lines and the body. */
function framed(random: Random): { lines: string; body: string } {
  switch (random.int(4)) {
    case 0:
      return { lines: '', body: '' };
    case 1: {
      const body = bodyBytes(random);
      return { lines: `Content-Length: ${body.length}\r\n`, body };
    }
    case 2:
      return { lines: 'Transfer-Encoding: chunked\r\n', body: chunked(random) };
    default: {
      const body = random.oneIn(2) ? chunked(random) : bodyBytes(random);
      return { lines: random.pick(framing) + (random.oneIn(6) ? random.pick(framing) : ''), body };
    }
  }
}

function shuffled(random: Random, one: string, other: string): string {
  return random.oneIn(2) ? one + other : other + one;
}

function request(random: Random): string {
  const method = random.pick(methods);
  const target = random.oneIn(2) ? '/' : random.pick(targets);
  const version = random.oneIn(3) ? random.pick(versions) : 'HTTP/1.1';
  const { lines, body } = random.oneIn(2) ? { lines: '', body: '' } : framed(random);
  const host = random.oneIn(15)
    ? random.pick(['', 'Host: a b\r\n', 'Host: u@h\r\n', 'Host:\r\n'])
    : 'Host: host\r\n';
  const lead = random.oneIn(30) ? '\r\n' : '';
  return `${lead}${method} ${target} ${version}\r\n${shuffled(random, host + headers(random), lines)}\r\n${body}`;
}

const statuses = [
  '200 OK',
  '200 OK',
  '204 No Content',
  '304 Not Modified',
  '100 Continue',
  '103 Early Hints',
  '101 Up',
  '404',
  '500 ',
  '999 \xe9',
  '205 R',
  '20',
  '2000 X',
  '099 X',
];

function response(random: Random): string {
  const status = random.oneIn(2) ? '200 OK' : random.pick(statuses);
  const version = random.oneIn(5) ? random.pick(versions) : 'HTTP/1.1';
  const { lines, body } = framed(random);
  return `${version} ${status}\r\n${shuffled(random, headers(random), lines)}\r\n${body}`;
}

const lineEnds = [
  '\n',
  '\r',
  '\r\r\n',
  '\n\r',
  '\n\n',
  ' \r\n',
  '\r\n ',
  '\r\n\t',
  ';\r\n',
  ';x\r\n',
  '\0\r\n',
  '',
];

/** Puts something else in the place of one line end. */
function breakLineEnd(random: Random, text: string): string {
  const from = random.int(text.length + 1);
  let at = text.indexOf('\r\n', from);
  if (at < 0) at = text.indexOf('\r\n');
  return at < 0 ? text : text.slice(0, at) + random.pick(lineEnds) + text.slice(at + 2);
}

const plainTargets = ['/', '/a/b?c=d', '/%20', 'http://host/x', '/"<>{}[]'];
const plainConnection = [
  '',
  '',
  'Connection: keep-alive\r\n',
  'TE: trailers\r\n',
  'TE: deflate, trailers\r\n',
  'Expect: 100-continue\r\n',
];

function plainChunked(random: Random): string {
  let text = '';
  for (let count = random.int(4); count > 0; count--) {
    const body = bodyBytes(random) || 'x';
    text += `${body.length.toString(16)}\r\n${body}\r\n`;
  }
  text += '0\r\n';
  for (let count = random.int(3); count > 0; count--)
    text += `x-${names[random.int(2)]}:${random.pick(values)}\r\n`;
  return `${text}\r\n`;
}

/** A message about which there is nothing to refuse. */
function plain(random: Random, kind: Case['kind']): string {
  let lines = '';
  let body = '';
  for (let count = random.int(5); count > 0; count--) lines += header(random);
  lines += random.pick(plainConnection);
  if (random.oneIn(2)) {
    lines += random.pick(['Transfer-Encoding: chunked\r\n', 'transfer-encoding:Chunked\r\n']);
    body = plainChunked(random);
  } else {
    body = bodyBytes(random);
    lines += `Content-Length: ${body.length}\r\n`;
  }
  if (kind === 'response') return `HTTP/1.1 ${random.pick(['200 OK', '404', '500 '])}\r\n${lines}\r\n${body}`;
  const method = random.pick(['GET', 'POST', 'PUT', 'DELETE', 'BREW', 'PATCH']);
  return `${method} ${random.pick(plainTargets)} HTTP/1.1\r\n${shuffled(random, 'Host: host\r\n', lines)}\r\n${body}`;
}

function mutate(random: Random, text: string, other: string): string {
  const at = random.int(text.length + 1);
  const to = Math.min(text.length, at + 1 + random.int(12));
  switch (random.int(10)) {
    case 0:
      return text.slice(0, at) + String.fromCharCode(random.int(256)) + text.slice(at + 1);
    case 1:
    case 2:
      return text.slice(0, at) + random.pick(pieces) + text.slice(at);
    case 3:
      return text.slice(0, at) + random.pick(pieces) + text.slice(to);
    case 4:
      return text.slice(0, at) + text.slice(to);
    case 8:
    case 9:
      return breakLineEnd(random, text);
    case 5: {
      // A line twice, or in another place.
      const lines = text.split('\r\n');
      lines.splice(random.int(lines.length), random.int(2), random.pick(lines));
      return lines.join('\r\n');
    }
    case 6:
      return text.slice(0, at) + text.slice(at, to).repeat(1 + random.int(4)) + text.slice(to);
    default:
      return text.slice(0, at) + other.slice(random.int(other.length + 1));
  }
}

/** The next case. `seeds`: streams worth mutating, besides those that the grammar makes. */
export function generate(random: Random, seeds: readonly Case[]): Case {
  const kind = random.int(5) < 3 ? 'request' : 'response';
  const make = kind === 'request' ? request : response;
  if (random.oneIn(10)) {
    const bytes = plain(random, kind) + plain(random, kind);
    return { kind, bytes, toHead: [], valid: true };
  }
  let bytes = '';
  let toHead: readonly boolean[] = [random.oneIn(5), random.oneIn(5), random.oneIn(5)];
  if (seeds.length > 0 && random.oneIn(8)) {
    const seed = random.pick(seeds);
    if (seed.kind === kind) ({ bytes, toHead } = seed);
  }
  if (bytes === '') for (let count = 1 + random.int(3); count > 0; count--) bytes += make(random);
  if (!random.oneIn(3)) {
    const other = make(random);
    for (let count = 1 + random.int(3); count > 0; count--) bytes = mutate(random, bytes, other);
  }
  if (random.oneIn(12)) bytes = bytes.slice(0, random.int(bytes.length + 1));
  return { kind, bytes, toHead };
}

/** Cuts bytes into the pieces in which they arrive: whole, byte by byte, or at random places. */
export function segments(random: Random, bytes: Buffer): Buffer[] {
  const pieces: Buffer[] = [];
  const most = random.pick([1, 2, 5, 30, 200]);
  for (let at = 0; at < bytes.length; ) {
    const to = Math.min(bytes.length, at + 1 + random.int(most));
    pieces.push(bytes.subarray(at, to));
    at = to;
  }
  return pieces;
}
