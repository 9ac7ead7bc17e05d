// host: what a sandbox leaves on the machine and how it is found again: its folder, its record, its processes. In: a
// sandbox's name. Out: paths, process ids, and what the machine is able to do.
export { type PodPrograms, podPrograms } from './bundle.ts';
export { fullPath, type MachineCapabilities, machineCapabilities } from './capabilities.ts';
export { LIVE_TOKEN, SandboxFolder, type SandboxRecord, sandboxesFolder, sandboxNames } from './folders.ts';
export { defaultName, isSandboxName, MARKER, netnsPrefix, nodeNetns } from './names.ts';
export { endProcesses, isAlive, sandboxProcesses } from './processes.ts';
export { hasProgram, type OtherPrograms, type ProgramName, program, programOfImage } from './programs.ts';
