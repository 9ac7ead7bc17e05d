import type { ContainerStatus, Pod, PodCondition, PodPhase, PodStatus } from '../kube/index.ts';

/** What the kubelet knows of a pod. */
export interface PodFacts {
  readonly phase: PodPhase;
  readonly reason?: string;
  readonly message?: string;
  readonly address?: string;
  readonly hostIp: string;
  readonly startTime: string;
  readonly initialized: boolean;
  readonly init: readonly ContainerStatus[];
  /** Native sidecars; they are listed among the init containers and count for readiness. */
  readonly sidecars: readonly ContainerStatus[];
  readonly main: readonly ContainerStatus[];
}

/** The pod with its status (pure). Transition times stay as long as a condition stays. */
export function withStatus(pod: Pod, facts: PodFacts, now: string): Pod {
  const finished = facts.phase === 'Succeeded' || facts.phase === 'Failed';
  const unready = [...facts.sidecars, ...facts.main].filter(container => !container.ready);
  const ready = facts.initialized && !finished && unready.length === 0;
  const message = finished
    ? `the pod has ended (${facts.phase})`
    : `not ready: ${unready.map(container => container.name).join(', ')}`;
  const condition = (type: PodCondition['type'], holds: boolean): PodCondition => {
    const before = pod.status?.conditions?.find(candidate => candidate.type === type);
    const status = holds ? 'True' : 'False';
    return {
      type,
      status,
      ...(holds ? {} : { reason: finished ? 'PodCompleted' : 'ContainersNotReady', message }),
      lastTransitionTime: before?.status === status ? before.lastTransitionTime : now,
    };
  };
  const status: PodStatus = {
    phase: facts.phase,
    ...(facts.reason ? { reason: facts.reason } : {}),
    ...(facts.message ? { message: facts.message } : {}),
    hostIP: facts.hostIp,
    ...(facts.address ? { podIP: facts.address, podIPs: [{ ip: facts.address }] } : {}),
    startTime: facts.startTime,
    conditions: [
      condition('PodScheduled', true),
      condition('Initialized', facts.initialized),
      condition('ContainersReady', ready),
      condition('Ready', ready),
    ],
    initContainerStatuses: [...facts.init, ...facts.sidecars],
    containerStatuses: facts.main,
  };
  return { ...pod, status };
}
