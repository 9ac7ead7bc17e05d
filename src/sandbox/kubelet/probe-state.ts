import type { Probe } from '../kube/index.ts';

/** What a probe says of its container. `unknown`: neither threshold has been reached yet. */
export type ProbeVerdict = 'unknown' | 'success' | 'failure';

/** How often in a row a probe said the same, and what that has come to. */
export interface ProbeState {
  readonly verdict: ProbeVerdict;
  readonly successes: number;
  readonly failures: number;
}

/** Before the first probe. */
export const UNPROBED: ProbeState = { verdict: 'unknown', successes: 0, failures: 0 };

/** A probe's numbers with Kubernetes' defaults, in milliseconds. */
export interface ProbeTiming {
  readonly initialDelayMs: number;
  readonly periodMs: number;
  readonly timeoutMs: number;
  readonly successThreshold: number;
  readonly failureThreshold: number;
}

/** A probe's numbers with Kubernetes' defaults filled in. */
export function probeTiming(probe: Probe): ProbeTiming {
  return {
    initialDelayMs: (probe.initialDelaySeconds ?? 0) * 1000,
    periodMs: (probe.periodSeconds || 10) * 1000,
    timeoutMs: (probe.timeoutSeconds || 1) * 1000,
    successThreshold: probe.successThreshold || 1,
    failureThreshold: probe.failureThreshold || 3,
  };
}

/** The state after one more result (pure). */
export function advance(state: ProbeState, ok: boolean, timing: ProbeTiming): ProbeState {
  const successes = ok ? state.successes + 1 : 0;
  const failures = ok ? 0 : state.failures + 1;
  if (ok && successes >= timing.successThreshold) return { verdict: 'success', successes, failures };
  if (!ok && failures >= timing.failureThreshold) return { verdict: 'failure', successes, failures };
  return { verdict: state.verdict, successes, failures };
}
