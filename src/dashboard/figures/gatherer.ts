import { FIGURES_EVERY_MS } from '../../live/figures/index.ts';
import type { Live } from '../../live/index.ts';
import type { Mesh } from '../../model/index.ts';
import type { Cancel, Clock } from '../../time/index.ts';
import type { PageFigures, PageHistory } from '../contract.ts';
import { History } from './history.ts';
import { readItem } from './read-item.ts';
import { type PodSum, RequestSum } from './sums.ts';
import { Tick } from './tick.ts';
import { figuresOf, WINDOW_TICKS } from './window.ts';

/** A point of the history is made of so many ticks. */
const ticksPerPoint = 2;

/** Hears what another replica's proxies say. */
export interface PeerListener {
  said(pod: string, items: readonly unknown[]): void;
  /** So many proxies are connected to it. */
  began(proxies: number): void;
  over(): void;
}

/** Other replicas to ask, by name: each is asked until the signal aborts or it is over. */
export type PeerQuestion = ReadonlyMap<string, (listener: PeerListener, signal: AbortSignal) => void>;

/** What the gatherer works with. */
export interface GathererOptions {
  readonly live: Pick<Live, 'ask'>;
  readonly mesh: () => Mesh;
  readonly clock: Clock;
  /** Other replicas of now, whose proxies are connected to them alone; undefined where there can be none. */
  readonly peers?: () => PeerQuestion;
  /** For how long proxies are asked after the last page has closed, so that one that is loaded anew finds its history. */
  readonly graceMs: number;
}

/** Asks proxies for their figures while somebody looks, adds them up, and keeps 15 minutes of them. */
export class Gatherer {
  readonly #options: GathererOptions;
  readonly #listeners = new Set<() => void>();
  #asking: AbortController | undefined;
  #stopTicking: Cancel = () => {};
  #stopGrace: Cancel | undefined;
  #ticks: Tick[] = [];
  #tick: Tick;
  #pending: Tick[] = [];
  #history = new History();
  #asked = new Set<string>();
  /** How many proxies each other replica has. */
  readonly #peers = new Map<string, number>();
  #atMs = 0;
  #figures: PageFigures = none;

  constructor(options: GathererOptions) {
    this.#options = options;
    this.#tick = new Tick(options.mesh());
  }

  /** Of the last ten seconds. */
  get figures(): PageFigures {
    return this.#figures;
  }

  /** See DashboardSource.history. */
  history(kind: 'workload' | 'pod', key: string): PageHistory {
    return this.#history.of(`${kind} ${key}`);
  }

  /** See DashboardSource.watch. Throws the WeftError of Live where it takes no more questions. */
  watch(changed: () => void): () => void {
    this.#stopGrace?.();
    this.#stopGrace = undefined;
    if (this.#asking === undefined) this.#ask();
    // A page that watches twice is two listeners.
    const listener = (): void => changed();
    this.#listeners.add(listener);
    return () => {
      if (!this.#listeners.delete(listener) || this.#listeners.size > 0) return;
      const { clock, graceMs } = this.#options;
      this.#stopGrace = clock.after(graceMs, () => this.#rest());
    };
  }

  #ask(): void {
    const { live, mesh, clock } = this.#options;
    const asking = new AbortController();
    this.#asked = new Set();
    this.#tick = new Tick(mesh());
    live.ask(
      { question: { kind: 'figures' }, chosen: () => true, follow: true },
      {
        asked: pod => void this.#asked.add(pod),
        said: (pod, items) => this.#take(pod, items),
        failed: pod => void this.#asked.delete(pod),
        over() {},
      },
      asking.signal,
    );
    this.#asking = asking;
    this.#askPeers(asking.signal);
    this.#stopTicking = clock.every(FIGURES_EVERY_MS, () => this.#turn());
  }

  #take(pod: string, items: readonly unknown[]): void {
    for (const each of items) {
      const item = readItem(each);
      if (item !== undefined) this.#tick.take(pod, item);
    }
  }

  /** Those that are not asked yet: replicas come and go. */
  #askPeers(signal: AbortSignal): void {
    for (const [name, ask] of this.#options.peers?.() ?? []) {
      if (this.#peers.has(name)) continue;
      this.#peers.set(name, 0);
      const listener: PeerListener = {
        said: (pod, items) => this.#take(pod, items),
        began: proxies => void this.#peers.set(name, proxies),
        over: () => void this.#peers.delete(name),
      };
      ask(listener, signal);
    }
  }

  /** Nobody has looked for long enough: nothing is asked and nothing kept. */
  #rest(): void {
    this.#asking?.abort();
    this.#asking = undefined;
    this.#stopTicking();
    this.#peers.clear();
    this.#ticks = [];
    this.#pending = [];
    this.#history = new History();
    this.#figures = none;
  }

  #turn(): void {
    const { mesh, clock } = this.#options;
    const ended = this.#tick;
    this.#tick = new Tick(mesh());
    this.#ticks.push(ended);
    if (this.#ticks.length > WINDOW_TICKS) this.#ticks.shift();
    this.#atMs = clock.now();
    if (this.#asking) this.#askPeers(this.#asking.signal);
    const heard = new Set(this.#ticks.flatMap(each => [...each.pods.keys()])).size;
    const asked = [...this.#peers.values()].reduce((sum, each) => sum + each, this.#asked.size);
    const found = figuresOf(this.#ticks, FIGURES_EVERY_MS);
    this.#figures = { atMs: this.#atMs, asked, answered: Math.min(heard, asked), ...found };
    this.#pending.push(ended);
    if (this.#pending.length === ticksPerPoint) this.#point(mesh());
    for (const each of this.#listeners) each();
  }

  #point(mesh: Mesh): void {
    const ticks = this.#pending;
    this.#pending = [];
    const subjects = new Map<string, readonly [RequestSum, PodSum[]]>();
    const add = (name: string, sum: PodSum): void => {
      const known = subjects.get(name) ?? [new RequestSum(), []];
      known[0].merge(sum.inbound);
      known[1].push(sum);
      subjects.set(name, known);
    };
    for (const { pods } of ticks) {
      for (const [pod, sum] of pods) {
        add(`pod ${pod}`, sum);
        const workload = mesh.workloads.get(pod);
        if (workload !== undefined) add(`workload ${workload.namespace}/${workload.owner.name}`, sum);
      }
    }
    this.#history.add(this.#atMs, (ticksPerPoint * FIGURES_EVERY_MS) / 1_000, subjects);
  }
}

const none: PageFigures = { atMs: 0, seconds: 0, answered: 0, asked: 0, edges: [], pods: [] };
