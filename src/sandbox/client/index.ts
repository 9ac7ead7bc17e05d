// client: what programs and the command line use of a sandbox. In: a folder of YAML or a sandbox's name. Out: a running
// sandbox, its state, and its removal.
export { takeDown } from './down.ts';
export { followFile, type LogFile, logFiles, podsWithLogs } from './logs.ts';
export { type FetchOptions, type FetchResult, Sandbox } from './sandbox.ts';
export type { UpOptions } from './up.ts';
export { describePod, missingLines, type WaitOptions } from './wait.ts';
