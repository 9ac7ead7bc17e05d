import assert from 'node:assert/strict';
import { test } from 'node:test';
import { WeftError } from '../errors/index.ts';
import { FakeClock } from '../time/index.ts';
import { type ReviewStatus, TokenReviewVerifier } from './index.ts';

function tokenOf(claims: object): string {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  return `${part({ alg: 'RS256' })}.${part(claims)}.c2ln`;
}

const good: ReviewStatus = {
  authenticated: true,
  audiences: ['weft'],
  user: {
    username: 'system:serviceaccount:shop:cart',
    extra: { 'authentication.kubernetes.io/pod-name': ['cart-1'] },
  },
};

function setUp(answer: () => ReviewStatus | Error, more: object = {}) {
  const clock = new FakeClock();
  const asked: [string, readonly string[]][] = [];
  const verifier = new TokenReviewVerifier({
    clock,
    trustDomain: 'cluster.local',
    review: async (token, audiences) => {
      asked.push([token, audiences]);
      return answer();
    },
    ...more,
  });
  const token = (claims: object = {}) => tokenOf({ aud: ['weft'], exp: clock.now() / 1000 + 600, ...claims });
  return { clock, asked, verifier, token };
}

test('a token of a pod proves its ServiceAccount, and our audience is asked for', async () => {
  const { verifier, asked, token } = setUp(() => good);
  assert.deepEqual(await verifier.verify(`${token()}\n`), {
    identity: { trustDomain: 'cluster.local', namespace: 'shop', serviceAccount: 'cart' },
    pod: 'cart-1',
  });
  assert.deepEqual(asked, [[token(), ['weft']]]);
});

const no: ReviewStatus = {
  authenticated: false,
  error: '[invalid bearer token, Token has been invalidated]',
};
const refusals: [string, ReviewStatus | Error, object, string, RegExp][] = [
  ['a wrong audience', no, { aud: ['api'] }, 'token-wrong-audience', /audience 'weft'/],
  ['an answer for another audience', { ...good, audiences: ['api'] }, {}, 'token-wrong-audience', /audience/],
  ['an answer without audiences', { ...good, audiences: undefined }, {}, 'token-wrong-audience', /audience/],
  ['an expired token', no, { exp: 1 }, 'token-expired', /has expired; send a fresh one/],
  ['a deleted ServiceAccount', no, {}, 'token-refused', /Token has been invalidated.*must still exist/],
  [
    'a person',
    { ...good, user: { username: 'jane' } },
    {},
    'token-not-a-workload',
    /'jane'.*no ServiceAccount/,
  ],
  [
    'no pod',
    { ...good, user: { username: 'system:serviceaccount:shop:cart' } },
    {},
    'token-not-a-pod',
    /bound to a pod/,
  ],
  [
    'a strange name',
    { ...good, user: { ...(good.user as object), username: 'system:serviceaccount:Shop/x:y' } },
    {},
    'token-claims',
    /not a Kubernetes name/,
  ],
  [
    'an API that is away',
    new Error('ECONNREFUSED'),
    {},
    'token-review-unavailable',
    /did not answer \(ECONNREFUSED\); try again/,
  ],
  ['an empty answer', {}, {}, 'token-refused', /does not accept/],
];
for (const [what, answer, claims, code, message] of refusals) {
  test(`${what} is refused with ${code}`, async () => {
    const { verifier, token } = setUp(() => answer);
    const refused = await verifier.verify(token(claims));
    assert.ok(refused instanceof WeftError);
    assert.equal(refused.code, code);
    assert.match(refused.message, message);
    assert.ok(!refused.message.includes(token(claims)), 'the token is not shown');
  });
}

test('what is no JWT is refused without asking anybody', async () => {
  const { verifier, asked } = setUp(() => good);
  for (const text of ['', 'a.b', `${'a'.repeat(20_000)}.b.c`, 'a.b.c\nX: y', '{"a":1}']) {
    assert.equal(((await verifier.verify(text)) as WeftError).code, 'token-malformed');
  }
  assert.equal(asked.length, 0);
});

test('answers are kept for a moment and never longer than the token lives; failures of the API are not kept', async () => {
  let answer: ReviewStatus | Error = new Error('away');
  const { verifier, asked, clock, token } = setUp(() => answer);
  const long = token();
  const short = token({ exp: clock.now() / 1000 + 4 });
  await verifier.verify(long);
  answer = good;
  await Promise.all([verifier.verify(long), verifier.verify(long)]);
  await verifier.verify(short);
  assert.equal(asked.length, 3, 'one after the failure, shared by two');
  await clock.advance(5_000);
  await verifier.verify(long);
  assert.equal(asked.length, 3);
  answer = no;
  assert.ok((await verifier.verify(short)) instanceof WeftError);
  await clock.advance(5_000);
  assert.ok((await verifier.verify(long)) instanceof WeftError);
  assert.equal(asked.length, 5);
});

test('a flood of different tokens does not grow the memory', async () => {
  const { verifier, asked, token } = setUp(() => no, { kept: 3 });
  for (let i = 0; i < 5; i++) await verifier.verify(token({ i }));
  await verifier.verify(token({ i: 4 }));
  assert.equal(asked.length, 5);
  await verifier.verify(token({ i: 0 }));
  assert.equal(asked.length, 6);
});

test('the proof names the uid of the pod, by which a certificate is bound to it', async () => {
  const user = {
    ...(good.user as object),
    extra: {
      'authentication.kubernetes.io/pod-name': ['cart-1'],
      'authentication.kubernetes.io/pod-uid': ['u-1'],
    },
  };
  const { verifier, token } = setUp(() => ({ ...good, user }));
  const proof = await verifier.verify(token());
  assert.ok(!(proof instanceof WeftError));
  assert.deepEqual([proof.pod, proof.podUid], ['cart-1', 'u-1']);
});
