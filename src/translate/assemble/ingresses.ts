// All Ingresses of a gateway together: each host's routes, listeners for TLS, and what is said of backends, as parts of the mesh.
import { HAPROXY_CONFIG, INGRESS_CONFIG } from '../../config/index.ts';
import { equal, type Problem } from '../../model/index.ts';
import { withFields } from '../ingress/fields.ts';
import type { PathOf } from '../ingress/hosts.ts';
import { settingsWith } from '../ingress/ingress.ts';
import type { IngressDialectName, IngressWords, SaidWords } from '../ingress/ingress-dialect.ts';
import {
  INGRESS_DEFAULTS,
  type IngressDefaults,
  type ReadIngress,
  type ReadIngressClass,
} from '../ingress/ingress-model.ts';
import type {
  IngressClassPart,
  IngressDefaultsPart,
  IngressFieldsPart,
  IngressPart,
  IngressWordsPart,
  Part,
} from '../part.ts';
import { type BackendOf, backendPolicies, placesOf } from './ingress-backends.ts';
import { dialectProblems, ingressDialect } from './ingress-dialects.ts';
import { defaultsWithFields } from './ingress-fields.ts';
import { type GatheredHost, hostParts, type MadeParts } from './ingress-hosts.ts';
import { byAge, IngressIndex } from './ingress-index.ts';
import { httpListener } from './ingress-listeners.ts';
import { IngressWordsIndex } from './ingress-words.ts';
import {
  everyPaths,
  isCanaryOf,
  isSpoken,
  NOTHING_SAID,
  noteAliases,
  otherName,
  type ServedClass,
  servedName,
  servedPart,
  takeTouchedHosts,
} from './served-class.ts';
import { ShownIngresses } from './shown-ingresses.ts';

/** Takes a part of the mesh away from under `id`, or puts it there. */
type SetPart = (id: string, part: Part, present: boolean) => void;

/** What something came to, and of what: as long as that is the same, it stays. */
interface Made extends MadeParts {
  readonly of: readonly unknown[];
}

/** Joins what Ingresses say. Only hosts of which something is said anew are made and put into the mesh anew. */
export class IngressAssembler {
  /** What is said in other dialects than ingress-nginx's. */
  readonly #words = new IngressWordsIndex();
  readonly #speaking = new Map<string, IngressWords>();
  readonly #ingresses = new ShownIngresses(this.#words);
  /** What is wrong with ConfigMaps that the settings name. */
  #settingsFaults: readonly Problem[] = [];
  readonly #classes = new Map<string, ReadIngressClass>();
  readonly #settings = new Map<string, IngressDefaultsPart>();
  readonly #clusterDomain: string;
  readonly #read = new WeakMap<
    ReadIngress,
    { readonly defaults: IngressDefaults; readonly read: PathOf['settings'] }
  >();
  /** By name of the thing: of a class, and in it of a host, a backend or an Ingress. */
  readonly #made = new Map<string, Made>();
  /** How many hosts, backends and Ingresses were made anew until now, for who counts what a change costs. */
  made = 0;
  /** Whether classes or defaults differ, which concern every Ingress. */
  #isOther = false;
  /** Of ours, by name. */
  #served = new Map<string, ServedClass>();
  /** Of Ingresses that name no class. */
  #fallback: string | undefined;
  #defaults: IngressDefaults = INGRESS_DEFAULTS;

  constructor(clusterDomain: string) {
    this.#clusterDomain = clusterDomain;
  }

  set(
    id: string,
    part: IngressPart | IngressClassPart | IngressDefaultsPart | IngressFieldsPart | IngressWordsPart,
    present: boolean,
  ): void {
    switch (part.kind) {
      case 'ingress':
        this.#ingresses.set(id, part.ingress, present);
        break;
      case 'ingress-class':
        this.#isOther = true;
        if (present) this.#classes.set(id, part.ingressClass);
        else this.#classes.delete(id);
        break;
      case 'ingress-defaults':
        this.#isOther = true;
        if (present) this.#settings.set(id, part);
        else this.#settings.delete(id);
        break;
      case 'ingress-fields': {
        const { ref } = part.read;
        this.#ingresses.setFields(id, part.read, present);
        for (const { defaults } of this.#settings.values())
          this.#isOther ||= defaults.responseFieldsFrom === ref || defaults.requestFieldsFrom === ref;
        break;
      }
      case 'ingress-words':
        if (present) this.#speaking.set(id, part.words);
        else this.#speaking.delete(id);
        this.#words.set(part.words, present);
        break;
    }
  }

  /** Puts what all of them come to into the mesh. */
  expand(set: SetPart): void {
    const isSaid = this.#words.tell();
    if (!this.#isOther && !this.#ingresses.hasChanged() && !isSaid) return;
    const next = new Map<string, Made | undefined>();
    if (this.#isOther) {
      this.#sortAnew();
      // What is not made again below is there no more.
      for (const name of this.#made.keys()) next.set(name, undefined);
    } else
      for (const id of this.#ingresses.takeChanged()) {
        const before = this.#ingresses.shown(id);
        const after = this.#show(id);
        if (before !== undefined && before !== after) this.#sort(before, false);
        if (after !== undefined && before !== after) this.#sort(after, true);
      }
    this.#isOther = false;
    for (const each of this.#served.values()) this.#make(each, next);
    this.#put(next, set);
  }

  /**
   * Whether the object is an Ingress of a class that is not Weft's, or speaks in a dialect that no class of Weft's has. `object`
   * as for MeshAssembler.replace.
   */
  isForeign(object: string): boolean {
    const words = this.#speaking.get(`${object} 0`);
    if (words !== undefined) return ![...this.#served.values()].some(each => isSpoken(each, words));
    // Whose settings are wrong from the beginning have no parts.
    if (isConfigMap(object, INGRESS_CONFIG)) return !this.#hasNginx();
    if (isConfigMap(object, HAPROXY_CONFIG)) return !this.#speaks('haproxy');
    // The only part of its object.
    const ingress = this.#ingresses.written(`${object} 0`);
    return ingress !== undefined && this.#classOf(ingress) === undefined;
  }

  *problems(): Iterable<Problem> {
    if (this.#hasNginx()) yield* this.#settingsFaults;
    for (const [id, faults] of this.#ingresses.faults())
      if (this.#classOf(this.#ingresses.written(id)!) !== undefined) yield* faults;
    for (const { problems } of this.#made.values()) yield* problems;
  }

  #put(next: ReadonlyMap<string, Made | undefined>, set: SetPart): void {
    const differing = [...next].filter(([name, now]) => this.#made.get(name)?.parts !== now?.parts);
    for (const [name, now] of differing)
      for (const [key, part] of this.#made.get(name)?.parts ?? [])
        if (!equal(part, now?.parts.get(key))) set(`${name} ${key}`, part, false);
    for (const [name, now] of differing)
      for (const [key, part] of now?.parts ?? [])
        if (!equal(part, this.#made.get(name)?.parts.get(key))) set(`${name} ${key}`, part, true);
    for (const [name, now] of next)
      if (now === undefined) {
        this.#made.delete(name);
        this.#words.forget(name);
      } else this.#made.set(name, now);
  }

  /** Whether its settings are anybody's business: those of other dialects alone are not told by them. */
  #hasNginx(): boolean {
    return this.#served.size === 0 || this.#speaks('ingress-nginx');
  }

  #speaks(dialect: IngressDialectName): boolean {
    return [...this.#served.values()].some(({ ingressClass }) => ingressClass.dialect === dialect);
  }

  #classOf({ className, dialect }: ReadIngress): ServedClass | undefined {
    if (dialect !== undefined) {
      const own = [...this.#served.values()].filter(each => each.ingressClass.dialect === dialect);
      return className === '' ? own[0] : own.find(each => each.ingressClass.name === className);
    }
    const name = className === '' ? this.#fallback : className;
    return name === undefined ? undefined : this.#served.get(name);
  }

  #sortAnew(): void {
    const classes = byAge([...this.#classes.values()]);
    const [first] = [...this.#settings].sort(([left], [right]) => (left < right ? -1 : 1));
    this.#fallback = classes.find(each => each.isDefault)?.name;
    this.#defaults = INGRESS_DEFAULTS;
    if (first !== undefined) {
      const read = defaultsWithFields(first[1].defaults, first[1].from, this.#ingresses.fields);
      this.#defaults = read.defaults;
      this.#settingsFaults = read.problems;
    } else this.#settingsFaults = [];
    this.#served = new Map(
      classes
        .filter(each => each.isOurs)
        .map(ingressClass => [
          ingressClass.name,
          {
            ingressClass,
            ...{ hosts: new IngressIndex(), backends: new IngressIndex(), names: new IngressIndex() },
            ...{ aliases: new Map(), aliasedBy: new Map(), hasEvery: false },
          },
        ]),
    );
    this.#ingresses.takeChanged();
    for (const id of this.#ingresses.ids()) {
      const ingress = this.#show(id);
      if (ingress !== undefined) this.#sort(ingress, true);
    }
  }

  /** The Ingress as it is to be served now. */
  #show(id: string): ReadIngress | undefined {
    const written = this.#ingresses.written(id);
    return this.#ingresses.show(id, written && this.#classOf(written)?.ingressClass, this.#defaults);
  }

  /** Puts the Ingress where it belongs, or takes it away there. */
  #sort(ingress: ReadIngress, present: boolean): void {
    const served = this.#classOf(ingress);
    if (served === undefined) return;
    const isCanary = isCanaryOf(served, ingress);
    const hosts = ingress.rules.map(({ host }) => host);
    if (hosts.length === 0 && ingress.defaultBackend !== undefined && !isCanary) hosts.push('');
    served.hosts.set(hosts, ingress, present);
    served.backends.set(isCanary ? [] : placesOf(ingress), ingress, present);
    served.names.set([servedName(ingress)], ingress, present);
  }

  /** What holds for a path of the Ingress; undefined where it must not be served. */
  #settingsAt(
    { ingressClass }: ServedClass,
    ingress: ReadIngress,
    path: BackendOf,
    words: SaidWords | undefined,
  ): PathOf['settings'] | undefined {
    const dialect = ingressDialect(ingressClass.dialect);
    if (dialect === undefined || words === undefined) return this.#settingsOf(ingress);
    return dialect.settings({ ingress, path, words });
  }

  #settingsOf(ingress: ReadIngress): PathOf['settings'] {
    const defaults = this.#defaults;
    if (defaults === INGRESS_DEFAULTS && ingress.fields === undefined) return ingress.settings;
    const known = this.#read.get(ingress);
    if (known?.defaults === defaults) return known.read;
    const whole =
      defaults === INGRESS_DEFAULTS ? ingress.settings : settingsWith(ingress, defaults, this.#clusterDomain);
    const read = ingress.fields === undefined ? whole : withFields(whole, ingress.fields);
    this.#read.set(ingress, { defaults, read });
    return read;
  }

  /** What of the class was touched, under its name. */
  #make(served: ServedClass, next: Map<string, Made | undefined>): void {
    const { ingressClass, hosts, backends, names } = served;
    const dialect = ingressDialect(ingressClass.dialect);
    const defaults = dialect?.defaults ?? this.#defaults;
    // Of words that may be others everything is made anew that is touched.
    const version = dialect === undefined ? 0 : {};
    /** Words for what is made under that name, which is touched when one of them changes. */
    const wordsOf = (name: string, index: IngressIndex, key: string): SaidWords | undefined =>
      dialect && this.#words.for({ name, touch: () => index.touch(key) });
    const id = `ingress-class ${ingressClass.name}`;
    const once = (name: string, of: readonly unknown[], make: () => MadeParts): void => {
      const before = this.#made.get(name);
      const same = before !== undefined && isSame(before.of, of);
      if (!same) this.made++;
      next.set(name, same ? before : { of, ...make() });
    };
    if (names.size === 0) next.set(id, undefined);
    else
      once(id, [ingressClass], () => ({
        parts: new Map([['http', httpListener(ingressClass)]]),
        problems: [],
      }));
    // Who comes or goes may be another's other name.
    for (const host of hosts.takeTurned()) {
      hosts.touch(otherName(host));
      for (const each of served.aliasedBy.get(host) ?? []) hosts.touch(each);
    }
    for (const host of takeTouchedHosts(served)) {
      const name = `${id} host ${host}`;
      const words = hosts.has(host) ? wordsOf(name, hosts, host) : undefined;
      const gathered = hosts.has(host) ? this.#gather(served, host, words) : undefined;
      const wanted = noteAliases(served, host, gathered);
      if (gathered === undefined) {
        next.set(name, undefined);
        continue;
      }
      const aliases = wanted.filter(each => !hosts.has(each));
      const other = otherName(host);
      const whole = { host, gathered, aliases, other: hosts.has(other) ? undefined : other };
      const { ingresses: own, fallback } = gathered;
      const of = [ingressClass, defaults, version, fallback?.ingress, whole.other, aliases.join(' '), ...own];
      once(name, of, () => hostParts(ingressClass, whole, defaults, dialect?.order));
    }
    for (const place of backends.takeTouched()) {
      const own = backends.of(place);
      const name = `${id} backend ${place}`;
      const words = own.length === 0 ? undefined : wordsOf(name, backends, place);
      const settings = (ingress: ReadIngress, path: BackendOf): PathOf['settings'] =>
        this.#settingsAt(served, ingress, path, words) ?? NOTHING_SAID;
      const parts = (): MadeParts => ({
        parts: new Map(backendPolicies(ingressClass, place, own, settings)),
        problems: [],
      });
      if (own.length === 0) next.set(name, undefined);
      else once(name, [ingressClass, defaults, version, ...own], parts);
    }
    for (const name of names.takeTouched()) {
      const [own] = names.of(name);
      const made = `${id} served ${name}`;
      if (own === undefined) next.set(made, undefined);
      else
        once(made, [ingressClass, own, version], () => ({
          parts: servedPart(own, ingressClass),
          problems: [...dialectProblems(own, ingressClass.dialect, wordsOf(made, names, name))],
        }));
    }
  }

  /** All that is said of the host, the oldest first. */
  #gather(served: ServedClass, host: string, words: SaidWords | undefined): GatheredHost {
    const ingresses = served.hosts.of(host);
    const gathered: GatheredHost = { paths: [], canaries: [], ingresses: [] };
    const at = (ingress: ReadIngress, path: PathOf['path']): PathOf => {
      const settings = this.#settingsAt(served, ingress, path, words);
      if (settings !== undefined) return { path, ingress, settings };
      return { path, ingress: { ...ingress, refused: true }, settings: NOTHING_SAID };
    };
    for (const ingress of ingresses) {
      const isCanary = isCanaryOf(served, ingress);
      const list = isCanary ? gathered.canaries : gathered.paths;
      const rules = ingress.rules.filter(each => each.host === host);
      if (rules.length > 0) gathered.ingresses.push(ingress);
      for (const { paths } of rules) for (const path of paths) list.push(at(ingress, path));
      const { defaultBackend: target } = ingress;
      if (target === undefined || isCanary) continue;
      gathered.fallback ??= at(ingress, { path: '/', type: 'prefix', target, at: 'spec.defaultBackend' });
    }
    if (host !== '')
      for (const { ingress, path } of everyPaths(served)) gathered.paths.push(at(ingress, path));
    return gathered;
  }
}

/** Whether a part of this name is of a ConfigMap that is called so. */
function isConfigMap(object: string, name: string): boolean {
  return object.startsWith('ConfigMap ') && object.endsWith(`/${name}`);
}

function isSame(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((each, index) => each === right[index]);
}
