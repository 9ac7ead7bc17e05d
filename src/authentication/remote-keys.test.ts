import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { type FetchedKeys, RemoteKeys } from './remote-keys.ts';
import { TestIssuer } from './testing/issuer.ts';

const first = new TestIssuer().jwks;
const second = new TestIssuer().jwks;

/** Keys at an address that answers as the test says. */
class Rig {
  readonly clock = new FakeClock();
  readonly told: string[] = [];
  fetches = 0;
  /** The next answers; a text that begins with `!` is a failure. The last one stays. */
  answers: string[];
  maxAgeMs: number | undefined;
  readonly keys: RemoteKeys;

  constructor(...answers: string[]) {
    this.answers = answers;
    const fetch = async (): Promise<FetchedKeys> => {
      this.fetches++;
      const text = this.answers.length > 1 ? this.answers.shift()! : this.answers[0]!;
      if (text.startsWith('!')) throw new Error(text.slice(1));
      return { text, maxAgeMs: this.maxAgeMs };
    };
    this.keys = new RemoteKeys({
      uri: 'https://keys',
      timeoutMs: 5000,
      clock: this.clock,
      fetch,
      watcher: {
        onKeys: (_, isNew) => this.told.push(isNew ? 'new' : 'same'),
        onFailure: (_, why, hasKeys) => this.told.push(`${why}, ${hasKeys ? 'kept' : 'none'}`),
      },
      random: () => 1,
    });
  }

  async advance(ms: number): Promise<void> {
    await this.clock.advance(ms);
    await new Promise(resolve => setImmediate(resolve));
  }
}

test('keys are fetched before anybody asks, and again before they are old', async () => {
  const rig = new Rig(first, first, second);
  rig.keys.start();
  await rig.advance(0);
  assert.equal(rig.keys.keys?.size, 1);
  await rig.advance(20 * 60_000);
  assert.deepEqual([rig.keys.version, rig.told], [1, ['new', 'same']], 'the same keys are no news');
  await rig.advance(20 * 60_000);
  assert.deepEqual([rig.keys.version, rig.fetches], [2, 3]);
});

test('an issuer may have its keys fetched sooner, but not all the time', async () => {
  const rig = new Rig(first);
  rig.maxAgeMs = 120_000;
  rig.keys.start();
  await rig.advance(0);
  await rig.advance(120_000);
  assert.equal(rig.fetches, 2);
  rig.maxAgeMs = 0;
  await rig.advance(120_000);
  assert.equal(rig.fetches, 3);
  await rig.advance(59_000);
  assert.equal(rig.fetches, 3);
  await rig.advance(1_000);
  assert.equal(rig.fetches, 4);
});

test('the last good keys hold on while others cannot be had: HTML, nothing, an empty set', async () => {
  const rig = new Rig(first, '<html>login</html>', '!down', '{"keys":[]}', second);
  rig.keys.start();
  await rig.advance(0);
  await rig.advance(20 * 60_000);
  await rig.advance(1_000);
  await rig.advance(2_000);
  assert.equal(rig.keys.version, 1);
  assert.equal(rig.keys.keys?.size, 1);
  await rig.advance(4_000);
  assert.equal(rig.keys.version, 2);
  assert.deepEqual(rig.told, [
    'new',
    'the answer is HTML or XML and no JSON Web Key Set, kept',
    'down, kept',
    'the answer has no key of a kind that is known here (RSA, EC, OKP, oct), kept',
    'new',
  ]);
});

test('it is tried again after a failure, ever more slowly', async () => {
  const rig = new Rig('!down');
  rig.keys.start();
  await rig.advance(0);
  const times: number[] = [];
  for (let second = 0, seen = 0; second <= 200; second++) {
    if (rig.fetches > seen) {
      times.push(second);
      seen = rig.fetches;
    }
    await rig.advance(1_000);
  }
  assert.deepEqual(times, [0, 1, 3, 7, 15, 31, 63, 123, 183]);
});

test('keys that nobody has make them be fetched once in ten seconds, whoever makes names up', async () => {
  const rig = new Rig(first, second);
  rig.keys.start();
  await rig.advance(0);
  for (let i = 0; i < 100; i++) await rig.keys.renew();
  assert.equal(rig.fetches, 1, 'they have only just come');
  await rig.advance(10_000);
  await Promise.all(Array.from({ length: 100 }, () => rig.keys.renew()));
  assert.deepEqual([rig.fetches, rig.keys.version], [2, 2], 'all wait for the same fetch');
});

test('what is closed asks nobody any more', async () => {
  const rig = new Rig('!down');
  rig.keys.start();
  await rig.advance(0);
  rig.keys.close();
  await rig.advance(600_000);
  await rig.keys.renew();
  assert.equal(rig.fetches, 1);
});
