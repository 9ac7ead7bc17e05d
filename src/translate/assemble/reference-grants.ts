import { type Problem, problem, type RouteRule, type RouteTable } from '../../model/index.ts';
import { answerIfNowhere, nowhere } from '../nowhere.ts';
import type { ForeignReference, ReferenceGrantPart } from '../part.ts';

/** Under which name tables wait for changes of a namespace's grants. */
export function grantsOf(namespace: string): string {
  return `ReferenceGrants ${namespace}`;
}

/** Which namespaces let whose routes send traffic to which of their Services. */
export class ReferenceGrants {
  readonly #namespaces = new Map<string, Map<string, ReferenceGrantPart>>();

  /** Takes `part` away from under `id`, or puts it there. */
  set(id: string, part: ReferenceGrantPart, present: boolean): void {
    const grants = this.#namespaces.get(part.namespace) ?? new Map<string, ReferenceGrantPart>();
    if (present) grants.set(id, part);
    else grants.delete(id);
    if (grants.size > 0) this.#namespaces.set(part.namespace, grants);
    else this.#namespaces.delete(part.namespace);
  }

  /** The table with what is not granted leading nowhere, and a problem for each such target. */
  permitted(table: RouteTable, references: readonly ForeignReference[], problems: Problem[]): RouteTable {
    const refused = references.filter(each => !this.#permits(each));
    if (refused.length === 0) return table;
    for (const each of refused) problems.push(notPermitted(table, each));
    const http = table.http.map((rule, index) => {
      const mine = refused.filter(each => each.rule === index);
      return mine.length === 0 ? rule : withoutRefused(rule, mine);
    });
    return { ...table, http };
  }

  /** The same for rules of connections that are not HTTP. */
  permittedStreams(
    table: RouteTable,
    references: readonly ForeignReference[],
    problems: Problem[],
  ): RouteTable {
    const refused = references.filter(each => !this.#permits(each));
    if (refused.length === 0) return table;
    for (const each of refused) problems.push(notPermitted(table, each));
    const tcp = table.tcp.map((rule, index) => ({
      ...rule,
      targets: rule.targets.map((target, at) => {
        const to = refused.find(each => each.rule === index && each.target === at)?.to;
        return to ? nowhere(target, to.name, to.namespace, 'not-permitted') : target;
      }),
    }));
    return { ...table, tcp };
  }

  #permits({ from, to }: ForeignReference): boolean {
    for (const grant of this.#namespaces.get(to.namespace)?.values() ?? []) {
      const trusts = grant.from.some(
        each => each.group === from.group && each.kind === from.kind && each.namespace === from.namespace,
      );
      if (trusts && (grant.services?.includes(to.name) ?? true)) return true;
    }
    return false;
  }
}

function withoutRefused(rule: RouteRule, refused: readonly ForeignReference[]): RouteRule {
  const at = (target?: number, mirror?: number): ForeignReference | undefined =>
    refused.find(each => each.target === target && each.mirror === mirror);
  const { action } = rule;
  const kept = withMirrors(rule, index => !at(undefined, index));
  if (action.kind !== 'forward') return kept;
  const targets = action.targets.map((target, index) => {
    const to = at(index)?.to;
    if (to) return nowhere(target, to.name, to.namespace, 'not-permitted');
    return withMirrors(target, mirror => !at(index, mirror));
  });
  return { ...kept, action: answerIfNowhere({ ...action, targets }, rule.path) };
}

function withMirrors<T extends Pick<RouteRule, 'mirrors'>>(owner: T, isKept: (index: number) => boolean): T {
  const { mirrors, ...rest } = owner;
  const kept = mirrors?.filter((_, index) => isKept(index)) ?? [];
  return (kept.length > 0 ? { ...rest, mirrors: kept } : rest) as T;
}

function notPermitted({ from: object }: RouteTable, { from, to, path, mirror }: ForeignReference): Problem {
  const outcome = mirror !== undefined ? 'nothing is mirrored to it' : 'its share is refused';
  const message =
    `${path}: no ReferenceGrant in ${to.namespace} lets ${from.kind}s of ${from.namespace} send to Service ${to.name}, ` +
    `so ${outcome}; add one there`;
  return problem('reference-not-permitted', message, { object, path, severity: 'warning' });
}
