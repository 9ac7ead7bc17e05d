// agent: the process behind a sandbox, and its API. In: the sandbox's record and folder. Out: running pods, and answers
// on a unix socket.
export { runAgent } from './agent.ts';
export { type Forward, OPEN } from './forwards.ts';
export { HOST_NETWORK_FD, runGate } from './gate.ts';
export type { ContainerView, PodView, SandboxView, ServiceView, WorkloadView } from './view.ts';
