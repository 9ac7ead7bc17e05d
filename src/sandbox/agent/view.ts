import type { Problem } from '../../model/index.ts';
import type { ContainerStatus, SandboxEvent } from '../kube/index.ts';

/** A container as `status` shows it. */
export interface ContainerView {
  readonly name: string;
  readonly init: boolean;
  readonly ready: boolean;
  readonly restarts: number;
  /** `Running`, `CrashLoopBackOff`, `Completed`, `Error`, … */
  readonly state: string;
  /** Exit code of the last end, if there was one. */
  readonly exitCode?: number;
  /** Last lines of the log at its last failure, or why it waits. */
  readonly message?: string;
  readonly pid?: number;
  /** The log of the current run. */
  readonly log: string;
}

/** A pod as `status` shows it. */
export interface PodView {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** What it belongs to: the Deployment's name, not its ReplicaSet's. */
  readonly workload: string;
  readonly workloadKind: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly phase: string;
  /** Every container ready. */
  readonly ready: boolean;
  /** `2/2` */
  readonly readyContainers: string;
  readonly terminating: boolean;
  readonly restarts: number;
  /** Empty until it has one. */
  readonly address: string;
  /** Its network namespace, for `ip netns exec`; absent without root. */
  readonly netns?: string;
  /** Whether a proxy was injected, and which version. */
  readonly meshed: boolean;
  readonly proxyVersion?: string;
  /** In a word or two what it does or suffers from. */
  readonly reason: string;
  /** The last warning about it. */
  readonly warning?: string;
  readonly startedAt: string;
  readonly containers: readonly ContainerView[];
}

/** A Service as `status` shows it. */
export interface ServiceView {
  readonly namespace: string;
  readonly name: string;
  readonly type: string;
  readonly address: string;
  readonly ports: readonly string[];
  readonly ready: number;
  readonly total: number;
  /** Addresses of the machine that lead to it: `http://127.0.0.1:8080`. */
  readonly open: readonly string[];
}

/** A workload as `status` shows it. */
export interface WorkloadView {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly desired: number;
  readonly ready: number;
  /** How many pods there are of the newest template; the rollout is through when it equals desired and total. */
  readonly updated: number;
  /** Pods there are, terminating ones included. */
  readonly total: number;
}

/** All that an agent says about its sandbox. */
export interface SandboxView {
  readonly name: string;
  readonly dir: string;
  readonly mode: 'namespaces' | 'loopback';
  readonly version: string;
  readonly startedAt: string;
  readonly agentPid: number;
  readonly pods: readonly PodView[];
  readonly workloads: readonly WorkloadView[];
  readonly services: readonly ServiceView[];
  readonly problems: readonly Problem[];
  readonly events: readonly SandboxEvent[];
}

/** The state of a container in one word. */
export function stateWord(status: ContainerStatus): string {
  const { waiting, running, terminated } = status.state;
  if (running) return 'Running';
  return waiting?.reason ?? terminated?.reason ?? 'Unknown';
}
