// The side of a process that takes over from another: says when it is ready, accepts when it is told to, and carries on the
// figures of the one before.
import { guarded } from '../errors/index.ts';
import { IDLE, type UnderWay } from '../proxy/index.ts';
import type { Clock } from '../time/index.ts';
import { inheritSockets, type ListeningSocket } from '../wire/index.ts';
import { withCarried } from './carried-metrics.ts';
import { keepFromChildren, LineToFirst } from './lifeline.ts';
import type { Beginning, ToPredecessor, ToSuccessor } from './messages.ts';

const lookEveryMs = 50;
/** Who reads metrics waits no longer for those of the process before. */
const figuresMs = 1_000;

/** What taking over needs of the proxy around it. */
export interface SuccessionHost {
  readonly clock: Clock;
  readonly version: string;
  /** Why it cannot carry the traffic yet; undefined when it can. */
  notReady(): string | undefined;
  /** Listeners of every thread accept from now on. */
  accept(): void;
  /** The first process of the proxy is gone, and with it the container: time to stop. */
  orphaned(): void;
}

/** The process before this one. */
export class Predecessor {
  readonly #beginning: Beginning;
  readonly #asked = new Map<number, () => void>();
  #line: LineToFirst | undefined;
  #nextId = 1_000_000;
  #carried = '';
  #underWay = IDLE;
  #isMain = false;
  #there = true;
  #takeOver: () => void = () => {};

  /** `text`: what the environment says of the beginning. Before anything listens. */
  constructor(text: string) {
    this.#beginning = JSON.parse(text) as Beginning;
    for (const { fd } of this.sockets) keepFromChildren(fd);
    inheritSockets(this.sockets, 0);
    process.on(
      'message',
      guarded('handover.message', (message: ToSuccessor) => this.#heard(message)),
    );
    process.on(
      'disconnect',
      guarded('handover.disconnect', () => this.#left()),
    );
  }

  /** For listeners of other threads. */
  get sockets(): readonly ListeningSocket[] {
    return this.#beginning.sockets;
  }

  /** Of the program that this process is. */
  get digest(): string {
    return this.#beginning.digest;
  }

  /** Whether it still drains. */
  get drains(): boolean {
    return this.#there;
  }

  /** What still goes on there. */
  get underWay(): UnderWay {
    return this.#underWay;
  }

  /** Takes over as soon as `host` is ready. */
  begin(host: SuccessionHost): LineToFirst {
    this.#line = new LineToFirst(this.#beginning.lifeline, () => host.orphaned());
    let said: string | undefined;
    const stop = host.clock.every(lookEveryMs, () => {
      const why = host.notReady();
      if (why === undefined) {
        stop();
        this.#say({ type: 'ready', version: host.version });
      } else if (why !== said) this.#say({ type: 'waits', why });
      said = why;
    });
    this.#takeOver = () => {
      this.#isMain = true;
      host.accept();
      this.#line?.main();
      this.#say({ type: 'taken-over' });
    };
    return this.#line;
  }

  /** A Prometheus text of this process with what the one before has counted, asked for anew while that drains. */
  async metrics(own: string, clock: Clock): Promise<Iterable<string>> {
    if (this.#there) {
      const id = this.#nextId++;
      await new Promise<void>(resolve => {
        const cancel = clock.after(figuresMs, resolve);
        this.#asked.set(id, () => {
          cancel();
          resolve();
        });
        this.#say({ type: 'ask-figures', id });
      });
      this.#asked.delete(id);
    }
    return withCarried(own, this.#carried);
  }

  #heard(message: ToSuccessor): void {
    if (message.type === 'take-over') this.#takeOver();
    else if (message.type === 'under-way') this.#underWay = message.underWay;
    else if (message.type === 'figures') {
      this.#carried = message.metrics;
      this.#asked.get(message.id)?.();
    }
  }

  #left(): void {
    // It died before there was anything to take over, and whoever started it starts another.
    if (!this.#isMain) process.exit(1);
    this.#there = false;
    this.#underWay = IDLE;
    for (const answer of this.#asked.values()) answer();
  }

  #say(message: ToPredecessor): void {
    if (process.connected) process.send?.(message);
  }
}
