// memory: a proxy that runs short of memory slows down before it dies, and one that has memory left over gives it back. In: what
// the process uses and may use. Out: how much less it should take on.
export {
  type Governed,
  LEVELS,
  MemoryGovernor,
  type MemoryMachine,
  type MemoryStage,
  type MemoryUse,
  type Relief,
} from './governor.ts';
export { processMemory, tuneMalloc } from './machine.ts';
export { Reclaimer, type ReclaimMachine } from './reclaimer.ts';
