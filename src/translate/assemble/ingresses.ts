// All Ingresses of a gateway together: each host's routes, listeners for TLS, and what is said of backends, as parts of the mesh.
import { equal, formatRef, objectKey, type Problem, problem, ROUTE_RANKS } from '../../model/index.ts';
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
import { httpListener, type TlsOf, tlsListener } from './ingress-listeners.ts';

/** Takes a part of the mesh away from under `id`, or puts it there. */
type SetPart = (id: string, part: Part, present: boolean) => void;

/** What one gateway's class has, the oldest first. */
interface ClassHosts {
  readonly ingressClass: ReadIngressClass;
  readonly hosts: Map<string, { paths: PathOf[]; canaries: PathOf[]; fallback?: PathOf }>;
  readonly ingresses: ReadIngress[];
}

/** Joins what Ingresses say. Only what differs from before is put into the mesh anew. */
export class IngressAssembler {
  readonly #ingresses = new Map<string, ReadIngress>();
  readonly #classes = new Map<string, ReadIngressClass>();
  readonly #defaults = new Map<string, IngressDefaults>();
  readonly #clusterDomain: string;
  readonly #read = new WeakMap<
    ReadIngress,
    { readonly defaults: IngressDefaults; readonly read: PathOf['settings'] }
  >();
  #parts = new Map<string, Part>();
  #problems: Problem[] = [];
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
    this.#problems = [];
    const next = new Map<string, Part>();
    const classes = this.#byClass();
    this.#ours = new Set(classes.flatMap(each => each.ingresses));
    for (const each of classes) this.#partsOf(each, next);
    for (const [id, part] of this.#parts) if (!equal(part, next.get(id))) set(id, part, false);
    for (const [id, part] of next) if (!equal(part, this.#parts.get(id))) set(id, part, true);
    this.#parts = next;
  }

  /** Whether the object is an Ingress of a class that is not Weft's. `object` as for MeshAssembler.replace. */
  isForeign(object: string): boolean {
    // The only part of its object.
    const ingress = this.#ingresses.get(`${object} 0`);
    return ingress !== undefined && !this.#ours.has(ingress);
  }

  problems(): Iterable<Problem> {
    return this.#problems;
  }

  #byClass(): readonly ClassHosts[] {
    const classes = [...this.#classes.values()].sort(byAge);
    const ours = classes.filter(each => each.isOurs);
    const fallback = classes.find(each => each.isDefault);
    const all = new Map(
      ours.map(ingressClass => [
        ingressClass.name,
        { ingressClass, hosts: new Map(), ingresses: [] } as ClassHosts,
      ]),
    );
    for (const ingress of [...this.#ingresses.values()].sort(byAge)) {
      const name = ingress.className === '' ? fallback?.name : ingress.className;
      const own = name === undefined ? undefined : all.get(name);
      if (own !== undefined) this.#sort(ingress, own);
    }
    return [...all.values()];
  }

  #sort(ingress: ReadIngress, { hosts, ingresses }: ClassHosts): void {
    ingresses.push(ingress);
    const settings = this.#settingsOf(ingress);
    const hostOf = (host: string): { paths: PathOf[]; canaries: PathOf[]; fallback?: PathOf } => {
      const known = hosts.get(host) ?? { paths: [], canaries: [] };
      hosts.set(host, known);
      return known;
    };
    for (const { host, paths } of ingress.rules) {
      const into = hostOf(host);
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

  get #defaultsNow(): IngressDefaults {
    const [first] = [...this.#defaults].sort(([left], [right]) => (left < right ? -1 : 1));
    return first?.[1] ?? INGRESS_DEFAULTS;
  }

  #partsOf(of: ClassHosts, into: Map<string, Part>): void {
    const { ingressClass, hosts, ingresses } = of;
    if (ingresses.length === 0) return;
    const id = `ingress-class ${ingressClass.name}`;
    const put = (name: string, part: Part): void => void into.set(`${id} ${name}`, part);
    put('http', httpListener(ingressClass));
    for (const [host, { paths, canaries, fallback }] of hosts) {
      const tls = tlsOf(host, ingresses, ingressClass);
      if (tls !== undefined) put(`tls ${host}`, tlsListener(ingressClass, host, tls));
      const whole: HostOf = { host, paths, canaries, tls: tls !== undefined, ...(fallback && { fallback }) };
      const { rules, shadowed, texts } = hostRules(whole, this.#defaultsNow);
      this.#tell(host, shadowed);
      for (const each of texts) this.#problems.push(textProblem(each));
      const first = (paths[0] ?? canaries[0] ?? fallback)?.ingress;
      if (first === undefined || rules.length === 0) continue;
      const names = host === '' ? [] : [host, ...aliasesOf(paths, hosts)];
      this.#tables(ingressClass, first, names, rules, host === '' && tls === undefined, (name, part) =>
        put(`host ${host} ${name}`, part),
      );
      const other = host.startsWith('www.') ? host.slice(4) : `www.${host}`;
      const www = paths.find(({ settings }) => settings.fromToWww === true)?.ingress;
      if (www === undefined || host === '' || host.startsWith('*.') || hosts.has(other)) continue;
      if (tls !== undefined) put(`tls ${other}`, tlsListener(ingressClass, other, tls));
      const redirects = wwwRules(www, host, tls !== undefined);
      this.#tables(ingressClass, www, [other], redirects, false, (name, part) =>
        put(`host ${other} ${name}`, part),
      );
    }
    for (const [name, part] of backendPolicies(ingressClass, hosts.values())) put(`backend ${name}`, part);
  }

  #tables(
    { gateway }: ReadIngressClass,
    { from, createdAt, namespace }: ReadIngress,
    hosts: readonly string[],
    http: HostRulesList,
    plainOnly: boolean,
    put: (name: string, part: Part) => void,
  ): void {
    const parts = gatewayTables({
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
    parts.forEach((part, index) => void put(String(index), part));
  }

  #tell(host: string, shadowed: readonly Shadowed[]): void {
    for (const { path, by } of shadowed) {
      const { ingress } = path;
      if (ingress === by) continue;
      const what = `${path.path.at}: ${host === '' ? 'every host' : host}${path.path.path} has no effect`;
      this.#problems.push(
        problem(
          'policy-shadowed',
          `${what}: ${formatRef(by.from)} has it too and is older; keep one of the two`,
          {
            object: ingress.from,
            path: path.path.at,
            severity: 'warning',
          },
        ),
      );
    }
  }
}

function textProblem({ path, ingress }: PathOf): Problem {
  const at = `${path.at}.path`;
  const message = `${at}: '${path.path}' looks like a regular expression and is taken as text; write the annotation use-regex: 'true'`;
  return problem('field-not-supported', message, { object: ingress.from, path: at, severity: 'warning' });
}

type HostRulesList = ReturnType<typeof hostRules>['rules'];

function byAge(
  left: { readonly createdAt: string; readonly name: string; readonly namespace?: string },
  right: { readonly createdAt: string; readonly name: string; readonly namespace?: string },
): number {
  const [a, b] = [keyOf(left), keyOf(right)];
  return a < b ? -1 : a > b ? 1 : 0;
}

function keyOf(of: {
  readonly createdAt: string;
  readonly name: string;
  readonly namespace?: string;
}): string {
  return `${of.createdAt} ${objectKey({ name: of.name, namespace: of.namespace ?? '' })}`;
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
