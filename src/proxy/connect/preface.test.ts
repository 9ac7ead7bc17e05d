import assert from 'node:assert/strict';
import { test } from 'node:test';
import { below, oneOf, seeded } from '../../cluster/testing/random.ts';
import type { Peer } from '../../model/index.ts';
import { encodePreface, MAX_PREFACE_BYTES, readPreface } from './preface.ts';

const principal = 'spiffe://cluster.local/ns/shop/sa/cart';
const source: Peer = {
  workload: 'cart',
  namespace: 'shop',
  app: 'cart',
  version: 'v1',
  principal,
  pod: 'cart-0',
};
const line = (fields: unknown): Buffer => Buffer.from(`WEFT/1 ${JSON.stringify(fields)}\n`);

test('what is written is read, and the rest of the bytes is told apart', () => {
  const encoded = encodePreface({ port: 8080, source, address: '10.1.2.3' });
  const read = readPreface(Buffer.concat([encoded, Buffer.from('GET / HTTP/1.1\r\n')]), principal);
  assert.deepEqual(read, {
    kind: 'preface',
    preface: { port: 8080, source, address: '10.1.2.3' },
    end: encoded.length,
  });
});

test('it is read however it is cut', () => {
  const encoded = encodePreface({ port: 1, source, address: 'fd00::1' });
  for (let length = 0; length < encoded.length; length++)
    assert.deepEqual(readPreface(encoded.subarray(0, length), principal), { kind: 'more' });
  assert.equal(readPreface(encoded, principal).kind, 'preface');
});

test('identity comes from the certificate, whatever the preface says', () => {
  const fields = {
    port: 80,
    namespace: 'admin',
    principal: 'spiffe://cluster.local/ns/admin/sa/root',
    workload: 'x',
  };
  const read = readPreface(line(fields), principal);
  assert.ok(read.kind === 'preface');
  assert.equal(read.preface.source.principal, principal);
  assert.equal(read.preface.source.namespace, 'shop');
});

test('an address that is no address is not passed on to X-Forwarded-For', () => {
  const odd = [
    '10.0.0.1\r\nx-forwarded-client-cert: By=a;URI=spiffe://cluster.local/ns/admin/sa/root',
    '::1\r\nx: y',
    '::1\u010d\u010ax: y',
    '10.0.0.1, 10.0.0.2',
    'localhost',
    ' 10.0.0.1',
    '10.0.0.256',
    ':::',
    'a'.repeat(300),
    'fe80::1%eth0\r\n',
    17,
    null,
  ];
  for (const address of odd) {
    const read = readPreface(line({ port: 80, address }), principal);
    assert.ok(read.kind === 'preface');
    assert.equal(read.preface.address, '', JSON.stringify(address));
  }
  for (const address of ['10.0.0.1', 'fd00::1', '::ffff:10.0.0.1', '']) {
    const read = readPreface(line({ port: 80, address }), principal);
    assert.ok(read.kind === 'preface');
    assert.equal(read.preface.address, address);
  }
});

const bad: [string, Buffer, RegExp][] = [
  ['another protocol', Buffer.from('GET / HTTP/1.1\r\n'), /does not begin with WEFT\/1/],
  ['another version', Buffer.from('WEFT/2 {"port":80}\n'), /does not begin with WEFT\/1/],
  ['no JSON', Buffer.from('WEFT/1 {"port":80\n'), /not JSON/],
  ['no object', Buffer.from('WEFT/1 80\n'), /not an object/],
  ['null', Buffer.from('WEFT/1 null\n'), /not an object/],
  ['an array', Buffer.from('WEFT/1 [80]\n'), /no valid port/],
  ['no port', line({}), /no valid port/],
  ['port 0', line({ port: 0 }), /no valid port/],
  ['a large port', line({ port: 65_536 }), /no valid port/],
  ['half a port', line({ port: 80.5 }), /no valid port/],
  ['a port in words', line({ port: '80' }), /no valid port/],
  ['an empty line', Buffer.from('\n'), /does not begin/],
  ['too long without an end', Buffer.alloc(MAX_PREFACE_BYTES + 1, 'a'), /too long/],
  ['too long with an end', line({ port: 80, workload: 'a'.repeat(MAX_PREFACE_BYTES) }), /too long/],
];
for (const [name, bytes, reason] of bad)
  test(`a bad preface is refused in words: ${name}`, () => {
    const read = readPreface(bytes, principal);
    assert.ok(read.kind === 'bad', JSON.stringify(read));
    assert.match(read.reason, reason);
  });

test('labels are texts of bounded length, whatever their fields are', () => {
  const read = readPreface(
    line({ port: 80, workload: 'w'.repeat(1_000), app: 5, version: { a: 1 }, pod: null }),
    principal,
  );
  assert.ok(read.kind === 'preface');
  assert.equal(read.preface.source.workload.length, 253);
  assert.deepEqual(
    [read.preface.source.app, read.preface.source.version, read.preface.source.pod],
    ['', '', ''],
  );
});

test('random bytes and mutations never throw', () => {
  const random = seeded(5);
  const good = encodePreface({ port: 8080, source, address: '10.1.2.3' });
  for (let i = 0; i < 20_000; i++) {
    const bytes = random() < 0.3 ? Buffer.alloc(below(random, 200)) : Buffer.from(good);
    for (let n = below(random, 8); n >= 0 && bytes.length > 0; n--)
      bytes[below(random, bytes.length)] = oneOf(random, [0x0a, 0x22, 0x7b, below(random, 256)]);
    const read = readPreface(bytes.subarray(0, below(random, bytes.length + 1)), principal);
    if (read.kind === 'preface') assert.match(read.preface.address, /^[0-9a-f:.]*$/i);
  }
});
