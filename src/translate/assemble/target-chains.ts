// What targets of rules come to when other objects speak of their hosts: Consul's router → splitter → resolver
// (developer.hashicorp.com/ consul/docs/manage-traffic/discovery-chain), and an SMI TrafficSplit below a Linkerd ServiceProfile.
import {
  equal,
  formatRef,
  type HeaderEdits,
  type ObjectRef,
  type Problem,
  problem,
  type RouteTable,
  type RouteTarget,
} from '../../model/index.ts';
import type { TargetsPart } from '../part.ts';
import { wholeWeights } from '../quantity.ts';
import { ageOf } from './groups.ts';

/** Under which name tables wait for changes of a chain. */
export function chainOf(chain: TargetsPart['chain']): string {
  return `targets ${chain}`;
}

/** Every TargetsPart, and tables with their targets put through them. */
export class TargetChains {
  readonly #parts = new Map<string, Map<string, TargetsPart>>();

  /** Takes `part` away from under `id`, or puts it there. */
  set(id: string, part: TargetsPart, present: boolean): void {
    const key = `${part.chain} ${part.stage} ${part.host}`;
    const parts = this.#parts.get(key) ?? new Map<string, TargetsPart>();
    if (present) parts.set(id, part);
    else parts.delete(id);
    if (parts.size > 0) this.#parts.set(key, parts);
    else this.#parts.delete(key);
  }

  /** The table with what its targets come to, and a problem for each way that leads back to where it began. */
  through(table: RouteTable, chain: TargetsPart['chain'], problems: Problem[]): RouteTable {
    const walk = new Walk((stage, host) => this.#oldest(`${chain} ${stage} ${host}`), table.from);
    // Stages of the host itself are no rivals, whether a rule passes through them or names a subset and passes them by.
    for (const stage of ['split', 'resolve'] as const)
      walk.join(this.#oldest(`${chain} ${stage} ${table.host}`));
    const http = table.http.map(rule => {
      const { action } = rule;
      if (action.kind !== 'forward') return rule;
      return { ...rule, action: { ...action, targets: wholeWeights(walk.split(action.targets, rule.path)) } };
    });
    // Only HTTP is split: Consul's splitters are for HTTP services.
    const tcp = table.tcp.map(rule => ({
      ...rule,
      targets: rule.targets.map(each => walk.resolve(each, rule.path)),
    }));
    problems.push(...walk.problems.values());
    const joins = [...walk.joins.values()];
    return { ...table, http, tcp, ...(joins.length > 0 && { joins }) };
  }

  #oldest(key: string): TargetsPart | undefined {
    let oldest: TargetsPart | undefined;
    for (const each of this.#parts.get(key)?.values() ?? []) {
      if (!oldest || ageOf(each.createdAt, each.from) < ageOf(oldest.createdAt, oldest.from)) oldest = each;
    }
    return oldest;
  }
}

/** One table's way through its chain. */
class Walk {
  readonly joins = new Map<string, ObjectRef>();
  readonly problems = new Map<string, Problem>();
  readonly #find: (stage: TargetsPart['stage'], host: string) => TargetsPart | undefined;
  readonly #object: ObjectRef;

  constructor(
    find: (stage: TargetsPart['stage'], host: string) => TargetsPart | undefined,
    object: ObjectRef,
  ) {
    this.#find = find;
    this.#object = object;
  }

  /** `way`: hosts whose splits have been taken already; what leads back to one of them is not split again. */
  split(targets: readonly RouteTarget[], path: string, way: readonly string[] = []): readonly RouteTarget[] {
    return targets.flatMap(target => {
      const { host, subset } = target;
      const part = subset === undefined && !way.includes(host) ? this.#find('split', host) : undefined;
      if (!part) return [this.resolve(target, path)];
      this.join(part);
      const parts = part.nested
        ? this.split(part.targets, path, [...way, host])
        : part.targets.map(each => this.resolve(each, path));
      const sum = parts.reduce((total, each) => total + each.weight, 0);
      // A lone target has all of the traffic whatever its weight, so that the shares may stay as they were written.
      const shareOf = (weight: number): number =>
        targets.length === 1 ? weight : rounded(sum === 0 ? 0 : (target.weight * weight) / sum);
      return parts.map(each => ({ ...each, ...headersOf(target, each), weight: shareOf(each.weight) }));
    });
  }

  resolve(target: RouteTarget, path: string, way: readonly string[] = []): RouteTarget {
    const part = this.#find('resolve', target.host);
    const to = part?.targets[0];
    if (!part || !to) return target;
    if (to.host === target.host) {
      if (target.subset !== undefined) return target;
      this.join(part);
      return { ...target, ...(to.subset !== undefined && { subset: to.subset }) };
    }
    if (way.includes(to.host)) {
      this.#noteCircle(part, path, [...way, target.host, to.host]);
      return target;
    }
    this.join(part);
    const { subset: _, ...rest } = target;
    const next = { ...rest, host: to.host, ...(to.subset !== undefined && { subset: to.subset }) };
    return this.resolve(next, path, [...way, target.host]);
  }

  join(part: TargetsPart | undefined): void {
    if (part && !equal(part.from, this.#object)) this.joins.set(formatRef(part.from), part.from);
  }

  #noteCircle({ from }: TargetsPart, path: string, way: readonly string[]): void {
    const message =
      `${path}: redirects go in a circle (${way.join(' → ')}); take ${formatRef(from)} out of it. ` +
      `Traffic goes to the last before it closes`;
    const note = problem('redirect-cycle', message, { object: this.#object, path, severity: 'warning' });
    this.problems.set(way.join(' '), note);
  }
}

/** Without the noise of binary fractions. */
function rounded(weight: number): number {
  return Math.round(weight * 1e6) / 1e6;
}

function headersOf(
  outer: RouteTarget,
  inner: RouteTarget,
): Pick<RouteTarget, 'requestHeaders' | 'responseHeaders'> {
  const requestHeaders = joined(outer.requestHeaders, inner.requestHeaders);
  const responseHeaders = joined(outer.responseHeaders, inner.responseHeaders);
  return { ...(requestHeaders && { requestHeaders }), ...(responseHeaders && { responseHeaders }) };
}

function joined(outer: HeaderEdits | undefined, inner: HeaderEdits | undefined): HeaderEdits | undefined {
  if (!outer || !inner) return inner ?? outer;
  const [rename, remove, set, add] = [
    [...(outer.rename ?? []), ...(inner.rename ?? [])],
    [...(outer.remove ?? []), ...(inner.remove ?? [])],
    [...(outer.set ?? []), ...(inner.set ?? [])],
    [...(outer.add ?? []), ...(inner.add ?? [])],
  ];
  return {
    ...(rename.length > 0 && { rename }),
    ...(remove.length > 0 && { remove }),
    ...(set.length > 0 && { set }),
    ...(add.length > 0 && { add }),
  };
}
