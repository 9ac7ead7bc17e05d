// What a request with a token (JWT) costs: one that is known, one that has to be verified, and a request without any.
//   node --expose-gc bench/tokens.ts
// Prints microseconds, the best of several rounds: looking at the head, and what is waited for. Known tokens are by far the most.
import { Authenticator, KeyStore, TokenCounts } from '../src/authentication/index.ts';
import { TestIssuer } from '../src/authentication/testing/issuer.ts';
import { Head } from '../src/http/index.ts';
import { DEFAULT_LIMITS, parseRequestHead } from '../src/http1/index.ts';
import { systemClock } from '../src/time/index.ts';

const rounds = 7;
const known = 100_000;
const unknown = 500;
/** Few enough for what they leave to stay in V8's young generation. */
const counted = 2_000;
const none = { start: 0, end: 0 };

function headWith(token: string | undefined): Head {
  const field = token === undefined ? '' : `authorization: Bearer ${token}\r\n`;
  const bytes = Buffer.from(
    `GET /api/v1/things HTTP/1.1\r\nhost: shop\r\naccept: */*\r\nuser-agent: bench\r\n${field}\r\n`,
  );
  const head = new Head();
  parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS);
  head.retain();
  return head;
}

const fetch = (): Promise<never> => Promise.reject(new Error('nobody is asked'));
const watcher = { onKeys() {}, onFailure() {} };

for (const alg of ['RS256', 'ES256', 'EdDSA']) {
  const issuer = new TestIssuer('https://issuer.example', alg);
  const keys = new KeyStore({ clock: systemClock, fetch, watcher });
  const rule = { issuer: issuer.issuer, jwks: issuer.jwks };
  const authenticator = new Authenticator([rule], keys, systemClock, new TokenCounts());
  const claims = {
    aud: 'cart',
    scope: 'read write',
    groups: Array.from({ length: 20 }, (_, i) => `group-${i}`),
  };
  const token = issuer.token(claims);
  const head = headWith(token);
  await authenticator.judge(head, none);
  const plain = headWith(undefined);
  const gc = globalThis.gc as (() => void) | undefined;
  let knownBytes = Number.POSITIVE_INFINITY;
  let [knownUs, plainUs, verifyUs] = [
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
    Number.POSITIVE_INFINITY,
  ];
  for (let round = 0; round < rounds; round++) {
    let began = process.hrtime.bigint();
    for (let i = 0; i < known; i++) void authenticator.judge(head, none);
    knownUs = Math.min(knownUs, Number(process.hrtime.bigint() - began) / 1000 / known);
    gc?.();
    const heap = process.memoryUsage().heapUsed;
    for (let i = 0; i < counted; i++) void authenticator.judge(head, none);
    knownBytes = Math.min(knownBytes, Math.max(0, process.memoryUsage().heapUsed - heap) / counted);
    began = process.hrtime.bigint();
    for (let i = 0; i < known; i++) void authenticator.judge(plain, none);
    plainUs = Math.min(plainUs, Number(process.hrtime.bigint() - began) / 1000 / known);
    const fresh = Array.from({ length: unknown }, (_, i) =>
      headWith(issuer.token({ ...claims, jti: `${round}-${i}` })),
    );
    began = process.hrtime.bigint();
    for (const each of fresh) await authenticator.judge(each, none);
    verifyUs = Math.min(verifyUs, Number(process.hrtime.bigint() - began) / 1000 / unknown);
  }
  console.log(
    `${alg.padEnd(6)} ${token.length} bytes: known ${knownUs.toFixed(2)} us and ${knownBytes.toFixed(0)} bytes, verified ${verifyUs.toFixed(0)} us, no token ${plainUs.toFixed(2)} us`,
  );
}
