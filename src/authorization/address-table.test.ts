import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuthorizationTest, ValueMatch, WorkloadAuthorization } from '../model/index.ts';
import { AddressBlock, addressWords } from './address-block.ts';
import { AddressTable } from './address-table.ts';
import { Authorizer, RuleSet } from './index.ts';

/** The same numbers every time. */
function numbers(seed: number): (below: number) => number {
  let state = seed;
  return below => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * below);
  };
}

const next = numbers(7);
const ipv4 = (): string => [10, next(2), next(4), next(256)].join('.');
const ipv6 = (): string => `fd00:${next(3).toString(16)}::${next(4).toString(16)}:${next(500).toString(16)}`;
const ranges = Array.from({ length: 400 }, () => {
  if (next(3) === 0) return `${ipv6()}/${[32, 64, 96, 112, 120, 128][next(6)]}`;
  return next(4) === 0 ? ipv4() : `${ipv4()}/${[8, 14, 23, 24, 30, 32][next(6)]}`;
}).filter(range => !/\/(8|14|32)$/.test(range) || next(40) === 0);
const addresses = Array.from({ length: 600 }, () => (next(3) === 0 ? ipv6() : ipv4()));

test('an address is in what the table finds exactly where one of the ranges has it', () => {
  const blocks = ranges.map(each => AddressBlock.of(each)!);
  const table = new AddressTable();
  blocks.forEach((block, index) => void table.add(block, index));
  const outcomes = new Set<boolean>();
  for (const address of [...addresses, '::ffff:10.0.1.7', '0.0.0.0', '::']) {
    const words = addressWords(address)!;
    const expected = blocks.some(block => block.has(words));
    assert.equal(table.has(words, blocks), expected, address);
    outcomes.add(expected);
  }
  assert.equal(outcomes.size, 2);
});

const from = { apiVersion: 'v1', kind: 'AuthorizationPolicy', namespace: 'shop', name: 'p' };
const site = { address: '10.0.0.9', port: 8080, of: 'connections' } as const;
const range = (value: string): ValueMatch => ({ kind: 'range', value });
const policy = (name: string, tests: readonly AuthorizationTest[]): WorkloadAuthorization => ({
  action: 'deny',
  rules: [{ name, clauses: [[tests]] }],
  from: { ...from, name },
});

test('the first of many rules with ranges that holds is found, as it is where each is asked alone', () => {
  const narrow = ranges.filter(each => !/\/(8|14|32|64)$/.test(each)).slice(0, 120);
  const policies = narrow.map((each, index) => {
    const of = index % 5 === 0 ? 'remote-address' : 'source-address';
    const values =
      index % 7 === 0 ? [range(each), range(narrow[(index * 3) % narrow.length]!)] : [range(each)];
    const test: AuthorizationTest = index % 11 === 0 ? { of, values, not: true } : { of, values };
    const other: AuthorizationTest = { of: 'principal', values: [{ kind: 'exact', value: 'spiffe://a/b' }] };
    return policy(String(index), index % 11 === 0 ? [test, other] : [test]);
  });
  const together = Authorizer.of(policies, site)!;
  const alone = policies.map(each => new RuleSet([each], false, site));
  let found = 0;
  const wide = addresses.map(each =>
    each.includes(':') ? each : [10, next(8), next(60), next(256)].join('.'),
  );
  for (const address of [...wide, '']) {
    const caller = { principal: next(8) === 0 ? 'spiffe://a/b' : '', address, serverName: '' };
    const denial = together.judgeConnection(caller);
    const subject = alone.find((_, index) => Authorizer.of([policies[index]!], site)!.peekConnection(caller));
    assert.equal(denial?.policy?.from.name, subject?.policies[0]?.from.name, address);
    if (denial !== undefined) found++;
  }
  assert.ok(found > 100 && found < addresses.length - 100, String(found));
});

test('a rule with many ranges holds for those alone', () => {
  const values = Array.from({ length: 300 }, (_, i) => range(`10.${i >> 8}.${i & 255}.0/24`));
  const authorizer = Authorizer.of([policy('many', [{ of: 'source-address', values }])], site)!;
  const denied = (address: string): boolean =>
    authorizer.peekConnection({ principal: '', address, serverName: '' }) !== undefined;
  assert.deepEqual(['10.0.0.1', '10.1.43.255', '10.1.44.0', '11.0.0.1', 'fd00::1', ''].map(denied), [
    true,
    true,
    false,
    false,
    false,
    false,
  ]);
});
