import assert from 'node:assert/strict';
import { test } from 'node:test';
import { DEFAULT_TRAFFIC, type OutlierSettings } from '../model/index.ts';
import { FakeClock } from '../time/index.ts';
import { EndpointHealth, type Outcome, OutlierDetector } from './outlier.ts';

const off = { consecutive5xx: 0, consecutiveGatewayErrors: 0, consecutiveConnectFailures: 0 };

function settings(some: Partial<OutlierSettings> = {}): OutlierSettings {
  return { ...DEFAULT_TRAFFIC.outlier, ...some };
}

function recordAll(outcomes: readonly Outcome[], some: Partial<OutlierSettings>): (string | undefined)[] {
  const health = new EndpointHealth();
  return outcomes.map(outcome => health.record(outcome, settings({ ...off, ...some })));
}

const five: Outcome = 'error-5xx';
const gate: Outcome = 'gateway-error';
const conn: Outcome = 'connect-failure';
const good: Outcome = 'success';

const cases: {
  name: string;
  outcomes: Outcome[];
  settings: Partial<OutlierSettings>;
  last: string | undefined;
}[] = [
  {
    name: '5xx in a row',
    outcomes: [five, five, five],
    settings: { consecutive5xx: 3 },
    last: 'consecutive-5xx',
  },
  {
    name: 'a success in between',
    outcomes: [five, five, good, five],
    settings: { consecutive5xx: 3 },
    last: undefined,
  },
  {
    name: 'gateway errors and connect failures count as 5xx',
    outcomes: [gate, conn, five],
    settings: { consecutive5xx: 3 },
    last: 'consecutive-5xx',
  },
  {
    name: 'gateway errors in a row',
    outcomes: [gate, gate],
    settings: { consecutiveGatewayErrors: 2 },
    last: 'consecutive-gateway-errors',
  },
  {
    name: 'a 500 interrupts a row of gateway errors',
    outcomes: [gate, five, gate],
    settings: { consecutiveGatewayErrors: 2 },
    last: undefined,
  },
  {
    name: 'connect failures count as gateway errors',
    outcomes: [conn, gate],
    settings: { consecutiveGatewayErrors: 2 },
    last: 'consecutive-gateway-errors',
  },
  {
    name: 'connect failures in a row',
    outcomes: [conn, conn],
    settings: { consecutiveConnectFailures: 2 },
    last: 'consecutive-connect-failures',
  },
  {
    name: 'errors of the app are no connect failures',
    outcomes: [conn, gate, conn, five, conn],
    settings: { consecutiveConnectFailures: 2 },
    last: undefined,
  },
  {
    name: 'the most precise reason is named',
    outcomes: [conn, conn],
    settings: { consecutive5xx: 2, consecutiveGatewayErrors: 2, consecutiveConnectFailures: 2 },
    last: 'consecutive-connect-failures',
  },
  { name: 'rules that are off', outcomes: Array(50).fill(conn) as Outcome[], settings: {}, last: undefined },
];
for (const { name, outcomes, settings: some, last } of cases) {
  test(`outlier rules: ${name}`, () => {
    const reasons = recordAll(outcomes, some);
    assert.equal(reasons.at(-1), last);
    assert.deepEqual(reasons.slice(0, -1).filter(Boolean), [], 'it was reached too early');
  });
}

test('may eject: at least one, never beyond the percentage, never the last', () => {
  const detector = new OutlierDetector(settings({ maxEjectionPercent: 50 }), new FakeClock());
  const most = (total: number): number => {
    let ejected = 0;
    while (detector.mayEject(ejected, total)) ejected++;
    return ejected;
  };
  assert.deepEqual([0, 1, 2, 3, 4, 5, 10, 11].map(most), [0, 0, 1, 1, 2, 2, 5, 5]);
  detector.settings = settings({ maxEjectionPercent: 100 });
  assert.deepEqual([1, 2, 3, 10].map(most), [0, 1, 2, 9]);
  detector.settings = settings({ maxEjectionPercent: 10 });
  assert.deepEqual([2, 3, 10, 20, 39].map(most), [1, 1, 1, 2, 3]);
  detector.settings = settings({ maxEjectionPercent: 0 });
  assert.deepEqual([2, 10, 100].map(most), [0, 0, 0]);
  detector.settings = settings({ enabled: false });
  assert.deepEqual([2, 10].map(most), [0, 0]);
});

test('each ejection lasts longer than the one before, up to the maximum, and quiet intervals forgive', async () => {
  const clock = new FakeClock();
  const detector = new OutlierDetector(
    settings({ baseEjectionTimeMs: 1_000, maxEjectionTimeMs: 2_500, intervalMs: 500 }),
    clock,
  );
  const health = new EndpointHealth();
  const lengths: number[] = [];
  for (let i = 0; i < 4; i++) {
    lengths.push(detector.eject(health, 'consecutive-5xx'));
    assert.equal(detector.release(health), false, 'it came back at once');
    await clock.advance(lengths.at(-1)! - 1);
    assert.equal(detector.release(health), false, 'it came back early');
    await clock.advance(1);
    assert.equal(detector.release(health), true);
    assert.equal(health.ejected, false);
  }
  assert.deepEqual(lengths, [1_000, 2_000, 2_500, 2_500]);
  await clock.advance(499);
  detector.forgive(health);
  assert.equal(health.multiplier, 4);
  await clock.advance(1);
  detector.forgive(health);
  assert.equal(health.multiplier, 3);
  await clock.advance(10_000);
  detector.forgive(health);
  assert.equal(health.multiplier, 0);
  assert.equal(detector.eject(health, 'consecutive-5xx'), 1_000);
});

test('nothing is forgiven while an endpoint is out', async () => {
  const clock = new FakeClock();
  const detector = new OutlierDetector(settings({ baseEjectionTimeMs: 60_000, intervalMs: 1_000 }), clock);
  const health = new EndpointHealth();
  detector.eject(health, 'consecutive-5xx');
  await clock.advance(30_000);
  detector.forgive(health);
  assert.equal(health.multiplier, 1);
});
