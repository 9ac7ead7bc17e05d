// Namespaces of a file and services in them: what stands in one is called `namespace:id` or `namespace:service:id`, and what
// names another thing finds the nearest of that name.
import type { KdlReport, Section, TextPosition } from '../../kdl/index.ts';
import { unknownReference } from './references.ts';

/** What may be named from another scope. */
export type Exportable = 'upstreams' | 'filters';

/** A block with the name that it is known by in the whole file, and where it stands. */
export interface Scoped {
  /** `id`, `namespace:id` or `namespace:service:id` */
  readonly id: string;
  readonly scope: Scope;
  readonly section: Section;
}

/** The whole file, a namespace or a service. */
export interface Scope {
  /** '', `namespace` or `namespace:service` */
  readonly name: string;
  readonly section: Section;
  /** Undefined for the whole file. */
  readonly within?: Scope;
}

/** The order of places in the files. */
export type PlaceOrder = (left: TextPosition, right: TextPosition) => number;

/** Those of a file, itself first. Two namespaces of one name, or two services of one in a namespace, are reported. */
export function scopesOf(file: Section, report: KdlReport): readonly Scope[] {
  const whole: Scope = { name: '', section: file };
  const scopes = [whole];
  const seen = new Map<string, TextPosition>();
  const add = (section: Section, within: Scope): Scope => {
    const scope = { name: qualified(within, section.text('id')!), section, within };
    const before = seen.get(scope.name);
    if (before)
      report.error(
        'sentinel-id-twice',
        section.at,
        `there are two of ${section.name}; the other is in line ${before.line}`,
      );
    else {
      seen.set(scope.name, section.at);
      scopes.push(scope);
    }
    return scope;
  };
  for (const each of file.sections('namespace')) {
    const namespace = add(each, whole);
    for (const service of each.sections('service')) add(service, namespace);
  }
  return scopes;
}

function qualified({ name }: Scope, id: string): string {
  return name === '' ? id : `${name}:${id}`;
}

/** What stands in blocks of many (`block`), and by itself (`name`), in every scope, in the order of the files. */
export function scoped(
  scopes: readonly Scope[],
  block: string,
  name: string,
  order: PlaceOrder,
): readonly Scoped[] {
  const found = scopes.flatMap(scope => {
    const { section } = scope;
    const within = section.takes(block) ? section.sections(block).flatMap(each => each.sections(name)) : [];
    const alone = section.takes(name) ? section.sections(name) : [];
    return [...within, ...alone].map(each => ({
      id: qualified(scope, each.text('id')!),
      scope,
      section: each,
    }));
  });
  return found.sort((left, right) => order(left.section.at, right.section.at));
}

/** Finds things of one kind by the names that others give them. */
export class Names<T> {
  readonly #things: ReadonlyMap<string, T>;
  readonly #exported = new Map<string, string>();

  /** `things`: by their qualified ids. What is exported and is not there is reported. */
  constructor(things: ReadonlyMap<string, T>, kind: Exportable, scopes: readonly Scope[], report: KdlReport) {
    this.#things = things;
    for (const scope of scopes) {
      const exports = scope.section.takes('exports') ? scope.section.section('exports') : undefined;
      for (const { value, at } of exports?.values(kind) ?? [])
        this.#export(scope, String(value), kind, at, report);
    }
  }

  /**
   * The thing that is meant where `scope` names it: the nearest, then what namespaces export, then the whole file's; in the whole
   * file its own goes before. A name with a namespace in it means that alone.
   */
  find(name: string, scope: Scope): { readonly id: string; readonly thing: T } | undefined {
    if (name.includes(':')) return this.#at(name);
    for (let at = scope; at.within !== undefined; at = at.within) {
      const found = this.#at(qualified(at, name));
      if (found) return found;
    }
    const exported = this.#at(this.#exported.get(name) ?? '');
    const own = this.#at(name);
    return scope.within === undefined ? (own ?? exported) : (exported ?? own);
  }

  /** By its qualified id. */
  get(id: string): T | undefined {
    return this.#things.get(id);
  }

  /** Every qualified id. */
  get ids(): ReadonlySet<string> {
    return new Set(this.#things.keys());
  }

  #at(id: string): { readonly id: string; readonly thing: T } | undefined {
    const thing = this.#things.get(id);
    return thing === undefined ? undefined : { id, thing };
  }

  #export(scope: Scope, name: string, kind: Exportable, at: TextPosition, report: KdlReport): void {
    const id = qualified(scope, name);
    const other = this.#exported.get(name);
    if (!this.#things.has(id))
      unknownReference(report, at, `exports of ${scope.section.name}`, kind.slice(0, -1), id, this.ids);
    else if (other !== undefined && other !== id)
      report.error(
        'sentinel-id-twice',
        at,
        `${name} is exported as ${other} already; name it with its namespace where it is used`,
      );
    else this.#exported.set(name, id);
  }
}

/** A limit, and the scope that says it: what is counted for one is not counted for another. */
export interface ScopedLimit {
  readonly value: number;
  readonly scope: Scope;
}

/** What `limits` of a scope, or else of those around it, say of an option. */
export function limitOf(scope: Scope, option: string): ScopedLimit | undefined {
  for (let at: Scope | undefined = scope; at !== undefined; at = at.within) {
    const value = at.section.section('limits')?.number(option);
    if (value !== undefined) return { value, scope: at };
  }
  return undefined;
}

/** The name under which a limit is counted: one for each scope that says it. */
export function zoneIn(zone: string, { scope }: ScopedLimit): string {
  return scope.name === '' ? zone : `${zone}/${scope.name}`;
}

/**
 * Whose routes a listener in `of` has: those of its scope and within. A listener of the whole file has those of every scope
 * that has no listener of its own.
 */
export function servedBy(of: Scope, listening: ReadonlySet<string>): (route: Scope) => boolean {
  return route => {
    for (let at: Scope | undefined = route; at !== undefined; at = at.within) {
      if (at.name === of.name) return true;
      if (of.within === undefined && listening.has(at.name)) return false;
    }
    return false;
  };
}
