import { type ByteRange, hashBytes, queryValue } from '../http/index.ts';
import type { Condition, NamedTest } from './condition.ts';
import { PathTree, type RuleScan } from './path-tree.ts';
import type { RequestParts } from './request-parts.ts';

/** One condition of one route; routes with several have as many rules. */
export interface Rule {
  readonly condition: Condition;
  /** Which route it leads to, counted in order. */
  readonly route: number;
}

/** By what a rule is found: something that a request must have for it to hold. */
type NamedKey = { readonly by: 'header' | 'query'; readonly name: Buffer; readonly value: Buffer };
type Key =
  | { readonly by: 'path' | 'path-prefix'; readonly value: Buffer; readonly lower: boolean }
  | NamedKey
  | { readonly by: 'authority'; readonly value: Buffer }
  | { readonly by: 'method'; readonly id: number };

/** Rules by the hash of a value. */
type ByValue = Map<number, number[]>;
interface Named {
  readonly name: Buffer;
  readonly byValue: ByValue;
}

const nobody: readonly number[] = [];
const range: ByteRange = { start: 0, end: 0 };

/**
 * Finds the first of many rules that holds for a request, looking only at rules that can hold: each is filed under the one thing
 * it asks for that the fewest other rules ask for too. Built once; a search allocates nothing.
 */
export class RouteIndex implements RuleScan {
  readonly #rules: readonly Rule[];
  readonly #paths = new PathTree(false);
  readonly #lowerPaths = new PathTree(true);
  readonly #headers: Named[] = [];
  readonly #queries: Named[] = [];
  readonly #authorities: ByValue = new Map();
  readonly #methods: number[][] = [];
  /** Those that ask for nothing that can be looked up. */
  readonly #others: number[] = [];
  #parts!: RequestParts;
  #best = 0;

  constructor(rules: readonly Rule[]) {
    this.#rules = rules;
    const keys = rules.map(rule => keysOf(rule.condition));
    const counts = new Map<string, number>();
    for (const key of keys.flat()) counts.set(nameOf(key), (counts.get(nameOf(key)) ?? 0) + 1);
    for (const [rule, own] of keys.entries()) this.#file(rule, rarest(own, counts));
  }

  /** The number of the first route that holds; -1 when none does. */
  find(parts: RequestParts): number {
    this.#parts = parts;
    this.#best = this.#rules.length;
    const { head } = parts;
    const { bytes } = head;
    this.rules(this.#others);
    const { pathBytes, pathStart, pathEnd } = parts;
    this.#paths.walk(pathBytes, pathStart, pathEnd, this);
    this.#lowerPaths.walk(pathBytes, pathStart, pathEnd, this);
    if (this.#methods.length > 0) this.rules(this.#methods[head.method] ?? nobody);
    for (let i = 0; i < this.#headers.length; i++) {
      const { name, byValue } = this.#headers[i]!;
      const index = head.find(name);
      if (index >= 0) this.#look(byValue, bytes, head.valueStart(index), head.valueEnd(index));
    }
    for (let i = 0; i < this.#queries.length; i++) {
      const { name, byValue } = this.#queries[i]!;
      if (queryValue(bytes, parts.queryStart, parts.queryEnd, name, range))
        this.#look(byValue, bytes, range.start, range.end);
    }
    if (this.#authorities.size > 0) {
      const { authorityStart, hostEnd, authorityEnd } = parts;
      this.#look(this.#authorities, bytes, authorityStart, authorityEnd);
      if (hostEnd !== authorityEnd) this.#look(this.#authorities, bytes, authorityStart, hostEnd);
    }
    return this.#best < this.#rules.length ? this.#rules[this.#best]!.route : -1;
  }

  /** For the trees: looks for an earlier rule that holds. */
  rules(ascending: readonly number[]): void {
    for (let i = 0; i < ascending.length; i++) {
      const rule = ascending[i]!;
      if (rule >= this.#best) return;
      if (!this.#rules[rule]!.condition.test(this.#parts)) continue;
      this.#best = rule;
      return;
    }
  }

  #look(byValue: ByValue, bytes: Uint8Array, start: number, end: number): void {
    const found = byValue.get(hashBytes(bytes, start, end) | 0);
    if (found !== undefined) this.rules(found);
  }

  #file(rule: number, key: Key | undefined): void {
    if (key === undefined) {
      this.#others.push(rule);
      return;
    }
    switch (key.by) {
      case 'path':
      case 'path-prefix':
        (key.lower ? this.#lowerPaths : this.#paths).add(key.value, key.by === 'path', rule);
        return;
      case 'method':
        while (this.#methods.length <= key.id) this.#methods.push([]);
        this.#methods[key.id]!.push(rule);
        return;
      case 'authority':
        file(this.#authorities, key.value, rule);
        return;
      default:
        file(named(key.by === 'header' ? this.#headers : this.#queries, key.name), key.value, rule);
    }
  }
}

function named(all: Named[], name: Buffer): ByValue {
  const known = all.find(each => each.name.equals(name));
  if (known !== undefined) return known.byValue;
  const byValue: ByValue = new Map();
  all.push({ name, byValue });
  return byValue;
}

function file(byValue: ByValue, value: Buffer, rule: number): void {
  const hash = hashBytes(value, 0, value.length) | 0;
  const list = byValue.get(hash);
  if (list === undefined) byValue.set(hash, [rule]);
  else list.push(rule);
}

/** All that a request must have; the more telling first. */
function keysOf(condition: Condition): Key[] {
  const { path, method, authority, headers, query, methodId } = condition;
  const keys: Key[] = [];
  const vague: Key[] = [];
  if (path !== undefined) {
    const by = path.kind === 'exact' ? 'path' : 'path-prefix';
    // Nearly every path begins with a slash: only for want of anything better.
    if (path.value.length > 0)
      (path.value.length > 1 || by === 'path' ? keys : vague).push({
        by,
        value: path.value,
        lower: path.ignoreCase,
      });
  }
  for (const [by, tests] of [['header', headers] as const, ['query', query] as const])
    for (const named of tests)
      if (isLookedUp(named)) keys.push({ by, name: named.name, value: named.test.value });
  if (authority?.kind === 'exact' && !authority.ignoreCase)
    keys.push({ by: 'authority', value: authority.value });
  if (method !== undefined && methodId !== 0) keys.push({ by: 'method', id: methodId });
  return [...keys, ...vague];
}

function isLookedUp({ test, invert, pseudo }: NamedTest): boolean {
  return test.kind === 'exact' && !test.ignoreCase && !invert && pseudo === '';
}

function nameOf(key: Key): string {
  switch (key.by) {
    case 'method':
      return `method ${key.id}`;
    case 'header':
    case 'query':
      return `${key.by} ${key.name.toString('latin1')} ${key.value.toString('latin1')}`;
    default:
      return `${key.by} ${key.value.toString('latin1')}`;
  }
}

function rarest(keys: readonly Key[], counts: ReadonlyMap<string, number>): Key | undefined {
  let best: Key | undefined;
  for (const key of keys) if (!best || counts.get(nameOf(key))! < counts.get(nameOf(best))!) best = key;
  return best;
}
