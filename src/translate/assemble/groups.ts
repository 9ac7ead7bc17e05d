import { equal, formatRef, type ObjectRef, type Problem, problem } from '../../model/index.ts';
import { Draft } from './draft.ts';

/** What tells the kinds of parts apart that stand in groups: by host, or by namespace. */
export interface GroupRules<P, V> {
  /** The key in Mesh's map. */
  group(part: P): string;
  fact(group: string): string;
  /** What Mesh holds of the part. */
  value(part: P): V;
  from(part: P): ObjectRef;
  /** RFC 3339; '' when not known. */
  createdAt(part: P): string;
  /** The lower first. */
  rank(part: P): number;
  /** Whether both speak of the same, so that only the older counts; undefined where nobody ever does. */
  sameScope?(left: P, right: P): boolean;
  /** Whether it could keep any of those behind it, down to the last of its group, from counting; undefined: all could. */
  mayShadow?(part: P, last: P): boolean;
  /** What becomes of the one that does not count; undefined: it has no effect. */
  outcome?(lost: P, won: P): string;
}

/** A part with its place in time, which is worked out once: a group may have thousands. */
interface Aged<P> {
  readonly part: P;
  readonly rank: number;
  readonly age: string;
}

/** Parts in groups, each in the order in which they count, and word of those that an older one keeps from counting. */
export class GroupAssembler<P, V> {
  readonly #rules: GroupRules<P, V>;
  readonly #groups = new Map<string, Map<string, Aged<P>>>();
  readonly #dirty = new Set<string>();
  readonly #shadowed = new Map<string, readonly Problem[]>();

  constructor(rules: GroupRules<P, V>) {
    this.#rules = rules;
  }

  /** Takes `part` away from under `id`, or puts it there. */
  set(id: string, part: P, present: boolean): void {
    const group = this.#rules.group(part);
    const parts = this.#groups.get(group) ?? new Map<string, Aged<P>>();
    if (present) parts.set(id, { part, rank: this.#rules.rank(part), age: this.#age(part) });
    else parts.delete(id);
    if (parts.size > 0) this.#groups.set(group, parts);
    else this.#groups.delete(group);
    this.#dirty.add(group);
  }

  /** The map as it is now; `touched` receives the facts that differ from before. */
  build(before: ReadonlyMap<string, readonly V[]>, touched: Set<string>): ReadonlyMap<string, readonly V[]> {
    const draft = new Draft(before);
    for (const group of this.#dirty) {
      const parts = [...(this.#groups.get(group)?.values() ?? [])]
        .sort((left, right) => left.rank - right.rank || compareText(left.age, right.age))
        .map(({ part }) => part);
      this.#note(group, parts);
      const values = parts.map(part => this.#rules.value(part));
      const after = values.length === 0 ? undefined : values;
      if (equal(before.get(group), after)) continue;
      draft.set(group, after);
      touched.add(this.#rules.fact(group));
    }
    this.#dirty.clear();
    return draft.done();
  }

  /** One problem for each part that has no effect because of an older one. */
  *problems(): Iterable<Problem> {
    for (const problems of this.#shadowed.values()) yield* problems;
  }

  #age(part: P): string {
    return ageOf(this.#rules.createdAt(part), this.#rules.from(part));
  }

  #note(group: string, parts: readonly P[]): void {
    const { sameScope, mayShadow } = this.#rules;
    if (!sameScope) return;
    // Most groups have hardly any, and some have thousands of parts.
    const shadowing = parts.flatMap((part, index) =>
      mayShadow?.(part, parts.at(-1)!) === false ? [] : [{ part, index }],
    );
    const problems = parts.flatMap((part, at) => {
      let winner: P | undefined;
      for (const { part: older, index } of shadowing) {
        if (index >= at) break;
        if (!sameScope(older, part)) continue;
        winner = older;
        break;
      }
      if (!winner) return [];
      const [lost, won] = [this.#rules.from(part), this.#rules.from(winner)];
      if (sameObject(lost, won)) return [];
      const outcome =
        this.#rules.outcome?.(part, winner) ??
        `has no effect: ${formatRef(won)} speaks of the same traffic and is older; merge the two`;
      return [problem('policy-shadowed', outcome, { object: lost, severity: 'warning' })];
    });
    // An object may say several things, and loses all of them for one reason.
    const once = problems.filter((each, at) => problems.findIndex(other => equal(other, each)) === at);
    if (once.length > 0) this.#shadowed.set(group, once);
    else this.#shadowed.delete(group);
  }
}

/** Sorts the older first; objects without a time of creation (files) are in order of name. */
export function ageOf(createdAt: string, { namespace, name }: ObjectRef): string {
  return `${createdAt} ${namespace}/${name}`;
}

/** Order of UTF-16 code units: the same on every machine. */
export function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}

function sameObject(left: ObjectRef, right: ObjectRef): boolean {
  return left.kind === right.kind && left.namespace === right.namespace && left.name === right.name;
}
