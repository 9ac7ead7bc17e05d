import { hkdfSync } from 'node:crypto';
import { errorMessage } from '../errors/index.ts';
import {
  askedKind,
  type CertificateResource,
  type DestinationResource,
  type EndpointsResource,
  equal,
  type GatewayResource,
  type InboundResource,
  isSameWorkload,
  type Mesh,
  type Resource,
  type TrustResource,
} from '../model/index.ts';
import {
  type Caller,
  callerScope,
  changesScopes,
  derivedFacts,
  type Resolved,
  resolveCertificate,
  resolveDestination,
  resolveEndpoints,
  resolveGateway,
  resolveInbound,
  serviceRanges,
} from '../resolve/index.ts';
import { refusedDestination } from './key.ts';
import { withKnownRoutes } from './known-routes.ts';

/** Called when the watched resource differs; the value is in the Watch. `changedAtMs`: when the cause became known. */
export type WatchListener = (changedAtMs: number) => void;

/** One resource that somebody follows. */
export interface Watch<R extends Resource = Resource> {
  /** Undefined while there is none, as the inbound side of a pod that is not known yet. Equal values are the same object. */
  readonly value: R | undefined;
  close(): void;
}

/** Told when a resource cannot be worked out, with what it is; the last good one stays, and all others go on. */
export type HubFailure = (what: string, why: string) => void;

/** Whom proxies are to trust, apart from what the mesh says. */
export type TrustTerms = Omit<TrustResource, 'kind' | 'key' | 'serviceRanges' | 'aliases'>;

type Resolve<R extends Resource> = (mesh: Mesh) => Resolved<R | undefined>;

/** How a resource is worked out, and what stands for it where that fails and there was none before. */
interface Recipe<R extends Resource> {
  readonly resolve: Resolve<R>;
  readonly failed?: (why: string) => R;
}

/** That the secrets of session tickets are others. */
const ticketsFact = 'session-tickets';

/**
 * Resources that are followed now, each computed once for all callers who would get the same, and computed again only when a
 * fact it rests on was touched. Whoever follows a resource hears only of changes that make it differ.
 */
export class Hub {
  #mesh: Mesh;
  readonly #entries = new Map<string, Entry<Resource>>();
  readonly #byFact = new Map<string, Set<Entry<Resource>>>();
  /** Those that could not be worked out: tried again with every mesh, since the facts they rest on are not known. */
  readonly #failing = new Set<Entry<Resource>>();
  readonly #onFailure: HubFailure;
  readonly #trust: Entry<Resource>;
  #terms: TrustTerms;
  /** Of session tickets, for each generation, the newest first. */
  #ticketSecrets: readonly Buffer[] = [];
  #serviceRanges: readonly string[];

  constructor(mesh: Mesh, roots: readonly string[] = [], onFailure: HubFailure = () => {}) {
    this.#mesh = mesh;
    this.#onFailure = onFailure;
    this.#terms = { roots };
    this.#serviceRanges = serviceRanges(mesh);
    this.#trust = new Entry('trust', {
      resolve: () => ({ resource: this.#trustOf(), facts: new Set() }),
    });
    this.#trust.value = this.#trustOf();
  }

  get mesh(): Mesh {
    return this.#mesh;
  }

  /** How many different resources are followed. */
  get size(): number {
    return this.#entries.size;
  }

  /** Whether anything that is followed rests on the fact. */
  isFollowed(fact: string): boolean {
    return this.#byFact.has(fact);
  }

  /** Takes a new mesh; `touched` are the facts in which it differs. */
  update(mesh: Mesh, touched: ReadonlySet<string>, changedAtMs: number): void {
    const before = this.#mesh;
    this.#mesh = mesh;
    // The very same maps as long as no Service comes, goes or gets another address: the usual case.
    const others = before.trustDomainAliases !== mesh.trustDomainAliases;
    if (
      others ||
      before.servicesByAddress !== mesh.servicesByAddress ||
      before.addressRanges !== mesh.addressRanges
    ) {
      this.#serviceRanges = serviceRanges(mesh);
      this.#renewTrust(changedAtMs);
    }
    const moved = changesScopes(touched) ? this.#regroup() : [];
    const concerned = new Set<Entry<Resource>>(this.#failing);
    const followed = (fact: string): boolean => this.isFollowed(fact);
    for (const facts of [touched, derivedFacts(before, mesh, touched, followed)])
      for (const fact of facts) for (const entry of this.#byFact.get(fact) ?? []) concerned.add(entry);
    const changed = [...concerned].filter(entry => this.#compute(entry));
    for (const entry of changed) entry.tell(changedAtMs);
    for (const watcher of moved) watcher.listener(changedAtMs);
  }

  /** Takes the roots (PEM) that are good now. */
  setRoots(roots: readonly string[], changedAtMs: number): void {
    this.setTrust({ ...this.#terms, roots }, changedAtMs);
  }

  /** Takes whom to trust now. */
  setTrust(terms: TrustTerms, changedAtMs: number): void {
    this.#terms = terms;
    this.#renewTrust(changedAtMs);
  }

  /** Takes what the session tickets of gateways follow from, for each generation, the newest first. */
  setTicketSecrets(secrets: readonly Buffer[], changedAtMs: number): void {
    this.#ticketSecrets = secrets;
    this.update(this.#mesh, new Set([ticketsFact]), changedAtMs);
  }

  /** Each gateway has secrets of its own: whoever learns those of one reads no tickets of another. */
  #sealed({ resource, facts }: Resolved<GatewayResource>): Resolved<GatewayResource> {
    const ticketSecrets = this.#ticketSecrets.map(each =>
      Buffer.from(hkdfSync('sha256', each, '', `weft gateway ${resource.key}`, 32)).toString('base64url'),
    );
    const has = ticketSecrets.length > 0 && resource.why === undefined;
    return {
      resource: { ...resource, ...(has && { ticketSecrets }) },
      facts: new Set([...facts, ticketsFact]),
    };
  }

  /** Whether this certificate, or whoever it is for, is to be let in no more. */
  isRevoked(principal: string, serial: string): boolean {
    const domains = this.trustDomains;
    return (this.#terms.revoked ?? []).some(
      each =>
        each.serial === serial ||
        (each.principal !== undefined && isSameWorkload(each.principal, principal, domains)),
    );
  }

  /** The trust domain's own name first, then its aliases. */
  get trustDomains(): readonly string[] {
    return [this.#mesh.trustDomain, ...this.#mesh.trustDomainAliases];
  }

  #renewTrust(changedAtMs: number): void {
    const trust = this.#trustOf();
    if (equal(trust, this.#trust.value)) return;
    this.#trust.value = trust;
    this.#trust.tell(changedAtMs);
  }

  watchTrust(listener: WatchListener): Watch<TrustResource> {
    return this.#trust.open(listener, () => {}) as Watch<TrustResource>;
  }

  /** `key` is `namespace/pod`. */
  watchInbound(key: string, listener: WatchListener): Watch<InboundResource> {
    const entry = this.#entry(`inbound ${key}`, { resolve: mesh => resolveInbound(mesh, key) });
    return entry.open(listener, left => this.#drop(left)) as Watch<InboundResource>;
  }

  watchDestination(caller: Caller, key: string, listener: WatchListener): Watch<DestinationResource> {
    return this.#watchFor(caller, `destination ${key}`, listener, {
      resolve: mesh => resolveDestination(mesh, caller, key),
      // Never passed through: it may be a Service, whose policies then would not hold.
      failed: why => refusedDestination(key, `the control plane cannot work out this destination: ${why}`),
    });
  }

  /** Whatever the key names: a destination, or what only gateways ask for. */
  watchAsked(
    caller: Caller,
    key: string,
    listener: WatchListener,
  ): Watch<DestinationResource | GatewayResource | CertificateResource> {
    const kind = askedKind(key);
    if (kind === 'destination') return this.watchDestination(caller, key, listener);
    if (kind === 'certificate')
      return this.#watchFor(caller, `certificate ${key}`, listener, {
        resolve: mesh => resolveCertificate(mesh, caller, key),
      });
    // Policies select gateways by any of their labels, and there are few callers to share with.
    const what = `gateway ${key} ${JSON.stringify(Object.entries(caller.labels).sort())}`;
    return this.#watchFor(caller, what, listener, {
      resolve: mesh => this.#sealed(resolveGateway(mesh, caller, key)),
    });
  }

  watchEndpoints(caller: Caller, cluster: string, listener: WatchListener): Watch<EndpointsResource> {
    return this.#watchFor(caller, `endpoints ${cluster}`, listener, {
      resolve: mesh => resolveEndpoints(mesh, caller, cluster),
    });
  }

  /** Callers of one scope share what is computed for the first of them. */
  #watchFor<R extends Resource>(
    caller: Caller,
    what: string,
    listener: WatchListener,
    recipe: Recipe<R>,
  ): Watch<R> {
    const entry = this.#entry(`${what} ${callerScope(this.#mesh, caller)}`, recipe);
    const belongs: Belonging = {
      id: mesh => `${what} ${callerScope(mesh, caller)}`,
      recipe: recipe as Recipe<Resource>,
    };
    return entry.open(listener, left => this.#drop(left), belongs) as Watch<R>;
  }

  #entry<R extends Resource>(id: string, recipe: Recipe<R>): Entry<Resource> {
    let entry = this.#entries.get(id);
    if (!entry) {
      entry = new Entry<Resource>(id, recipe);
      this.#entries.set(id, entry);
      this.#compute(entry);
    }
    return entry;
  }

  /**
   * Other properties of callers count now than before: moves each watcher to the entry of its new scope. Returns those who see
   * something else there. Rare: a rule names a label that none named before, or nodes come and go.
   */
  #regroup(): readonly Watcher[] {
    const moved: Watcher[] = [];
    for (const entry of [...this.#entries.values()]) {
      for (const watcher of entry.watchers()) {
        const id = watcher.belongs?.id(this.#mesh);
        if (id === undefined || id === entry.id) continue;
        const before = entry.value;
        const to = this.#entry(id, watcher.belongs!.recipe);
        watcher.moveTo(to);
        if (!equal(before, to.value)) moved.push(watcher);
        // The same object as before, so that nobody takes it for something new.
        else if (to.watchers().length === 1) to.value = before;
      }
      const [stays] = entry.watchers();
      if (!stays) this.#drop(entry);
      // Whoever it was computed for may have gone.
      else if (stays.belongs) entry.recipe = stays.belongs.recipe;
    }
    return moved;
  }

  /** Computes the entry anew; true when it differs. */
  #compute(entry: Entry<Resource>): boolean {
    const resolved = this.#resolve(entry);
    if (!resolved) return false;
    const { facts } = resolved;
    const resource = withKnownRoutes(resolved.resource, entry.value);
    for (const fact of entry.facts) if (!facts.has(fact)) this.#unlink(fact, entry);
    for (const fact of facts) if (!entry.facts.has(fact)) this.#link(fact, entry);
    entry.facts = facts;
    if (equal(entry.value, resource)) return false;
    entry.value = resource;
    return true;
  }

  /** One resource that cannot be worked out, because of an object that nobody thought of, must not cost the others theirs. */
  #resolve(entry: Entry<Resource>): Resolved<Resource | undefined> | undefined {
    try {
      const resolved = entry.recipe.resolve(this.#mesh);
      this.#failing.delete(entry);
      return resolved;
    } catch (thrown) {
      const why = errorMessage(thrown);
      if (!this.#failing.has(entry)) this.#onFailure(entry.id, why);
      this.#failing.add(entry);
      entry.value ??= entry.recipe.failed?.(why);
      return undefined;
    }
  }

  #drop(entry: Entry<Resource>): void {
    this.#entries.delete(entry.id);
    this.#failing.delete(entry);
    for (const fact of entry.facts) this.#unlink(fact, entry);
  }

  #link(fact: string, entry: Entry<Resource>): void {
    const entries = this.#byFact.get(fact);
    if (entries) entries.add(entry);
    else this.#byFact.set(fact, new Set([entry]));
  }

  #unlink(fact: string, entry: Entry<Resource>): void {
    const entries = this.#byFact.get(fact);
    entries?.delete(entry);
    if (entries?.size === 0) this.#byFact.delete(fact);
  }

  #trustOf(): TrustResource | undefined {
    if (this.#terms.roots.length === 0) return undefined;
    return {
      kind: 'trust',
      key: this.#mesh.trustDomain,
      ...this.#terms,
      ...(this.#mesh.trustDomainAliases.length > 0 && { aliases: this.#mesh.trustDomainAliases }),
      serviceRanges: this.#serviceRanges,
    };
  }
}

/** How a watcher finds the entry that it belongs to when scopes change. */
interface Belonging {
  readonly id: (mesh: Mesh) => string;
  readonly recipe: Recipe<Resource>;
}

/** Somebody who follows an entry's resource. */
class Watcher {
  readonly listener: WatchListener;
  readonly belongs: Belonging | undefined;
  entry: Entry<Resource>;

  constructor(listener: WatchListener, belongs: Belonging | undefined, entry: Entry<Resource>) {
    this.listener = listener;
    this.belongs = belongs;
    this.entry = entry;
  }

  moveTo(entry: Entry<Resource>): void {
    this.entry.leave(this);
    this.entry = entry;
    entry.join(this);
  }
}

class Entry<R extends Resource> {
  readonly id: string;
  recipe: Recipe<R>;
  value: R | undefined;
  facts: ReadonlySet<string> = new Set();
  readonly #watchers = new Set<Watcher>();

  constructor(id: string, recipe: Recipe<R>) {
    this.id = id;
    this.recipe = recipe;
  }

  get isAbandoned(): boolean {
    return this.#watchers.size === 0;
  }

  watchers(): readonly Watcher[] {
    return [...this.#watchers];
  }

  open(listener: WatchListener, abandoned: (entry: Entry<Resource>) => void, belongs?: Belonging): Watch<R> {
    const watcher = new Watcher(listener, belongs, this as Entry<Resource>);
    this.#watchers.add(watcher);
    return {
      get value() {
        return watcher.entry.value as R | undefined;
      },
      close: () => {
        if (watcher.entry.leave(watcher) && watcher.entry.isAbandoned) abandoned(watcher.entry);
      },
    };
  }

  join(watcher: Watcher): void {
    this.#watchers.add(watcher);
  }

  leave(watcher: Watcher): boolean {
    return this.#watchers.delete(watcher);
  }

  tell(changedAtMs: number): void {
    for (const { listener } of [...this.#watchers]) listener(changedAtMs);
  }
}
