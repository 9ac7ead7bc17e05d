import assert from 'node:assert/strict';
import { test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { ConfigurationAge } from './configuration-age.ts';

test('what a proxy goes by ages from when the control plane was lost, and from the start where it was never there', () => {
  const clock = new FakeClock();
  const age = new ConfigurationAge(clock);
  clock.advance(5_000);
  assert.equal(age.seconds, 5);
  age.connection(false);
  clock.advance(1_000);
  assert.equal(age.seconds, 6, 'a failed attempt is no news');
  age.connection(true);
  clock.advance(60_000);
  assert.equal(age.seconds, 0);
  age.connection(false);
  clock.advance(2_000);
  age.connection(false);
  clock.advance(1_000);
  assert.equal(age.seconds, 3);
});
