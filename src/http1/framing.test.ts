import assert from 'node:assert/strict';
import { test } from 'node:test';
import { requestHead, responseHead, sentLines } from './testing/heads.ts';

const request = (...lines: string[]): ReturnType<typeof requestHead> =>
  requestHead(`GET / HTTP/1.1\r\nHost: a\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`);
const sent = (...lines: string[]): string[] => sentLines(request(...lines)).slice(1);
const old = (...lines: string[]): ReturnType<typeof requestHead> =>
  requestHead(`GET / HTTP/1.0\r\n${lines.map(line => `${line}\r\n`).join('')}\r\n`);

test('keep-alive: the default of each version and what Connection says', () => {
  assert.equal(request().keepAlive, true);
  assert.equal(request('Connection: close').keepAlive, false);
  assert.equal(request('connection: Foo ,, CLOSE').keepAlive, false);
  assert.equal(request('Connection: keep-alive', 'Connection: close').keepAlive, false);
  assert.equal(request('Connection: closed').keepAlive, true);
  assert.equal(request('Proxy-Connection: close').keepAlive, false);
  assert.equal(old().keepAlive, false);
  assert.equal(old('Connection: Keep-Alive').keepAlive, true);
  assert.equal(old('Connection: keep-alive, close').keepAlive, false);
  assert.equal(old('Proxy-Connection: keep-alive').keepAlive, false);
});

test('hop-by-hop headers stay on their hop', () => {
  assert.deepEqual(sent('Connection: keep-alive', 'Keep-Alive: timeout=5', 'Proxy-Connection: x', 'X: y'), [
    'X: y',
  ]);
  assert.deepEqual(sent('TE: trailers'), ['TE: trailers']);
  assert.deepEqual(sent('TE: gzip', 'te: Trailers', 'TE: trailers, gzip'), ['te: Trailers']);
});

test('what Connection nominates goes, wherever it stands and however it is written', () => {
  assert.deepEqual(sent('x-a: 1', 'Connection: X-A,\tx-B ,close', 'X-B: 2', 'X-a: 3', 'x-c: 4'), ['x-c: 4']);
  assert.deepEqual(sent('Connection: x-a', 'x-a: 1', 'x-b: 2', 'connection: x-b'), []);
  assert.deepEqual(sent('Connection: x-a', 'x-ab: 1', 'x: 2'), ['x-ab: 1', 'x: 2']);
});

test('what a message cannot lose is kept though Connection nominates it', () => {
  const lines = [
    'Content-Length: 0',
    'Authorization: x',
    'Cookie: y',
    'Content-Type: z',
    'X-Forwarded-For: u',
    'TE: trailers',
  ];
  const names = lines.map(line => line.split(':')[0]).join(', ');
  assert.deepEqual(sent(`Connection: host, ${names}`, ...lines), lines);
});

test('an upgrade keeps Connection and Upgrade as they came', () => {
  const head = request('connection:  keep-alive, Upgrade', 'UPGRADE: websocket', 'Sec-WebSocket-Key: x');
  assert.equal(head.isUpgrade, true);
  assert.deepEqual(sentLines(head).slice(1), [
    'connection:  keep-alive, Upgrade',
    'UPGRADE: websocket',
    'Sec-WebSocket-Key: x',
  ]);
});

test('no upgrade without both headers, with an empty one, in HTTP/1.0 or to h2c', () => {
  for (const head of [
    request('Upgrade: websocket'),
    request('Connection: upgrade'),
    request('Connection: upgrade', 'Upgrade: , '),
    old('Connection: upgrade', 'Upgrade: websocket'),
    request('Connection: upgrade', 'Upgrade: h2c'),
    request('Connection: upgrade', 'Upgrade: a, h2C , b'),
    request('Connection: upgrade', 'Upgrade: h2c', 'Upgrade: websocket'),
  ]) {
    assert.equal(head.isUpgrade, false);
    assert.deepEqual(
      sentLines(head).filter(line => !/^host/i.test(line)),
      [],
    );
  }
});

test('an upgrade that nominates more does not pass the nomination on', () => {
  const head = request('Connection: upgrade, x-a', 'Upgrade: chat', 'X-A: 1');
  assert.equal(head.isUpgrade, true);
  assert.deepEqual(sentLines(head).slice(1), ['Upgrade: chat', 'connection: upgrade']);
});

test('Keep-Alive tells how long an upstream waits, within reason', () => {
  const timeout = (value: string): number =>
    responseHead(`HTTP/1.1 204 X\r\nKeep-Alive: ${value}\r\n\r\n`).keepAliveTimeoutMs;
  assert.equal(timeout('timeout=5'), 5000);
  assert.equal(timeout('max=100, Timeout=72'), 72_000);
  assert.equal(timeout('timeout=99999999'), 86_400_000);
  for (const value of ['', 'timeout', 'timeout=', 'timeout=-1', 'timeout=5s', '5'])
    assert.equal(timeout(value), 0, value);
});

test('a 204 does not announce a body that it cannot have, and a 304 keeps what it says about one', () => {
  const lines = (text: string): string[] => sentLines(responseHead(text));
  assert.deepEqual(lines('HTTP/1.1 204 X\r\nContent-Length: 5\r\nX: y\r\n\r\n'), ['X: y']);
  assert.deepEqual(lines('HTTP/1.1 204 X\r\nTransfer-Encoding: chunked\r\n\r\n'), []);
  assert.deepEqual(lines('HTTP/1.1 204 X\r\nContent-Length: 0\r\n\r\n'), ['Content-Length: 0']);
  assert.deepEqual(lines('HTTP/1.1 304 X\r\nContent-Length: 5\r\n\r\n'), ['Content-Length: 5']);
});

test('what was seen in a head that was given up does not count for the next', () => {
  assert.throws(() => request('Connection: close', 'Upgrade: h2c', 'Broken'), /no-colon/);
  const head = request('Connection: upgrade', 'Upgrade: websocket');
  assert.equal(head.keepAlive, true);
  assert.equal(head.isUpgrade, true);
});

test('a client certificate is named in one spelling: those that servers merge with it are not passed on', () => {
  const name = 'X-Forwarded-Client-Cert';
  for (const other of ['_', '.', '~', '!', '|']) {
    const spelt = [
      name.replaceAll('-', other),
      name.toUpperCase().replace('-', other),
      `x-forwarded${other}client-cert`,
    ];
    for (const each of spelt) {
      assert.deepEqual(sent(`${each}: forged`, 'X-A: b'), ['X-A: b'], each);
      const both = request(`${each}: forged`, `${name}: told`);
      assert.equal(both.text(both.clientCertificate), 'told', each);
      assert.deepEqual(sentLines(both).slice(1), [`${name}: told`], each);
    }
  }
  const kept = [
    'XForwardedClientCert: a',
    'x-forwarded-client-certs: a',
    'x-forwarded-client-cer7: a',
    'x0forwarded-client-cert: a',
  ];
  assert.deepEqual(sent(...kept), kept);
});
