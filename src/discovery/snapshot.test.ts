import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type TestContext, test } from 'node:test';
import type { Resource } from '../model/index.ts';
import { resolveDestination, resolveEndpoints } from '../resolve/index.ts';
import { silentLog } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { Snapshot } from './snapshot.ts';
import { RecordingSink } from './testing/recording-sink.ts';
import { reviews, shopYaml, TestMesh } from './testing/stream-suite.ts';

const { mesh } = new TestMesh(shopYaml).hub;
const caller = { namespace: 'shop', labels: {} };
const destination = resolveDestination(mesh, caller, '10.96.0.5:80').resource;
const endpoints = resolveEndpoints(mesh, caller, reviews).resource;
const trust: Resource = { kind: 'trust', key: 'cluster.local', roots: ['root'] };

async function setUp(context: TestContext, pod = 'shop/front-0') {
  const folder = await mkdtemp(join(tmpdir(), 'weft-snapshot-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  const clock = new FakeClock();
  const open = (as = pod): Snapshot => new Snapshot({ folder, pod: as, clock, log: silentLog });
  return { folder, clock, open };
}

async function restored(snapshot: Snapshot): Promise<{ keys: readonly string[]; kinds: string[] }> {
  const sink = new RecordingSink();
  const keys = await snapshot.restore(sink);
  return { keys, kinds: sink.applied.map(each => each.kind) };
}

test('a restarted proxy begins with what was applied, destinations before endpoints, and knows what to want', async context => {
  const { clock, open } = await setUp(context);
  const snapshot = open();
  const sink = snapshot.keeping(new RecordingSink());
  for (const resource of [endpoints, destination, trust]) sink.apply(resource);
  await clock.advance(1_000);
  await snapshot.flush();
  assert.deepEqual(await restored(open()), {
    keys: ['10.96.0.5:80'],
    kinds: ['trust', 'destination', 'endpoints'],
  });
});

test('what was refused or forgotten is not kept, and endpoints go with their last destination', async context => {
  const { open } = await setUp(context);
  const snapshot = open();
  const inner = new RecordingSink();
  inner.refuse = ({ kind }) => (kind === 'trust' ? 'no' : undefined);
  const sink = snapshot.keeping(inner);
  for (const resource of [destination, endpoints, trust]) sink.apply(resource);
  const forgotten: string[] = [];
  const stream = { want() {}, forget: (key: string) => forgotten.push(key), close() {} };
  snapshot.following(stream as never).forget('10.96.0.5:80');
  await snapshot.flush();
  assert.deepEqual(forgotten, ['10.96.0.5:80']);
  assert.deepEqual(await restored(open()), { keys: [], kinds: [] });
});

test('a burst is one write, and no temporary file stays behind', async context => {
  const { folder, clock, open } = await setUp(context);
  const snapshot = open();
  const sink = snapshot.keeping(new RecordingSink());
  for (let count = 0; count < 50; count++) sink.apply({ ...trust, roots: [`root ${count}`] });
  assert.equal(clock.pending, 1);
  await clock.advance(1_000);
  await snapshot.flush();
  assert.deepEqual(await readdir(folder), ['resources.json']);
});

test('a snapshot of another pod, a broken one and a missing one are an empty start', async context => {
  const { folder, open } = await setUp(context);
  const none = { keys: [], kinds: [] };
  assert.deepEqual(await restored(open()), none);
  const snapshot = open();
  snapshot.keeping(new RecordingSink()).apply(trust);
  await snapshot.flush();
  assert.deepEqual(await restored(open('shop/other')), none);
  await writeFile(join(folder, 'resources.json'), '{"format":1,');
  assert.deepEqual(await restored(open()), none);
});

test('one bad entry costs only itself: names that cannot be asked for, things that are no resources, and what the sink throws at', async context => {
  const { folder, open } = await setUp(context);
  const long = { ...destination, key: `${'a'.repeat(400)}:80` };
  const bad = [
    null,
    7,
    'text',
    {},
    { kind: 'news', key: 'a' },
    { ...destination, key: 5 },
    long,
    { ...trust, key: 'bad' },
  ];
  const file = {
    format: 1,
    pod: 'shop/front-0',
    savedAtMs: 0,
    resources: [...bad, endpoints, destination, ...bad],
  };
  await writeFile(join(folder, 'resources.json'), JSON.stringify(file));
  const sink = new RecordingSink();
  sink.refuse = ({ key }) => {
    if (key === 'bad') throw new Error('nobody thought of this');
    return undefined;
  };
  assert.deepEqual(await open().restore(sink), ['10.96.0.5:80']);
  const taken = sink.applied.filter(({ key }) => key !== 'bad').map(each => each.kind);
  assert.deepEqual(taken, ['destination', 'endpoints']);
  for (const whole of ['null', '[]', '7']) {
    await writeFile(join(folder, 'resources.json'), whole);
    assert.deepEqual(await restored(open()), { keys: [], kinds: [] });
  }
});

test('a destination that was refused for its name is not kept', async context => {
  const { open } = await setUp(context);
  const snapshot = open();
  const sink = snapshot.keeping(new RecordingSink());
  for (const resource of [destination, { ...destination, key: 'a'.repeat(400) }]) sink.apply(resource);
  await snapshot.flush();
  assert.deepEqual((await restored(open())).keys, ['10.96.0.5:80']);
});

test('a folder that cannot be written is complained of once and stops nothing', async context => {
  const { folder, clock } = await setUp(context);
  const blocked = join(folder, 'file');
  await writeFile(blocked, '');
  const warnings: string[] = [];
  const log = { ...silentLog, warn: (_fields: object, message: string) => warnings.push(message) };
  const snapshot = new Snapshot({ folder: join(blocked, 'state'), pod: 'a/b', clock, log: log as never });
  const sink = snapshot.keeping(new RecordingSink());
  assert.equal(sink.apply(trust), undefined);
  await snapshot.flush();
  assert.equal(sink.apply({ ...trust, roots: [] }), undefined);
  await snapshot.flush();
  assert.equal(warnings.length, 1);
  assert.match(warnings[0]!, /make the folder writable/);
});
