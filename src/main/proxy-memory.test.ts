import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { MemoryMachine, Relief } from '../memory/index.ts';
import { KeptLog } from '../proxy/testing/static-mesh.ts';
import { Exposition } from '../telemetry/index.ts';
import { FakeClock } from '../time/index.ts';
import { governMemory, memoryMetrics } from './proxy-memory.ts';

test('a stage is told to the data plane, in the log when it begins and ends, and as metrics', async () => {
  const clock = new FakeClock();
  const log = new KeptLog();
  const told: Relief[] = [];
  let usedBytes = 20;
  const machine: MemoryMachine = {
    limits: { residentBytes: 120, heapBytes: 1_000 },
    use: () => ({ residentBytes: usedBytes, heapBytes: 10 }),
    collect() {},
  };
  const governor = governMemory(
    { relieve: relief => void told.push(relief), crowd() {} },
    clock,
    log,
    machine,
  );
  const metrics = (): string => {
    const out = new Exposition();
    memoryMetrics(out, governor);
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
