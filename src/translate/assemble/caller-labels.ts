import {
  type CallerMatch,
  equal,
  fact,
  type LabelSelector,
  type Mesh,
  POLICY_KINDS,
  type PolicyKinds,
  type RouteTable,
} from '../../model/index.ts';
import type { Part, PlainPolicyKind } from '../part.ts';

/** Which labels of callers any rule looks at, counted, so that callers who are alike in these can share what was resolved. */
export class CallerLabels {
  readonly #uses = new Map<string, number>();
  #changed = false;

  /** A policy or scope of an object came or went. */
  count(part: Part, present: boolean): void {
    for (const key of keysOf(part)) this.#count(key, present);
  }

  /** A table came or went, as it stands in the mesh. */
  countTable(table: RouteTable, present: boolean): void {
    for (const key of tableKeys(table)) this.#count(key, present);
  }

  build(before: Mesh['callerLabels'], touched: Set<string>): Mesh['callerLabels'] {
    if (!this.#changed) return before;
    this.#changed = false;
    const after = [...this.#uses.keys()].sort();
    if (equal(before, after)) return before;
    touched.add(fact.callerLabels());
    return after;
  }

  #count(key: string, present: boolean): void {
    const uses = (this.#uses.get(key) ?? 0) + (present ? 1 : -1);
    if (uses > 0) this.#uses.set(key, uses);
    else this.#uses.delete(key);
    this.#changed = true;
  }
}

function keysOf(part: Part): readonly string[] {
  return part.kind === 'policy' ? labelsOf(part.of, part.policy) : [];
}

function labelsOf<K extends PlainPolicyKind>(kind: K, policy: PolicyKinds[K]): readonly string[] {
  return POLICY_KINDS[kind].callerLabels?.(policy) ?? [];
}

function tableKeys({ http, tcp }: RouteTable): readonly string[] {
  const keys: string[] = [];
  const add = (caller: CallerMatch | undefined): void => {
    if (caller?.labels) keys.push(...selectorKeys(caller.labels));
  };
  // Tables of gateways have thousands of rules, and hardly any asks who calls.
  for (const rule of http) for (const match of rule.matches) add(match.caller);
  for (const rule of tcp) for (const each of rule.caller) add(each);
  return keys;
}

function selectorKeys({ matchLabels = {}, matchExpressions = [] }: LabelSelector): readonly string[] {
  return [...Object.keys(matchLabels), ...matchExpressions.map(each => each.key)];
}
