import type { QuestionHandler } from '../discovery/index.ts';
import { guarded } from '../errors/index.ts';
import type { Credentials } from '../identity/index.ts';
import { askedKind, type ProxyRecords, type RecordQuery, type Resource } from '../model/index.ts';
import { IDLE, sumUnderWay, type UnderWay } from '../proxy/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { mergeMetrics } from './merge-metrics.ts';
import type { CoreView, FromCore, ToCore } from './messages.ts';
import { SharedAnswering } from './shared-answering.ts';

/** A thread with a core on it. */
export interface CorePort {
  postMessage(message: ToCore): void;
  on(event: 'message', heard: (message: FromCore) => void): unknown;
}

/** Where destinations are asked for. */
interface Source {
  want(key: string): void;
  forget(key: string): void;
}

export interface CoresOptions {
  readonly ports: readonly CorePort[];
  /** The first core's data plane. */
  readonly own: (resource: Resource) => void;
  /** Answers what is asked of the first core. */
  readonly questions: QuestionHandler;
  /** Discovery. A function, because it may come later. */
  readonly source: () => Source;
  /** A core cannot go on; the process should end with these words. */
  readonly onFailed: (core: number, code: string, message: string) => void;
}

/** The other cores, as the first one sees them: what any wants is asked for once, what comes goes to those that want it. */
export class Cores {
  readonly #options: CoresOptions;
  /** Who wants a destination; the first core is 0. */
  readonly #wanted = new Map<string, Set<number>>();
  /** The last of each kind and key, for cores that begin to want it later. */
  readonly #known = new Map<string, Resource>();
  readonly #underWay: UnderWay[];
  /** Answers questions with the word of every core. */
  readonly questions: SharedAnswering;
  readonly #asked = new Map<number, (value: unknown) => void>();
  #nextId = 0;
  #listening = 0;
  #allListen: () => void = () => {};

  constructor(options: CoresOptions) {
    this.#options = options;
    this.#underWay = options.ports.map(() => IDLE);
    this.questions = new SharedAnswering(options.questions, options.ports.length, message =>
      this.#tellAll(message),
    );
    for (const [i, port] of options.ports.entries())
      port.on(
        'message',
        guarded('cores.message', (message: FromCore) => this.#heard(i + 1, message)),
      );
  }

  /** The first core's own way to ask. */
  get source(): Source {
    return { want: key => this.#want(0, key), forget: key => this.#forget(0, key) };
  }

  /** Hands a resource to every core that has a use for it. */
  apply(resource: Resource): void {
    this.#known.set(`${resource.kind} ${resource.key}`, resource);
    const isAsked = resource.kind === askedKind(resource.key);
    const wanted = isAsked ? this.#wanted.get(resource.key) : undefined;
    for (const [i, port] of this.#options.ports.entries()) {
      if (isAsked && wanted?.has(i + 1) !== true) continue;
      port.postMessage({ type: 'apply', resource });
    }
  }

  useCredentials(credentials: Credentials): void {
    this.#tellAll({ type: 'credentials', credentials });
  }

  /** Resolves when all listen too. Ports as the first core has them. */
  listen(outbound: number, inbound: number): Promise<void> {
    return new Promise(resolve => {
      this.#allListen = resolve;
      this.#tellAll({ type: 'listen', outbound, inbound });
    });
  }

  /** Of a gateway: which it serves now. Those that are told before they listen begin with the last. */
  serve(names: readonly string[]): void {
    this.#tellAll({ type: 'serve', names });
  }

  drain(): void {
    this.#tellAll({ type: 'drain' });
  }

  /** See DataPlane.accept. */
  accept(on: boolean): void {
    this.#tellAll({ type: 'accept', on });
  }

  /** Sockets that another process had accept from now on. */
  takeOver(): void {
    this.#tellAll({ type: 'take-over' });
  }

  /** Closes connections of clients that have no request under way, or all. */
  close(all: boolean): void {
    this.#tellAll({ type: 'close', all });
  }

  setLogging(level: string | undefined, access: string | undefined): void {
    this.#tellAll({ type: 'logging', ...(level && { level }), ...(access && { access }) });
  }

  /** What is under way on all other cores, as they last said; they say it ten times a second while they have anything. */
  get underWay(): UnderWay {
    return sumUnderWay(this.#underWay);
  }

  /** The first core's Prometheus text with everybody's figures in it, in pieces. */
  async metrics(own: string): Promise<Iterable<string>> {
    return mergeMetrics([own, ...((await this.#askAll(id => ({ type: 'metrics', id }))) as string[])]);
  }

  /** What the admin pages show of the other cores, in their order. */
  async view(view: CoreView): Promise<readonly unknown[]> {
    return this.#askAll(id => ({ type: 'view', id, view }));
  }

  /** Resolves when every core has handed on what waits for collectors and files, or after `withinMs`. */
  async end(withinMs: number, clock: Clock): Promise<void> {
    let cancel: Cancel = () => {};
    const late = new Promise<void>(resolve => {
      cancel = clock.after(withinMs, resolve);
    });
    await Promise.race([this.#askAll(id => ({ type: 'end', id })), late]);
    cancel();
  }

  /** What the other cores' records say. */
  async requests(query: RecordQuery): Promise<readonly ProxyRecords[]> {
    return (await this.#askAll(id => ({ type: 'requests', id, query }))) as ProxyRecords[];
  }

  #heard(core: number, message: FromCore): void {
    switch (message.type) {
      case 'want':
        this.#want(core, message.key);
        return;
      case 'forget':
        this.#forget(core, message.key);
        return;
      case 'under-way':
        this.#underWay[core - 1] = message.underWay;
        return;
      case 'listening':
        if (++this.#listening === this.#options.ports.length) this.#allListen();
        return;
      case 'reply':
        this.#asked.get(message.id)?.(message.value);
        this.#asked.delete(message.id);
        return;
      case 'said':
        this.questions.said(message.id, message.items, message.left);
        return;
      case 'done':
        this.questions.done(message.id, message.error);
        return;
      case 'failed':
        this.#options.onFailed(core, message.code, message.message);
    }
  }

  #want(core: number, key: string): void {
    const cores = this.#wanted.get(key);
    if (cores === undefined) {
      this.#wanted.set(key, new Set([core]));
      this.#options.source().want(key);
      return;
    }
    cores.add(core);
    const known = this.#known.get(`${askedKind(key)} ${key}`);
    if (known === undefined) return;
    this.#tell(core, known);
    if (known.kind !== 'destination') return;
    for (const { name } of known.clusters) {
      const endpoints = this.#known.get(`endpoints ${name}`);
      if (endpoints !== undefined) this.#tell(core, endpoints);
    }
  }

  #forget(core: number, key: string): void {
    const cores = this.#wanted.get(key);
    if (cores === undefined || !cores.delete(core) || cores.size > 0) return;
    this.#wanted.delete(key);
    this.#known.delete(`${askedKind(key)} ${key}`);
    const used = new Set<string>();
    for (const resource of this.#known.values())
      if (resource.kind === 'destination') for (const { name } of resource.clusters) used.add(name);
    for (const [id, resource] of this.#known)
      if (resource.kind === 'endpoints' && !used.has(resource.key)) this.#known.delete(id);
    this.#options.source().forget(key);
  }

  #tell(core: number, resource: Resource): void {
    if (core === 0) this.#options.own(resource);
    else this.#options.ports[core - 1]!.postMessage({ type: 'apply', resource });
  }

  #tellAll(message: ToCore): void {
    for (const port of this.#options.ports) port.postMessage(message);
  }

  #askAll(question: (id: number) => ToCore): Promise<unknown[]> {
    return Promise.all(
      this.#options.ports.map(
        port =>
          new Promise(resolve => {
            const id = this.#nextId++;
            this.#asked.set(id, resolve);
            port.postMessage(question(id));
          }),
      ),
    );
  }
}
