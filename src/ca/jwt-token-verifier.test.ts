import assert from 'node:assert/strict';
import {
  createHmac,
  createPrivateKey,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
} from 'node:crypto';
import { test } from 'node:test';
import { type JWTPayload, SignJWT } from 'jose';
import { WeftError } from '../errors/index.ts';
import { FakeClock } from '../time/index.ts';
import { JwtTokenVerifier, type JwtVerifierOptions } from './jwt-token-verifier.ts';
import { TokenIssuer } from './token-issuer.ts';

const issuer = 'https://kubernetes.default.svc';
const clock = new FakeClock();
const nowSeconds = clock.now() / 1000;
const tokens = issuerOf();

function issuerOf(keyPem?: string): TokenIssuer {
  const made = TokenIssuer.create({ issuer, clock: new FakeClock(), keyPem });
  assert.ok(made instanceof TokenIssuer, String(made));
  return made;
}

function verifierOf(options: Partial<JwtVerifierOptions> = {}): JwtTokenVerifier {
  const defaults = { jwks: tokens.jwks(), issuer, trustDomain: 'cluster.local', clock: new FakeClock() };
  const made = JwtTokenVerifier.create({ ...defaults, ...options });
  assert.ok(made instanceof JwtTokenVerifier, String(made));
  return made;
}

/** A good token's claims, changed. */
function claims(changes: JWTPayload = {}): JWTPayload {
  return {
    iss: issuer,
    aud: ['weft'],
    sub: 'system:serviceaccount:shop:web',
    iat: nowSeconds,
    nbf: nowSeconds,
    exp: nowSeconds + 3600,
    'kubernetes.io': { namespace: 'shop', serviceaccount: { name: 'web' }, pod: { name: 'web-1' } },
    ...changes,
  };
}

/** Any claims, signed with the right key. */
function sign(
  payload: JWTPayload,
  header: { alg?: string; kid?: string; key?: KeyObject } = {},
): Promise<string> {
  const kid = header.kid ?? tokens.jwks().keys[0]!.kid;
  return new SignJWT(payload)
    .setProtectedHeader({ alg: header.alg ?? 'ES256', kid })
    .sign(header.key ?? createPrivateKey(tokens.exportKey()));
}

async function refused(
  token: string,
  code: string,
  message?: RegExp,
  verifier = verifierOf(),
): Promise<void> {
  const outcome = await verifier.verify(token);
  assert.ok(outcome instanceof WeftError, `should be refused: ${code}`);
  assert.equal(outcome.code, code, outcome.message);
  assert.equal(outcome.source, 'downstream');
  if (message) assert.match(outcome.message, message);
  assert.match(outcome.message, /; ./, 'names a remedy');
  if (token.length > 20) assert.equal(outcome.message.includes(token.slice(0, 20)), false, 'shows the token');
}

test('a token of the issuer proves its ServiceAccount and pod', async () => {
  const token = await tokens.issue({ namespace: 'shop', serviceAccount: 'web', pod: 'web-7c5-x2' });
  assert.deepEqual(await verifierOf().verify(token), {
    identity: { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' },
    pod: 'web-7c5-x2',
  });
  assert.deepEqual(await verifierOf().verify(` ${token}\n`), await verifierOf().verify(token));
});

test('a token that is bound to no pod proves its ServiceAccount', async () => {
  const token = await tokens.issue({ namespace: 'shop', serviceAccount: 'web' });
  assert.deepEqual(await verifierOf().verify(token), {
    identity: { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'web' },
  });
});

test('a token signed with RSA, as most clusters do it, is taken', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const jwks = { keys: [{ ...publicKey.export({ format: 'jwk' }), kid: 'k8s', alg: 'RS256', use: 'sig' }] };
  const token = await sign(claims(), { alg: 'RS256', kid: 'k8s', key: privateKey });
  const proof = await verifierOf({ jwks }).verify(token);
  assert.ok(!(proof instanceof WeftError), String(proof));
});

test('refuses a token for another audience', async () => {
  const other = await tokens.issue({ namespace: 'shop', serviceAccount: 'web', audience: 'vault' });
  await refused(other, 'token-wrong-audience', /not for the audience 'weft'; mount a projected token/);
  await refused(await sign(claims({ aud: undefined })), 'token-wrong-audience');
});

test('refuses an expired token, with ten seconds of leeway', async () => {
  const token = await tokens.issue({ namespace: 'shop', serviceAccount: 'web', lifetimeMs: 60_000 });
  const later = new FakeClock();
  const verifier = verifierOf({ clock: later });
  await later.advance(69_000);
  assert.ok(!((await verifier.verify(token)) instanceof WeftError));
  await later.advance(1000);
  await refused(token, 'token-expired', /has expired; send a fresh one/, verifier);
});

test('refuses a token that is not valid yet, with ten seconds of leeway', async () => {
  assert.ok(
    !((await verifierOf().verify(await sign(claims({ nbf: nowSeconds + 10 })))) instanceof WeftError),
  );
  await refused(
    await sign(claims({ nbf: nowSeconds + 11 })),
    'token-not-yet-valid',
    /synchronise the clocks/,
  );
});

test('refuses a token that never expires or names nobody', async () => {
  await refused(await sign(claims({ exp: undefined })), 'token-claims', /'exp'/);
  await refused(await sign(claims({ sub: undefined })), 'token-claims', /'sub'/);
});

test('refuses a token of another issuer', async () => {
  await refused(
    await sign(claims({ iss: 'https://evil.example' })),
    'token-wrong-issuer',
    /not issued by https:\/\/kube/,
  );
});

test('refuses a token signed with an unknown key', async () => {
  const token = await issuerOf().issue({ namespace: 'shop', serviceAccount: 'web' });
  await refused(token, 'token-unknown-key', /not among those of https:\/\/kubernetes/);
});

test('refuses a token signed with another key under a known key id', async () => {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  await refused(await sign(claims(), { key: privateKey }), 'token-bad-signature');
});

test('refuses a token whose claims were changed after it was signed', async () => {
  const [header, , signature] = (await sign(claims())).split('.');
  const payload = Buffer.from(JSON.stringify(claims({ sub: 'system:serviceaccount:kube-system:admin' })));
  await refused(`${header}.${payload.toString('base64url')}.${signature}`, 'token-bad-signature');
});

test('refuses a token without a signature', async () => {
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  for (const alg of ['none', 'None', 'NONE', '']) {
    await refused(`${part({ alg })}.${part(claims())}.`, alg === '' ? 'token-malformed' : 'token-algorithm');
  }
});

test('refuses a token signed with the public key as a shared secret', async () => {
  const { kid } = tokens.jwks().keys[0]!;
  const publicPem = createPublicKey(tokens.exportKey()).export({ type: 'spki', format: 'pem' });
  const part = (value: unknown): string => Buffer.from(JSON.stringify(value)).toString('base64url');
  const signed = `${part({ alg: 'HS256', kid })}.${part(claims())}`;
  const mac = createHmac('sha256', publicPem).update(signed).digest('base64url');
  await refused(`${signed}.${mac}`, 'token-algorithm', /not signed with a public-key algorithm/);
});

test('refuses a token that brings its own key', async () => {
  const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
  const jwk = publicKey.export({ format: 'jwk' });
  const token = await new SignJWT(claims()).setProtectedHeader({ alg: 'ES256', jwk }).sign(privateKey);
  await refused(token, 'token-bad-signature');
});

test('refuses a token whose claims disagree or are not those of a ServiceAccount', async () => {
  const own = { namespace: 'shop', serviceaccount: { name: 'web' } };
  const wrong: JWTPayload[] = [
    { sub: 'system:serviceaccount:shop:admin' },
    { sub: 'system:serviceaccount:shop:web:x' },
    { sub: 'alice' },
    { 'kubernetes.io': undefined },
    { 'kubernetes.io': 'shop' },
    { 'kubernetes.io': [own] },
    { 'kubernetes.io': { namespace: 'shop' } },
    { 'kubernetes.io': { namespace: 1, serviceaccount: { name: 'web' } } },
    { 'kubernetes.io': { ...own, pod: { name: 7 } } },
    { 'kubernetes.io': { ...own, serviceaccount: 'web' } },
    { sub: 'system:serviceaccount:a/b:web', 'kubernetes.io': { ...own, namespace: 'a/b' } },
    { sub: 'system:serviceaccount:shop:', 'kubernetes.io': { ...own, serviceaccount: { name: '' } } },
  ];
  for (const change of wrong) await refused(await sign(claims(change)), 'token-claims');
});

test('refuses what is no token at all', async () => {
  const good = await sign(claims());
  const cases = [
    '',
    ' ',
    'x',
    '..',
    'a.b.c',
    'a.b.c.d',
    good.split('.').slice(0, 2).join('.'),
    '\0'.repeat(50),
    '{"a":1}',
  ];
  for (const token of cases) await refused(token, 'token-malformed');
  await refused('x'.repeat(16_385), 'token-malformed', /larger than 16384 bytes/);
});

test('refuses key sets that are none, or hold what no verifier should have', () => {
  const [key] = tokens.jwks().keys;
  const cases: [unknown, RegExp][] = [
    [undefined, /are not a JWKS/],
    ['keys', /are not a JWKS/],
    [{ keys: {} }, /are not a JWKS/],
    [{ keys: [] }, /are an empty set/],
    [{ keys: [null] }, /hold no key at keys\[0\]/],
    [{ keys: [key, { kty: 'oct', k: 'c2VjcmV0' }] }, /hold a symmetric key at keys\[1\]/],
    [
      { keys: [createPrivateKey(tokens.exportKey()).export({ format: 'jwk' })] },
      /hold a private key at keys\[0\]/,
    ],
  ];
  for (const [jwks, message] of cases) {
    const outcome = JwtTokenVerifier.create({ jwks, issuer, trustDomain: 'cluster.local', clock });
    assert.ok(outcome instanceof WeftError);
    assert.equal(outcome.code, 'token-keys');
    assert.match(outcome.message, message);
  }
});

test('an issuer made from an exported key makes tokens that the same key set verifies', async () => {
  const again = issuerOf(tokens.exportKey());
  assert.deepEqual(again.jwks(), tokens.jwks());
  const token = await again.issue({ namespace: 'shop', serviceAccount: 'web' });
  assert.ok(!((await verifierOf().verify(token)) instanceof WeftError));
});

test('the exported key set holds nothing private', () => {
  assert.deepEqual(Object.keys(tokens.jwks().keys[0]!).sort(), ['alg', 'crv', 'kid', 'kty', 'use', 'x', 'y']);
});

test('an issuer refuses keys it cannot sign with', () => {
  const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' }).privateKey;
  for (const keyPem of ['junk', p384.export({ type: 'pkcs8', format: 'pem' }).toString()]) {
    assert.ok(TokenIssuer.create({ issuer, clock, keyPem }) instanceof WeftError);
  }
});
