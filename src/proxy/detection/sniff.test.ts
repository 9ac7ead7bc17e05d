import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, oneOf, seeded } from '../../cluster/testing/random.ts';
import { clientHello } from '../../tls/testing/hellos.ts';
import { MAX_SNIFF_BYTES, mayBeOther, mayBeRequest, type Sniffed, sniff } from './sniff.ts';

const hex = (text: string): Buffer => Buffer.from(text.replaceAll(' ', ''), 'hex');
const ascii = (text: string): Buffer => Buffer.from(text, 'latin1');

/** First bytes of clients, and what they are. */
const table: [string, Buffer, Sniffed][] = [
  ...['GET', 'HEAD', 'POST', 'PUT', 'DELETE', 'OPTIONS', 'TRACE', 'PATCH'].map(
    (method): [string, Buffer, Sniffed] => [
      `HTTP ${method}`,
      ascii(`${method} /a HTTP/1.1\r\nHost: a\r\n\r\n`),
      'http1',
    ],
  ),
  ...['PROPFIND', 'MKCOL', 'REPORT', 'PURGE', 'M-SEARCH', 'x'].map((method): [string, Buffer, Sniffed] => [
    `HTTP with the method ${method}`,
    ascii(`${method} /a HTTP/1.1\r\nHost: a\r\n\r\n`),
    'http1',
  ]),
  ['HTTP/1.0', ascii('GET / HTTP/1.0\r\n\r\n'), 'http1'],
  ['HTTP after an empty line', ascii('\r\nGET / HTTP/1.1\r\n'), 'http1'],
  ['HTTP, line ended by LF alone', ascii('FOO / HTTP/1.1\n'), 'http1'],
  ['HTTP, absolute-form', ascii('GET http://a/ HTTP/1.1\r\n'), 'http1'],
  ['HTTP, absolute-form in capitals', ascii('GET HTTPS://A/ HTTP/1.1\r\n'), 'http1'],
  ['HTTP, OPTIONS *', ascii('OPTIONS * HTTP/1.1\r\n'), 'http1'],
  ['HTTP, CONNECT', ascii('CONNECT a.b:443 HTTP/1.1\r\n'), 'http1'],
  ['HTTP, CONNECT without a version, which llhttp takes', ascii('CONNECT a:1\r\nHost: a\r\n\r\n'), 'http1'],
  ['HTTP, CONNECT without a target, which llhttp takes', ascii('CONNECT \r\n'), 'http1'],
  ['HTTP, CONNECT to IPv6', ascii('CONNECT [::1]:443 HTTP/1.1\r\n'), 'http1'],
  ['HTTP, a path of 60 KB that has not ended', ascii(`GET /${'a'.repeat(60_000)}`), 'more'],
  ['HTTP, a path longer than any', ascii(`GET /${'a'.repeat(MAX_SNIFF_BYTES)}`), 'http1'],
  ['HTTP, a URL longer than any', ascii(`GET http://a/${'a'.repeat(MAX_SNIFF_BYTES)}`), 'http1'],
  ['HTTP/2 preface', ascii('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 'http2'],
  ['HTTP/2 preface that goes on', ascii('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04'), 'http2'],
  ['HTTP/2 preface that is none', ascii('PRI * HTTP/2.0\r\nHost: a\r\n\r\n'), 'http1'],
  ['TLS', clientHello({ serverName: 'a' }), 'tls'],
  ['TLS in records of one byte', clientHello({ serverName: 'a', recordBytes: 1 }), 'tls'],
  ['TLS, one byte', hex('16'), 'more'],
  ['TLS, the first bytes of a record', hex('16 03 01 02 00 01 00 01'), 'more'],
  ['a hello record without a hello', hex('16 03 01 00 04 02 00 00 00'), 'tcp'],
  ['a hello of another version', hex('16 03 01 01 00 01 00 00 fc 09 09'), 'tcp'],
  ['an empty record', hex('16 03 01 00 00'), 'tcp'],
  ['a record that is too long', hex('16 03 01 ff ff'), 'tcp'],
  ['a protocol of numbers that begins with 22', hex('16 00 00 00 01'), 'tcp'],
  ['another that goes on with 3', hex('16 03 00 00 00 00 00 00'), 'tcp'],
  ['binary bytes behind GET', Buffer.concat([ascii('GET '), hex('00 01 02 03 0a 00')]), 'tcp'],
  ['binary bytes behind POST', Buffer.concat([ascii('POST '), hex('ff fe 00 10')]), 'tcp'],
  ['SSL 2 hello', hex('80 2e 01 03 01 00 15 00 00 00 10'), 'tcp'],
  ['no TLS though it begins so', hex('16 02 00 00'), 'tcp'],
  ['MySQL client after the greeting', hex('55 00 00 01 85 a6 ff 01 00 00 00 01 2d'), 'tcp'],
  ['SMTP', ascii('EHLO client.example\r\n'), 'tcp'],
  ['SMTP HELO', ascii('HELO a\r\n'), 'tcp'],
  ['SMTP MAIL', ascii('MAIL FROM:<a@b>\r\n'), 'tcp'],
  ['SSH', ascii('SSH-2.0-OpenSSH_9.6\r\n'), 'tcp'],
  ['SSH with a comment', ascii('SSH-2.0-OpenSSH_9.6p1 Ubuntu-3ubuntu13\r\n'), 'tcp'],
  ['Redis RESP', ascii('*1\r\n$4\r\nPING\r\n'), 'tcp'],
  ['Redis inline', ascii('PING\r\n'), 'tcp'],
  ['Redis inline GET', ascii('GET mykey\r\n'), 'tcp'],
  ['Redis inline GET of a key with a URL in it', ascii('GET cache:http://a/\r\n'), 'tcp'],
  ['Redis inline SET', ascii('SET key value\r\n'), 'tcp'],
  ['NATS CONNECT', ascii('CONNECT {"verbose":false,"pedantic":false}\r\nPING\r\n'), 'tcp'],
  ['NATS SUB', ascii('SUB foo 1\r\n'), 'tcp'],
  ['STOMP', ascii('CONNECT\naccept-version:1.2\n\n\0'), 'tcp'],
  ['Postgres startup', hex('00 00 00 08 00 03 00 00'), 'tcp'],
  ['Postgres SSLRequest', hex('00 00 00 08 04 d2 16 2f'), 'tcp'],
  ['Kafka ApiVersions', hex('00 00 00 14 00 12 00 03 00 00 00 01 00 04 74 65 73 74'), 'tcp'],
  ['MQTT', hex('10 10 00 04 4d 51 54 54 04 02 00 3c 00 04 74 65 73 74'), 'tcp'],
  ['MongoDB', hex('3f 00 00 00 01 00 00 00 00 00 00 00 d4 07 00 00'), 'tcp'],
  ['MongoDB OP_MSG whose length looks like a letter', hex('47 45 00 00 01 00 00 00'), 'tcp'],
  ['AMQP', hex('41 4d 51 50 00 00 09 01'), 'tcp'],
  ['IMAP', ascii('a001 CAPABILITY\r\n'), 'tcp'],
  ['IMAP LOGIN', ascii('a1 LOGIN user pass\r\n'), 'tcp'],
  ['POP3', ascii('USER bob\r\n'), 'tcp'],
  ['FTP', ascii('USER anonymous\r\n'), 'tcp'],
  ['FTP OPTS', ascii('OPTS UTF8 ON\r\n'), 'tcp'],
  ['RTSP OPTIONS', ascii('OPTIONS rtsp://a/b RTSP/1.0\r\n'), 'tcp'],
  ['SIP OPTIONS', ascii('OPTIONS sip:bob@b SIP/2.0\r\n'), 'tcp'],
  ['ICAP OPTIONS', ascii('OPTIONS icap://a/b ICAP/1.0\r\n'), 'tcp'],
  ['Memcached text', ascii('get key\r\n'), 'tcp'],
  ['Memcached delete', ascii('delete key\r\n'), 'tcp'],
  ['Memcached binary', hex('80 00 00 03 00 00 00 00'), 'tcp'],
  ['Cassandra', hex('04 00 00 00 05 00 00 00 00'), 'tcp'],
  ['LDAP bind', hex('30 0c 02 01 01 60 07 02 01 03 04 00 80 00'), 'tcp'],
  ['PROXY protocol 1', ascii('PROXY TCP4 10.0.0.1 10.0.0.2 1 2\r\n'), 'tcp'],
  ['PROXY protocol 2', hex('0d 0a 0d 0a 00 0d 0a 51 55 49 54 0a'), 'tcp'],
  ['SOCKS 5', hex('05 01 00'), 'tcp'],
  ['git', ascii('0032git-upload-pack /project.git\0host=a\0'), 'tcp'],
  ['Graphite', ascii('servers.a.load 1 1700000000\n'), 'tcp'],
  ['a line of HTTP in another protocol', ascii('LOG GET / HTTP/1.1 was slow\r\n'), 'tcp'],
  ['zeros', Buffer.alloc(64), 'tcp'],
  ['a lone CR', ascii('\rGET / HTTP/1.1\r\n'), 'http1'],
  ['a word that may go on', ascii('A'.repeat(100)), 'more'],
  ['an endless word', ascii('A'.repeat(9_000)), 'tcp'],
  ['a line that may go on', ascii(`FOO ${'a'.repeat(9_000)}`), 'more'],
  ['an endless line', ascii(`FOO ${'a'.repeat(MAX_SNIFF_BYTES)}`), 'tcp'],
  ['an endless run of line ends', ascii('\r\n'.repeat(5_000)), 'http1'],
];

for (const [name, bytes, expected] of table)
  test(`sniffing tells ${name}`, () => {
    assert.equal(sniff(bytes), expected);
    // However the bytes are cut: undecided first, then the same answer, and never a wrong one in between.
    let decided: Sniffed = 'more';
    for (let length = 0; length <= Math.min(bytes.length, 200); length++) {
      const now = sniff(bytes.subarray(0, length));
      if (decided === 'more') decided = now;
      else if (decided !== 'tls') assert.equal(now, decided, `after ${length} bytes`);
      if (now !== 'more' && !(name.startsWith('no TLS') && length === 1))
        assert.equal(now, expected, `after ${length} bytes`);
    }
  });

const request = 'GET /a HTTP/1.1\r\nHost: a\r\nX-Forwarded-Client-Cert: forged\r\n\r\n';
/** What servers skip before a request line, Node's or Python's. */
const skipped = ['\r\n', '\n', '\r', ' ', '\t', '\xef\xbb\xbf', '\x0b', '\x0c', '\x1c', '\x85', '\xa0'];
/** Lines that some server reads as a request line and goes on to headers. */
const lines = [
  'GET   /a   HTTP/1.1\r\n',
  'GET\t/a\tHTTP/1.1\r\n',
  'GET /a b HTTP/1.1\r\n',
  'GET /a HTTP/1.1 \r\n',
  'GET /a HTTP/1.1\n',
  'GET /a HTTP/1.1\rX: y\n',
  'GET /a\r\n',
  'GET /a\n',
  'PROPFIND /a\r\n',
  'GET http://a/\r\n',
  'GET * \r\n',
  'GET /a HTTP/0.9\r\n',
  'GET /a HTTP/2.0\r\n',
  'GET /a HTTP/2\r\n',
  'GET /a http/1.1\r\n',
  'GET foo://a/b HTTP/1.1\r\n',
  'GET /a RTSP/1.0\r\n',
  'POST /a ICE/1.0\r\n',
  'FOO /a HTTP/1.1\r\n',
  `${'A'.repeat(5_000)} /a HTTP/1.1\r\n`,
  'GET /\x01 HTTP/1.1\r\n',
  'GET /\xff HTTP/1.1\r\n',
];

test('what a server would read as a request is never bytes to pass: whatever stands before it, however it is written', () => {
  for (const first of ['', ...skipped])
    for (const second of ['', ...skipped])
      for (const line of [request, ...lines])
        assert.equal(sniff(ascii(first + second + line)), 'http1', JSON.stringify(first + second + line));
});

test('a request that comes in pieces is not taken for anything else on the way, and is known for what it may become', () => {
  for (const text of [...skipped.map(each => each + request), ...lines]) {
    const bytes = ascii(text);
    let length = 1;
    while (length < bytes.length && sniff(bytes.subarray(0, length)) === 'more') length++;
    assert.equal(sniff(bytes.subarray(0, length)), 'http1', JSON.stringify(text.slice(0, 40)));
  }
  for (const length of [1, 2, 3, 4, 10]) assert.ok(mayBeRequest(ascii(request).subarray(0, length)));
  for (const text of ['ruok', 'PING', 'EHLO a', 'SETEX ', '0032'])
    assert.ok(!mayBeRequest(ascii(text)), text);
  assert.ok(mayBeRequest(ascii('\r\n')), 'line ends come before a request or nothing');
  for (const text of ['P', 'PRI ', 'PRI * HTTP/2.0\r\n', '\x16', '\x16\x03'])
    assert.ok(mayBeOther(ascii(text)), text);
  for (const text of ['G', 'PO', 'PRI /']) assert.ok(!mayBeOther(ascii(text)), text);
});

test('whatever comes, it is decided within a bound', () => {
  const random = seeded(12);
  const words = ['GET ', 'a', ' ', '\t', '/', '\xa0', 'HTTP/1', 'PRI * ', '\xef', '.'];
  for (let i = 0; i < 300; i++) {
    let text = oneOf(random, [...words, '\r\n']);
    const filler = oneOf(random, words);
    while (text.length < MAX_SNIFF_BYTES) text += random() < 0.9 ? filler.repeat(500) : oneOf(random, words);
    assert.notEqual(sniff(ascii(text)), 'more', JSON.stringify(text.slice(0, 60)));
  }
});

test('random bytes are hardly ever HTTP, and never cause an error', () => {
  const random = seeded(11);
  let http = 0;
  for (let i = 0; i < 50_000; i++) {
    const bytes = Buffer.from(Array.from({ length: below(random, 40) }, () => below(random, 256)));
    if (sniff(bytes) === 'http1') http++;
  }
  assert.equal(http, 0);
});
