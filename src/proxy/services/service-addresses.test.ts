import assert from 'node:assert/strict';
import { test } from 'node:test';
import { ServiceAddresses } from './service-addresses.ts';

const refused = (addresses: ServiceAddresses, ...keys: readonly string[]): readonly boolean[] =>
  keys.map(key => addresses.whyNot(key) !== undefined);

test('what was told counts: addresses of Services are not passed through, all others are', () => {
  const addresses = new ServiceAddresses();
  addresses.tell(['10.96.0.0/20', '34.118.224.7/32', 'fd00:10:96::/112']);
  assert.deepEqual(
    refused(
      addresses,
      '10.96.15.1:80',
      '34.118.224.7:443',
      '[fd00:10:96::a]:80',
      'reviews.shop.svc.cluster.local:80',
    ),
    [true, true, true, true],
  );
  assert.deepEqual(
    refused(
      addresses,
      '10.96.16.1:80',
      '10.244.0.7:80',
      '34.118.224.8:443',
      '[fd00:10:97::a]:80',
      'example.com:443',
    ),
    [false, false, false, false, false],
  );
  assert.match(addresses.whyNot('10.96.0.5:80')!, /10\.96\.0\.5:80 goes\. It is the address of a Service/);
});

test('a control plane that does not speak of it changes nothing; one that knows no Service says so', () => {
  const addresses = new ServiceAddresses();
  addresses.tell(undefined);
  assert.deepEqual(refused(addresses, '10.96.0.5:80'), [true]);
  addresses.tell([]);
  assert.deepEqual(refused(addresses, '10.96.0.5:80'), [false]);
});

test('before anything was told, the block that begins with the Service of the API server counts', () => {
  const cases: readonly (readonly [first: string, inside: string, outside: string])[] = [
    ['10.96.0.1', '10.96.200.9', '10.112.0.1'],
    ['10.43.0.1', '10.43.255.1', '10.42.0.9'],
    ['172.20.0.1', '172.20.9.9', '172.31.0.2'],
    ['34.118.224.1', '34.118.230.9', '34.118.192.1'],
    ['10.100.0.1', '10.100.7.7', '192.168.1.5'],
    ['fd00:10:96::1', 'fd00:10:96::abcd', 'fd00:10:97::1'],
  ];
  for (const [first, inside, outside] of cases) {
    const addresses = new ServiceAddresses(first);
    const key = (host: string): string => (host.includes(':') ? `[${host}]:80` : `${host}:80`);
    assert.deepEqual(refused(addresses, key(inside), key(outside)), [true, false], first);
  }
  assert.match(new ServiceAddresses('10.96.0.1').whyNot('10.96.0.5:80')!, /may be the address of a Service/);
});

test('with nothing to go by every private address may be a Service, and no other', () => {
  const addresses = new ServiceAddresses('');
  assert.deepEqual(
    refused(addresses, '10.1.1.1:80', '172.16.0.1:80', '192.168.0.1:80', '100.64.0.1:80', '[fd00::1]:80'),
    [true, true, true, true, true],
  );
  assert.deepEqual(refused(addresses, '93.184.216.34:80', '127.0.0.1:80', '[2001:db8::1]:80'), [
    false,
    false,
    false,
  ]);
});
