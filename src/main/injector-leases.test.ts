import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { InjectorConfig } from '../config/injector-config.ts';
import { TYPES } from '../kubernetes/index.ts';
import { FakeApi } from '../kubernetes/testing/fake-api.ts';
import { until } from '../kubernetes/testing/until.ts';
import { Registry } from '../registry/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { competeForLeases, type Lead } from './injector-leases.ts';

const service = {
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name: 'weft-injector', namespace: 'weft-system' },
};

/** Control planes with clocks of their own, and whether the default is there. */
async function setUp(context: TestContext) {
  const api = new FakeApi();
  await api.start();
  const clock = new FakeClock();
  const registry = new Registry({ clock });
  const owner = registry.of({ name: 'test' });
  const stops: AbortController[] = [];
  context.after(async () => {
    for (const each of stops) each.abort();
    await api.stop();
  });
  const start = (revision: string, instance: string) => {
    const stop = new AbortController();
    stops.push(stop);
    const told: string[] = [];
    const tell =
      (what: string) =>
      (leading: AbortSignal): void => {
        told.push(what);
        leading.addEventListener('abort', () => told.push(`${what} ends`), { once: true });
      };
    const config = { namespace: 'weft-system', revision, instance } as InjectorConfig;
    const around = { config, clock, log: silentLog, signal: stop.signal };
    const leads = competeForLeases(api.client(), { registry }, around, {
      own: tell('own'),
      shared: tell('shared'),
    });
    return { ...leads, told, stop };
  };
  /** Time goes on until somebody leads, or does not any more. */
  const becomes = (lead: Lead, leads: boolean): Promise<void> =>
    until(`leads is ${leads}`, async () => {
      if (lead.leads() !== leads) await clock.advance(1_000);
      return lead.leads() === leads;
    });
  const settle = async (): Promise<void> => {
    owner.flush();
    await clock.advance(1_000);
  };
  return { api, clock, owner, start, becomes, settle };
}

test('a canary leads its revision, and what all share only after the default is gone', async context => {
  const { api, owner, start, becomes, settle } = await setUp(context);
  owner.put(service);
  await settle();
  const canary = start('canary', 'canary-1');
  await becomes(canary.own, true);
  const first = start('default', 'default-1');
  await becomes(first.shared, true);
  assert.deepEqual(canary.told, ['own']);
  assert.deepEqual(first.told, ['shared', 'own']);
  assert.equal(canary.shared.leads(), false);
  // The default is taken away: its Service goes, and its pod.
  owner.delete('Service', 'weft-system/weft-injector');
  owner.flush();
  first.stop.abort();
  await becomes(first.shared, false);
  await becomes(canary.shared, true);
  assert.deepEqual(canary.told, ['own', 'shared']);
  // And comes back.
  owner.put(service);
  owner.flush();
  await becomes(canary.shared, false);
  const again = start('default', 'default-2');
  await becomes(again.shared, true);
  assert.deepEqual(canary.told, ['own', 'shared', 'shared ends']);
  assert.equal(canary.own.leads(), true, 'its own is not concerned');
  const names = ['weft-injector', 'weft-injector-canary'];
  const holders = names.map(
    name => (api.read(TYPES.lease, 'weft-system', name)!.spec as { holderIdentity: string }).holderIdentity,
  );
  assert.deepEqual(holders, ['default-2', 'canary-1']);
});

test('while the default is there and does not lead, no other revision takes its place', async context => {
  const { api, clock, owner, start, becomes, settle } = await setUp(context);
  owner.put(service);
  await settle();
  const canary = start('canary', 'canary-1');
  await becomes(canary.own, true);
  for (let round = 0; round < 30; round++) await clock.advance(2_000);
  assert.equal(canary.shared.leads(), false);
  assert.equal(api.read(TYPES.lease, 'weft-system', 'weft-injector'), undefined);
});

test('of two canaries without a default one leads for all', async context => {
  const { start, becomes, settle } = await setUp(context);
  await settle();
  const all = [start('blue', 'blue-1'), start('green', 'green-1')];
  for (const each of all) await becomes(each.own, true);
  await until('a leader', () => all.some(each => each.shared.leads()));
  assert.equal(all.filter(each => each.shared.leads()).length, 1);
});
