import type { Container, Probe } from '../kube/index.ts';
import type { ContainerBackend } from './container-runner.ts';
import { Prober } from './prober.ts';

/** What the runner is told. */
export interface ProbeListener {
  /** The container has started: its startup probe succeeded, or it has none. */
  started(): void;
  /** A startup or liveness probe gave up on it. */
  condemned(why: string): void;
}

/** The three probes of one container: the startup probe first, and the other two once it succeeded. */
export class ContainerProbes {
  readonly #container: Container;
  readonly #backend: ContainerBackend;
  readonly #listener: ProbeListener;
  #probers: Prober[] = [];
  #pid = 0;
  #ready = false;
  #started = false;
  #complaint = '';

  constructor(container: Container, backend: ContainerBackend, listener: ProbeListener) {
    this.#container = container;
    this.#backend = backend;
    this.#listener = listener;
  }

  /** Whether the readiness probe holds; without one, whether the container has started. */
  get ready(): boolean {
    return this.#started && (this.#ready || !this.#container.readinessProbe);
  }

  /** Whether the startup probe succeeded; without one true as soon as the process runs. */
  get started(): boolean {
    return this.#started;
  }

  /** What the startup or readiness probe found last, where it is not content: `HTTP 503`; else ''. */
  get complaint(): string {
    return this.#complaint;
  }

  /** Begins anew for a process. */
  start(pid: number): void {
    this.stop();
    this.#pid = pid;
    const probe = this.#container.startupProbe;
    if (!probe) {
      this.#begin();
      return;
    }
    this.#watch(probe, true, (verdict, detail) => {
      if (verdict === 'success' && !this.#started) {
        this.#probers[0]?.stop();
        this.#begin();
        this.#backend.changed();
      }
      if (verdict === 'failure') this.#listener.condemned(`its startup probe failed: ${detail}`);
    });
  }

  /** The process has ended. */
  stop(): void {
    for (const prober of this.#probers) prober.stop();
    this.#probers = [];
    this.#ready = false;
    this.#started = false;
    this.#complaint = '';
  }

  #begin(): void {
    this.#started = true;
    this.#listener.started();
    const { readinessProbe, livenessProbe, name } = this.#container;
    if (readinessProbe) {
      this.#watch(readinessProbe, true, (verdict, detail) => {
        const ready = verdict === 'success';
        if (!ready) {
          const message = `container ${name} is not ready: ${detail}`;
          this.#backend.event('Warning', 'Unhealthy', message);
        }
        if (ready === this.#ready) return;
        this.#ready = ready;
        this.#backend.changed();
      });
    }
    if (livenessProbe) {
      this.#watch(livenessProbe, false, (verdict, detail) => {
        if (verdict === 'failure') this.#listener.condemned(`its liveness probe failed: ${detail}`);
      });
    }
  }

  #watch(
    probe: Probe,
    awaited: boolean,
    changed: (verdict: 'unknown' | 'success' | 'failure', detail: string) => void,
  ): void {
    const pid = this.#pid;
    const look = async (timeoutMs: number) => {
      const outcome = await this.#backend.probe(this.#container, probe, pid, timeoutMs);
      if (awaited && pid === this.#pid) this.#complain(outcome.ok ? '' : outcome.detail);
      return outcome;
    };
    const prober = new Prober(probe, look, this.#backend.clock, changed);
    this.#probers.push(prober);
    prober.start();
  }

  /** Who waits for the container wants to know why, long before the probe gives up. */
  #complain(detail: string): void {
    if (detail === this.#complaint) return;
    this.#complaint = detail;
    if (!this.ready) this.#backend.changed();
  }
}
