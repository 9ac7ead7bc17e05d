import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryMachine, ReclaimMachine, Relief } from '../memory/index.ts';
import { KeptLog } from '../proxy/testing/static-mesh.ts';
import { IDLE } from '../proxy/under-way.ts';
import { Exposition } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { governMemory, memoryMetrics, reclaimMemory } from './proxy-memory.ts';

test('a stage is told to the data plane, in the log when it begins and ends, and as metrics', async () => {
  const clock = new FakeClock();
  const log = new KeptLog();
  const told: Relief[] = [];
  let usedBytes = 20;
  const machine: MemoryMachine & ReclaimMachine = {
    limits: { residentBytes: 120, heapBytes: 1_000 },
    use: () => ({ residentBytes: usedBytes, heapBytes: 10 }),
    trim() {},
    collect() {},
  };
  const governor = governMemory(
    { relieve: relief => void told.push(relief), crowd() {} },
    clock,
    log,
    machine,
  );
  const reclaimer = reclaimMemory({ underWay: IDLE, services: { requests: new Map() } }, clock, machine);
  const metrics = (): string => {
    const out = new Exposition();
    memoryMetrics(out, governor, reclaimer);
    return out.take();
  };
  assert.match(metrics(), /^weft_memory_limit_bytes 120$/m);
  assert.match(metrics(), /^weft_memory_used_bytes 20$/m);
  assert.match(metrics(), /^weft_memory_pressure{stage="refuse"} 0$/m);
  usedBytes = 110;
  await clock.advance(200);
  assert.match(metrics(), /^weft_memory_pressure{stage="refuse"} 1$/m);
  assert.match(metrics(), /^weft_memory_pressure_total{stage="refuse"} 1$/m);
  assert.match(metrics(), /^weft_memory_collections_total 1$/m);
  usedBytes = 30;
  await clock.advance(200);
  assert.match(metrics(), /^weft_memory_pressure{stage="refuse"} 0$/m);
  assert.deepEqual([...new Set(told.map(({ stage }) => stage))], ['refuse', 'none']);
  const said = log.lines.map(line => JSON.stringify(line));
  assert.equal(said.length, 2);
  assert.match(said[0]!, /memory is very short.*weft\.dev\/proxy-memory-limit/);
  assert.match(said[1]!, /memory suffices again/);
});

test('memory is given back once no request is under way, none has come and the loop rests, and counted', async () => {
  const clock = new FakeClock();
  const MB = 2 ** 20;
  let usedBytes = 40 * MB;
  let exchanges = 1;
  let inbound = 1;
  let busy = 0;
  const handled = { requests: 0 };
  const machine: ReclaimMachine = {
    use: () => ({ residentBytes: usedBytes, heapBytes: usedBytes }),
    trim() {},
    collect() {
      usedBytes = 20 * MB;
    },
  };
  const plane = {
    get underWay() {
      return { ...IDLE, exchanges, inbound };
    },
    services: { requests: new Map([['a series', handled]]) },
  };
  const reclaimer = reclaimMemory(plane, clock, machine, () => busy);
  await clock.advance(20_000);
  assert.equal(usedBytes, 40 * MB, 'a request is under way');
  exchanges = 0;
  busy = 0.1;
  await clock.advance(20_000);
  assert.equal(usedBytes, 40 * MB, 'the loop works');
  busy = 0.01;
  for (let i = 0; i < 10; i++) {
    handled.requests++;
    await clock.advance(2_000);
  }
  assert.equal(usedBytes, 40 * MB, 'few requests come, each over before the next look');
  for (let i = 0; i < 10; i++) {
    inbound = i % 2;
    await clock.advance(2_000);
  }
  assert.equal(usedBytes, 40 * MB, 'connections come and go');
  await clock.advance(4_000);
  assert.equal(usedBytes, 40 * MB, 'too early');
  await clock.advance(2_000);
  assert.equal(reclaimer.returnedBytes, 20 * MB);
});
