// Who gets the next certificate: a table of what a proxy, or a thief, may show, and of what the control plane knows then.
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import { test } from 'node:test';
import type { TokenProof } from '../ca/index.ts';
import { WeftError } from '../errors/index.ts';
import { createKeyAndCsr } from '../identity/index.ts';
import { parseSpiffe } from '../model/index.ts';
import { RawProxy } from './testing/raw-proxy.ts';
import { frontId, SecureMesh } from './testing/secure-mesh.ts';
import { shopYaml, TestMesh } from './testing/stream-suite.ts';

const uid = '6f0d6f3a-0b0c-4a53-9f6e-0d8a3f0b7c11';
const otherUid = '11111111-0b0c-4a53-9f6e-0d8a3f0b7c11';
const identity = parseSpiffe(frontId)!;
const front = { namespace: 'shop', serviceAccount: 'front' };

/** What the verifier says of the token. */
const answers = {
  good: { identity, pod: 'front-0', podUid: uid },
  'good, says no uid': { identity, pod: 'front-0' },
  'of another pod': { identity, pod: 'front-1', podUid: otherUid },
  'of another account': {
    identity: { ...identity, serviceAccount: 'cart' },
    pod: 'cart-0',
    podUid: otherUid,
  },
  refused: new WeftError('token-refused', 'its pod is gone', { source: 'downstream' }),
  expired: new WeftError('token-expired', 'it has expired', { source: 'downstream' }),
  'nobody to ask': new WeftError('token-review-unavailable', 'no answer', { source: 'internal' }),
} satisfies Record<string, TokenProof | WeftError>;

interface Case {
  readonly token: keyof typeof answers | 'none';
  /** The certificate that is shown: of the pod `uid`, of one whose pod is not said, or none. */
  readonly certificate: 'bound' | 'unbound' | 'none';
  /** What the registry knows of `uid`. */
  readonly known: typeof front | undefined;
  /** `signed`, or the code of the refusal. */
  readonly becomes: string;
}

const gone = undefined;
const moved = { namespace: 'shop', serviceAccount: 'cart' };
const cases: readonly Case[] = [
  { token: 'good', certificate: 'none', known: gone, becomes: 'signed' },
  { token: 'good', certificate: 'bound', known: front, becomes: 'signed' },
  { token: 'good', certificate: 'bound', known: gone, becomes: 'signed' },
  { token: 'good', certificate: 'unbound', known: front, becomes: 'signed' },
  { token: 'good, says no uid', certificate: 'bound', known: front, becomes: 'signed' },
  // A stolen key without its token, whatever is known.
  { token: 'none', certificate: 'bound', known: front, becomes: 'token-required' },
  { token: 'none', certificate: 'bound', known: gone, becomes: 'token-required' },
  { token: 'none', certificate: 'none', known: front, becomes: 'token-required' },
  // A stolen key with a token that is good no more.
  { token: 'refused', certificate: 'bound', known: front, becomes: 'token-refused' },
  { token: 'expired', certificate: 'bound', known: front, becomes: 'token-expired' },
  // A stolen key with the token of another pod that the thief has.
  { token: 'of another pod', certificate: 'bound', known: front, becomes: 'certificate-other-pod' },
  { token: 'of another account', certificate: 'bound', known: front, becomes: 'token-other-identity' },
  // The API server is away: pods that were known go on, others wait.
  { token: 'nobody to ask', certificate: 'bound', known: front, becomes: 'signed' },
  { token: 'nobody to ask', certificate: 'bound', known: gone, becomes: 'token-review-unavailable' },
  { token: 'nobody to ask', certificate: 'bound', known: moved, becomes: 'token-review-unavailable' },
  { token: 'nobody to ask', certificate: 'unbound', known: front, becomes: 'token-review-unavailable' },
  { token: 'nobody to ask', certificate: 'none', known: front, becomes: 'token-review-unavailable' },
];

for (const { token, certificate, known, becomes } of cases) {
  const pod = known === undefined ? 'gone' : known === front ? 'known' : 'of another account';
  test(`token ${token}, certificate ${certificate}, pod ${pod}: ${becomes}`, async context => {
    const secure = await SecureMesh.start(context, new TestMesh(shopYaml), {
      verifier: { verify: async () => answers[token as keyof typeof answers] },
      podOf: asked => (asked === uid ? known : undefined),
    });
    const shown = certificate === 'bound' ? secure.issue(frontId, undefined, uid) : secure.issue(frontId);
    const proxy = await RawProxy.connect(context, secure, certificate === 'none' ? undefined : shown);
    const request = { type: 'sign', csr: createKeyAndCsr().csrPem, nowMs: secure.clock.now() } as const;
    proxy.send(token === 'none' ? request : { ...request, token: 'a.b.c' });
    if (becomes !== 'signed') {
      assert.equal((await proxy.next('error')).code, becomes);
      return;
    }
    const { chain } = await proxy.next('signed');
    const { subject, subjectAltName } = new X509Certificate(chain);
    assert.equal(subjectAltName, `URI:${frontId}`);
    const says = token !== 'good, says no uid';
    assert.equal(
      subject || undefined,
      says ? `serialNumber=${uid}` : undefined,
      'the next is bound to the pod as well',
    );
  });
}

test('without anybody who knows pods, a token that cannot be checked gets nothing', async context => {
  const secure = await SecureMesh.start(context, new TestMesh(shopYaml), {
    verifier: { verify: async () => answers['nobody to ask'] },
  });
  const proxy = await RawProxy.connect(context, secure, secure.issue(frontId, undefined, uid));
  proxy.send({ type: 'sign', csr: createKeyAndCsr().csrPem, token: 'a.b.c', nowMs: secure.clock.now() });
  assert.equal((await proxy.next('error')).code, 'token-review-unavailable');
});
