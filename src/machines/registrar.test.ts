import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import type { AskableProxy, MachinePresence, Question, QuestionListener } from '../discovery/index.ts';
import { WeftError } from '../errors/index.ts';
import type { KubeClient } from '../kubernetes/index.ts';
import { FakeApi, type FakeObject } from '../kubernetes/testing/fake-api.ts';
import { until } from '../kubernetes/testing/until.ts';
import type { MachineGroup } from '../model/index.ts';
import { fieldAt, recordsOf } from '../plain/index.ts';
import type { KubeObject } from '../registry/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { MachineRegistrar } from './index.ts';
import { typeOf } from './presence.ts';

const type = typeOf();
const name = 'billing-192.0.2.10';

function groupOf(more: Partial<MachineGroup> = {}): MachineGroup {
  return {
    namespace: 'vm',
    name: 'billing',
    uid: 'g1',
    apiVersion: 'networking.istio.io/v1',
    labels: { team: 'money' },
    annotations: {},
    template: { serviceAccount: 'billing', labels: { app: 'billing' }, ports: { http: 8080 } },
    from: { apiVersion: 'networking.istio.io/v1', kind: 'WorkloadGroup', namespace: 'vm', name: 'billing' },
    ...more,
  };
}

/** A proxy that is asked, and what it is asked. */
class AskedProxy implements AskableProxy {
  readonly pod = `vm/vm~${name}`;
  readonly proxyVersion = 'test';
  readonly asked: { question: Question; listener: QuestionListener; over: boolean }[] = [];
  ask(question: Question, listener: QuestionListener): () => void {
    const open = { question, listener, over: false };
    this.asked.push(open);
    return () => {
      open.over = true;
    };
  }
  say(healthy: boolean, message = ''): void {
    this.asked.at(-1)!.listener.said([{ healthy, message }], 0);
  }
}

async function setUp(context: TestContext) {
  const api = new FakeApi([type]);
  await api.start();
  const clock = new FakeClock();
  const groups = new Map([['vm/billing', groupOf()]]);
  const stops: AbortController[] = [];
  let under = 0;
  /** Calls are counted from the moment in which they are made. */
  const counted = (client: KubeClient): KubeClient =>
    new Proxy(client, {
      get(target, key) {
        const method = Reflect.get(target, key, target) as (...args: unknown[]) => Promise<unknown>;
        if (typeof method !== 'function') return method;
        return (...args: unknown[]) => {
          under++;
          return method.apply(target, args).finally(() => under--);
        };
      },
    });
  const names = new Set([name]);
  const replica = (
    instance: string,
    leads = false,
  ): { registrar: MachineRegistrar; stop: AbortController } => {
    const stop = new AbortController();
    stops.push(stop);
    const entry = (key: string): KubeObject | undefined =>
      api.read(type, 'vm', key.slice('vm/'.length)) as KubeObject | undefined;
    const registrar = new MachineRegistrar({
      ...{
        client: counted(api.client()),
        clock,
        log: silentLog,
        instance,
        leads: () => leads,
        graceMs: 60_000,
      },
      group: key => groups.get(key),
      *entries() {
        for (const each of names) {
          const found = entry(`vm/${each}`);
          if (found) yield found;
        }
      },
      entry,
    });
    registrar.start(stop.signal);
    return { registrar, stop };
  };
  context.after(async () => {
    for (const stop of stops) stop.abort();
    await api.stop();
  });
  const read = (): Record<string, unknown> | undefined => api.read(type, 'vm', name);
  const mark = (key: string): unknown => fieldAt(read(), 'metadata', 'annotations', key);
  const pass = async (ms: number): Promise<void> => {
    // In steps, so that calls end as they would.
    for (let left = ms; left > 0; left -= 1_000) {
      await clock.advance(Math.min(1_000, left));
      do await new Promise(resolve => setImmediate(resolve));
      while (under > 0);
    }
  };
  return { api, clock, groups, replica, read, mark, pass };
}

function conditionOf(entry: Record<string, unknown> | undefined): string | undefined {
  const conditions = fieldAt(entry, 'status', 'conditions') as { type: string; status: string }[] | undefined;
  return conditions?.find(each => each.type === 'Healthy')?.status;
}

const machine = (uid = 'm1', address = '192.0.2.10') => ({
  namespace: 'vm',
  serviceAccount: 'billing',
  uid,
  claim: { group: 'billing', address, tunnelPort: 15_006 },
});

async function arrived(found: ReturnType<MachineRegistrar['arrive']>): Promise<MachinePresence> {
  const presence = await found;
  assert.ok(!(presence instanceof WeftError), String(presence));
  return presence;
}

async function refused(found: ReturnType<MachineRegistrar['arrive']>): Promise<string> {
  const error = await found;
  assert.ok(error instanceof WeftError);
  return error.code;
}

test('a machine gets the entry that its group says, follows the group, and loses it when it has been away', async context => {
  const { replica, read, mark, groups, pass } = await setUp(context);
  const { registrar } = replica('a', true);
  const presence = await arrived(registrar.arrive(machine()));
  assert.equal(registrar.size, 1);
  assert.deepEqual(read()!.spec, {
    address: '192.0.2.10',
    serviceAccount: 'billing',
    labels: { 'security.istio.io/tlsMode': 'istio', app: 'billing' },
    ports: { http: 8080 },
  });
  assert.deepEqual(fieldAt(read(), 'metadata', 'labels'), { team: 'money' });
  assert.deepEqual(
    recordsOf(fieldAt(read(), 'metadata', 'ownerReferences')).map(each => [each.kind, each.uid]),
    [['WorkloadGroup', 'g1']],
  );
  assert.equal(mark('istio.io/autoRegistrationGroup'), 'billing');
  assert.equal(mark('weft.dev/tunnel-port'), '15006');
  groups.set(
    'vm/billing',
    groupOf({ labels: {}, template: { ...groupOf().template, labels: { app: 'other' } } }),
  );
  registrar.changed();
  await until('the other label', () => fieldAt(read(), 'spec', 'labels', 'app') === 'other');
  assert.deepEqual(
    fieldAt(read(), 'metadata', 'labels'),
    {},
    'a label that the group has no longer selects nobody',
  );
  presence.left();
  await pass(3_000);
  await until('it says that the machine is away', () => mark('istio.io/disconnectedAt') !== undefined);
  assert.equal(registrar.size, 0);
  await pass(55_000);
  assert.ok(read(), 'within the grace');
  await pass(15_000);
  await until('it is gone', () => read() === undefined);
});

test('a connection anew, here or at another replica, and a restart of the control plane leave the entry in place', async context => {
  const { replica, read, mark, pass, api } = await setUp(context);
  const one = replica('a', true);
  const two = replica('b');
  const first = await arrived(one.registrar.arrive(machine()));
  const second = await arrived(two.registrar.arrive(machine()));
  first.left();
  await pass(120_000);
  assert.equal(mark('istio.io/workloadController'), 'b');
  assert.equal(mark('istio.io/disconnectedAt'), undefined);
  // A certificate was renewed: the next connection comes before the last has ended.
  const third = await arrived(two.registrar.arrive(machine()));
  second.left();
  await pass(120_000);
  assert.equal(mark('istio.io/disconnectedAt'), undefined);
  // The replica ends, and its machine comes back an hour later, when there is another leader.
  two.stop.abort();
  third.left();
  one.stop.abort();
  await pass(5_000);
  const written = api.calls.filter(each => each.method !== 'GET').length;
  const later = replica('c', true);
  await pass(600_000);
  assert.equal(
    api.calls.filter(each => each.method !== 'GET').length,
    written,
    'nothing is written meanwhile',
  );
  assert.ok(read());
  await arrived(later.registrar.arrive(machine()));
  await pass(3_600_000);
  assert.equal(mark('istio.io/workloadController'), 'c');
  assert.ok(read(), 'a machine that stays is said to be there');
});

test('a machine that went together with its replica is taken for gone after a quarter of an hour without a word', async context => {
  const { replica, read, pass } = await setUp(context);
  const lost = replica('a');
  await arrived(lost.registrar.arrive(machine()));
  lost.stop.abort();
  replica('b', true);
  await pass(890_000);
  assert.ok(read());
  await pass(30_000);
  await until('it is gone', () => read() === undefined);
});

test('of two machines with one address the first stays, until it is away', async context => {
  const { replica, mark, pass } = await setUp(context);
  const one = replica('a', true);
  const two = replica('b');
  const first = await arrived(one.registrar.arrive(machine('m1')));
  assert.equal(await refused(one.registrar.arrive(machine('m2'))), 'machine-address-taken');
  assert.equal(await refused(two.registrar.arrive(machine('m2'))), 'machine-address-taken');
  assert.equal(mark('weft.dev/machine'), 'm1');
  first.left();
  await pass(3_000);
  await arrived(two.registrar.arrive(machine('m2')));
  assert.equal(mark('weft.dev/machine'), 'm2');
  assert.equal(mark('istio.io/disconnectedAt'), undefined);
});

test('who does not fit is refused by name: group, account, address, and an entry that somebody wrote', async context => {
  const { replica, groups, api } = await setUp(context);
  const { registrar } = replica('a');
  const other = machine();
  assert.equal(
    await refused(registrar.arrive({ ...other, claim: { ...other.claim, group: 'nobody' } })),
    'machine-group-unknown',
  );
  assert.equal(
    await refused(registrar.arrive({ ...other, serviceAccount: 'default' })),
    'machine-group-identity',
  );
  assert.equal(await refused(registrar.arrive(machine('m1', 'example.org'))), 'machine-claim-invalid');
  groups.set('vm/billing', groupOf({ addresses: ['198.51.100.0/24'] }));
  assert.equal(await refused(registrar.arrive(machine())), 'machine-address-refused');
  groups.set('vm/billing', groupOf());
  api.put(type, { metadata: { name, namespace: 'vm' }, spec: { address: '192.0.2.10' } });
  assert.equal(await refused(registrar.arrive(machine())), 'machine-entry-foreign');
  assert.deepEqual(api.read(type, 'vm', name)!.spec, { address: '192.0.2.10' });
});

test('health goes into the status, other conditions stay, and the probe follows the group', async context => {
  const { replica, groups, read, api, mark } = await setUp(context);
  const { registrar } = replica('a');
  const probe = {
    ...{ initialDelayMs: 0, timeoutMs: 1000, periodMs: 10_000, successThreshold: 1, failureThreshold: 3 },
    check: { kind: 'tcp', port: 8080 },
  } as const;
  groups.set('vm/billing', groupOf({ probe }));
  const presence = await arrived(registrar.arrive(machine()));
  assert.equal(mark('proxy.istio.io/health-checks-enabled'), 'true');
  const proxy = new AskedProxy();
  presence.opened(proxy);
  assert.deepEqual(
    proxy.asked.map(each => each.question),
    [{ kind: 'machine-health', probe }],
  );
  proxy.say(true);
  await until('it is well', () => conditionOf(read()) === 'True');
  const conditions = [{ type: 'Other', status: 'True' }];
  const { status, ...rest } = read() as unknown as FakeObject & { status: { conditions: object[] } };
  api.put(type, { ...rest, status: { conditions: [...status.conditions, ...conditions] } });
  proxy.say(false, 'port 8080: refused');
  await until('it is not', () => conditionOf(read()) === 'False');
  assert.deepEqual(
    (fieldAt(read(), 'status', 'conditions') as { type: string; message?: string }[]).map(each => [
      each.type,
      each.message,
    ]),
    [
      ['Other', undefined],
      ['Healthy', 'port 8080: refused'],
    ],
  );
  groups.set('vm/billing', groupOf());
  registrar.changed();
  await until('it is asked anew', () => proxy.asked.length === 2);
  assert.deepEqual(
    proxy.asked.map(each => [each.question.probe !== undefined, each.over]),
    [
      [true, true],
      [false, false],
    ],
  );
  presence.left();
  assert.ok(proxy.asked[1]!.over);
});

test('an API server that is away costs no machine its stream that has an entry; what was to be written comes after', async context => {
  const { replica, api, mark, pass } = await setUp(context);
  const { registrar } = replica('a');
  const first = await arrived(registrar.arrive(machine()));
  api.fault = () => ({ status: 503 });
  first.left();
  const second = registrar.arrive(machine());
  assert.ok(!((await second) instanceof WeftError));
  assert.equal(await refused(registrar.arrive(machine('m9', '192.0.2.99'))), 'machine-entry-not-written');
  await until('it is told', () => registrar.problems().length === 1);
  const before = mark('istio.io/connectedAt');
  api.fault = () => undefined;
  await pass(40_000);
  assert.deepEqual(registrar.problems(), []);
  assert.notEqual(mark('istio.io/connectedAt'), before);
  assert.equal(mark('istio.io/disconnectedAt'), undefined);
});
