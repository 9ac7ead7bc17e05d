// handover: one process of a proxy takes over from another, without a connection that is refused or cut off. In: the program of
// the new process. Out: that process, which accepts; this one, which drains and ends. docs/decisions/upgrades.md says why it is
// so. Loaded by proxies that are upgraded, and by the process that takes over.
export { Handover, type HandoverHost, type HandoverStep } from './handover.ts';
export { keep } from './keeper.ts';
export { Predecessor } from './predecessor.ts';
export { type ProxyProgram, packProgram, unpackProgram } from './program.ts';
