import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { FakeClock } from '../time/index.ts';
import { LeaderElection, TYPES } from './index.ts';
import { FakeApi } from './testing/fake-api.ts';
import { until } from './testing/until.ts';

interface Candidate {
  readonly election: LeaderElection;
  readonly clock: FakeClock;
  readonly log: string[];
  readonly failures: string[];
  /** Ends it in order. */
  stop(): Promise<void>;
}

async function setUp(context: TestContext) {
  const api = new FakeApi();
  await api.start();
  const stops: (() => Promise<void>)[] = [];
  context.after(async () => {
    for (const stop of stops) await stop();
    await api.stop();
  });
  const candidate = (identity: string): Candidate => {
    const clock = new FakeClock();
    const log: string[] = [];
    const failures: string[] = [];
    const election = new LeaderElection({
      client: api.client(),
      clock,
      namespace: 'weft-system',
      name: 'weft-injector',
      identity,
      random: () => 0,
      failed: message => failures.push(message),
    });
    const stop = new AbortController();
    const done = election.run(signal => {
      log.push('leads');
      signal.addEventListener('abort', () => log.push('ends'), { once: true });
    }, stop.signal);
    const end = async (): Promise<void> => {
      stop.abort();
      await done;
    };
    stops.push(end);
    return { election, clock, log, failures, stop: end };
  };
  return { api, candidate };
}

/** Lets one attempt of the candidate happen: time passes, and the call has its answer. */
async function attempt({ clock, election }: Candidate, api: FakeApi): Promise<void> {
  const before = api.calls.length;
  await clock.advance(2_000);
  await until('an attempt', () => api.calls.length > before);
  // A leader waits for its next attempt and for its end, others for their next attempt.
  await until('its answers', () => api.idle && clock.pending >= (election.isLeader ? 2 : 1));
}

const leaseOf = (api: FakeApi) =>
  api.read(TYPES.lease, 'weft-system', 'weft-injector')!.spec as Record<string, unknown>;

test('of two only one leads, and hands over at once when it ends in order', async context => {
  const { api, candidate } = await setUp(context);
  const first = candidate('a');
  await until('a leader', () => first.election.isLeader);
  const second = candidate('b');
  await until('its look', () => second.election.holder === 'a' && second.clock.pending > 0);
  for (let round = 0; round < 10; round++) {
    await attempt(first, api);
    await attempt(second, api);
  }
  assert.deepEqual([first.log, second.log], [['leads'], []]);
  assert.equal(leaseOf(api).leaseTransitions, 0);
  await first.stop();
  assert.deepEqual(first.log, ['leads', 'ends']);
  assert.equal(leaseOf(api).holderIdentity, '');
  await attempt(second, api);
  assert.deepEqual(second.log, ['leads']);
  assert.equal(leaseOf(api).leaseTransitions, 1);
});

test('a leader that died is followed when its time is over, and not before', async context => {
  const { api, candidate } = await setUp(context);
  const spec = { holderIdentity: 'dead', leaseDurationSeconds: 15, renewTime: '2020-01-01T00:00:00.000000Z' };
  api.put(TYPES.lease, { metadata: { name: 'weft-injector', namespace: 'weft-system' }, spec });
  const next = candidate('b');
  await until('its look', () => next.clock.pending > 0);
  for (let round = 0; round < 7; round++) await attempt(next, api);
  assert.deepEqual(next.log, [], 'an old renewTime may be another clock');
  await attempt(next, api);
  assert.deepEqual(next.log, ['leads']);
});

test('a leader that cannot renew stops to lead before anybody else may, and leads again later', async context => {
  const { api, candidate } = await setUp(context);
  const one = candidate('a');
  await until('a leader', () => one.election.isLeader);
  api.fault = () => ({ status: 500, message: 'etcd is away' });
  for (let round = 0; round < 4; round++) await attempt(one, api);
  assert.deepEqual(one.log, ['leads'], '8 s after the last renewal');
  await attempt(one, api);
  assert.deepEqual(one.log, ['leads', 'ends']);
  assert.deepEqual(one.failures, ['etcd is away'], 'said once');
  api.fault = () => undefined;
  await attempt(one, api);
  assert.deepEqual(one.log, ['leads', 'ends', 'leads']);
});

test('two who see a free Lease at once do not both lead', async context => {
  const { api, candidate } = await setUp(context);
  const all = ['a', 'b', 'c', 'd'].map(candidate);
  await until('everybody tried', () => all.every(each => each.clock.pending > 0));
  assert.equal(all.filter(each => each.election.isLeader).length, 1);
  for (const each of all) await attempt(each, api);
  assert.equal(all.filter(each => each.election.isLeader).length, 1);
});
