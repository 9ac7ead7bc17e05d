// All Ingresses of a gateway together: each host's routes, listeners for TLS, and what is said of backends, as parts of the mesh.
import { equal, type Problem } from '../../model/index.ts';
import { withFields } from '../ingress/fields.ts';
import type { PathOf } from '../ingress/hosts.ts';
import { settingsWith } from '../ingress/ingress.ts';
import type { IngressWords } from '../ingress/ingress-dialect.ts';
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
import { defaultsWithFields, IngressFields, ingressWithFields } from './ingress-fields.ts';
import { type GatheredHost, hostParts, type MadeParts } from './ingress-hosts.ts';
import { byAge, IngressIndex } from './ingress-index.ts';
import { httpListener } from './ingress-listeners.ts';
import { IngressWordsIndex } from './ingress-words.ts';
import {
  isCanaryOf,
  isSpoken,
  NOTHING_SAID,
  noteAliases,
  otherName,
  type ServedClass,
  servedPart,
  touchSpokenOf,
} from './served-class.ts';

/** Takes a part of the mesh away from under `id`, or puts it there. */
type SetPart = (id: string, part: Part, present: boolean) => void;

/** What something came to, and of what: as long as that is the same, it stays. */
interface Made extends MadeParts {
  readonly of: readonly unknown[];
}

/** Joins what Ingresses say. Only hosts of which something is said anew are made and put into the mesh anew. */
export class IngressAssembler {
  /** As their objects have them. */
  readonly #ingresses = new Map<string, ReadIngress>();
  /** As they are served, with what the ConfigMaps hold that they name. */
  readonly #shown = new Map<string, ReadIngress>();
  readonly #fields = new IngressFields();
  /** Ingresses by the ConfigMaps that they name. */
  readonly #naming = new Map<string, Set<string>>();
  /** What is wrong with ConfigMaps, by who names them: an Ingress, or '' for the settings. */
  readonly #faults = new Map<string, readonly Problem[]>();
  readonly #classes = new Map<string, ReadIngressClass>();
  readonly #settings = new Map<string, IngressDefaultsPart>();
  readonly #clusterDomain: string;
  readonly #read = new WeakMap<
    ReadIngress,
    { readonly defaults: IngressDefaults; readonly read: PathOf['settings'] }
  >();
  /** By name of the thing: of a class, and in it of a host, a backend or an Ingress. */
  readonly #made = new Map<string, Made>();
  /** Ingresses that may differ from what was expanded last. */
  readonly #changed = new Set<string>();
  /** Whether classes or defaults differ, which concern every Ingress. */
  #isOther = false;
  /** What is said in other dialects than ingress-nginx's. */
  readonly #words = new IngressWordsIndex();
  readonly #speaking = new Map<string, IngressWords>();
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
        this.#changed.add(id);
        this.#name(id, part.ingress, present);
        if (present) this.#ingresses.set(id, part.ingress);
        else this.#ingresses.delete(id);
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
        this.#fields.set(id, part.read, present);
        for (const each of this.#naming.get(ref) ?? []) this.#changed.add(each);
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
    const said = this.#words.takeChanged();
    if (!this.#isOther && this.#changed.size === 0 && said.length === 0) return;
    const next = new Map<string, Made | undefined>();
    if (this.#isOther) {
      this.#sortAnew();
      // What is not made again below is there no more.
      for (const name of this.#made.keys()) next.set(name, undefined);
    } else
      for (const id of this.#changed) {
        const before = this.#shown.get(id);
        const after = this.#show(id);
        if (before !== undefined && before !== after) this.#sort(before, false);
        if (after !== undefined && before !== after) this.#sort(after, true);
      }
    this.#isOther = false;
    this.#changed.clear();
    for (const each of this.#served.values()) {
      for (const words of said) touchSpokenOf(each, words);
      this.#make(each, next);
    }
    this.#put(next, set);
  }

  /**
   * Whether the object is an Ingress of a class that is not Weft's, or is read in a dialect that no class of its has. `object` as
   * for MeshAssembler.replace.
   */
  isForeign(object: string): boolean {
    const words = this.#speaking.get(`${object} 0`);
    if (words !== undefined) return ![...this.#served.values()].some(each => isSpoken(each, words));
    // The only part of its object.
    const ingress = this.#ingresses.get(`${object} 0`);
    return ingress !== undefined && this.#classOf(ingress) === undefined;
  }

  *problems(): Iterable<Problem> {
    for (const [id, faults] of this.#faults)
      if (id === '' || this.#classOf(this.#ingresses.get(id)!) !== undefined) yield* faults;
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
      if (now === undefined) this.#made.delete(name);
      else this.#made.set(name, now);
  }

  #classOf({ className }: ReadIngress): ServedClass | undefined {
    const name = className === '' ? this.#fallback : className;
    return name === undefined ? undefined : this.#served.get(name);
  }

  #sortAnew(): void {
    const classes = byAge([...this.#classes.values()]);
    const [first] = [...this.#settings].sort(([left], [right]) => (left < right ? -1 : 1));
    this.#fallback = classes.find(each => each.isDefault)?.name;
    this.#defaults = INGRESS_DEFAULTS;
    if (first !== undefined) {
      const { defaults, problems } = defaultsWithFields(first[1].defaults, first[1].from, this.#fields);
      this.#defaults = defaults;
      this.#note('', problems);
    } else this.#note('', []);
    this.#served = new Map(
      classes
        .filter(each => each.isOurs)
        .map(ingressClass => [
          ingressClass.name,
          {
            ingressClass,
            ...{ hosts: new IngressIndex(), backends: new IngressIndex(), names: new IngressIndex() },
            ...{ aliases: new Map(), aliasedBy: new Map() },
          },
        ]),
    );
    for (const id of new Set([...this.#shown.keys(), ...this.#ingresses.keys()])) {
      const ingress = this.#show(id);
      if (ingress !== undefined) this.#sort(ingress, true);
    }
  }

  /** The Ingress as it is to be served now. */
  #show(id: string): ReadIngress | undefined {
    const written = this.#ingresses.get(id);
    const names = written !== undefined && written.refused !== true && namesOf(written).length > 0;
    const made = names && ingressWithFields(written, this.#shown.get(id), this.#fields, this.#defaults);
    this.#note(id, made ? made.problems : []);
    const ingress = made ? made.ingress : written;
    if (ingress === undefined) this.#shown.delete(id);
    else this.#shown.set(id, ingress);
    return ingress;
  }

  #note(id: string, faults: readonly Problem[]): void {
    if (faults.length > 0) this.#faults.set(id, faults);
    else this.#faults.delete(id);
  }

  #name(id: string, ingress: ReadIngress, present: boolean): void {
    for (const ref of namesOf(ingress)) {
      const own = this.#naming.get(ref) ?? new Set<string>();
      if (present) own.add(id);
      else own.delete(id);
      if (own.size > 0) this.#naming.set(ref, own);
      else this.#naming.delete(ref);
    }
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
    served.names.set([`${ingress.namespace}/${ingress.name}`], ingress, present);
  }

  /** What holds for a path of the Ingress; undefined where it must not be served. */
  #settingsAt(
    { ingressClass }: ServedClass,
    ingress: ReadIngress,
    path: BackendOf,
  ): PathOf['settings'] | undefined {
    const dialect = ingressDialect(ingressClass.dialect);
    if (dialect === undefined) return this.#settingsOf(ingress);
    return dialect.settings({ ingress, path, words: this.#words });
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
    // What is touched is made anew whatever else is the same.
    const version = dialect === undefined ? 0 : this.#words.version;
    const id = `ingress-class ${ingressClass.name}`;
    const once = (name: string, of: readonly unknown[], make: () => MadeParts): void => {
      const before = this.#made.get(name);
      const same = before !== undefined && isSame(before.of, of);
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
    for (const host of hosts.takeTouched()) {
      const name = `${id} host ${host}`;
      const gathered = hosts.has(host) ? this.#gather(served, host, hosts.of(host)) : undefined;
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
      const settings = (ingress: ReadIngress, path: BackendOf): PathOf['settings'] =>
        this.#settingsAt(served, ingress, path) ?? NOTHING_SAID;
      const parts = (): MadeParts => ({
        parts: new Map(backendPolicies(ingressClass, place, own, settings)),
        problems: [],
      });
      if (own.length === 0) next.set(`${id} backend ${place}`, undefined);
      else once(`${id} backend ${place}`, [ingressClass, defaults, version, ...own], parts);
    }
    for (const name of names.takeTouched()) {
      const [own] = names.of(name);
      if (own === undefined) next.set(`${id} served ${name}`, undefined);
      else
        once(`${id} served ${name}`, [ingressClass, own, version], () => ({
          parts: servedPart(own, ingressClass),
          problems: [...dialectProblems(own, ingressClass.dialect, this.#words)],
        }));
    }
  }

  /** All that they say of the host. `ingresses`: the oldest first. */
  #gather(served: ServedClass, host: string, ingresses: readonly ReadIngress[]): GatheredHost {
    const gathered: GatheredHost = { paths: [], canaries: [], ingresses: [] };
    const at = (ingress: ReadIngress, path: PathOf['path']): PathOf => {
      const settings = this.#settingsAt(served, ingress, path);
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
    return gathered;
  }
}

/** The ConfigMaps that its annotations name. */
function namesOf({ settings }: ReadIngress): readonly string[] {
  return [settings.responseFieldsFrom, settings.questionFieldsFrom].filter(each => each !== undefined);
}

function isSame(left: readonly unknown[], right: readonly unknown[]): boolean {
  return left.length === right.length && left.every((each, index) => each === right[index]);
}
