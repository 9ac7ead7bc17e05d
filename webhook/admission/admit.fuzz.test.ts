// Pods that no server would send: random ones with random parts replaced. Whatever comes, there is an answer.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { applyPatch } from '../inject/testing/apply-patch.ts';
import { Random } from '../inject/testing/random.ts';
import { randomPod } from '../inject/testing/random-pod.ts';
import { admit } from './admit.ts';
import { readReview, writeReview } from './review.ts';
import { review, settings } from './testing/admission.ts';

const CASES = 4000;
const around = { namespace: { labels: { 'weft.dev/inject': 'enabled' }, annotations: {} } };
const oddities: readonly unknown[] = [
  null,
  '',
  'x',
  0,
  -1,
  1e308,
  true,
  [],
  {},
  [null],
  [[]],
  { name: 3 },
  '\u0000',
];

/** `value` with one part of it, somewhere, replaced, removed or doubled. */
function damaged(value: unknown, random: Random): unknown {
  const copy = structuredClone(value);
  let at = copy as Record<string, unknown>;
  for (;;) {
    const keys = Object.keys(at);
    if (keys.length === 0) return copy;
    const key = random.pick(keys);
    const below = at[key];
    if (typeof below === 'object' && below !== null && random.chance(0.75)) {
      at = below as Record<string, unknown>;
      continue;
    }
    if (random.chance(0.2) && !Array.isArray(at)) delete at[key];
    else if (random.chance(0.2)) at[`${key}~/`] = below;
    else at[key] = random.pick(oddities);
    return copy;
  }
}

test('damaged pods are answered, and every patch applies', () => {
  const outcomes = new Map<string, number>();
  for (let seed = 1; seed <= CASES; seed++) {
    const random = new Random(seed);
    let pod: unknown = randomPod(random);
    for (let times = random.below(4); times > 0; times--) pod = damaged(pod, random);
    const read = readReview(review(pod));
    assert.ok('request' in read, `seed ${seed}`);
    try {
      const admission = admit(read.request, around, settings());
      if (admission.answer.patch) applyPatch(read.request.object, admission.answer.patch);
      JSON.stringify(writeReview(read.request, admission.answer));
      outcomes.set(admission.outcome, (outcomes.get(admission.outcome) ?? 0) + 1);
    } catch (thrown) {
      assert.fail(
        `seed ${seed}: ${thrown instanceof Error ? thrown.stack : String(thrown)}\n${JSON.stringify(pod)}`,
      );
    }
  }
  assert.deepEqual([...outcomes.keys()].sort(), ['denied', 'injected']);
});

test('damaged envelopes are refused or answered', () => {
  for (let seed = 1; seed <= CASES; seed++) {
    const random = new Random(seed);
    const text = review({ metadata: {}, spec: { containers: [{ name: 'a' }] } });
    const cut = random.chance(0.3)
      ? text.slice(0, random.below(text.length))
      : JSON.stringify(damaged(JSON.parse(text), random));
    const read = readReview(cut);
    assert.ok('request' in read || typeof read.error === 'string', `seed ${seed}`);
  }
});
