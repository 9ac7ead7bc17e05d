// The governor of memory of one core: what it decides is done by the data plane, told in the log and counted.
import { MemoryGovernor, type MemoryMachine, processMemory } from '../memory/index.ts';
import type { DataPlane } from '../proxy/index.ts';
import type { Exposition, Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import { watchGrowth } from '../wire/index.ts';

const remedy = 'raise weft.dev/proxy-memory-limit of this pod if it lasts';

/** Starts it. */
export function governMemory(
  plane: Pick<DataPlane, 'relieve' | 'crowd'>,
  clock: Clock,
  log: Log,
  machine: MemoryMachine = processMemory(),
): MemoryGovernor {
  const governor: MemoryGovernor = new MemoryGovernor(clock, machine, {
    relieve: relief => plane.relieve(relief),
    crowd: crowded => plane.crowd(crowded),
    staged(stage) {
      const { limitBytes, usedBytes } = governor.nearest;
      const facts = { stage, limitBytes, usedBytes };
      if (stage === 'none') log.info(facts, 'memory suffices again: connections and requests are taken');
      else if (stage === 'slow')
        log.warn(facts, `memory is short: new connections wait and idle ones are closed; ${remedy}`);
      else log.warn(facts, `memory is very short: new requests are refused (OM); ${remedy}`);
    },
  });
  governor.start();
  watchGrowth(() => governor.grown());
  return governor;
}

/** What it measures and has done. */
export function memoryMetrics(out: Exposition, governor: MemoryGovernor): void {
  const { limitBytes, usedBytes } = governor.nearest;
  out.family(
    'weft_memory_limit_bytes',
    'gauge',
    "The limit that is nearest: of the control group, or of V8's heap.",
  );
  out.sample('weft_memory_limit_bytes', '', limitBytes);
  out.family('weft_memory_used_bytes', 'gauge', 'What counts against it, garbage included.');
  out.sample('weft_memory_used_bytes', '', usedBytes);
  out.family('weft_memory_pressure', 'gauge', '1 while memory is so short that this stage is on.');
  for (const stage of ['slow', 'refuse'] as const)
    out.sample('weft_memory_pressure', `stage="${stage}"`, governor.stage === stage ? 1 : 0);
  out.family('weft_memory_pressure_total', 'counter', 'How often each stage has begun.');
  for (const stage of ['slow', 'refuse'] as const)
    out.sample('weft_memory_pressure_total', `stage="${stage}"`, governor.begun[stage]);
  out.family('weft_memory_collections_total', 'counter', 'Collections made to find out what is needed.');
  out.sample('weft_memory_collections_total', '', governor.collections);
}
