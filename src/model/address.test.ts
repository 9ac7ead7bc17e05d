import assert from 'node:assert/strict';
import { test } from 'node:test';
import { canonicalAddress, interceptsPort, type Workload } from './index.ts';

const forms: [string, string][] = [
  ['10.0.0.1', '10.0.0.1'],
  ['FD00:0:0:0::1', 'fd00::1'],
  ['fd00:0000:0000:0000:0000:0000:0000:0001', 'fd00::1'],
  ['::ffff:10.0.0.1', '10.0.0.1'],
  ['::FFFF:0a00:0001', '10.0.0.1'],
  ['::1', '::1'],
  ['reviews.shop', 'reviews.shop'],
  ['1::2::3', '1::2::3'],
  ['fe80::1%eth0', 'fe80::1%eth0'],
];
for (const [written, expected] of forms) {
  test(`${written} is ${expected}`, () => assert.equal(canonicalAddress(written), expected));
}

test('a port is intercepted unless it is skipped, or others only are', () => {
  const workload = (bypass?: Workload['bypass']): Workload => ({ bypass }) as Workload;
  const some = workload({ skip: [[80, 90]] });
  const only = workload({ skip: [[85, 85]], only: [[80, 90]] });
  const seen = (of: Workload): boolean[] => [79, 80, 85, 90, 91].map(port => interceptsPort(of, port));
  assert.deepEqual(seen(workload()), [true, true, true, true, true]);
  assert.deepEqual(seen(some), [true, false, false, false, true]);
  assert.deepEqual(seen(only), [false, true, false, true, false]);
});
