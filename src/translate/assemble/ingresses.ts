// All Ingresses of a gateway together: each host's routes, listeners for TLS, and what is said of backends, as parts of the mesh.
import { equal, formatRef, type Problem, problem, ROUTE_RANKS, type RouteRule } from '../../model/index.ts';
import { gatewayTables } from '../gateway-tables.ts';
import { type HostOf, hostRules, type PathOf, type Shadowed, wwwRules } from '../ingress/hosts.ts';
import { settingsWith } from '../ingress/ingress.ts';
import {
  INGRESS_DEFAULTS,
  type IngressDefaults,
  type ReadIngress,
  type ReadIngressClass,
} from '../ingress/ingress-model.ts';
import type { IngressClassPart, IngressDefaultsPart, IngressPart, Part } from '../part.ts';
import { backendPolicies } from './ingress-backends.ts';
import { httpListener, passthroughListener, type TlsOf, tlsListener } from './ingress-listeners.ts';

/** Takes a part of the mesh away from under `id`, or puts it there. */
type SetPart = (id: string, part: Part, present: boolean) => void;

/** All that is said of one host, the oldest first. */
interface GatheredHost {
  readonly paths: PathOf[];
  readonly canaries: PathOf[];
  /** With rules for it. */
  readonly ingresses: ReadIngress[];
  fallback?: PathOf;
}

/** What one gateway's class has, the oldest first. */
interface ClassHosts {
  readonly ingressClass: ReadIngressClass;
  readonly hosts: Map<string, GatheredHost>;
  readonly ingresses: ReadIngress[];
}

/** What a host came to, and of what: as long as that is the same, it stays. */
interface HostParts {
  readonly made: readonly unknown[];
  readonly parts: ReadonlyMap<string, Part>;
  readonly problems: readonly Problem[];
}

const nothing: HostParts = { made: [], parts: new Map(), problems: [] };

/** Joins what Ingresses say. Only hosts of which something is said anew are made and put into the mesh anew. */
export class IngressAssembler {
  readonly #ingresses = new Map<string, ReadIngress>();
  readonly #classes = new Map<string, ReadIngressClass>();
  readonly #defaults = new Map<string, IngressDefaults>();
  readonly #clusterDomain: string;
  readonly #read = new WeakMap<
    ReadIngress,
    { readonly defaults: IngressDefaults; readonly read: PathOf['settings'] }
  >();
  readonly #served = new WeakMap<
    ReadIngress,
    { readonly ingressClass: ReadIngressClass; readonly part: Part }
  >();
  /** By class and host. */
  #made = new Map<string, HostParts>();
  /** Those of Weft's own classes. */
  #ours = new Set<ReadIngress>();
  #dirty = false;

  constructor(clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
  }

  set(id: string, part: IngressPart | IngressClassPart | IngressDefaultsPart, present: boolean): void {
    this.#dirty = true;
    switch (part.kind) {
      case 'ingress':
        if (present) this.#ingresses.set(id, part.ingress);
        else this.#ingresses.delete(id);
        break;
      case 'ingress-class':
        if (present) this.#classes.set(id, part.ingressClass);
        else this.#classes.delete(id);
        break;
      case 'ingress-defaults':
        if (present) this.#defaults.set(id, part.defaults);
        else this.#defaults.delete(id);
        break;
    }
  }

  /** Puts what all of them come to into the mesh. */
  expand(set: SetPart): void {
    if (!this.#dirty) return;
    this.#dirty = false;
    const next = new Map<string, HostParts>();
    const classes = this.#byClass();
    this.#ours = new Set(classes.flatMap(each => each.ingresses));
    for (const each of classes) this.#makeClass(each, next);
    for (const [id, { parts }] of this.#made) {
      const now = next.get(id) ?? nothing;
      if (now.parts === parts) continue;
      for (const [name, part] of parts)
        if (!equal(part, now.parts.get(name))) set(`${id} ${name}`, part, false);
    }
    for (const [id, { parts }] of next) {
      const before = this.#made.get(id) ?? nothing;
      if (before.parts === parts) continue;
      for (const [name, part] of parts)
        if (!equal(part, before.parts.get(name))) set(`${id} ${name}`, part, true);
    }
    this.#made = next;
  }

  /** Whether the object is an Ingress of a class that is not Weft's. `object` as for MeshAssembler.replace. */
  isForeign(object: string): boolean {
    // The only part of its object.
    const ingress = this.#ingresses.get(`${object} 0`);
    return ingress !== undefined && !this.#ours.has(ingress);
  }

  *problems(): Iterable<Problem> {
    for (const { problems } of this.#made.values()) yield* problems;
  }

  #byClass(): readonly ClassHosts[] {
    const classes = byAge([...this.#classes.values()]);
    const fallback = classes.find(each => each.isDefault);
    const all = new Map(
      classes
        .filter(each => each.isOurs)
        .map(ingressClass => [
          ingressClass.name,
          { ingressClass, hosts: new Map(), ingresses: [] } as ClassHosts,
        ]),
    );
    if (all.size === 0) return [];
    for (const ingress of byAge([...this.#ingresses.values()])) {
      const name = ingress.className === '' ? fallback?.name : ingress.className;
      const own = name === undefined ? undefined : all.get(name);
      if (own !== undefined) this.#sort(ingress, own);
    }
    return [...all.values()];
  }

  #sort(ingress: ReadIngress, { hosts, ingresses }: ClassHosts): void {
    ingresses.push(ingress);
    const settings = this.#settingsOf(ingress);
    const hostOf = (host: string): GatheredHost => {
      const known = hosts.get(host) ?? { paths: [], canaries: [], ingresses: [] };
      hosts.set(host, known);
      return known;
    };
    for (const { host, paths } of ingress.rules) {
      const into = hostOf(host);
      if (into.ingresses.at(-1) !== ingress) into.ingresses.push(ingress);
      const list = settings.canary === undefined ? into.paths : into.canaries;
      for (const path of paths) list.push({ path, ingress, settings });
    }
    const { defaultBackend: target } = ingress;
    if (target === undefined || settings.canary !== undefined) return;
    const path = { path: '/', type: 'prefix', target, at: 'spec.defaultBackend' } as const;
    const of = { path, ingress, settings };
    if (ingress.rules.length === 0) hostOf('').fallback ??= of;
    for (const { host } of ingress.rules) hostOf(host).fallback ??= of;
  }

  #settingsOf(ingress: ReadIngress): PathOf['settings'] {
    const defaults = this.#defaultsNow;
    if (defaults === INGRESS_DEFAULTS) return ingress.settings;
    const known = this.#read.get(ingress);
    if (known?.defaults === defaults) return known.read;
    const read = settingsWith(ingress, defaults, this.#clusterDomain);
    this.#read.set(ingress, { defaults, read });
    return read;
  }

  /** The same one as long as both are, so that thousands are not compared part by part at each change. */
  #servedPart(ingress: ReadIngress, ingressClass: ReadIngressClass): Part {
    const known = this.#served.get(ingress);
    if (known?.ingressClass === ingressClass) return known.part;
    const part = servedPart(ingress, ingressClass);
    this.#served.set(ingress, { ingressClass, part });
    return part;
  }

  get #defaultsNow(): IngressDefaults {
    if (this.#defaults.size === 0) return INGRESS_DEFAULTS;
    const [first] = [...this.#defaults].sort(([left], [right]) => (left < right ? -1 : 1));
    return first![1];
  }

  #makeClass({ ingressClass, hosts, ingresses }: ClassHosts, into: Map<string, HostParts>): void {
    if (ingresses.length === 0) return;
    const id = `ingress-class ${ingressClass.name}`;
    const once = (name: string, made: readonly unknown[], make: () => Omit<HostParts, 'made'>): void => {
      const before = this.#made.get(name);
      const same = before !== undefined && isSame(before.made, made);
      into.set(name, same ? before : { made, ...make() });
    };
    const defaults = this.#defaultsNow;
    once(id, [ingressClass], () => ({
      parts: new Map([['http', httpListener(ingressClass)]]),
      problems: [],
    }));
    for (const [host, gathered] of hosts) {
      const other = host.startsWith('www.') ? host.slice(4) : `www.${host}`;
      const aliases = aliasesOf(gathered.paths, hosts);
      const whole = { host, gathered, aliases, other: hosts.has(other) ? undefined : other };
      const { ingresses: own, fallback } = gathered;
      const made = [ingressClass, defaults, fallback?.ingress, whole.other, aliases.join(' '), ...own];
      once(`${id} host ${host}`, made, () => hostParts(ingressClass, whole, defaults));
    }
    const served = new Map(
      ingresses.map(each => [`${each.namespace}/${each.name}`, this.#servedPart(each, ingressClass)]),
    );
    into.set(`${id} served`, { made: [], parts: served, problems: [] });
    const backends = new Map(backendPolicies(ingressClass, hosts.values()));
    into.set(`${id} backends`, { made: [], parts: backends, problems: [] });
  }
}

function servedPart(
  { namespace, name, from, createdAt }: ReadIngress,
  { gateway, service, stated }: ReadIngressClass,
): Part {
  const policy = { namespace, name, gateway, service, ...(stated && { stated }), from };
  return { kind: 'policy', of: 'servedIngresses', policy, createdAt };
}

function isSame(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((each, index) => each === right[index]);
}

/** A host, and what of the others it has to do with. */
interface WholeHost {
  readonly host: string;
  readonly gathered: GatheredHost;
  /** Other names of it that are no hosts themselves. */
  readonly aliases: readonly string[];
  /** Its name with `www.`, or without; undefined where that is a host itself. */
  readonly other: string | undefined;
}

function hostParts(
  ingressClass: ReadIngressClass,
  { host, gathered, aliases, other }: WholeHost,
  defaults: IngressDefaults,
): Omit<HostParts, 'made'> {
  const { paths, canaries, ingresses, fallback } = gathered;
  const parts = new Map<string, Part>();
  const passed = passedOn(host, paths);
  const found = tlsOf(host, ingresses, ingressClass);
  const tls = found && { ...found, ...tlsSettings(paths) };
  if (passed !== undefined)
    passthroughParts(ingressClass, host, passed).forEach(
      (part, index) => void parts.set(`passthrough ${index}`, part),
    );
  else if (tls !== undefined) parts.set('tls', tlsListener(ingressClass, host, tls));
  const whole: HostOf = { host, paths, canaries, tls: tls !== undefined, ...(fallback && { fallback }) };
  const { rules, shadowed, texts } = hostRules(whole, defaults);
  const problems = [...shadowed.flatMap(each => shadowedProblem(host, each)), ...texts.map(textProblem)];
  const first = (paths[0] ?? canaries[0] ?? fallback)?.ingress;
  if (first === undefined || rules.length === 0) return { parts, problems };
  const names = host === '' ? [] : [host, ...aliases];
  tables(ingressClass, first, names, rules, host === '' && tls === undefined).forEach(
    (part, index) => void parts.set(`table ${index}`, part),
  );
  const www = paths.find(({ settings }) => settings.fromToWww === true)?.ingress;
  if (www === undefined || other === undefined || host === '' || host.startsWith('*.'))
    return { parts, problems };
  if (tls !== undefined) parts.set('www tls', tlsListener(ingressClass, other, tls));
  tables(ingressClass, www, [other], wwwRules(www, host, tls !== undefined), false).forEach(
    (part, index) => void parts.set(`www ${index}`, part),
  );
  return { parts, problems };
}

/** The path `/` whose backend ends TLS of the host itself. */
function passedOn(host: string, paths: readonly PathOf[]): PathOf | undefined {
  if (host === '' || !paths.some(({ settings }) => settings.sslPassthrough === true)) return undefined;
  return paths.find(({ path }) => path.path === '/');
}

function passthroughParts(
  ingressClass: ReadIngressClass,
  host: string,
  { ingress, path }: PathOf,
): readonly Part[] {
  const { from, createdAt, namespace } = ingress;
  const tcp = [{ path: path.at, caller: [], serverNames: [], destinationCidrs: [], targets: [path.target] }];
  const tables = gatewayTables({
    attachment: { gateway: ingressClass.gateway, kind: 'tls' },
    hosts: [host],
    namespace,
    table: {
      ...{ http: [], tcp, combine: 'exclusive', unmatched: 'not-found' },
      ...{ rank: ROUTE_RANKS.ingress, from, createdAt },
    },
  });
  return [passthroughListener(ingressClass, host, ingress), ...tables];
}

/** What the oldest Ingress of a host says of its TLS beside the certificate. */
function tlsSettings(paths: readonly PathOf[]): Pick<TlsOf, 'authorities' | 'ciphers'> {
  const of = paths.find(({ settings }) => settings.clientCertificates !== undefined);
  const ciphers = paths.find(({ settings }) => settings.ciphers !== undefined)?.settings.ciphers;
  return {
    ...(of && {
      authorities: {
        ...{ kind: 'Secret', namespace: of.ingress.namespace },
        name: of.settings.clientCertificates!.secret,
      },
    }),
    ...(ciphers && { ciphers }),
  };
}

function tables(
  { gateway }: ReadIngressClass,
  { from, createdAt, namespace }: ReadIngress,
  hosts: readonly string[],
  http: readonly RouteRule[],
  plainOnly: boolean,
): readonly Part[] {
  return gatewayTables({
    attachment: { gateway, kind: 'http', ...(plainOnly && { section: 'http' }) },
    hosts,
    namespace,
    table: {
      http,
      tcp: [],
      combine: 'oldest-first',
      unmatched: 'not-found',
      rank: ROUTE_RANKS.ingress,
      from,
      createdAt,
    },
  });
}

function shadowedProblem(host: string, { path, by }: Shadowed): readonly Problem[] {
  const { ingress } = path;
  if (ingress === by) return [];
  const what = `${path.path.at}: ${host === '' ? 'every host' : host}${path.path.path} has no effect`;
  const message = `${what}: ${formatRef(by.from)} has it too and is older; keep one of the two`;
  return [
    problem('policy-shadowed', message, { object: ingress.from, path: path.path.at, severity: 'warning' }),
  ];
}

function textProblem({ path, ingress }: PathOf): Problem {
  const at = `${path.at}.path`;
  const message = `${at}: '${path.path}' looks like a regular expression and is taken as text; write the annotation use-regex: 'true'`;
  return problem('field-not-supported', message, { object: ingress.from, path: at, severity: 'warning' });
}

/** The oldest first, equals by name. */
function byAge<T extends { readonly createdAt: string; readonly name: string; readonly namespace?: string }>(
  all: readonly T[],
): readonly T[] {
  const keyed = all.map(each => ({ each, key: `${each.createdAt} ${each.namespace ?? ''}/${each.name}` }));
  return keyed.sort((left, right) => (left.key < right.key ? -1 : 1)).map(({ each }) => each);
}

/** Whose certificate a host has: the oldest Ingress's that says so; undefined where TLS does not end for it. */
function tlsOf(
  host: string,
  ingresses: readonly ReadIngress[],
  { defaultCertificate }: ReadIngressClass,
): TlsOf | undefined {
  for (const ingress of ingresses) {
    if (!ingress.rules.some(rule => rule.host === host)) continue;
    const section = ingress.tls.find(
      ({ hosts }) => hosts.length === 0 || hosts.some(each => covers(each, host)),
    );
    if (section === undefined) continue;
    const [namespace = '', name = ''] =
      section.secret === undefined
        ? (defaultCertificate ?? '').split('/')
        : [ingress.namespace, section.secret];
    return {
      ingress,
      path: section.path,
      ...(name !== '' && { secret: { kind: 'Secret', namespace, name } as const }),
    };
  }
  return undefined;
}

/** A star stands for one label. */
function covers(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  return (
    pattern.startsWith('*.') && host.slice(host.indexOf('.')) === pattern.slice(1) && !host.startsWith('*')
  );
}

/** Other names of a host, but for those that are hosts themselves. */
function aliasesOf(paths: readonly PathOf[], hosts: ReadonlyMap<string, unknown>): readonly string[] {
  const names = paths.flatMap(({ settings }) => settings.serverAliases ?? []);
  return [...new Set(names)].filter(each => !hosts.has(each) && /^[a-z0-9*][a-z0-9.-]*$/.test(each));
}
