// Makes what a stranger may send first: ClientHellos, prefaces, lines of the discovery stream, and whatever may stand before a
// request. Each is right at first, and then perhaps cut, changed or repeated.
import { METHODS } from 'node:http';
import { encodePreface } from '../../../src/proxy/connect/preface.ts';
import type { Random } from '../random.ts';

/** Bytes larger than every limit of every reader. */
export const FLOOD_BYTES = 128 * 1024;

/** A ClientHello (RFC 8446 section 4.1.2) in one record or many, and sometimes among records that have no place there. */
export function hello(random: Random): Buffer {
  if (random.oneIn(300)) return flood(random, [record(22, Buffer.alloc(0)), record(21, Buffer.from([1, 0]))]);
  if (random.oneIn(300))
    return flood(random, [record(23, Buffer.alloc(random.int(9)))], record(22, Buffer.from([1, 0, 1, 0])));
  const message = clientHello(random);
  const records: Buffer[] = [];
  const size = random.pick([1, 3, 100, 16_384, 16_384]);
  for (let at = 0; at < message.length; at += size) {
    records.push(record(22, message.subarray(at, at + size)));
    if (random.oneIn(60)) records.push(record(random.pick([20, 21, 22, 23]), Buffer.alloc(random.int(3))));
  }
  return mutated(random, Buffer.concat(records));
}

function clientHello(random: Random): Buffer {
  const name = Buffer.from(random.pick(['reviews.shop', '', 'a', 'x'.repeat(300), '\0\xff']), 'latin1');
  const protocols = Array.from({ length: random.int(4) }, () =>
    random.pick(['h2', 'http/1.1', 'weft/tcp', '']),
  );
  const extensions = Buffer.concat([
    extension(0, withLength(2, Buffer.concat([Buffer.from([0]), withLength(2, name)]))),
    extension(16, withLength(2, Buffer.concat(protocols.map(each => withLength(1, Buffer.from(each)))))),
    extension(51, Buffer.alloc(random.pick([32, 1216, 1216, 9000]))),
  ]);
  const body = Buffer.concat([
    Buffer.alloc(34, 3),
    withLength(1, Buffer.alloc(random.int(33))),
    withLength(2, Buffer.alloc(2 * random.int(20))),
    withLength(1, Buffer.from([0])),
    withLength(2, extensions),
  ]);
  return Buffer.concat([Buffer.from([1]), withLength(3, body)]);
}

/** A preface, what may follow it included. */
export function preface(random: Random): Buffer {
  if (random.oneIn(300)) return flood(random, [Buffer.from('a'), Buffer.from('{"')], Buffer.from('WEFT/1 '));
  const text = () => random.pick(['', 'web', 'x'.repeat(400), '\r\nX-A: b', '"', '\u2028', '\ud800']);
  const [workload, app, version, pod] = [text(), text(), text(), text()];
  const source = { workload, app, version, pod, namespace: text(), principal: text() };
  const address = random.pick(['10.0.0.1', '', '::1', 'fe80::1%\r\n', text()]);
  const port = random.pick([1, 8080, 65_535, 0, -1, 70_000, 1.5, 1e300]);
  return mutated(random, Buffer.concat([encodePreface({ port, source, address }), payload(random)]));
}

const messages = [
  { type: 'hello', proxyVersion: '1', namespace: 'shop', pod: 'a' },
  { type: 'subscribe', keys: ['10.0.0.1:80', '', 'x'.repeat(400)] },
  { type: 'unsubscribe', keys: [null] },
  { type: 'ack', version: 1e300 },
  { type: 'nack', version: 2, reason: 'no' },
  { type: 'sign', csr: 'x', token: '', nowMs: 1 },
  { type: 'pong' },
  { type: '__proto__' },
  { type: 'constructor', keys: {} },
  [],
  null,
];

/** Lines of the discovery stream as a proxy sends them. */
export function discoveryLines(random: Random): Buffer {
  if (random.oneIn(300)) return flood(random, [Buffer.from('['), Buffer.from('{"a":'), Buffer.from(' ')]);
  const lines = Array.from({ length: 1 + random.int(6) }, () => JSON.stringify(random.pick(messages)));
  return mutated(
    random,
    Buffer.from(lines.map(line => line + random.pick(['\n', '\n', '\r\n', '\n\n'])).join('')),
  );
}

const skipped = ['\r\n', '\n', '\r\n\r\n', ' ', '\t', '\xef\xbb\xbf', '\xef\xbb', '\r', '\0', '\x0b'];
const targets = ['/', '/a b', '*', 'http://h/', 'h:443', '/\x01', '/\xff', '', '?', '//', 'x'.repeat(9000)];
const versions = [
  ' HTTP/1.0',
  ' http/1.1',
  ' HTTP/2.0',
  '  HTTP/1.1',
  ' HTTP/1.1 ',
  '',
  ' RTSP/1.0',
  ' ICE/1.0',
];
const greetings = [
  '*1\r\n$4\r\nPING\r\n',
  'SSH-2.0-x\r\n',
  'PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n',
  'CONNECT {"a":1}\r\n',
  'GET key\r\n',
];

/** The first bytes of a connection: a request, or what is nearly one. */
export function leading(random: Random): Buffer {
  if (random.oneIn(300))
    return flood(
      random,
      [Buffer.from('a'), Buffer.from('\r\n'), Buffer.from(' ')],
      Buffer.from(random.pick(['', 'GET /'])),
    );
  if (random.oneIn(12)) return mutated(random, Buffer.from(random.pick(greetings), 'latin1'));
  if (random.oneIn(12)) return hello(random);
  // Each part is ordinary in most cases: otherwise hardly one would be a request.
  const mostly = (ordinary: string, odd: readonly string[]) =>
    random.oneIn(4) ? random.pick(odd) : ordinary;
  const end = mostly('\r\n', ['\n', '\r']);
  const head = [
    mostly('', skipped) + mostly('', skipped) + mostly(random.pick(METHODS), ['get', 'BREW', '']),
    mostly(' ', ['  ', '\t', '\x0b']) + mostly('/', targets) + mostly(' HTTP/1.1', versions),
    `${end}Host: a${end}X-Forwarded-Client-Cert: b${end}${end}`,
  ].join('');
  return mutated(random, Buffer.from(head, 'latin1'));
}

function payload(random: Random): Buffer {
  return Buffer.from(random.pick(['', 'GET / HTTP/1.1\r\n\r\n', '\n\n', '\0']));
}

/** Half of the time as it is; otherwise with a few bytes changed, taken away or repeated, or cut short. */
function mutated(random: Random, bytes: Buffer): Buffer {
  if (random.oneIn(2) || bytes.length === 0) return bytes;
  const changed = [...bytes];
  for (let left = 1 + random.int(3); left > 0; left--) {
    const at = random.int(changed.length + 1);
    const piece = changed.slice(at, at + 1 + random.int(8));
    const change = random.int(4);
    if (change === 0) changed.splice(at, piece.length);
    else if (change === 1) changed.splice(at, 0, ...piece);
    else if (change === 2) changed.splice(at, 1, random.int(256));
    else changed.length = Math.min(changed.length, at + 1);
  }
  return Buffer.from(changed);
}

function flood(random: Random, units: readonly Buffer[], first: Buffer = Buffer.alloc(0)): Buffer {
  const unit = random.pick(units);
  const times = Math.ceil(FLOOD_BYTES / Math.max(1, unit.length));
  return Buffer.concat([first, ...Array.from({ length: times }, () => unit)]);
}

function record(type: number, content: Buffer): Buffer {
  return Buffer.concat([Buffer.from([type, 3, 3]), withLength(2, content)]);
}

function extension(type: number, value: Buffer): Buffer {
  return Buffer.concat([Buffer.from([0, type]), withLength(2, value)]);
}

/** With its length in front, in so many bytes. */
function withLength(width: number, value: Buffer): Buffer {
  const length = Buffer.alloc(width);
  length.writeUIntBE(value.length, 0, width);
  return Buffer.concat([length, value]);
}
