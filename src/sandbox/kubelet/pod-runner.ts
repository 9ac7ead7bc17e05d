import { mkdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage } from '../../errors/index.ts';
import type { Container, Pod, PodPhase } from '../kube/index.ts';
import type { PodLink } from '../network/index.ts';
import { ContainerRunner } from './container-runner.ts';
import type { EnvLookup } from './env.ts';
import type { KubeletParts } from './parts.ts';
import { PodBackend } from './pod-backend.ts';
import { withStatus } from './pod-status.ts';
import { PodVolumes } from './volumes.ts';

const retryVolumesMs = 100;

/**
 * The life of one pod: network, volumes, init containers one after the other, then the containers, until they have ended
 * or somebody deletes the pod. Init containers with restartPolicy Always (native sidecars) start in their place among the
 * others, run beside the containers, and stop after them.
 */
export class PodRunner {
  readonly #parts: KubeletParts;
  readonly #pod: Pod;
  readonly #folder: string;
  readonly #startTime: string;
  readonly #init: ContainerRunner[] = [];
  readonly #sidecars: ContainerRunner[] = [];
  readonly #main: ContainerRunner[] = [];
  #link: PodLink | undefined;
  #volumes: PodVolumes | undefined;
  #backend: PodBackend | undefined;
  #phase: PodPhase = 'Pending';
  #reason: string | undefined;
  #message: string | undefined;
  #initialized = false;
  #terminating = false;
  #ended: Promise<void> = Promise.resolve();

  constructor(parts: KubeletParts, pod: Pod) {
    this.#parts = parts;
    this.#pod = pod;
    this.#folder = join(parts.podsDir, pod.metadata.uid ?? pod.metadata.name);
    this.#startTime = new Date(parts.clock.now()).toISOString();
  }

  /** Begins. What goes wrong on the way is said in the pod's status and events. */
  start(): void {
    this.#ended = this.#live().catch((error: unknown) => this.#fail('SandboxError', errorMessage(error)));
  }

  /** Stops everything within the grace period and gives back what the pod had. A second call can only shorten the first. */
  async terminate(graceMs: number): Promise<void> {
    this.#terminating = true;
    const mains = [...this.#init, ...this.#main].map(runner => runner.stop(graceMs));
    const fromMs = this.#parts.clock.monotonic();
    await Promise.all(mains);
    await this.#stopSidecars(
      graceMs === 0 ? 0 : Math.max(1000, graceMs - (this.#parts.clock.monotonic() - fromMs)),
    );
    await this.#ended;
    this.#volumes?.stop();
    if (this.#link) await this.#parts.network.detach(this.#link);
    this.#link = undefined;
    rmSync(this.#folder, { recursive: true, force: true });
  }

  /** Signals one container's process, or every one's. Whether any was there. */
  signal(signal: NodeJS.Signals, container?: string): boolean {
    const all = [...this.#init, ...this.#sidecars, ...this.#main];
    const chosen = all.filter(runner => container === undefined || runner.container.name === container);
    return chosen.map(runner => runner.signal(signal)).some(Boolean);
  }

  /** The command that runs `command` in a container of the pod, or why not. */
  execCommand(
    container: string | undefined,
    command: readonly string[],
  ): { command: readonly string[] } | { problem: string } {
    const all = [...this.#main, ...this.#sidecars, ...this.#init];
    const runner =
      container === undefined ? this.#main[0] : all.find(one => one.container.name === container);
    const name = this.#pod.metadata.name;
    if (!runner) return { problem: `pod ${name} has no container ${container ?? ''} that was started` };
    const { pid } = runner.status();
    const words = pid === undefined ? undefined : this.#backend?.execCommand(runner.container, pid, command);
    return words
      ? { command: words }
      : { problem: `container ${runner.container.name} of pod ${name} is not running` };
  }

  /** Brings ConfigMap and Secret volumes up to date. */
  async refreshVolumes(): Promise<void> {
    if (this.#initialized && !this.#terminating) await this.#volumes?.prepare();
  }

  async #live(): Promise<void> {
    mkdirSync(this.#folder, { recursive: true, mode: 0o755 });
    this.#link = await this.#parts.network.attach(this.#pod);
    this.#report();
    const lookup = this.#lookup(this.#link.address);
    const { issueToken, clock, baseDir } = this.#parts;
    const pod = this.#pod;
    this.#volumes = new PodVolumes({ pod, folder: this.#folder, baseDir, lookup, issueToken, clock });
    await this.#waitForVolumes(this.#volumes);
    await this.#parts.holdBack(pod);
    if (this.#terminating) return;
    const place = {
      parts: this.#parts,
      pod,
      link: this.#link,
      folder: this.#folder,
      volumes: this.#volumes,
      lookup,
    };
    this.#backend = new PodBackend(place, () => this.#report());
    if (!(await this.#runInitContainers(this.#backend)) || this.#terminating) return;
    this.#initialized = true;
    this.#phase = 'Running';
    await this.#runContainers(this.#backend);
  }

  async #waitForVolumes(volumes: PodVolumes): Promise<void> {
    while (!this.#terminating) {
      const missing = await volumes.prepare();
      if (!missing) return;
      this.#parts.events.add('Warning', 'FailedMount', this.#pod, missing);
      await new Promise<void>(resolve => this.#parts.clock.after(retryVolumesMs, resolve));
    }
  }

  /** Whether all of them succeeded. */
  async #runInitContainers(backend: PodBackend): Promise<boolean> {
    const never = this.#pod.spec.restartPolicy === 'Never';
    for (const container of this.#pod.spec.initContainers ?? []) {
      if (this.#terminating) return false;
      if (container.restartPolicy === 'Always') {
        const sidecar = new ContainerRunner(container, 'Always', backend);
        this.#sidecars.push(sidecar);
        void sidecar.run();
        await sidecar.launched;
        await sidecar.started;
        continue;
      }
      const runner = new ContainerRunner(container, never ? 'Never' : 'OnFailure', backend);
      this.#init.push(runner);
      const code = await runner.run();
      if (this.#terminating) return false;
      if (code === 0) continue;
      await this.#fail('InitContainerFailed', `init container ${container.name} exited with code ${code}`);
      return false;
    }
    return true;
  }

  async #runContainers(backend: PodBackend): Promise<void> {
    const policy = this.#pod.spec.restartPolicy ?? 'Always';
    const ends: Promise<number>[] = [];
    for (const container of this.#pod.spec.containers)
      this.#main.push(new ContainerRunner(container, policy, backend));
    this.#report();
    for (const runner of this.#main) {
      if (this.#terminating) break;
      ends.push(runner.run());
      // A postStart hook holds up the containers behind it: that is how a proxy gets ready before the app starts.
      await runner.launched;
    }
    const codes = await Promise.all(ends);
    if (this.#terminating) return;
    const failed = codes.some(code => code !== 0);
    await this.#stopSidecars(backend.graceMs);
    this.#phase = failed ? 'Failed' : 'Succeeded';
    this.#report();
  }

  /** In reverse order of their start, as Kubernetes does (KEP-753). */
  async #stopSidecars(graceMs: number): Promise<void> {
    const fromMs = this.#parts.clock.monotonic();
    for (const sidecar of [...this.#sidecars].reverse()) {
      const leftMs = graceMs - (this.#parts.clock.monotonic() - fromMs);
      await sidecar.stop(graceMs === 0 ? 0 : Math.max(leftMs, 1));
    }
  }

  async #fail(reason: string, message: string): Promise<void> {
    this.#parts.events.add('Warning', reason, this.#pod, message);
    await this.#stopSidecars(0);
    this.#phase = 'Failed';
    this.#reason = reason;
    this.#message = message;
    this.#report();
  }

  #lookup(address: string): EnvLookup {
    const namespace = this.#pod.metadata.namespace ?? 'default';
    const { store, network } = this.#parts;
    return {
      configMap: name => store.get('ConfigMap', namespace, name),
      secret: name => store.get('Secret', namespace, name),
      addresses: { podIp: address, hostIp: network.nodeAddress },
    };
  }

  /** Containers that have not been tried yet are shown as waiting. */
  #statuses(runners: readonly ContainerRunner[], containers: readonly Container[]) {
    return containers.map(container => {
      const runner = runners.find(candidate => candidate.container.name === container.name);
      if (runner) return runner.status();
      const state = { waiting: { reason: 'PodInitializing' } };
      const { name, image = '' } = container;
      return { name, image, ready: false, started: false, restartCount: 0, state, lastState: {} };
    });
  }

  #report(): void {
    const { store, clock, network } = this.#parts;
    const current = store.get('Pod', this.#pod.metadata.namespace ?? '', this.#pod.metadata.name);
    if (!current || current.metadata.uid !== this.#pod.metadata.uid) return;
    const init = this.#pod.spec.initContainers ?? [];
    const facts = {
      phase: this.#phase,
      ...(this.#reason ? { reason: this.#reason } : {}),
      ...(this.#message ? { message: this.#message } : {}),
      ...(this.#link ? { address: this.#link.address } : {}),
      hostIp: network.nodeAddress,
      startTime: this.#startTime,
      initialized: this.#initialized,
      init: this.#statuses(
        this.#init,
        init.filter(container => container.restartPolicy !== 'Always'),
      ),
      sidecars: this.#statuses(
        this.#sidecars,
        init.filter(container => container.restartPolicy === 'Always'),
      ),
      main: this.#statuses(this.#main, this.#pod.spec.containers),
    };
    store.put(withStatus(current, facts, new Date(clock.now()).toISOString()));
  }
}
