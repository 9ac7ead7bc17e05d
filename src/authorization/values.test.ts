import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ValueMatch } from '../model/index.ts';
import { AddressBlock, addressWords } from './address-block.ts';
import { PathTemplate } from './path-template.ts';
import { peerName } from './peer-name.ts';
import { HostValues } from './values.ts';

const has = (range: string, address: string): boolean => AddressBlock.of(range)!.has(addressWords(address)!);

test('ranges of addresses hold by their bits, one family never for the other', () => {
  const yes = [
    ['10.0.0.0/8', '10.255.0.1'],
    ['10.1.2.3', '10.1.2.3'],
    ['0.0.0.0/0', '255.255.255.255'],
    ['192.168.0.128/25', '192.168.0.200'],
    ['fd00::/8', 'fdff::1'],
    ['2001:db8::/33', '2001:db8:7fff::'],
    ['::1', '::1'],
    ['::/0', '2001::'],
    ['10.0.0.0/8', '::ffff:10.1.1.1'],
    ['::ffff:10.0.0.0', '10.0.0.0'],
  ];
  const no = [
    ['10.0.0.0/8', '11.0.0.1'],
    ['192.168.0.128/25', '192.168.0.127'],
    ['2001:db8::/33', '2001:db8:8000::'],
    ['::/0', '10.0.0.1'],
    ['0.0.0.0/0', '::1'],
    ['::1', '::2'],
  ];
  assert.deepEqual(
    [yes.map(([range, at]) => has(range!, at!)), no.map(([range, at]) => has(range!, at!))],
    [yes.map(() => true), no.map(() => false)],
  );
  for (const bad of ['10.0.0.0/33', '10.0.0', 'x', '', '::/129', '10.0.0.0/8/8', '10.0.0.0/-1', '::g'])
    assert.equal(AddressBlock.of(bad), undefined, bad);
});

test('templates take whole segments', () => {
  const takes = (template: string, path: string): boolean =>
    new PathTemplate(template).test(Buffer.from(path), 0, path.length);
  for (const [template, path, expected] of [
    ['/a/{*}', '/a/b', true],
    ['/a/{*}', '/a/', false],
    ['/a/{*}', '/a/b/c', false],
    ['/{*}/{*}', '/a/b', true],
    ['/{*}/x/{**}', '/a/x/', true],
    ['/{*}/x/{**}', '/a/x', false],
    ['/a/{**}/z', '/a//z', true],
    ['/a/{**}/z', '/a/z', false],
    ['/a/{**}/z', '/a/b/z/c/z', true],
    ['/a/{*}/b', '/a/x/b', true],
    ['/a/{*}/b', '/a/x/bc', false],
  ] as const)
    assert.equal(takes(template, path), expected, `${template} ${path}`);
});

test('hosts are the same in any case, with a dot at the end, and with any port unless one is named', () => {
  const takes = (match: ValueMatch, host: string): boolean =>
    new HostValues([match]).has(Buffer.from(host), 0, host.length);
  const of = (
    kind: ValueMatch['kind'],
    value: string,
    yes: readonly string[],
    no: readonly string[],
  ): void => {
    for (const host of yes) assert.ok(takes({ kind, value }, host), `${value} ${host}`);
    for (const host of no) assert.ok(!takes({ kind, value }, host), `${value} not ${host}`);
  };
  of(
    'exact',
    'a.example',
    ['a.example', 'A.Example', 'a.example.', 'a.example:1', 'a.example.:1', 'a.example:x'],
    ['b.a.example', 'a.examples', ''],
  );
  of(
    'exact',
    'a.example:80',
    ['a.example:80', 'A.example.:80'],
    ['a.example', 'a.example:8080', 'a.example:8'],
  );
  of('prefix', 'a.example:', ['a.example:80', 'a.example.:1'], ['a.example', 'a.example.', 'b.example:80']);
  of('prefix', 'a.example:8', ['a.example:80', 'a.example.:8080'], ['a.example:90']);
  of('prefix', 'a.', ['a.example', 'a.', 'A.b:1'], ['b.a']);
  of('suffix', '.example', ['a.example', 'a.example:1', 'a.EXAMPLE.'], ['example', 'a.example.com']);
  of('suffix', '.example:80', ['a.example:80', 'a.example.:80'], ['a.example', 'a.example:81']);
  of('exact', '[fd00::1]', ['[fd00::1]', '[FD00::1]:80'], ['[fd00::2]']);
  of('exact', '[fd00::1]:80', ['[fd00::1]:80'], ['[fd00::1]', '[fd00::1]:81']);
  of('present', '', ['x'], ['']);
});

test('a SPIFFE id is taken apart as Istio compares it', () => {
  assert.deepEqual(peerName('spiffe://td/ns/shop/sa/web'), {
    trustDomain: 'td',
    namespace: 'shop',
    serviceAccount: 'shop/web',
  });
  assert.equal(peerName('spiffe://td/ns/shop/x/sa/web/y').serviceAccount, 'shop/web');
  assert.deepEqual(peerName(''), { trustDomain: '', namespace: '', serviceAccount: '' });
  assert.deepEqual(peerName('spiffe://td/other'), { trustDomain: 'td', namespace: '', serviceAccount: '' });
});
