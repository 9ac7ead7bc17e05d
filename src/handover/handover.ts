// The side of a process that another one takes over from: starts it, waits until it is ready, stops to accept, watches whether
// it lives, drains and goes. Whatever goes wrong before the end leaves this process as it was, with the reason told.
import { errorMessage, WeftError } from '../errors/index.ts';
import type { UnderWay } from '../proxy/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { carriedMetrics } from './carried-metrics.ts';
import { keeperCommand } from './keeper.ts';
import { adoptOrphans, duplicateForExec, followLine, type LineEnds, type LineToFirst } from './lifeline.ts';
import type { ToPredecessor } from './messages.ts';
import { Successor } from './successor.ts';

/** What a handover needs of the proxy around it. */
export interface HandoverHost {
  readonly clock: Clock;
  readonly log: Log;
  /** Version of this process. */
  readonly version: string;
  /** See SuccessorOptions. */
  readonly variable: string;
  /** The line to the first process; undefined when this is the first. */
  readonly line: LineToFirst | undefined;
  /** Whether listeners of every thread accept. */
  accept(on: boolean): void;
  /** From now on answers ask clients to connect anew, or no longer. */
  drain(on: boolean): void;
  /** Closes connections of clients that have nothing under way; `all`: and the others. */
  close(all: boolean): void;
  underWay(): UnderWay;
  /** The whole Prometheus text. */
  metrics(): Promise<string>;
  /** Before the process ends: what waits for collectors and files goes now. */
  lastWords(): Promise<void>;
}

/** How long each step may take, milliseconds. */
export interface HandoverTimes {
  /** From its start until the new process is ready. */
  readonly readyMs: number;
  readonly takeOverMs: number;
  /** So long the new process must live before this one drains. */
  readonly watchMs: number;
  /** Connections without a request are left to their clients for so long. */
  readonly idleMs: number;
  /** Then whatever is open is cut off. */
  readonly drainMs: number;
}

/** HandoverTimes where nothing is said. */
export const HANDOVER_TIMES: HandoverTimes = {
  ...{ readyMs: 30_000, takeOverMs: 5_000, watchMs: 3_000, idleMs: 10_000, drainMs: 3_600_000 },
};

/** A step that whoever asked for the upgrade hears of. */
export type HandoverStep = 'starting' | 'ready' | 'taken-over';

type State =
  | { readonly phase: 'alone' }
  /** The new process gets ready, or is about to accept. */
  | { readonly phase: 'starting'; readonly successor: Successor; readonly fail: (why: string) => void }
  /** The new process accepts; what was accepted here goes on here. */
  | { readonly phase: 'draining'; readonly successor: Successor; readonly stop: Cancel };

const lookEveryMs = 200;

/** Hands the work of this process to others, one after the other should they fail. */
export class Handover {
  readonly #host: HandoverHost;
  readonly #times: HandoverTimes;
  #state: State = { phase: 'alone' };
  /** Of the first process: what it has heard of later ones. */
  readonly #ends: LineEnds = { main: 0, exitCode: undefined };
  #stopping = false;
  #failed = 0;
  #undone = 0;
  #heard: (message: ToPredecessor) => void = () => {};

  constructor(host: HandoverHost, times: HandoverTimes = HANDOVER_TIMES) {
    this.#host = host;
    this.#times = times;
  }

  /** Whether another process accepts what comes now. */
  get isReplaced(): boolean {
    return this.#state.phase === 'draining';
  }

  /** Upgrades that did not come to be, and such that were taken back. */
  get failures(): { readonly failed: number; readonly undone: number } {
    return { failed: this.#failed, undone: this.#undone };
  }

  /**
   * Starts the program of this file and lets it take over. Resolves when it accepts in place of this process, which drains then
   * and ends by itself; rejects with WeftError `upgrade-failed` where this one goes on as before.
   */
  async start(entry: string, digest: string, step: (step: HandoverStep) => void): Promise<void> {
    if (this.#state.phase !== 'alone' || this.#stopping)
      throw failure('another upgrade of this proxy is under way, or it is being stopped; come again later');
    try {
      await this.#start(entry, digest, step);
    } catch (thrown) {
      this.#failed++;
      const why = errorMessage(thrown);
      this.#host.log.error({ code: 'upgrade-failed', why }, 'the upgrade failed, and this process goes on');
      throw thrown;
    }
  }

  /** The process is told to stop: who carries the traffic is told as well. */
  stop(): void {
    this.#stopping = true;
    if (this.#state.phase === 'starting') this.#state.fail('the proxy is being stopped');
    if (this.#state.phase !== 'draining') return;
    const main = this.#ends.main || this.#state.successor.pid;
    try {
      process.kill(main, 'SIGTERM');
    } catch {
      // It has ended before.
    }
  }

  /**
   * Ends this process: at once where it is alone. The first one stays, as a small waiting process, while later ones live. Does
   * not return.
   */
  leave(): void {
    const { line } = this.#host;
    const state = this.#state;
    if (state.phase !== 'draining' || line !== undefined) process.exit(this.#ends.exitCode ?? 0);
    const socket = state.successor.line as unknown as { readonly _handle: { readonly fd: number } };
    const kept = duplicateForExec(socket._handle.fd);
    adoptOrphans();
    const { [this.#host.variable]: _, NODE_CHANNEL_FD: __, ...env } = process.env;
    const [file = '', ...rest] = keeperCommand(
      process.argv[1]!,
      kept,
      this.#ends.main || state.successor.pid,
    );
    process.execve!(file, [file, ...rest], env);
  }

  async #start(entry: string, digest: string, step: (step: HandoverStep) => void): Promise<void> {
    const { version: from, variable, line, clock, log } = this.#host;
    let fail: (why: string) => void = () => {};
    const failed = new Promise<never>((_, reject) => {
      fail = why => reject(failure(why));
    });
    failed.catch(() => {});
    let waits = 'it has said nothing';
    const successor: Successor = new Successor({
      ...{ entry, digest, from, variable, line: line?.fd },
      heard: message => {
        if (message.type === 'waits') waits = message.why;
        else if (message.type === 'ask-figures') void this.#tellFigures(successor, message.id);
        else this.#heard(message);
      },
      ended: how => this.#ended(successor, how),
    });
    this.#state = { phase: 'starting', successor, fail };
    if (successor.line !== undefined) followLine(successor.line, this.#ends, () => {});
    const next = (type: ToPredecessor['type']): Promise<void> =>
      new Promise(resolve => {
        this.#heard = message => {
          if (message.type === type) resolve();
        };
      });
    const within = async (what: Promise<void>, ms: number, late: () => string): Promise<void> => {
      const cancel = clock.after(ms, () => fail(late()));
      try {
        await Promise.race([what, failed]);
      } finally {
        cancel();
      }
    };
    step('starting');
    try {
      const seconds = this.#times.readyMs / 1000;
      await within(
        next('ready'),
        this.#times.readyMs,
        () => `the new process was not ready within ${seconds} s: ${waits}`,
      );
      step('ready');
      await successor.send({
        ...{ type: 'figures', id: 0, final: false },
        metrics: carriedMetrics(await this.#host.metrics(), true),
      });
      this.#host.accept(false);
      const taken = next('taken-over');
      void successor.send({ type: 'take-over' });
      await within(taken, this.#times.takeOverMs, () => 'the new process did not take over in time');
    } catch (thrown) {
      this.#state = { phase: 'alone' };
      successor.kill('SIGKILL');
      this.#host.accept(true);
      throw thrown;
    }
    this.#state = { phase: 'draining', successor, stop: this.#drain(successor) };
    this.#ends.main ||= successor.pid;
    log.info({ pid: successor.pid }, 'another process of this proxy accepts now; this one drains');
    step('taken-over');
  }

  /** Lets what is open here end: first untouched while the new process is watched, then by asking clients to connect anew. */
  #drain(successor: Successor): Cancel {
    const { clock, log } = this.#host;
    const startMs = clock.monotonic();
    let draining = false;
    const stop = clock.every(lookEveryMs, () => {
      const forMs = clock.monotonic() - startMs;
      const { watchMs, idleMs, drainMs } = this.#times;
      if (forMs < watchMs || this.#stopping) return;
      if (!draining) this.#host.drain(true);
      draining = true;
      const underWay = this.#host.underWay();
      void successor.send({ type: 'under-way', underWay });
      if (forMs >= watchMs + drainMs) {
        log.warn({ ...underWay }, 'what is still open after the time for draining is cut off');
        this.#host.close(true);
      } else if (forMs >= watchMs + idleMs) this.#host.close(false);
      const { exchanges, inbound, outbound } = underWay;
      if (exchanges + inbound + outbound > 0) return;
      stop();
      void this.#goodbye(successor);
    });
    return stop;
  }

  async #goodbye(successor: Successor): Promise<void> {
    const { log, lastWords } = this.#host;
    await lastWords();
    await successor.send({
      ...{ type: 'figures', id: -1, final: true },
      metrics: carriedMetrics(await this.#host.metrics(), false),
    });
    log.info({}, 'drained after an upgrade; goodbye');
    successor.leave();
    this.leave();
  }

  async #tellFigures(successor: Successor, id: number): Promise<void> {
    const metrics = carriedMetrics(await this.#host.metrics(), true);
    await successor.send({ type: 'figures', id, metrics, final: false });
  }

  #ended(successor: Successor, how: string): void {
    const state = this.#state;
    if (state.phase === 'starting' && state.successor === successor)
      state.fail(`the new process is gone: ${how}; its words are in the log of this container`);
    if (state.phase !== 'draining' || state.successor !== successor) return;
    state.stop();
    this.#state = { phase: 'alone' };
    if (this.#stopping) return;
    this.#undone++;
    this.#host.drain(false);
    this.#host.accept(true);
    this.#host.line?.main();
    const words = `the process that had taken over is gone (${how}); this one accepts again`;
    this.#host.log.error({ code: 'upgrade-undone' }, words);
  }
}

function failure(why: string): WeftError {
  return new WeftError('upgrade-failed', why);
}
