// Upgrades of a proxy without a restart of its pod: what the control plane asks for becomes a program on disk and then a process
// that takes over; see src/handover. Loaded where that is allowed, and by a process that has taken over.
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { basename, dirname, join } from 'node:path';
import { type AdminHost, wholeMetrics } from '../admin/index.ts';
import { ENVIRONMENT } from '../config/names.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { VERSION } from '../config/version.ts';
import type { AnswerSink, Question, QuestionHandler } from '../discovery/index.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { Handover, type Predecessor, unpackProgram } from '../handover/index.ts';
import type { LineToFirst } from '../handover/lifeline.ts';
import { Answering } from '../live/answering.ts';
import type { Asker } from '../live/index.ts';
import type { Exposition, Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';

/** A process of its own takes this much before it has traffic; with less there is no upgrade. */
const neededBytes = 48 << 20;

/** What upgrades need of the proxy around them. */
export interface UpgradeHost {
  readonly config: ProxyConfig;
  readonly clock: Clock;
  readonly log: Log;
  readonly before: Predecessor | undefined;
  /** Asks the control plane for the program with this digest; undefined where there is none to ask. */
  readonly fetch: () => ((digest: string) => Promise<Buffer>) | undefined;
  /** Comes later than questions may. */
  readonly admin: () => AdminHost;
  /** On all threads; see HandoverHost. */
  accept(on: boolean): void;
  acceptInherited(): void;
  drain(): void;
  close(all: boolean): void;
  /** Undefined once everything is there that a proxy needs to take over. */
  notReady(): string | undefined;
  lastWords(): Promise<void>;
  stop(why: string): void;
}

/** The upgrades of one proxy. */
export class ProxyUpgrades {
  readonly #host: UpgradeHost;
  #handover: Handover | undefined;
  #done = 0;

  constructor(host: UpgradeHost) {
    this.#host = host;
  }

  /** Answers questions of the kind `upgrade` where that is allowed, and hands on all others. */
  questions(others: QuestionHandler): QuestionHandler {
    const { config, clock } = this.#host;
    if (!config.liveUpgrade) return others;
    const own = new Answering({
      answerers: {
        upgrade: (question, asker) => {
          void this.#answer(question, asker);
          return undefined;
        },
      },
      clock,
    });
    return {
      kinds: others.kinds,
      ask: (message, sink: AnswerSink) =>
        (message.question.kind === 'upgrade' ? own : others).ask(message, sink),
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

  /** Everything is there: takes over from the process before, where there is one. */
  begin(): void {
    const { before, clock, log, admin } = this.#host;
    const line = before?.begin({
      ...{ clock, version: VERSION },
      notReady: () => this.#host.notReady(),
      accept: () => {
        this.#done++;
        this.#host.acceptInherited();
        log.info({ digest: before.digest.slice(0, 12) }, 'took over from the process before');
      },
      orphaned: () => this.#host.stop('the first process of this proxy is gone'),
    });
    this.#handover = new Handover({
      ...{ clock, log, line, version: VERSION, variable: ENVIRONMENT.handover },
      accept: on => this.#host.accept(on),
      // Taking it back is a part of `accept`.
      drain: on => on && this.#host.drain(),
      close: all => this.#host.close(all),
      underWay: () => admin().underWay(),
      metrics: async () => [...(await wholeMetrics(admin()))].join(''),
      lastWords: () => this.#host.lastWords(),
    });
    if (line !== undefined) this.#tellEnd(line, this.#handover);
  }

  /** The proxy is being stopped. */
  stop(): void {
    this.#handover?.stop();
  }

  /** Ends the process, or has it wait for those that carry the traffic now. */
  leave(): void {
    if (this.#handover === undefined) process.exit(0);
    this.#handover.leave();
  }

  metrics(out: Exposition): void {
    const { failed, undone } = this.#handover?.failures ?? { failed: 0, undone: 0 };
    out.family(
      'weft_proxy_upgrades_total',
      'counter',
      'Upgrades without a restart, by outcome: done, failed before anything changed, or undone because the new process ended.',
    );
    for (const [outcome, count] of Object.entries({ done: this.#done, failed, undone }))
      out.sample('weft_proxy_upgrades_total', `outcome="${outcome}"`, count);
  }

  /** Who is the first process ends with the code of the one that carried the traffic last. */
  #tellEnd(line: LineToFirst, handover: Handover): void {
    process.on('exit', code => {
      if (!handover.isReplaced) line.exit(Number(code));
    });
  }

  async #answer(question: Question, asker: Asker): Promise<void> {
    const handover = this.#handover;
    // The process that took over answers, too.
    if (handover?.isReplaced) return asker.done();
    try {
      const digest = String(question.digest ?? '');
      if (digest === this.#host.before?.digest && question.again !== true) {
        asker.say({ step: 'same', version: VERSION });
        return asker.done();
      }
      const fetch = this.#check(handover);
      if (question.dry === true) {
        asker.say({ step: 'could', version: VERSION });
        return asker.done();
      }
      asker.say({ step: 'fetching', version: VERSION });
      const entry = this.#kept(digest) ?? this.#keep(await fetch(digest), digest);
      await handover!.start(entry, digest, step => asker.say({ step }));
      asker.done();
    } catch (thrown) {
      const code = thrown instanceof WeftError ? thrown.code : 'upgrade-failed';
      asker.done(`${errorMessage(thrown)} (${code})`);
    }
  }

  #check(handover: Handover | undefined): (digest: string) => Promise<Buffer> {
    const { config, before, fetch } = this.#host;
    const ask = fetch();
    if (ask === undefined || handover === undefined) throw refused('it has not begun yet');
    if (config.stateDir === '') throw refused('it has no folder to keep a program in; give it --state');
    if (config.clientAddresses === 'keep')
      throw refused(
        'it calls its app from the addresses of clients, and the right to do so is given only at the start of a container; restart the pod',
      );
    if (before?.drains)
      throw refused('connections of before its last upgrade are still open; come again when they have ended');
    const available = process.availableMemory();
    if (available < neededBytes)
      throw refused(
        `${Math.round(available / 2 ** 20)} MB of its memory are free, and two processes at once need ${neededBytes >> 20}; raise its limit, or restart the pod`,
      );
    return ask;
  }

  /** The program that this process is, when it is that one. */
  #kept(digest: string): string | undefined {
    return digest === this.#host.before?.digest ? process.argv[1] : undefined;
  }

  /** Writes the program; those that no process of this proxy needs any more go. */
  #keep(bytes: Buffer, digest: string): string {
    const programs = join(this.#host.config.stateDir, 'programs');
    const own = dirname(process.argv[1]!);
    const folder = join(programs, digest.slice(0, 16));
    for (const name of existsSync(programs) ? readdirSync(programs) : [])
      if (join(programs, name) !== own) rmSync(join(programs, name), { recursive: true, force: true });
    return unpackProgram(bytes, digest, folder, nativeModules());
  }
}

/** The folder that koffi is in: what a program cannot bring along. */
function nativeModules(): string {
  let folder = createRequire(import.meta.url).resolve('koffi');
  while (basename(folder) !== 'node_modules') folder = dirname(folder);
  return folder;
}

function refused(why: string): WeftError {
  return new WeftError('upgrade-refused', `this proxy cannot be upgraded in place: ${why}`);
}
