// Tokens of every kind against rules: what is taken, and why what is not is refused. Attacks are rows 60 to 72 of the table in
// test/security/.
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { test } from 'node:test';
import type { Head } from '../http/index.ts';
import { requestHead } from '../http1/testing/heads.ts';
import type { JwtRule } from '../model/index.ts';
import { pathStartOf } from '../routing/request-parts.ts';
import { FakeClock } from '../time/index.ts';
import { Authenticator, type Judgement, KeyStore, TokenCounts } from './index.ts';
import { TestIssuer } from './testing/issuer.ts';

const clock = new FakeClock();
const nowSeconds = clock.now() / 1000;
const issuer = new TestIssuer();
const other = new TestIssuer('https://other.example', 'RS256');

function authenticator(...rules: readonly Partial<JwtRule>[]): Authenticator {
  const keys = new KeyStore({
    clock,
    fetch: () => Promise.reject(new Error('nobody is asked')),
    watcher: { onKeys() {}, onFailure() {} },
  });
  const all = rules.map(rule => ({ issuer: issuer.issuer, jwks: issuer.jwks, ...rule }));
  return new Authenticator(all, keys, clock, new TokenCounts());
}

function headWith(fields: readonly string[], target = '/', method = 'GET'): Head {
  return requestHead(
    `${method} ${target} HTTP/1.1\r\nhost: a\r\n${fields.map(each => `${each}\r\n`).join('')}\r\n`,
  );
}

function queryOf(head: Head): { start: number; end: number } {
  const at = head.bytes.indexOf('?', pathStartOf(head));
  const isThere = at >= 0 && at < head.targetEnd;
  return { start: isThere ? at + 1 : head.targetEnd, end: head.targetEnd };
}

async function judge(from: Authenticator, head: Head): Promise<Judgement> {
  return from.judge(head, queryOf(head));
}

/** `alice`, the reason of a refusal, or `nobody`. */
async function outcome(from: Authenticator, head: Head): Promise<string> {
  const judgement = await judge(from, head);
  if (judgement === undefined) return 'nobody';
  return judgement.kind === 'accepted' ? judgement.claims.subject : judgement.fault;
}

const bearer = (token: string): Head => headWith([`authorization: Bearer ${token}`]);
const base64url = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');

for (const alg of ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA']) {
  test(`takes a token signed with ${alg}`, async () => {
    const by = new TestIssuer(issuer.issuer, alg);
    assert.equal(await outcome(authenticator({ jwks: by.jwks }), bearer(by.token())), 'alice');
  });
}

test('takes a token of a shared secret where the issuer has one', async () => {
  const secret = Buffer.alloc(32, 7);
  const jwks = JSON.stringify({ keys: [{ kty: 'oct', k: secret.toString('base64url'), kid: 's' }] });
  const input = `${base64url({ alg: 'HS256', kid: 's' })}.${base64url({ iss: issuer.issuer, sub: 'alice' })}`;
  const token = `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
  assert.equal(await outcome(authenticator({ jwks }), bearer(token)), 'alice');
});

const payload = base64url({ iss: issuer.issuer, sub: 'alice' });
const pem = issuer.publicKey.export({ type: 'spki', format: 'pem' }).toString();
const hmac = (secret: string | Buffer, kid: string): string => {
  const input = `${base64url({ alg: 'HS256', kid })}.${payload}`;
  return `${input}.${createHmac('sha256', secret).update(input).digest('base64url')}`;
};

const refused: readonly (readonly [what: string, token: string, why: string])[] = [
  ['alg none', `${base64url({ alg: 'none' })}.${payload}.`, 'malformed'],
  [
    'alg none with a signature',
    `${base64url({ alg: 'none', kid: issuer.kid })}.${payload}.AAAA`,
    'algorithm',
  ],
  ['alg nOnE', `${base64url({ alg: 'nOnE' })}.${payload}.AAAA`, 'algorithm'],
  ['a public key as the secret of HMAC', hmac(pem, issuer.kid), 'unknown-key'],
  ['an empty secret', hmac('', issuer.kid), 'unknown-key'],
  ['an algorithm of another family', issuer.token({}, { alg: 'RS256' }), 'unknown-key'],
  ['an algorithm that is none', issuer.token({}, { alg: '__proto__' }), 'algorithm'],
  ['crit that nobody knows', issuer.token({}, { crit: ['x'], x: 1 }), 'malformed'],
  ['b64 false', issuer.token({}, { crit: ['b64'], b64: false }), 'malformed'],
  ['kid as a path', issuer.token({}, { kid: '../../dev/null' }), 'unknown-key'],
  ['kid as SQL', issuer.token({}, { kid: "' OR 1=1 --" }), 'unknown-key'],
  ['kid that is no text', issuer.token({}, { kid: ['a'] }), 'malformed'],
  ['a key of another issuer under its name', new TestIssuer(issuer.issuer).token(), 'signature'],
  ['jwk in the header', new TestIssuer(issuer.issuer).token({}, { jwk: issuer.jwk }), 'signature'],
  [
    'jku in the header',
    new TestIssuer(issuer.issuer).token({}, { jku: 'https://evil.example' }),
    'signature',
  ],
  ['expired', issuer.token({ exp: nowSeconds - 61 }), 'expired'],
  ['exp as text', issuer.token({ exp: '99999999999' }), 'malformed'],
  ['exp below zero', issuer.token({ exp: -1 }), 'malformed'],
  ['not yet valid', issuer.token({ nbf: nowSeconds + 61 }), 'not-yet-valid'],
  ['of an issuer that no rule names', issuer.token({ iss: 'https://evil.example' }), 'issuer'],
  ['of no issuer', issuer.token({ iss: undefined }), 'issuer'],
  ['an issuer that is a list', issuer.token({ iss: [issuer.issuer] }), 'malformed'],
  ['a subject that is no text', issuer.token({ sub: 7 }), 'malformed'],
  ['no JSON in the payload', issuer.signed(base64url({ alg: 'ES256' }), 'AAAA'), 'malformed'],
  ['a list as the payload', issuer.signed(base64url({ alg: 'ES256' }), base64url([1])), 'malformed'],
  ['two parts', 'a.b', 'malformed'],
  ['four parts', `${issuer.token()}.x`, 'malformed'],
  ['padding', `${issuer.token()}=`, 'malformed'],
  ['other letters of base64', `${issuer.token()}+/`, 'malformed'],
  ['nothing', '', 'malformed'],
  ['64 KB', issuer.token({ fill: 'x'.repeat(48_000) }), 'malformed'],
  ['two tokens in one header', `${issuer.token()}, Bearer ${issuer.token()}`, 'malformed'],
  ['its last letter changed', issuer.token().replace(/.(.)$/, 'x$1'), 'signature'],
];

for (const [what, token, why] of refused) {
  test(`refuses a token with ${what}`, async () => {
    assert.equal(await outcome(authenticator({}), headWithLong(token)), why);
  });
}

/** A head without the limits of the codec. */
function headWithLong(token: string): Head {
  const head = headWith([]);
  head.add(Buffer.from('authorization'), Buffer.from(`Bearer ${token}`));
  return head;
}

const taken: readonly (readonly [what: string, claims: Readonly<Record<string, unknown>>])[] = [
  ['that never expires', {}],
  ['that has expired within what clocks may differ by', { exp: nowSeconds - 59 }],
  ['that is valid in a moment', { nbf: nowSeconds + 59 }],
  ['that was issued in the future, which nobody asks', { iat: nowSeconds + 9999 }],
];
for (const [what, claims] of taken) {
  test(`takes a token ${what}`, async () => {
    assert.equal(await outcome(authenticator({}), bearer(issuer.token(claims))), 'alice');
  });
}

test('deep JSON and members twice are read once, the last counts for verification and use alike', async () => {
  const deep = `{"iss":"${issuer.issuer}","sub":"mallory","x":${'['.repeat(5000)}${']'.repeat(5000)},"sub":"alice"}`;
  const token = issuer.signed(base64url({ alg: 'ES256' }), Buffer.from(deep).toString('base64url'));
  assert.equal(await outcome(authenticator({}), headWithLong(token)), 'alice');
});

test('an audience must be one of those that are named, scheme and slash aside; without names any will do', async () => {
  const from = authenticator({ audiences: ['https://books/', 'films'] });
  const claims = async (aud: unknown): Promise<string> => outcome(from, bearer(issuer.token({ aud })));
  assert.equal(await claims('books'), 'alice');
  assert.equal(await claims('http://films'), 'alice');
  assert.equal(await claims(['x', 'films']), 'alice');
  assert.equal(await claims(['x']), 'audience');
  assert.equal(await claims(undefined), 'audience');
  assert.equal(await claims([7]), 'malformed');
  assert.equal(await outcome(authenticator({}), bearer(issuer.token({ aud: 'x' }))), 'alice');
});

test('without a token a request passes and comes from nobody', async () => {
  const from = authenticator({});
  for (const fields of [
    [],
    ['authorization: Basic YTpi'],
    ['authorization: bearer x'],
    ['cookie: access_token=x'],
  ])
    assert.equal(await outcome(from, headWith(fields)), 'nobody');
  assert.equal(await outcome(from, headWith([], '/access_token=x')), 'nobody');
});

test('tokens are looked for where a rule says, and otherwise in the usual places', async () => {
  const token = issuer.token();
  assert.equal(await outcome(authenticator({}), headWith([], `/a?x=1&access_token=${token}`)), 'alice');
  const own = authenticator({
    fromHeaders: [
      { name: 'x-jwt', prefix: '' },
      { name: 'x-bearer', prefix: 'Token ' },
    ],
    fromParams: ['t'],
    fromCookies: ['session'],
  });
  assert.equal(await outcome(own, headWith([`X-Jwt: ${token}`])), 'alice');
  assert.equal(await outcome(own, headWith([`x-bearer: Token ${token}`])), 'alice');
  assert.equal(await outcome(own, headWith([], `/?t=${token}`)), 'alice');
  assert.equal(await outcome(own, headWith([`cookie: a=b; session=${token}`])), 'alice');
  assert.equal(await outcome(own, bearer(token)), 'nobody');
});

test('every token that is found in the places of a rule must be good', async () => {
  const from = authenticator({});
  const [good, bad] = [issuer.token(), issuer.token({ exp: 1 })];
  const both = (...tokens: readonly string[]): Head =>
    headWith(tokens.map(each => `authorization: Bearer ${each}`));
  assert.equal(await outcome(from, both(good, bad)), 'expired');
  assert.equal(await outcome(from, both(bad, good)), 'expired');
  assert.equal(await outcome(from, both(good, issuer.token({ sub: 'bob' }))), 'alice');
  assert.equal(
    await outcome(from, headWith([`authorization: Bearer ${good}`], `/?access_token=${bad}`)),
    'expired',
  );
});

test('of several rules one that takes the token is enough; what is worst is told otherwise', async () => {
  const from = authenticator({ audiences: ['books'] }, { issuer: other.issuer, jwks: other.jwks });
  assert.equal(await outcome(from, bearer(other.token({ sub: 'bob' }))), 'bob');
  assert.equal(await outcome(from, bearer(issuer.token({ aud: 'books' }))), 'alice');
  assert.equal(await outcome(from, bearer(issuer.token({ aud: 'x' }))), 'audience');
  assert.equal(await outcome(from, bearer(issuer.token({ iss: 'https://evil.example' }))), 'issuer');
  // The right issuer with a key of another.
  assert.equal(await outcome(from, bearer(other.token({ iss: issuer.issuer, aud: 'books' }))), 'unknown-key');
  assert.equal(await outcome(from, headWith([])), 'nobody');
});

test("a browser's question before the request needs no token; one that only looks like it does", async () => {
  const from = authenticator({});
  const bad = 'authorization: Bearer x.y.z';
  const asks = 'access-control-request-method: GET';
  assert.equal(await outcome(from, headWith([bad, 'origin: https://a', asks], '/', 'OPTIONS')), 'nobody');
  assert.equal(await outcome(from, headWith([bad, asks], '/', 'OPTIONS')), 'malformed');
  assert.equal(await outcome(from, headWith([bad, 'origin: https://a'], '/', 'OPTIONS')), 'malformed');
  assert.equal(await outcome(from, headWith([bad, 'origin: https://a', asks], '/', 'GET')), 'malformed');
});

test('a token is verified once, and again once it has expired', async () => {
  const from = authenticator({});
  const head = bearer(issuer.token({ exp: nowSeconds + 10 }));
  assert.ok(from.judge(head, queryOf(head)) instanceof Promise);
  assert.equal(await outcome(from, head), 'alice');
  const known = from.judge(head, queryOf(head));
  assert.ok(known !== undefined && !(known instanceof Promise) && known.kind === 'accepted');
  await clock.advance(71_000);
  assert.equal(await outcome(from, head), 'expired');
});

test('nested claims, lists, and lists with blanks between', async () => {
  const claims = {
    scope: 'read write',
    permission: ['a', 'b c'],
    groups: 'x y',
    realm: { roles: ['admin', 7], 'https://a.b/c': 'deep' },
    'https://a.b/flat': 'flat',
    n: 7,
    yes: true,
  };
  const judgement = await judge(
    authenticator({ spaceDelimitedClaims: ['groups'] }),
    bearer(issuer.token(claims)),
  );
  assert.ok(judgement?.kind === 'accepted');
  const token = judgement.claims;
  assert.deepEqual(token.values(['scope']), ['read', 'write']);
  assert.deepEqual(token.values(['permission']), ['a', 'b c']);
  assert.deepEqual(token.values(['groups']), ['x', 'y']);
  assert.deepEqual(token.values(['realm', 'roles']), ['admin']);
  assert.deepEqual(token.values(['realm', 'https://a.b/c']), ['deep']);
  assert.deepEqual(token.values(['https://a.b/flat']), ['flat']);
  for (const path of [
    ['n'],
    ['yes'],
    ['realm'],
    ['none'],
    ['constructor', 'name'],
    ['__proto__'],
    ['scope', 'length'],
  ])
    assert.deepEqual(token.values(path), [], path.join('.'));
  assert.equal(token.principal, `${issuer.issuer}/alice`);
  assert.deepEqual(
    ['n', 'yes', 'scope', 'realm', 'realm.https://a.b/c', 'https://a.b/flat'].map(each =>
      token.headerValue(each),
    ),
    ['7', 'true', 'read write', undefined, undefined, 'flat'],
  );
});

test('a claim that could end its header is in none', async () => {
  const claims = { lines: 'a\r\nx-admin: 1', nul: 'a\0b', blank: ' a', name: 'Zoë' };
  const judgement = await judge(authenticator({}), bearer(issuer.token(claims)));
  assert.ok(judgement?.kind === 'accepted');
  const values = ['lines', 'nul', 'blank', 'name'].map(each => judgement.claims.headerValue(each));
  assert.deepEqual(values, [undefined, undefined, undefined, Buffer.from('Zoë').toString('latin1')]);
});

test('a set of keys that is of no use refuses its own tokens and no others', async () => {
  for (const jwks of ['', '<html>', '{}', '{"keys":[]}', '{"keys":[{"kty":"RSA"}]}', '{"keys":[7]}']) {
    const from = authenticator({ jwks }, { issuer: other.issuer, jwks: other.jwks });
    assert.match(await outcome(from, bearer(issuer.token())), /^(no-keys|unknown-key)$/, jwks);
    assert.equal(await outcome(from, bearer(other.token())), 'alice');
    assert.equal(await outcome(from, headWith([])), 'nobody');
  }
});
