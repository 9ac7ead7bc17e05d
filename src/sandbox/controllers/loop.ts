import { randomUUID } from 'node:crypto';
import type { Cancel, Clock } from '../../time/index.ts';
import {
  type EndpointSlice,
  type EventLog,
  isOwnedBy,
  isTerminating,
  type KubeObject,
  type ObjectStore,
  type Pod,
  type Service,
} from '../kube/index.ts';
import { type AddressPool, assignClusterIp } from './addresses.ts';
import { reconcileCronJob } from './cron-job.ts';
import { reconcileDeployment } from './deployment.ts';
import { endpointSlices } from './endpoints.ts';
import { reconcileJob } from './job.ts';
import { randomSuffix } from './names.ts';
import { type Context, joinPlans, type Plan } from './plan.ts';
import { reconcileReplicaSet } from './replica-set.ts';
import { reconcileBarePod, reconcileDaemonSet, reconcileStatefulSet } from './stateful-set.ts';

/** What an admission step makes of a new pod: the pod to create, or why it is refused. */
export type Admitted = { readonly pod: Pod } | { readonly refused: string };

/** What the controllers work with. */
export interface ControllerParts {
  readonly store: ObjectStore;
  readonly clock: Clock;
  readonly events: EventLog;
  readonly serviceAddresses: AddressPool;
  /** Called for every pod before it is created, as admission webhooks are. */
  readonly admit: (pod: Pod) => Admitted;
}

/**
 * The controllers as one loop: after any change every object is looked at again, until nothing wants to change. Level
 * triggered, so nothing is lost and the order of events does not matter; a sandbox is small enough to look at all of it.
 */
export class ControllerLoop {
  readonly #parts: ControllerParts;
  readonly #context: Context;
  #scheduled = false;
  #stopped = false;
  #cancelTimer: Cancel = () => {};
  #stop: () => void = () => {};

  constructor(parts: ControllerParts) {
    this.#parts = parts;
    const { clock } = parts;
    this.#context = {
      get nowMs() {
        return clock.now();
      },
      suffix: randomSuffix,
      uid: randomUUID,
    };
  }

  /** Starts to follow the store until `stop`. */
  start(): void {
    this.#stop = this.#parts.store.onChange(() => this.#schedule());
    this.#schedule();
  }

  /** Nothing happens any more afterwards. */
  stop(): void {
    this.#stop();
    this.#cancelTimer();
    this.#stopped = true;
  }

  /** Asks for a pod to go: the kubelet stops it within `graceSeconds` (its own when undefined) and then removes it. */
  deletePod(pod: Pod, graceSeconds?: number): void {
    if (isTerminating(pod) && graceSeconds === undefined) return;
    const grace = graceSeconds ?? pod.spec.terminationGracePeriodSeconds ?? 30;
    this.#parts.store.put({
      ...pod,
      metadata: {
        ...pod.metadata,
        deletionTimestamp: pod.metadata.deletionTimestamp ?? new Date(this.#parts.clock.now()).toISOString(),
        deletionGracePeriodSeconds: grace,
      },
    } as Pod);
  }

  /** Removes an object and everything that it owns; pods go gracefully. */
  removeCascading(object: KubeObject): void {
    const { store } = this.#parts;
    const owned = store.all().filter(other => isOwnedBy(other, object));
    store.remove(object);
    for (const other of owned) {
      if (other.kind === 'Pod') this.deletePod(other as Pod);
      else this.removeCascading(other);
    }
  }

  /** A name suffix and ids like those the controllers use; for objects made by hand. */
  get context(): Context {
    return this.#context;
  }

  #schedule(): void {
    if (this.#scheduled) return;
    this.#scheduled = true;
    setImmediate(() => {
      this.#scheduled = false;
      if (!this.#stopped) this.#run();
    });
  }

  #run(): void {
    const { store } = this.#parts;
    this.#assignAddresses();
    const pods = store.list('Pod');
    const context = this.#context;
    const plan = joinPlans([
      ...store.list('CronJob').map(cron => reconcileCronJob(cron, store.list('Job'), context)),
      ...store
        .list('Deployment')
        .map(deployment => reconcileDeployment(deployment, store.list('ReplicaSet'), pods, context)),
      ...store.list('ReplicaSet').map(set => reconcileReplicaSet(set, pods, context)),
      ...store.list('StatefulSet').map(set => reconcileStatefulSet(set, pods, context)),
      ...store.list('DaemonSet').map(set => reconcileDaemonSet(set, pods, context)),
      ...store.list('Job').map(job => reconcileJob(job, pods, context)),
      ...store.list('BarePod').map(bare => reconcileBarePod(bare, pods, context)),
      ...store.list('Service').map(service => this.#endpointPlan(service, pods)),
      { remove: orphans(store) },
    ]);
    this.#carryOut(plan);
  }

  #assignAddresses(): void {
    const { store, serviceAddresses } = this.#parts;
    for (const service of store.list('Service')) {
      const given = assignClusterIp(service, serviceAddresses);
      if (given) store.put(given);
    }
  }

  #endpointPlan(service: Service, pods: readonly Pod[]): Plan {
    const slices = endpointSlices(service, pods);
    const names = new Set(slices.map(slice => slice.metadata.name));
    const stale = this.#parts.store
      .list('EndpointSlice')
      .filter(slice => isOwnedBy(slice, service) && !names.has(slice.metadata.name));
    return { put: slices, remove: stale };
  }

  #carryOut(plan: Plan): void {
    const { store, clock } = this.#parts;
    for (const object of plan.remove ?? []) this.removeCascading(object);
    for (const object of plan.put ?? []) store.put(object);
    for (const pod of plan.deletePods ?? []) this.deletePod(pod);
    for (const pod of plan.createPods ?? []) this.#createPod(pod);
    this.#cancelTimer();
    if (plan.againInMs !== undefined) this.#cancelTimer = clock.after(plan.againInMs, () => this.#schedule());
  }

  #createPod(pod: Pod): void {
    const { store, events, admit } = this.#parts;
    if (store.get('Pod', pod.metadata.namespace ?? '', pod.metadata.name)) return;
    const admitted = admit(pod);
    if ('refused' in admitted) events.add('Warning', 'FailedCreate', pod, admitted.refused);
    else store.put(admitted.pod);
  }
}

/** EndpointSlices whose Service is gone, unless somebody wrote them by hand. */
function orphans(store: ObjectStore): EndpointSlice[] {
  const services = new Set(store.list('Service').map(service => service.metadata.uid));
  return store.list('EndpointSlice').filter(slice => {
    const owner = slice.metadata.ownerReferences?.find(ref => ref.kind === 'Service');
    return owner !== undefined && !services.has(owner.uid);
  });
}
