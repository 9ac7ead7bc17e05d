import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import { type ControllerLoop, makeJob } from '../controllers/index.ts';
import type { SandboxFolder, SandboxRecord } from '../host/index.ts';
import {
  type Deployment,
  type EventLog,
  fullName,
  type KubeObject,
  type ObjectStore,
  type Pod,
  withRestart,
} from '../kube/index.ts';
import type { Kubelet } from '../kubelet/index.ts';
import { describePod, describeService, describeWorkloads } from './describe.ts';
import type { Forward, Forwards } from './forwards.ts';
import { findNamed, findPod, findReachable, type Reachable, resolveTarget } from './targets.ts';
import type { SandboxView } from './view.ts';

/** What was asked for could not be done, and why. */
export interface Refused {
  readonly problem: string;
}

/** What operations work on. */
export interface OperationParts {
  readonly record: SandboxRecord;
  readonly folder: SandboxFolder;
  readonly store: ObjectStore;
  readonly events: EventLog;
  readonly clock: Clock;
  readonly controllers: ControllerLoop;
  readonly kubelet: Kubelet;
  readonly forwards: Forwards;
  /** Objects that are applied by name, beside the user's folder. */
  readonly appliedDir: string;
  /** Reads the folders again; resolves when what they say is in the store. */
  readonly refresh: () => Promise<void>;
  readonly problems: () => Promise<readonly Problem[]>;
  readonly netnsPrefix: string | undefined;
}

const workloadKinds = ['Deployment', 'StatefulSet', 'DaemonSet'] as const;

/** Everything that can be asked of a running sandbox; the server translates HTTP to these. */
export class Operations {
  readonly #parts: OperationParts;
  #turn = 0;

  constructor(parts: OperationParts) {
    this.#parts = parts;
  }

  /** The whole state. */
  async status(): Promise<SandboxView> {
    const { record, folder, store, events, forwards, problems, netnsPrefix } = this.#parts;
    return {
      name: record.name,
      dir: record.dir,
      mode: record.mode,
      version: record.version,
      startedAt: record.startedAt,
      agentPid: process.pid,
      pods: store.list('Pod').map(pod => describePod(pod, store, folder.logs, netnsPrefix, events.list())),
      workloads: describeWorkloads(store),
      services: store.list('Service').map(service => describeService(service, store, forwards.list())),
      problems: await problems(),
      events: events.list().slice(-100),
    };
  }

  /** Every object of the store. */
  objects(): readonly KubeObject[] {
    return this.#parts.store.all();
  }

  /** The log of events, for following it. */
  get events(): EventLog {
    return this.#parts.events;
  }

  /**
   * A rolling restart of a Deployment, StatefulSet or DaemonSet; begins it and does not wait. `restarted` is its name in full.
   */
  restart(target: string): Refused | { restarted: string } {
    const found = this.#workload(target);
    if ('problem' in found) return found;
    const { store, clock } = this.#parts;
    store.put(withRestart(found.object, new Date(clock.now()).toISOString()));
    return { restarted: found.fullName };
  }

  /** Sets the number of replicas of a Deployment or StatefulSet. */
  scale(target: string, replicas: number): Refused | { scaled: string } {
    const found = this.#workload(target);
    if ('problem' in found) return found;
    if (found.object.kind === 'DaemonSet')
      return { problem: 'a DaemonSet has one pod per node and cannot be scaled' };
    if (!Number.isInteger(replicas) || replicas < 0)
      return { problem: `${replicas} is not a number of replicas` };
    const { spec } = found.object as Deployment;
    this.#parts.store.put({ ...found.object, spec: { ...spec, replicas } } as KubeObject);
    return { scaled: found.fullName };
  }

  /** Deletes a pod as `kubectl delete pod` does, gracefully unless `force`. A bare pod is gone until it is written again. */
  deletePod(
    target: string,
    options: { force?: boolean; graceSeconds?: number },
  ): Refused | { deleted: string } {
    const { controllers, store } = this.#parts;
    const named = findNamed(target, store, ['Pod']);
    if ('problem' in named) return named;
    const pod = store.get('Pod', named.namespace, named.name)!;
    const owner = pod.metadata.ownerReferences?.[0];
    const bare = owner?.kind === 'BarePod' && store.find(`BarePod/${pod.metadata.namespace}/${owner.name}`);
    if (bare) store.remove(bare);
    controllers.deletePod(pod, options.force ? 0 : options.graceSeconds);
    return { deleted: pod.metadata.name };
  }

  /** Signals processes of a pod, as a crash from outside would: of one container, or of all. */
  signal(target: string, signal: NodeJS.Signals, container?: string): Refused | { signalled: string } {
    const found = this.#pod(target);
    if ('problem' in found) return found;
    const { name, namespace = 'default' } = found.pod.metadata;
    const sent = this.#parts.kubelet.runnerOf(namespace, name)?.signal(signal, container);
    return sent
      ? { signalled: name }
      : { problem: `nothing of pod ${name} is running${container ? ` as ${container}` : ''}` };
  }

  /** The command that runs another one in a container; the caller runs it, so that its terminal is the command's. */
  exec(
    target: string,
    command: readonly string[],
    container?: string,
  ): Refused | { command: readonly string[] } {
    const found = this.#pod(target);
    if ('problem' in found) return found;
    const { name, namespace = 'default' } = found.pod.metadata;
    const runner = this.#parts.kubelet.runnerOf(namespace, name);
    return runner ? runner.execCommand(container, command) : { problem: `pod ${name} has not started` };
  }

  /** Makes a Job of a CronJob now. */
  trigger(target: string): Refused | { created: string } {
    const { store, controllers, clock } = this.#parts;
    const found = findNamed(target, store, ['CronJob']);
    if ('problem' in found) return found;
    const { name } = found;
    const job = makeJob(store.get('CronJob', found.namespace, name)!, clock.now(), controllers.context);
    const named = {
      ...job,
      metadata: { ...job.metadata, name: `${name}-manual-${controllers.context.suffix()}` },
    };
    store.put(named);
    return { created: named.metadata.name };
  }

  /** Puts a YAML text in force under a name, or takes it back; resolves when the store has it. */
  async apply(name: string, yaml: string | undefined): Promise<Refused | { problems: readonly Problem[] }> {
    if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(name))
      return { problem: `'${name}' is no name; use a-z, 0-9 and '-'` };
    const path = join(this.#parts.appliedDir, `${name}.yaml`);
    if (yaml === undefined) rmSync(path, { force: true });
    else {
      writeFileSync(`${path}.new`, yaml);
      renameSync(`${path}.new`, path);
    }
    await this.#parts.refresh();
    return { problems: await this.#parts.problems() };
  }

  /** Opens an address on the machine for a Service or pod. Rejects when the port is in use. */
  async forward(target: string, port: number | string, hostPort: number): Promise<Refused | Forward> {
    const named = findReachable(target, this.#parts.store);
    if ('problem' in named) return named;
    return this.#parts.forwards.open({ ...named, port }, hostPort);
  }

  /** Where a Service or pod is reached from the agent. */
  dial(target: string, port: number | string): Reachable {
    const named = findReachable(target, this.#parts.store);
    if ('problem' in named) return named;
    return resolveTarget(this.#parts.store, { ...named, port }, this.#turn++);
  }

  #pod(target: string): Refused | { pod: Pod } {
    return findPod(target, this.#parts.store);
  }

  #workload(target: string): Refused | { object: KubeObject; fullName: string } {
    const { store } = this.#parts;
    const found = findNamed(target, store, workloadKinds);
    if ('problem' in found) return found;
    const object = store.get(found.kind as (typeof workloadKinds)[number], found.namespace, found.name)!;
    return { object, fullName: fullName(found) };
  }
}
