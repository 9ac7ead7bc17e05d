// Routes that ask for claims of a token that was verified.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { TokenClaims } from '../../src/authentication/claims.ts';
import { Head } from '../../src/http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../../src/http1/index.ts';
import type { ClaimMatch, TextMatch } from '../../src/model/index.ts';
import { RouteMatcher } from '../../src/routing/index.ts';

const bytes = Buffer.from('GET /a HTTP/1.1\r\nhost: a\r\n\r\n');
const head = new Head();
assert.ok(parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS) > 0);

const token = new TokenClaims({
  iss: 'https://issuer.example',
  sub: 'anna',
  groups: ['staff', 'Admins'],
  level: 3,
  scope: 'read write',
  address: { city: 'Köln' },
  'https://example.com/roles': 'editor',
});

function asks(claim: readonly string[], kind: TextMatch['kind'], value = '', invert = false): ClaimMatch {
  return { name: claim.join('.'), claim, match: { kind, value }, ...(invert && { invert }) };
}

const holding: readonly ClaimMatch[] = [
  asks(['sub'], 'exact', 'anna'),
  asks(['groups'], 'exact', 'Admins'),
  asks(['groups'], 'prefix', 'Adm'),
  asks(['groups'], 'regex', 's.*f'),
  asks(['groups'], 'present'),
  asks(['scope'], 'exact', 'write'),
  asks(['address', 'city'], 'exact', 'Köln'),
  asks(['https://example.com/roles'], 'exact', 'editor'),
  asks(['groups'], 'exact', 'guests', true),
  asks(['nobody'], 'present', '', true),
];
const not: readonly ClaimMatch[] = [
  asks(['sub'], 'exact', 'Anna'),
  asks(['Sub'], 'exact', 'anna'),
  asks(['groups'], 'exact', 'admins'),
  // Istio compares texts alone.
  asks(['level'], 'exact', '3'),
  asks(['address'], 'present'),
  asks(['address.city'], 'exact', 'Köln'),
  asks(['scope'], 'exact', 'read write'),
  asks(['constructor'], 'present'),
  asks(['groups'], 'exact', 'staff', true),
];

test('a route that asks for a claim holds for who brings it, and without a token for nobody', () => {
  for (const [claims, holds] of [...holding.map(each => [each, 0]), ...not.map(each => [each, 1])] as const) {
    const matcher = new RouteMatcher([{ matches: [{ claims: [claims as ClaimMatch] }] }, {}]);
    assert.equal(matcher.match(head, token), holds, JSON.stringify(claims));
    // What must not be there is not there.
    const { invert = false } = claims as ClaimMatch;
    assert.equal(matcher.match(head), invert ? 0 : 1, `without a token: ${JSON.stringify(claims)}`);
    assert.equal(matcher.match(head, new TokenClaims({})), invert ? 0 : 1);
  }
});

test('a claim stands beside the other conditions of its match, and inside of what must not hold', () => {
  const admins = asks(['groups'], 'exact', 'Admins');
  const both = new RouteMatcher([{ matches: [{ path: { kind: 'exact', value: '/b' }, claims: [admins] }] }]);
  assert.equal(both.match(head, token), -1);
  const not = new RouteMatcher([{ matches: [{ not: [{ claims: [admins] }] }] }]);
  assert.deepEqual([not.match(head, token), not.match(head)], [-1, 0]);
});
