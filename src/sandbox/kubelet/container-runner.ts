import type { Cancel, Clock } from '../../time/index.ts';
import type {
  Container,
  ContainerState,
  ContainerStatus,
  Handler,
  Probe,
  RestartPolicy,
} from '../kube/index.ts';
import { type Exit, PREPARATION_FAILED, type RunningProcess, tailOf } from '../runtime/index.ts';
import { ContainerProbes } from './container-probes.ts';
import type { ProbeOutcome } from './prober.ts';
import { RestartDelay } from './restart-delay.ts';
import { exitCodeOf } from './signals.ts';

/** What a container needs from the pod it is in. */
export interface ContainerBackend {
  readonly clock: Clock;
  /** Starts its process, or says what is missing for that; it is asked again then. */
  launch(
    container: Container,
    restarts: number,
  ): { readonly process: RunningProcess; readonly logPath: string } | { readonly problem: string };
  probe(container: Container, probe: Probe, pid: number, timeoutMs: number): Promise<ProbeOutcome>;
  hook(container: Container, handler: Handler, pid: number, timeoutMs: number): Promise<ProbeOutcome>;
  /** Something about the container's status is different now. */
  changed(): void;
  event(type: 'Normal' | 'Warning', reason: string, message: string): void;
  /** For a container that a probe or hook condemns. */
  readonly graceMs: number;
}

const retryLaunchMs = 500;
/** Even a preStop hook that used up the grace period leaves the process this long after SIGTERM, as the kubelet does. */
const leastAfterHookMs = 2000;
const longestHookMs = 10 * 60_000;

/** Runs one container: starts it, probes it, starts it again when it ends and its policy says so, and stops it in order. */
export class ContainerRunner {
  readonly container: Container;
  readonly #policy: RestartPolicy;
  readonly #backend: ContainerBackend;
  readonly #restartDelay = new RestartDelay();
  readonly #probes: ContainerProbes;
  readonly #launchedOnce = Promise.withResolvers<void>();
  readonly #startedOnce = Promise.withResolvers<void>();
  #state: ContainerState = { waiting: { reason: 'PodInitializing' } };
  #lastState: ContainerState = {};
  #restarts = 0;
  #process: RunningProcess | undefined;
  #stopping = false;
  #wake: () => void = () => {};

  constructor(container: Container, policy: RestartPolicy, backend: ContainerBackend) {
    this.container = container;
    this.#policy = policy;
    this.#backend = backend;
    this.#probes = new ContainerProbes(container, backend, {
      started: () => this.#startedOnce.resolve(),
      condemned: why => this.#condemn(why),
    });
  }

  /** Settles when the first process runs and its postStart hook is through, or when there will be none. */
  get launched(): Promise<void> {
    return this.#launchedOnce.promise;
  }

  /** Settles when the startup probe succeeded for the first time (at once without one), or when there will be none. */
  get started(): Promise<void> {
    return this.#startedOnce.promise;
  }

  /** Runs until the container has ended for good; its last exit code. */
  async run(): Promise<number> {
    let code = 0;
    while (!this.#stopping) {
      const fromMs = this.#backend.clock.monotonic();
      code = await this.#runOnce();
      if (this.#stopping || this.#policy === 'Never' || (this.#policy === 'OnFailure' && code === 0)) break;
      const waitMs = this.#restartDelay.next(this.#backend.clock.monotonic() - fromMs);
      this.#restarts++;
      this.#lastState = this.#state;
      if (waitMs > 0) await this.#backOff(waitMs);
    }
    this.#launchedOnce.resolve();
    this.#startedOnce.resolve();
    return code;
  }

  /**
   * Stops it: preStop hook, SIGTERM, and SIGKILL when the grace period is over. A second call can only shorten the first.
   * Settles when its process has ended.
   */
  async stop(graceMs: number): Promise<void> {
    const first = !this.#stopping;
    this.#stopping = true;
    this.#wake();
    if (this.#process) await this.#end(this.#process, graceMs, first);
  }

  /** Sends a signal to the process, as a crash from outside would. Whether there was one. */
  signal(signal: NodeJS.Signals): boolean {
    this.#process?.signal(signal);
    return this.#process !== undefined;
  }

  /** What the container does now. */
  status(): ContainerStatus {
    const running = this.#process !== undefined && this.#state.running !== undefined;
    return {
      name: this.container.name,
      image: this.container.image ?? '',
      ready: running && this.#probes.ready,
      started: running && this.#probes.started,
      restartCount: this.#restarts,
      state: this.#state,
      lastState: this.#lastState,
      ...(running ? { pid: this.#process!.pid } : {}),
      ...(running && this.#probes.complaint !== '' ? { complaint: this.#probes.complaint } : {}),
    };
  }

  async #runOnce(): Promise<number> {
    const launched = await this.#launch();
    if (!launched) return 0;
    const { process, logPath } = launched;
    const startedAt = this.#timestamp();
    this.#process = process;
    // Until then it is still outside of the pod: a probe, a hook or exec would be there too.
    await process.entered;
    this.#state = { running: { startedAt } };
    this.#probes.start(process.pid);
    this.#backend.changed();
    void this.#postStart(process).then(() => this.#launchedOnce.resolve());
    const exit = await process.exited;
    this.#probes.stop();
    this.#process = undefined;
    const code = exitCodeOf(exit);
    this.#state = { terminated: this.#describeEnd(exit, code, logPath, startedAt) };
    this.#backend.changed();
    return code;
  }

  async #launch(): Promise<{ process: RunningProcess; logPath: string } | undefined> {
    while (!this.#stopping) {
      const launched = this.#backend.launch(this.container, this.#restarts);
      if ('process' in launched) return launched;
      this.#state = { waiting: { reason: 'CreateContainerConfigError', message: launched.problem } };
      this.#backend.event('Warning', 'Failed', `container ${this.container.name}: ${launched.problem}`);
      this.#backend.changed();
      await this.#pause(retryLaunchMs);
    }
    return undefined;
  }

  async #postStart(process: RunningProcess): Promise<void> {
    const handler = this.container.lifecycle?.postStart;
    if (!handler) return;
    const outcome = await this.#backend.hook(this.container, handler, process.pid, longestHookMs);
    if (outcome.ok || this.#process !== process) return;
    this.#condemn(`its postStart hook failed: ${outcome.detail}`, 'FailedPostStartHook');
  }

  #condemn(why: string, reason = 'Unhealthy'): void {
    const process = this.#process;
    if (!process || this.#stopping) return;
    this.#backend.event('Warning', reason, `container ${this.container.name} is restarted: ${why}`);
    void this.#end(process, this.#backend.graceMs, true);
  }

  async #end(process: RunningProcess, graceMs: number, runHook: boolean): Promise<void> {
    const { clock } = this.#backend;
    const deadlineMs = clock.monotonic() + graceMs;
    const cancelKill: Cancel[] = [];
    const killAfter = (ms: number): number =>
      cancelKill.push(clock.after(ms, () => process.signal('SIGKILL')));
    const handler = this.container.lifecycle?.preStop;
    if (graceMs <= 0) process.signal('SIGKILL');
    else if (!runHook) killAfter(graceMs);
    else {
      if (handler) await this.#preStop(process, handler, graceMs);
      process.signal('SIGTERM');
      killAfter(Math.max(deadlineMs - clock.monotonic(), handler ? leastAfterHookMs : 0));
    }
    await process.exited;
    for (const cancel of cancelKill) cancel();
  }

  async #preStop(process: RunningProcess, handler: Handler, graceMs: number): Promise<void> {
    const hook = this.#backend.hook(this.container, handler, process.pid, graceMs);
    const outcome = await Promise.race([hook, process.exited.then(() => ({ ok: true, detail: '' }))]);
    if (outcome.ok) return;
    this.#backend.event(
      'Warning',
      'FailedPreStopHook',
      `container ${this.container.name}: ${outcome.detail}`,
    );
  }

  #describeEnd(exit: Exit, code: number, logPath: string, startedAt: string): ContainerState['terminated'] {
    const failed = code !== 0 && !this.#stopping;
    const lines = code === 0 ? '' : tailOf(logPath, 10);
    const reason = code === PREPARATION_FAILED ? 'ContainerCannotRun' : code === 0 ? 'Completed' : 'Error';
    if (failed) {
      const how = exit.signal ? `was killed by ${exit.signal}` : `exited with code ${code}`;
      const last = lines === '' ? '' : `; last lines:\n${lines}`;
      this.#backend.event('Warning', 'Crashed', `container ${this.container.name} ${how}${last}`);
    }
    return {
      exitCode: code,
      ...(exit.signal ? { signal: exit.signal } : {}),
      reason,
      ...(lines === '' ? {} : { message: lines }),
      startedAt,
      finishedAt: this.#timestamp(),
    };
  }

  async #backOff(waitMs: number): Promise<void> {
    const message = `started again in ${waitMs / 1000} s`;
    this.#state = { waiting: { reason: 'CrashLoopBackOff', message } };
    this.#backend.changed();
    await this.#pause(waitMs);
  }

  /** Waits, or less when the container is told to stop. */
  #pause(ms: number): Promise<void> {
    return new Promise(resolve => {
      const cancel = this.#backend.clock.after(ms, resolve);
      this.#wake = () => {
        cancel();
        resolve();
      };
    });
  }

  #timestamp(): string {
    return new Date(this.#backend.clock.now()).toISOString();
  }
}
