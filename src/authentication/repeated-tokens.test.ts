// A token that comes again is known by the bytes that bring it: never another, never for another rule, never for longer than its
// keys and its time.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Head } from '../http/index.ts';
import { requestHead } from '../http1/testing/heads.ts';
import type { JwtRule } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { Authenticator, KeyStore, TokenCounts } from './index.ts';
import { TestIssuer } from './testing/issuer.ts';

const issuer = new TestIssuer();
const none = { start: 0, end: 0 };

interface Setting {
  readonly clock: FakeClock;
  readonly rules: readonly Partial<JwtRule>[];
  readonly fetch?: () => Promise<{ text: string }>;
}

function authenticatorOf({ clock, rules, fetch }: Setting): Authenticator {
  const keys = new KeyStore({
    clock,
    fetch: (fetch ?? (() => Promise.reject(new Error('nobody is asked')))) as never,
    watcher: { onKeys() {}, onFailure() {} },
  });
  const whole = rules.map(rule => ({
    issuer: issuer.issuer,
    ...(fetch === undefined && { jwks: issuer.jwks }),
    ...rule,
  }));
  return new Authenticator(whole, keys, clock, new TokenCounts());
}

const headOf = (...fields: readonly string[]): Head =>
  requestHead(`GET / HTTP/1.1\r\nhost: a\r\n${fields.map(each => `${each}\r\n`).join('')}\r\n`);
const bearer = (token: string): Head => headOf(`authorization: Bearer ${token}`);

/** Judged so often that the bytes are known. */
async function learn(from: Authenticator, head: Head): Promise<void> {
  for (let i = 0; i < 3; i++) await from.judge(head, none);
  const first = from.judge(head, none);
  assert.ok(first !== undefined && first === from.judge(head, none), 'the same judgement, made once');
}

test('the bytes of a value that was good are known again, in other requests too, and nothing is made for it', async () => {
  const from = authenticatorOf({ clock: new FakeClock(), rules: [{}] });
  const token = issuer.token();
  await learn(from, bearer(token));
  const again = from.judge(headOf('x: y', `Authorization:   Bearer ${token}  `), none);
  assert.ok(again !== undefined && !(again instanceof Promise) && again.kind === 'accepted');
  assert.equal(again.token, token);
  assert.equal(again, from.judge(bearer(token), none));
});

test('one byte otherwise, at any place, is another token', async () => {
  const from = authenticatorOf({ clock: new FakeClock(), rules: [{}] });
  const token = issuer.token();
  await learn(from, bearer(token));
  for (let at = 0; at < token.length; at += 7) {
    const other = `${token.slice(0, at)}${token[at] === 'A' ? 'B' : 'A'}${token.slice(at + 1)}`;
    const judgement = await from.judge(bearer(other), none);
    assert.equal(judgement?.kind, 'refused', `byte ${at}`);
  }
  assert.equal((await from.judge(bearer(`${token}x`), none))?.kind, 'refused');
  assert.equal((await from.judge(bearer(token.slice(0, -1)), none))?.kind, 'refused');
});

test('it is known until it has expired, and no longer', async () => {
  const clock = new FakeClock();
  const from = authenticatorOf({ clock, rules: [{}] });
  const head = bearer(issuer.token({ exp: clock.now() / 1000 + 100 }));
  await learn(from, head);
  await clock.advance(159_000);
  assert.equal((await from.judge(head, none))?.kind, 'accepted', 'clocks may differ by a minute');
  await clock.advance(2_000);
  const late = await from.judge(head, none);
  assert.ok(late?.kind === 'refused' && late.fault === 'expired');
});

test('when the keys change nothing is known any more', async () => {
  const clock = new FakeClock();
  let text = issuer.jwks;
  const from = authenticatorOf({
    clock,
    rules: [{ jwksUri: 'http://keys.example/' }],
    fetch: () => Promise.resolve({ text }),
  });
  await clock.advance(0);
  const head = bearer(issuer.token());
  await learn(from, head);
  text = new TestIssuer(issuer.issuer).jwks;
  await clock.advance(3_600_000);
  const judgement = await from.judge(head, none);
  assert.equal(judgement?.kind, 'refused');
});

test('what one rule takes, another does not: each knows its own, and whence they came', async () => {
  const clock = new FakeClock();
  const rules = [
    { audiences: ['books'], fromHeaders: [{ name: 'x-a', prefix: '' }] },
    {
      audiences: ['films'],
      fromHeaders: [
        { name: 'x-b', prefix: '' },
        { name: 'x-c', prefix: 'T ' },
      ],
    },
  ];
  const from = authenticatorOf({ clock, rules });
  const token = issuer.token({ aud: 'films' });
  await learn(from, headOf(`x-b: ${token}`));
  const elsewhere = await from.judge(headOf(`x-a: ${token}`), none);
  assert.ok(elsewhere?.kind === 'refused' && elsewhere.fault === 'audience');
  // Without the prefix of that place it is no token.
  assert.equal(await from.judge(headOf(`x-c: ${token}`), none), undefined);
});

test('a second token beside a known one is looked at', async () => {
  const from = authenticatorOf({ clock: new FakeClock(), rules: [{}] });
  const token = issuer.token();
  const field = `authorization: Bearer ${token}`;
  await learn(from, bearer(token));
  assert.equal((await from.judge(headOf(field, 'authorization: Bearer a.b.c'), none))?.kind, 'refused');
  const target = requestHead(`GET /?access_token=a.b.c HTTP/1.1\r\nhost: a\r\n${field}\r\n\r\n`);
  const start = target.bytes.indexOf('?') + 1;
  assert.equal((await from.judge(target, { start, end: target.targetEnd }))?.kind, 'refused');
});
