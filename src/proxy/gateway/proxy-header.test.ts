import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readProxyHeader } from './proxy-header.ts';

const signature = '0d0a0d0a000d0a515549540a';
const block = (hex: string): Buffer => Buffer.from(signature + hex, 'hex');
const line = (text: string): Buffer => Buffer.from(text, 'latin1');

test('a header that is not complete yet is waited for, however it is cut', () => {
  const whole = [
    line('PROXY TCP4 1.2.3.4 5.6.7.8 1000 80\r\n'),
    block('2111000c01020304050607080050' + '0051'),
  ];
  for (const bytes of whole) {
    for (let at = 1; at < bytes.length; at++)
      assert.equal(readProxyHeader(bytes.subarray(0, at)).kind, 'more', `cut at ${at}`);
    assert.deepEqual(
      { ...readProxyHeader(Buffer.concat([bytes, line('GET /')])), port: 0 },
      { kind: 'header', address: '1.2.3.4', port: 0, end: bytes.length },
    );
  }
});

test('addresses of IPv6 are told in their short form, mapped ones as those of IPv4', () => {
  const of = (address: string): string => {
    const header = readProxyHeader(block(`21210024${address}${'00'.repeat(16)}00500051`));
    return header.kind === 'header' ? header.address : header.kind;
  };
  assert.equal(of('20010db8000000000000000000000001'), '2001:db8::1');
  assert.equal(of('00000000000000000000ffff01020304'), '1.2.3.4');
  assert.deepEqual(readProxyHeader(line('PROXY TCP6 ::1 ::2 1 2\r\n')), {
    ...{ kind: 'header', address: '::1', port: 1, end: 24 },
  });
});

test('a proxy that speaks for itself names nobody, and options behind the addresses are passed over', () => {
  assert.deepEqual(readProxyHeader(block('20000000')), { kind: 'header', address: '', port: 0, end: 16 });
  assert.deepEqual(readProxyHeader(block('2111000f010203040506070800500051040000')), {
    ...{ kind: 'header', address: '1.2.3.4', port: 80, end: 31 },
  });
  assert.equal(readProxyHeader(line('PROXY UNKNOWN ffff::1\r\n')).kind, 'header');
});

test('what is no header is told apart from one that is broken', () => {
  assert.equal(readProxyHeader(line('GET / HTTP/1.1\r\n')).kind, 'none');
  assert.equal(readProxyHeader(line('PROXIED')).kind, 'none');
  const bad = [
    'PROXY TCP4 1.2.3.4 5.6.7.8 1000 99999\r\n',
    'PROXY TCP4 ::1 ::2 1 2\r\n',
    'PROXY TCP4 1.2.3.4\r\n',
    `PROXY TCP4 ${'1'.repeat(120)}`,
    'PROXY UDP4 1.2.3.4 5.6.7.8 1 2\r\n',
  ];
  for (const each of bad) assert.equal(readProxyHeader(line(each)).kind, 'bad', each);
  for (const each of ['1111000c', '2211000c', '21110004', '2111ffff'])
    assert.equal(readProxyHeader(Buffer.concat([block(each), Buffer.alloc(8)])).kind, 'bad', each);
});
