// redirect: the packet rules that lead a pod's TCP through its proxy. In: RedirectOptions (ports, CIDRs, uid). Out: a Plan (pure,
// one iptables-restore document per family and its undo), and the kernel's tables brought to it, compared with it or
// freed from it.
//
//   plan(options) → Plan        pure; problems of the options collected
//   apply(plan)                 one transaction per family, read back, idempotent; picks the nft or the legacy backend
//   verify(plan)                rule by rule, changes nothing; needs NET_ADMIN
//   probe(podAddress)           one connection that must be redirected; needs no capability, for readiness
//   undo()                      leaves what was there before
//
// plan.ts has the table of who goes which way. REDIRECT sends what the pod itself sends to loopback (127.0.0.1, ::1) and what
// comes from outside to the address it came in on: the outbound listener may bind loopback only, the inbound one must bind all.

export { apply } from './apply.ts';
export type { BackendName } from './backend.ts';
export type { Family } from './cidr.ts';
export type { FamilyOutcome, HostOptions } from './host.ts';
export {
  CLIENT_ADDRESSES,
  type ClientAddresses,
  type RedirectOptions,
  type RedirectSettings,
  readOptions,
} from './options.ts';
export {
  CHAINS,
  type FamilyPlan,
  INBOUND_SOURCE,
  type Plan,
  PROBE_PORT,
  PROBE_SOURCE,
  plan,
} from './plan.ts';
export { answerProbes, isProbe, PROBE_ANSWER, probe } from './probe.ts';
export { type Run, type RunResult, systemRun } from './run.ts';
export { undo } from './undo.ts';
export { type Verification, verify } from './verify.ts';
