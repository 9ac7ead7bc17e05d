// Memory of one core: what its governor decides is done by the data plane, told in the log and counted; what nobody needs any
// more goes back.
import {
  MemoryGovernor,
  type MemoryMachine,
  processMemory,
  Reclaimer,
  type ReclaimMachine,
} from '../memory/index.ts';
import type { DataPlane, UnderWay } from '../proxy/index.ts';
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

/** Below this share of the time the event loop has nothing that matters to do. */
const quietShare = 0.03;

/** What tells that something came: of requests only the counts. */
export interface Traffic {
  readonly underWay: UnderWay;
  readonly services: { readonly requests: { values(): Iterable<{ readonly requests: number }> } };
}

/**
 * Starts giving back what the process no longer needs: V8's garbage while no request is under way and none has come for a while.
 * That the loop rests does not say so: a few requests a second hardly keep it busy.
 */
export function reclaimMemory(
  plane: Traffic,
  clock: Clock,
  machine: ReclaimMachine = processMemory(),
  busy: () => number = loopShare(),
): Reclaimer {
  let before = trafficOf(plane);
  // Asked each time, so that its period is the one between two looks.
  const isQuiet = (): boolean => {
    const now = trafficOf(plane);
    const came =
      now.handled !== before.handled || now.inbound !== before.inbound || now.outbound !== before.outbound;
    before = now;
    return busy() < quietShare && !came && now.exchanges === 0;
  };
  const reclaimer = new Reclaimer(clock, machine, isQuiet);
  reclaimer.start();
  return reclaimer;
}

function trafficOf({ underWay, services }: Traffic): UnderWay & { handled: number } {
  let handled = 0;
  for (const { requests } of services.requests.values()) handled += requests;
  return { ...underWay, handled };
}

/** The share of the time since the last call that the event loop worked, 0 to 1. */
function loopShare(): () => number {
  let before = performance.eventLoopUtilization();
  return () => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    return utilization;
  };
}

/** What both measure and have done. */
export function memoryMetrics(out: Exposition, governor: MemoryGovernor, reclaimer: Reclaimer): void {
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
  out.family(
    'weft_memory_returned_bytes_total',
    'counter',
    'Given back to the system when memory had grown or nothing was under way.',
  );
  out.sample('weft_memory_returned_bytes_total', '', reclaimer.returnedBytes);
}
