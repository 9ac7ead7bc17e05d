import type { AnswerSink, Question, QuestionHandler } from '../../discovery/index.ts';
// Not by the room's index: what asks is no part of a proxy.
import { Answering } from '../../live/answering.ts';
import type { Asker } from '../../live/index.ts';
import { equal, type MachineCheck, type MachineProbe } from '../../model/index.ts';
import { isRecord } from '../../plain/index.ts';
import {
  type ProbedPod,
  Prober,
  probeExec,
  probeGrpc,
  probeHttp,
  probeTcp,
  type Verdict,
} from '../../probing/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { Clock } from '../../time/index.ts';

const KIND = 'machine-health';

/** What this process needs to know of itself. */
export interface MachineHealthOptions {
  /** Where the app is asked unless the group names a host. */
  readonly app: ProbedPod;
  /** Whether the group may have programs run here. */
  readonly execProbes: boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/**
 * Answers `machine-health` for as long as the control plane asks. What was found out outlives the connection: who connects anew
 * says it at once, so that no entry flaps because of that.
 */
export class MachineHealth {
  readonly #options: MachineHealthOptions;
  readonly #answering: Answering;
  #asker: Asker | undefined;
  #probe: MachineProbe | undefined;
  #prober: Prober | undefined;
  #draining = false;

  constructor(options: MachineHealthOptions) {
    this.#options = options;
    const answerers = {
      [KIND]: ({ probe }: Question, asker: Asker) => this.#answer(probe, asker),
    };
    this.#answering = new Answering({ answerers, clock: options.clock });
  }

  /** Answers questions of its kind, and hands on all others. */
  questions(others: QuestionHandler): QuestionHandler {
    const own = this.#answering;
    return {
      kinds: [...others.kinds, KIND],
      ask: (message, sink: AnswerSink) => (message.question.kind === KIND ? own : others).ask(message, sink),
      unask(id) {
        own.unask(id);
        others.unask(id);
      },
      over() {
        own.over();
        others.over();
      },
    };
  }

  /** This machine is about to stop: nobody is to send it anything new. */
  drain(): void {
    this.#draining = true;
    this.#prober?.stop();
    this.#say({ healthy: false, message: 'the proxy of this machine is being stopped' });
  }

  #answer(probe: unknown, asker: Asker): () => void {
    this.#asker = asker;
    this.#follow(isProbe(probe) ? probe : undefined);
    return () => {
      if (this.#asker === asker) this.#asker = undefined;
    };
  }

  #follow(probe: MachineProbe | undefined): void {
    if (this.#draining) {
      this.drain();
      return;
    }
    if (this.#prober && equal(probe, this.#probe)) {
      if (this.#prober.verdict) this.#say(this.#prober.verdict);
      return;
    }
    this.#prober?.stop();
    this.#probe = probe;
    this.#prober = undefined;
    if (!probe) {
      // Who says nothing of health is well.
      this.#say({ healthy: true, message: '' });
      return;
    }
    const { clock, log } = this.#options;
    this.#prober = new Prober(
      () => this.#check(probe),
      probe,
      clock,
      verdict => {
        const { healthy, message } = verdict;
        if (healthy) log.info({}, 'the app of this machine is well');
        else log.warn({ why: message }, 'the app of this machine is not well: it gets no new requests');
        this.#say(verdict);
      },
    );
    this.#prober.start();
  }

  #say(verdict: Verdict): void {
    this.#asker?.say(verdict);
  }

  #check({ check, timeoutMs }: MachineProbe): Promise<string | undefined> {
    if (check.kind === 'exec') {
      if (this.#options.execProbes) return probeExec(check.command, timeoutMs);
      const why = 'the WorkloadGroup would run a program on this machine, which is not allowed here';
      return Promise.resolve(`${why}: start its proxy with --exec-probes, or give the group another probe`);
    }
    const at = this.#at(check);
    if (check.kind === 'tcp') return probeTcp(check.port, at, timeoutMs);
    if (check.kind === 'grpc') return probeGrpc(check, at, { timeoutMs });
    const { port, path, scheme, headers: httpHeaders } = check;
    return probeHttp({ port, path, scheme, httpHeaders }, at, { timeoutMs });
  }

  #at(check: Exclude<MachineCheck, { kind: 'exec' }>): ProbedPod {
    const { app } = this.#options;
    const host = 'host' in check ? (check.host ?? app.host) : app.host;
    return host === app.host ? app : { host };
  }
}

/** The control plane has read it already; whatever else comes is taken for none. */
function isProbe(value: unknown): value is MachineProbe {
  if (!isRecord(value) || !isRecord(value.check)) return false;
  const { initialDelayMs, timeoutMs, periodMs, successThreshold, failureThreshold, check } = value;
  const numbers = [initialDelayMs, timeoutMs, periodMs, successThreshold, failureThreshold];
  const { kind, port, command } = check as Readonly<Record<string, unknown>>;
  return (
    numbers.every(each => typeof each === 'number' && each >= 0) &&
    (periodMs as number) >= 1_000 &&
    (kind === 'exec'
      ? Array.isArray(command)
      : ['http', 'tcp', 'grpc'].includes(String(kind)) && Number.isInteger(port))
  );
}
