import assert from 'node:assert/strict';
import { test } from 'node:test';
import { inject } from './inject.ts';
import { type InjectOptions, injectOptions } from './options.ts';
import { patchOf } from './patch.ts';
import type { PodTemplate } from './pod.ts';
import { applyPatch } from './testing/apply-patch.ts';
import { Random } from './testing/random.ts';
import { randomPod } from './testing/random-pod.ts';
import { uninject } from './uninject.ts';

const CASES = 3000;
const context = { namespace: 'shop' };

function randomOptions(random: Random): InjectOptions {
  return injectOptions({
    injectByDefault: true,
    nativeSidecar: random.chance(0.4),
    wrapJobCommands: random.chance(0.5),
    redirection: random.chance(0.3) ? 'none' : 'init',
    rewriteProbes: random.chance(0.8),
    mergePrometheus: random.chance(0.8),
    holdApplicationUntilProxyStarts: random.chance(0.8),
  });
}

function injected(pod: PodTemplate, options: InjectOptions, seed: number): PodTemplate {
  const result = inject(pod, context, options);
  assert.equal(result.kind, 'injected', `seed ${seed}: ${JSON.stringify(result)}`);
  return (result as { pod: PodTemplate }).pod;
}

function eachCase(run: (random: Random, seed: number) => void): void {
  for (let seed = 1; seed <= CASES; seed++) run(new Random(seed), seed);
}

test('injecting twice equals injecting once', () => {
  eachCase((random, seed) => {
    const options = randomOptions(random);
    const once = injected(randomPod(random), options, seed);
    const twice = inject(once, context, options);
    assert.equal(twice.kind === 'skipped' && twice.code, 'already-injected', `seed ${seed}`);
  });
});

test('injecting with other options or another version equals injecting afresh', () => {
  eachCase((random, seed) => {
    const pod = randomPod(random);
    const old = { ...randomOptions(random), version: '0.0.1', proxyImage: 'weft-proxy:0.0.1' };
    const options = randomOptions(random);
    assert.deepEqual(
      injected(injected(pod, old, seed), options, seed),
      injected(pod, options, seed),
      `seed ${seed}`,
    );
  });
});

test('uninjecting restores the pod exactly', () => {
  eachCase((random, seed) => {
    const pod = randomPod(random);
    const result = uninject(injected(pod, randomOptions(random), seed));
    assert.deepEqual(result.kind === 'uninjected' && result.pod, pod, `seed ${seed}`);
  });
});

test('inject and uninject leave their input alone', () => {
  eachCase((random, seed) => {
    const pod = randomPod(random);
    const copy = structuredClone(pod);
    const result = injected(pod, randomOptions(random), seed);
    assert.deepEqual(pod, copy, `seed ${seed}`);
    const resultCopy = structuredClone(result);
    uninject(result);
    assert.deepEqual(result, resultCopy, `seed ${seed}`);
  });
});

test('the patch from before to after gives after, and leaves fields unknown to inject out', () => {
  eachCase((random, seed) => {
    const pod = randomPod(random);
    const after = injected(pod, randomOptions(random), seed);
    const patch = patchOf(pod, after);
    assert.deepEqual(applyPatch(pod, patch), after, `seed ${seed}`);
    for (const { path } of patch) assert.ok(!path.includes('fieldOfTheFuture'), `seed ${seed}: ${path}`);
  });
});
