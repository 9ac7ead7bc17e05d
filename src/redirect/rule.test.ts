import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { parseSavedRule, sameRule, splitWords } from './rule.ts';

describe('sameRule', () => {
  test('takes what the versions of iptables print for one rule as the same', () => {
    const ours =
      '-A C ! -d 127.0.0.0/8 -o lo -p tcp -m tcp --dport 80 -m comment --comment "weft: a b" -j RETURN';
    for (const other of [
      '-A C ! -d 127.0.0.0/8 -o lo -p tcp -m comment --comment "weft: a b" -m tcp --dport 80 -j RETURN',
      '-A C -d ! 127.0.0.0/8 -o lo -p tcp -m tcp --dport 80 -m comment --comment "weft: a b" -j RETURN',
      '-A C ! -d 127.0.0.0/8 -o lo -p tcp --dport 80 -m comment --comment "weft: a b" -j RETURN ',
    ]) {
      assert.ok(sameRule(ours, other), other);
    }
  });

  test('tells apart a missing negation, another value, another chain and another target', () => {
    const ours = '-A C ! -d 127.0.0.0/8 -o lo -m owner --uid-owner 1337 -j RETURN';
    for (const other of [
      '-A C -d 127.0.0.0/8 -o lo -m owner --uid-owner 1337 -j RETURN',
      '-A C ! -d 127.0.0.0/8 ! -o lo -m owner --uid-owner 1337 -j RETURN',
      '-A C ! -d 127.0.0.0/8 -o lo -m owner --uid-owner 1338 -j RETURN',
      '-A D ! -d 127.0.0.0/8 -o lo -m owner --uid-owner 1337 -j RETURN',
      '-A C ! -d 127.0.0.0/8 -o lo -m owner --uid-owner 1337 -j ACCEPT',
      '-A C ! -d 127.0.0.0/8 -o lo -m owner --gid-owner 1337 -j RETURN',
    ]) {
      assert.ok(!sameRule(ours, other), other);
    }
  });
});

test('a rule is read with its chain and its target, also behind -g', () => {
  assert.deepEqual(parseSavedRule('-A OUTPUT -p tcp -g X'), {
    chain: 'OUTPUT',
    line: '-A OUTPUT -p tcp -g X',
    target: 'X',
  });
  assert.equal(parseSavedRule('-A OUTPUT -p tcp')?.target, '');
  assert.equal(parseSavedRule(':OUTPUT ACCEPT [0:0]'), undefined);
});

test('quoted words keep their blanks and lose their backslashes', () => {
  assert.deepEqual(splitWords('-m comment --comment "a \\"b\\" c" -j X'), [
    '-m',
    'comment',
    '--comment',
    'a "b" c',
    '-j',
    'X',
  ]);
});
