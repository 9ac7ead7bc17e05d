// runtime: containers as processes. In: what to run, with which environment, files, user and namespaces. Out: running
// processes with their exits and logs. Everything a process needs is made by one sh script in its own mount namespace.
export { isReachableByOthers, machineFiles } from './host-files.ts';
export { execInContainer, type LaunchSpec, launchContainer, PREPARATION_FAILED } from './launch.ts';
export { tailOf } from './log-file.ts';
export type { HostFiles, Mount } from './mount-script.ts';
export { type Exit, kill, type RunningProcess, startProcess } from './process.ts';
export { quote, quoteAll } from './quote.ts';
export { type RunResult, run } from './run.ts';
