import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, seeded } from '../cluster/testing/random.ts';
import { clientHello } from '../tls/testing/hellos.ts';
import { type Sniffed, sniff } from './sniff.ts';

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
  ['HTTP, CONNECT to IPv6', ascii('CONNECT [::1]:443 HTTP/1.1\r\n'), 'http1'],
  ['HTTP, a path of 60 KB that has not ended', ascii(`GET /${'a'.repeat(60_000)}`), 'http1'],
  ['HTTP, a URL of 60 KB that has not ended', ascii(`GET http://a/${'a'.repeat(60_000)}`), 'http1'],
  ['HTTP/2 preface', ascii('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n'), 'tcp'],
  ['TLS', clientHello({ serverName: 'a' }), 'tls'],
  ['TLS, one byte', hex('16'), 'tls'],
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
  ['git', ascii('0032git-upload-pack /project.git\0host=a\0'), 'more'],
  ['Graphite', ascii('servers.a.load 1 1700000000\n'), 'tcp'],
  ['a line of HTTP in another protocol', ascii('LOG GET / HTTP/1.1 was slow\r\n'), 'tcp'],
  ['zeros', Buffer.alloc(64), 'tcp'],
  ['a lone CR', ascii('\rGET / HTTP/1.1\r\n'), 'tcp'],
  ['an endless word', ascii('A'.repeat(100)), 'tcp'],
  ['an endless line', ascii(`FOO ${'a'.repeat(9_000)}`), 'tcp'],
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

test('random bytes are hardly ever HTTP, and never cause an error', () => {
  const random = seeded(11);
  let http = 0;
  for (let i = 0; i < 50_000; i++) {
    const bytes = Buffer.from(Array.from({ length: below(random, 40) }, () => below(random, 256)));
    if (sniff(bytes) === 'http1') http++;
  }
  assert.equal(http, 0);
});
