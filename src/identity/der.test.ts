import assert from 'node:assert/strict';
import { randomBytes } from 'node:crypto';
import { test } from 'node:test';
import { der, derBitString, derOid, readDer, readDerAll, TAG } from './der.ts';

test('writes lengths in the shortest form and reads them back', () => {
  const heads: [number, string][] = [
    [0, '0400'],
    [1, '0401'],
    [127, '047f'],
    [128, '048180'],
    [255, '0481ff'],
    [256, '04820100'],
    [65_535, '0482ffff'],
    [65_536, '0483010000'],
  ];
  for (const [length, head] of heads) {
    const bytes = der(TAG.octetString, Buffer.alloc(length, 7));
    assert.equal(bytes.subarray(0, head.length / 2).toString('hex'), head);
    const from = head.length / 2;
    assert.deepEqual(readDer(bytes, 0, bytes.length), { tag: TAG.octetString, from, to: from + length });
  }
});

test('writes object identifiers as X.690 has them', () => {
  assert.equal(derOid('1.2.840.10045.4.3.2').toString('hex'), '06082a8648ce3d040302');
  assert.equal(derOid('2.5.29.17').toString('hex'), '0603551d11');
  assert.equal(derOid('1.2.840.113549.1.1.11').toString('hex'), '06092a864886f70d01010b');
});

test('writes bit strings without unused bits', () => {
  assert.equal(derBitString(Buffer.from([0xab])).toString('hex'), '030200ab');
});

test('refuses what DER does not allow', () => {
  const cases: Record<string, string> = {
    nothing: '',
    'a tag alone': '04',
    'contents that end early': '0402aa',
    'a length that ends early': '0482ff',
    'an indefinite length': '30800000',
    'a length with a leading zero': '04820001aa',
    'a long form for a short length': '048101aa',
    'a length of four bytes': '0484000000010a',
    'a tag of several bytes': '1f8101',
  };
  for (const [what, hex] of Object.entries(cases)) {
    const bytes = Buffer.from(hex, 'hex');
    assert.equal(readDer(bytes, 0, bytes.length), undefined, what);
  }
});

test('reads no further than the end it is given', () => {
  const bytes = der(TAG.octetString, Buffer.alloc(10));
  assert.equal(readDer(bytes, 0, bytes.length - 1), undefined);
});

test('reads a row of elements only when they fill the space exactly', () => {
  const row = Buffer.concat([der(TAG.integer, Buffer.from([1])), der(TAG.integer, Buffer.from([2]))]);
  assert.equal(readDerAll(row, 0, row.length)?.length, 2);
  assert.equal(readDerAll(row, 0, row.length - 1), undefined);
  assert.deepEqual(readDerAll(row, 3, 3), []);
});

test('never leaves its bounds on random bytes', () => {
  for (let i = 0; i < 20_000; i++) {
    const bytes = randomBytes(1 + (i % 40));
    for (const element of readDerAll(bytes, 0, bytes.length) ?? []) {
      assert.ok(element.from <= element.to && element.to <= bytes.length);
    }
  }
});
