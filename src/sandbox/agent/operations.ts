import { renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Problem } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import { type ControllerLoop, makeJob } from '../controllers/index.ts';
import type { SandboxFolder, SandboxRecord } from '../host/index.ts';
import {
  type Deployment,
  type EventLog,
  isPodReady,
  isTerminating,
  type KubeObject,
  type ObjectStore,
  type Pod,
  withRestart,
} from '../kube/index.ts';
import type { Kubelet } from '../kubelet/index.ts';
import { describePod, describeService, describeWorkloads, workloadOf } from './describe.ts';
import type { Forward, Forwards } from './forwards.ts';
import { findByName, parseTarget, resolveTarget, type Target } from './targets.ts';
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

const restartable = {
  deploy: 'Deployment',
  deployment: 'Deployment',
  sts: 'StatefulSet',
  statefulset: 'StatefulSet',
  ds: 'DaemonSet',
  daemonset: 'DaemonSet',
} as const;

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
      pods: store.list('Pod').map(pod => describePod(pod, store, folder.logs, netnsPrefix)),
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

  /** A rolling restart of `deploy/NAME`, `sts/NAME` or `ds/NAME`; begins it and does not wait. */
  restart(target: string): Refused | { restarted: string } {
    const found = this.#workload(target);
    if ('problem' in found) return found;
    const { store, clock } = this.#parts;
    store.put(withRestart(found.object, new Date(clock.now()).toISOString()));
    return { restarted: `${found.object.kind} ${found.object.metadata.name}` };
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
    return { scaled: `${found.object.kind} ${found.object.metadata.name}` };
  }

  /** Deletes a pod as `kubectl delete pod` does, gracefully unless `force`. A bare pod is gone until it is written again. */
  deletePod(
    target: string,
    options: { force?: boolean; graceSeconds?: number },
  ): Refused | { deleted: string } {
    const found = this.#pod(target);
    if ('problem' in found) return found;
    const { controllers, store } = this.#parts;
    const owner = found.pod.metadata.ownerReferences?.[0];
    const bare =
      owner?.kind === 'BarePod' && store.find(`BarePod/${found.pod.metadata.namespace}/${owner.name}`);
    if (bare) store.remove(bare);
    controllers.deletePod(found.pod, options.force ? 0 : options.graceSeconds);
    return { deleted: found.pod.metadata.name };
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
  trigger(name: string): Refused | { created: string } {
    const { store, controllers, clock } = this.#parts;
    const found = findByName(store, 'CronJob', name);
    if ('problem' in found) return found;
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

  /** Opens an address on the machine for `svc/NAME` or `pod/NAME`. Rejects when the port is in use. */
  async forward(target: string, port: number | string, hostPort: number): Promise<Refused | Forward> {
    const named = parseTarget(target, this.#parts.store);
    if ('problem' in named) return named;
    return this.#parts.forwards.open({ ...named, port }, hostPort);
  }

  /** Where `svc/NAME` or `pod/NAME` is reached from the agent. */
  dial(target: string, port: number | string): Target {
    const named = parseTarget(target, this.#parts.store);
    if ('problem' in named) return named;
    return resolveTarget(this.#parts.store, { ...named, port }, this.#turn++);
  }

  /** `NAME`, `pod/NAME`, `NAMESPACE/NAME`; or a workload (`deploy/NAME`, or its name), which stands for one of its pods. */
  #pod(target: string): Refused | { pod: Pod } {
    const { store } = this.#parts;
    const parts = target.split('/');
    const kind = /^(pods?|po)$/.test(parts[0]!) ? 'Pod' : restartable[parts[0] as keyof typeof restartable];
    const rest = kind && parts.length > 1 ? parts.slice(1) : parts;
    const name = rest.at(-1)!;
    const namespace = rest.length > 1 ? rest[0] : undefined;
    const here = store
      .list('Pod')
      .filter(pod => namespace === undefined || pod.metadata.namespace === namespace);
    const named = kind && kind !== 'Pod' ? [] : here.filter(pod => pod.metadata.name === name);
    if (named.length === 1) return { pod: named[0]! };
    if (named.length > 1) return findByName(store, 'Pod', name) as Refused;
    const members = here.filter(pod => workloadOf(pod, store).name === name && !isTerminating(pod));
    const pod = members.find(isPodReady) ?? members[0];
    return pod ? { pod } : { problem: `there is no pod ${target}; see weft sandbox status` };
  }

  #workload(target: string): Refused | { object: KubeObject } {
    const [kindWord = '', ...rest] = target.split('/');
    const kind = restartable[kindWord.toLowerCase() as keyof typeof restartable];
    if (!kind || rest.length === 0)
      return { problem: `'${target}' is neither deploy/NAME, sts/NAME nor ds/NAME` };
    const name = rest.at(-1)!;
    const found = rest.length === 2 ? { namespace: rest[0]! } : findByName(this.#parts.store, kind, name);
    if ('problem' in found) return found;
    const object = this.#parts.store.get(kind, found.namespace, name);
    return object ? { object } : { problem: `there is no ${kind} ${name} in namespace ${found.namespace}` };
  }
}
