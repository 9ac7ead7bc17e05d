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
  type NameResource,
  type Resource,
  type TrustResource,
} from '../model/index.ts';
import {
  type Caller,
  changesScopes,
  derivedFacts,
  type Resolved,
  resolveCertificate,
  resolveDestination,
  resolveEndpoints,
  resolveGateway,
  resolveInbound,
  resolveName,
  serviceRanges,
} from '../resolve/index.ts';
import {
  type Abandoned,
  Entry,
  type Followed,
  idFor,
  type Recipe,
  type Watch,
  type Watcher,
  type WatchListener,
} from './entry.ts';
import { refusedDestination } from './key.ts';

export type { Watch, WatchListener } from './entry.ts';

import { withKnownRoutes } from './known-routes.ts';

/** Told when a resource cannot be worked out, with what it is; the last good one stays, and all others go on. */
export type HubFailure = (what: string, why: string) => void;

/** Whom proxies are to trust, apart from what the mesh says. */
export type TrustTerms = Omit<TrustResource, 'kind' | 'key' | 'serviceRanges' | 'aliases'>;

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
  readonly #abandoned: Abandoned = entry => this.#drop(entry);
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
    const recipe: Recipe<InboundResource> = { resolve: mesh => resolveInbound(mesh, key) };
    return this.#entry(`inbound ${key}`, () => recipe).open(
      listener,
      this.#abandoned,
    ) as Watch<InboundResource>;
  }

  watchDestination(caller: Caller, key: string, listener: WatchListener): Watch<DestinationResource> {
    return this.#watchFor({ caller, kind: 'destination', key }, listener) as Watch<DestinationResource>;
  }

  /** Whatever the key names: a destination, or what only gateways or machines ask for. */
  watchAsked(
    caller: Caller,
    key: string,
    listener: WatchListener,
  ): Watch<DestinationResource | GatewayResource | CertificateResource | NameResource> {
    return this.#watchFor({ caller, kind: askedKind(key), key }, listener) as Watch<
      DestinationResource | GatewayResource | CertificateResource | NameResource
    >;
  }

  watchEndpoints(caller: Caller, cluster: string, listener: WatchListener): Watch<EndpointsResource> {
    const followed: Followed = { caller, kind: 'endpoints', key: cluster };
    return this.#watchFor(followed, listener) as Watch<EndpointsResource>;
  }

  /** Callers of one scope share what is computed for the first of them. */
  #watchFor(followed: Followed, listener: WatchListener): Watch {
    const entry = this.#entry(idFor(this.#mesh, followed), () => this.#recipe(followed));
    return entry.open(listener, this.#abandoned, followed);
  }

  #recipe({ caller, kind, key }: Followed): Recipe<Resource> {
    switch (kind) {
      case 'destination':
        return {
          resolve: mesh => resolveDestination(mesh, caller, key),
          // Never passed through: it may be a Service, whose policies then would not hold.
          failed: why =>
            refusedDestination(key, `the control plane cannot work out this destination: ${why}`),
        };
      case 'endpoints':
        return { resolve: mesh => resolveEndpoints(mesh, caller, key) };
      case 'name':
        return { resolve: mesh => resolveName(mesh, caller, key) };
      case 'certificate':
        return { resolve: mesh => resolveCertificate(mesh, caller, key) };
      case 'gateway':
        return { resolve: mesh => this.#sealed(resolveGateway(mesh, caller, key)) };
    }
  }

  #entry(id: string, recipe: () => Recipe<Resource>): Entry<Resource> {
    let entry = this.#entries.get(id);
    if (!entry) {
      entry = new Entry<Resource>(id, recipe());
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
        const { followed } = watcher;
        if (!followed) continue;
        const id = idFor(this.#mesh, followed);
        if (id === entry.id) continue;
        const before = entry.value;
        const to = this.#entry(id, () => this.#recipe(followed));
        watcher.moveTo(to);
        if (!equal(before, to.value)) moved.push(watcher);
        // The same object as before, so that nobody takes it for something new.
        else if (to.watchers().length === 1) to.value = before;
      }
      const [stays] = entry.watchers();
      if (!stays) this.#drop(entry);
      // Whoever it was computed for may have gone.
      else if (stays.followed) entry.recipe = this.#recipe(stays.followed);
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
