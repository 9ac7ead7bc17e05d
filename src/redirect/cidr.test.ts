import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { containsCidr, parseCidr } from './cidr.ts';

describe('parseCidr', () => {
  const canonical: readonly [string, string][] = [
    ['10.0.0.0/8', '10.0.0.0/8'],
    ['10.1.2.3', '10.1.2.3/32'],
    ['10.1.2.3/8', '10.0.0.0/8'],
    ['0.0.0.0/0', '0.0.0.0/0'],
    ['255.255.255.255', '255.255.255.255/32'],
    ['FD00::/8', 'fd00::/8'],
    ['2001:db8:0:0:1:0:0:1', '2001:db8::1:0:0:1/128'],
    ['2001:0:0:1:0:0:0:1', '2001:0:0:1::1/128'],
    ['1:2:3:4:5:6:7:0', '1:2:3:4:5:6:7:0/128'],
    ['1:0:3:4:5:6:7:8', '1:0:3:4:5:6:7:8/128'],
    ['::', '::/128'],
    ['::6', '::6/128'],
    ['::ffff:192.0.2.1', '::ffff:192.0.2.1/128'],
    ['::192.0.2.1', '::192.0.2.1/128'],
    ['64:ff9b::192.0.2.33/96', '64:ff9b::/96'],
    ['fe80::/10', 'fe80::/10'],
  ];
  for (const [text, expected] of canonical) {
    test(`reads ${text} as ${expected}`, () => assert.equal(parseCidr(text)?.text, expected));
  }

  for (const text of [
    '',
    '/',
    '10.0.0.0/',
    '10.0.0.0/33',
    '10.0.0/8',
    '01.2.3.4',
    'fd00::/129',
    'fd00::/-1',
  ]) {
    test(`refuses "${text}"`, () => assert.equal(parseCidr(text), undefined));
  }

  test('tells that host bits were set', () => {
    assert.equal(parseCidr('10.0.0.1/8')?.hostBits, true);
    assert.equal(parseCidr('10.0.0.0/8')?.hostBits, false);
    assert.equal(parseCidr('10.0.0.1')?.hostBits, false);
  });
});

describe('containsCidr', () => {
  const contains = (outer: string, inner: string): boolean =>
    containsCidr(parseCidr(outer)!, parseCidr(inner)!);

  test('a block contains itself and what is inside', () => {
    assert.ok(contains('10.0.0.0/8', '10.0.0.0/8'));
    assert.ok(contains('10.0.0.0/8', '10.255.255.255'));
    assert.ok(contains('fd00::/8', 'fdff::/16'));
    assert.ok(contains('0.0.0.0/0', '10.0.0.0/8'));
  });

  test('a block contains neither what is beside it, nor a larger one, nor the other family', () => {
    assert.ok(!contains('10.0.0.0/8', '11.0.0.0/8'));
    assert.ok(!contains('10.0.0.0/8', '10.0.0.0/7'));
    assert.ok(!contains('0.0.0.0/0', '::/0'));
  });
});
