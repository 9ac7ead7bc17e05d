import {
  fact,
  type Mesh,
  POLICY_KINDS,
  type PolicyKind,
  type PolicyKinds,
  type Problem,
  type RouteTable,
} from '../../model/index.ts';
import type { PlainPolicyKind, PolicyPart } from '../part.ts';
import { GroupAssembler } from './groups.ts';
import { hiddenBy, hidesTable, mayHideOthers } from './hidden-tables.ts';

type Assembler<K extends PlainPolicyKind> = GroupAssembler<PolicyPart<K>, PolicyKinds[K]>;
type Maps = Pick<Mesh, PlainPolicyKind>;

/** Fills the maps of all kinds of policies but route tables, by the rows of POLICY_KINDS. */
export class PolicyAssembler {
  readonly #assemblers = new Map(
    (Object.keys(POLICY_KINDS) as PolicyKind[])
      .filter(isPlain)
      .map(kind => [kind, assemblerOf(kind)] as const),
  );

  /** Takes `part` away from under `id`, or puts it there. */
  set(id: string, part: PolicyPart, present: boolean): void {
    (this.#assemblers.get(part.of) as Assembler<PlainPolicyKind>).set(id, part, present);
  }

  /** The maps as they are now; `touched` receives the facts that differ from before. */
  build(before: Maps, touched: Set<string>): Maps {
    const maps = [...this.#assemblers].map(([kind, assembler]) => [
      kind,
      (assembler as Assembler<PlainPolicyKind>).build(before[kind], touched),
    ]);
    return Object.fromEntries(maps) as Maps;
  }

  /** One problem for each policy that has no effect because of an older one. */
  *problems(): Iterable<Problem> {
    for (const assembler of this.#assemblers.values()) yield* assembler.problems();
  }
}

function isPlain(kind: PolicyKind): kind is PlainPolicyKind {
  return kind !== 'routeTables';
}

function assemblerOf<K extends PlainPolicyKind>(kind: K): Assembler<K> {
  const { group, sameScope } = POLICY_KINDS[kind];
  return new GroupAssembler<PolicyPart<K>, PolicyKinds[K]>({
    group: part => group(part.policy),
    fact: name => fact.policies(kind, name),
    value: part => part.policy,
    from: part => part.policy.from,
    createdAt: part => part.createdAt,
    rank: part => part.rank ?? 0,
    ...(sameScope && { sameScope: (left, right) => sameScope(left.policy, right.policy) }),
  });
}

/** For Mesh.routeTables; see RouteTableAssembler for what tables borrow from others. */
export function routeTables(): GroupAssembler<RouteTable, RouteTable> {
  return new GroupAssembler({
    group: POLICY_KINDS.routeTables.group,
    fact: host => fact.policies('routeTables', host),
    value: table => table,
    from: ({ from }) => from,
    createdAt: ({ createdAt }) => createdAt,
    rank: ({ rank }) => -rank,
    // Only what no caller will ever meet; for the rest, outcomes of resolve/ say who wins.
    mayShadow: mayHideOthers,
    sameScope: hidesTable,
    outcome: hiddenBy,
  });
}
