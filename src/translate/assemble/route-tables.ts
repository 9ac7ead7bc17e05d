import {
  equal,
  formatRef,
  type Problem,
  problem,
  type RouteRule,
  type RouteTable,
} from '../../model/index.ts';
import type {
  Delegation,
  GroupUse,
  MatchGroupPart,
  ReferenceGrantPart,
  RouteFragmentPart,
  RouteTablePart,
  TargetsPart,
} from '../part.ts';
import { placeRule } from './delegation.ts';
import type { GroupAssembler } from './groups.ts';
import { routeTables } from './policies.ts';
import { grantsOf, ReferenceGrants } from './reference-grants.ts';
import { chainOf, TargetChains } from './target-chains.ts';

type RoutePart = RouteTablePart | RouteFragmentPart | MatchGroupPart | ReferenceGrantPart | TargetsPart;

interface Table {
  /** Undefined once its object has it no more; `expanded` then goes with the next expansion. */
  part?: RouteTablePart;
  /** What stands in the mesh now. */
  expanded?: RouteTable;
  problems: readonly Problem[];
}

/** Puts route tables together with what they borrow from other objects; a table is built again when a lender changes. */
export class RouteTableAssembler {
  readonly tables: GroupAssembler<RouteTable, RouteTable> = routeTables();
  readonly #seen: (table: RouteTable, present: boolean) => void;
  readonly #parts = new Map<string, Table>();
  readonly #fragments = new Map<string, { readonly id: string; readonly part: RouteFragmentPart }>();
  /** Fragments whose own tables stand in `tables`. */
  readonly #alone = new Map<string, readonly RouteTable[]>();
  readonly #groups = new Map<string, MatchGroupPart>();
  readonly #grants = new ReferenceGrants();
  readonly #chains = new TargetChains();
  /** Ids of tables by the fragments and groups that they name. */
  readonly #users = new Map<string, Set<string>>();
  readonly #dirty = new Set<string>();
  readonly #dirtyFragments = new Set<string>();

  /** `seen` hears of every table that comes into the mesh or leaves it. */
  constructor(seen: (table: RouteTable, present: boolean) => void) {
    this.#seen = seen;
  }

  /** Takes `part` away from under `id`, or puts it there. */
  set(id: string, part: RoutePart, present: boolean): void {
    if (part.kind === 'route-table') this.#setTable(id, part, present);
    else if (part.kind === 'match-group') {
      if (present) this.#groups.set(part.key, part);
      else this.#groups.delete(part.key);
      this.#lenderChanged(part.key);
    } else if (part.kind === 'reference-grant') {
      this.#grants.set(id, part, present);
      this.#lenderChanged(grantsOf(part.namespace));
    } else if (part.kind === 'targets') {
      this.#chains.set(id, part, present);
      this.#lenderChanged(chainOf(part.chain));
    } else {
      if (present) this.#fragments.set(part.key, { id, part });
      else this.#fragments.delete(part.key);
      this.#dirtyFragments.add(part.key);
      this.#lenderChanged(part.key);
    }
  }

  /** Expands what changed; `tables` is then ready to be built. */
  expand(): void {
    for (const key of this.#dirtyFragments) this.#settleFragment(key);
    for (const id of this.#dirty) this.#expandOne(id);
    this.#dirty.clear();
    this.#dirtyFragments.clear();
  }

  /** What is wrong between objects. */
  *problems(): Iterable<Problem> {
    yield* this.tables.problems();
    for (const { problems } of this.#parts.values()) yield* problems;
    for (const [key, { part }] of this.#fragments) {
      if (!part.unused || this.#users.has(key)) continue;
      const { path, message } = part.unused;
      yield problem('hosts-missing', message, { object: part.from, path, severity: 'warning' });
    }
  }

  #setTable(id: string, part: RouteTablePart, present: boolean): void {
    const lenders = [
      ...(part.delegations ?? []).map(each => each.to),
      ...(part.groups ?? []).map(each => each.group),
      ...[...(part.references ?? []), ...(part.streamReferences ?? [])].map(each =>
        grantsOf(each.to.namespace),
      ),
      ...(part.chain ? [chainOf(part.chain)] : []),
    ];
    const entry: Table = this.#parts.get(id) ?? { problems: [] };
    if (present) entry.part = part;
    else delete entry.part;
    this.#parts.set(id, entry);
    for (const lender of lenders) {
      const users = this.#users.get(lender) ?? new Set();
      if (present) users.add(id);
      else users.delete(id);
      if (users.size > 0) this.#users.set(lender, users);
      else this.#users.delete(lender);
      this.#dirtyFragments.add(lender);
    }
    this.#dirty.add(id);
  }

  #lenderChanged(key: string): void {
    for (const id of this.#users.get(key) ?? []) this.#dirty.add(id);
  }

  /** A fragment that nobody puts in stands alone, if it can. */
  #settleFragment(key: string): void {
    const fragment = this.#fragments.get(key);
    const after = fragment && !this.#users.has(key) ? fragment.part.alone : [];
    const before = this.#alone.get(key) ?? [];
    if (equal(before, after)) return;
    before.forEach((table, index) => {
      this.#put(`alone ${key} ${index}`, table, false);
    });
    after.forEach((table, index) => {
      this.#put(`alone ${key} ${index}`, table, true);
    });
    if (after.length > 0) this.#alone.set(key, after);
    else this.#alone.delete(key);
  }

  #expandOne(id: string): void {
    const entry = this.#parts.get(id);
    if (!entry?.part) {
      if (entry?.expanded) this.#put(id, entry.expanded, false);
      this.#parts.delete(id);
      return;
    }
    const problems: Problem[] = [];
    const after = this.#expand(entry.part, problems);
    entry.problems = problems;
    // A circle is nobody's intention: what held before it was closed holds on.
    if (problems.some(({ severity }) => severity === 'error') && entry.expanded) return;
    if (entry.expanded && equal(entry.expanded, after)) return;
    if (entry.expanded) this.#put(id, entry.expanded, false);
    this.#put(id, after, true);
    entry.expanded = after;
  }

  #expand(part: RouteTablePart, problems: Problem[]): RouteTable {
    const table = this.#joined(part, problems);
    return part.chain ? this.#chains.through(table, part.chain, problems) : table;
  }

  #joined(part: RouteTablePart, problems: Problem[]): RouteTable {
    const { delegations = [], groups = [], references = [], streamReferences = [] } = part;
    const requests = this.#grants.permitted(part.table, references, problems);
    const table = this.#grants.permittedStreams(requests, streamReferences, problems);
    if (delegations.length === 0 && groups.length === 0) return table;
    const own = table.http.flatMap((rule, index) => {
      const use = groups.find(each => each.rule === index);
      return use ? this.#withGroup(table, rule, use, problems) : [[index, rule] as const];
    });
    const http: RouteRule[] = [];
    for (let at = 0; at <= table.http.length; at++) {
      for (const each of delegations)
        if (each.after === at) http.push(...this.#delegated(table, each, problems));
      for (const [index, rule] of own) if (index === at) http.push(rule);
    }
    return { ...table, http };
  }

  #withGroup(
    { from: object }: RouteTable,
    rule: RouteRule,
    { group, names, path, rule: index }: GroupUse,
    problems: Problem[],
  ): readonly (readonly [number, RouteRule])[] {
    const found = this.#groups.get(group);
    const missing = names?.filter(name => !found?.matches.some(each => each.name === name)) ?? [];
    if (!found || missing.length > 0) {
      const what = found ? `${group} has no match '${missing[0]}'` : `there is no ${group}`;
      const message = `${path}: ${what}; the rule has no effect until there is`;
      problems.push(problem('match-group-missing', message, { object, path, severity: 'warning' }));
    }
    const used = (found?.matches ?? []).filter(each => names === undefined || names.includes(each.name));
    if (used.length === 0) return [];
    return [[index, { ...rule, matches: used.map(each => each.match) }]];
  }

  #delegated(
    { from: object, host }: RouteTable,
    delegation: Delegation,
    problems: Problem[],
  ): readonly RouteRule[] {
    const { to, rule } = delegation;
    const warn = (
      code: string,
      path: string,
      message: string,
      severity: 'warning' | 'error' = 'warning',
    ): void => {
      problems.push(problem(code, `${path}: ${message}`, { object, path, severity }));
    };
    const fragment = this.#fragments.get(to)?.part;
    if (!fragment) {
      warn(
        'delegate-missing',
        rule.path,
        `there is no ${to} without hosts to delegate to; the rule has no effect`,
      );
      return [];
    }
    if (fragment.visibleTo && !fragment.visibleTo.includes(object.namespace)) {
      warn(
        'delegate-not-visible',
        rule.path,
        `${formatRef(fragment.from)} is not exported to ${object.namespace}`,
      );
      return [];
    }
    const circle = this.#circle(to);
    if (circle) {
      const message = `delegates go in a circle (${circle.join(' → ')}); take one out. What held before holds on`;
      warn('delegate-cycle', rule.path, message, 'error');
      return [];
    }
    for (const { path, to: next } of fragment.nested) {
      const message = `${formatRef(fragment.from)} delegates on to ${next} (${path}); only one level has effect`;
      warn('delegate-nested', rule.path, message);
    }
    return fragment.http.flatMap(inner => {
      const placed = placeRule(delegation, inner);
      if (placed) return placed.map(each => ({ ...each, from: fragment.from }));
      const message = `the conditions of ${formatRef(fragment.from)} ${inner.path} are not narrower than those of ${rule.path}; it has no effect for ${host}`;
      warn('delegate-conflict', rule.path, message);
      return [];
    });
  }

  #put(id: string, table: RouteTable, present: boolean): void {
    this.tables.set(id, table, present);
    this.#seen(table, present);
  }

  /** The way from the fragment back to itself, if its delegations go in a circle. */
  #circle(start: string): readonly string[] | undefined {
    const walk = (key: string, way: readonly string[]): readonly string[] | undefined => {
      if (way.includes(key)) return [...way.slice(way.indexOf(key)), key];
      for (const { to } of this.#fragments.get(key)?.part.nested ?? []) {
        const found = walk(to, [...way, key]);
        if (found) return found;
      }
      return undefined;
    };
    return walk(start, []);
  }
}
