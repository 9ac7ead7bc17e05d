import type { Labels, Mesh, Node, Workload } from '../model/index.ts';
import { type Place, placeOf } from './locality.ts';

/** Who asks: what resolution may look at. */
export interface Caller extends Place {
  /** Empty for a caller outside every namespace; short names then find nothing. */
  readonly namespace: string;
  readonly labels: Labels;
}

/** The workload as a caller. */
export function callerOf(workload: Workload): Caller {
  const { namespace, labels, zone, node, locality } = workload;
  return {
    namespace,
    labels,
    ...(zone === undefined ? {} : { zone }),
    ...(node === undefined ? {} : { node }),
    ...(locality === undefined ? {} : { locality }),
  };
}

/**
 * What of the caller results depend on: callers of one scope get the same resource for the same key, so that it is computed
 * once for all of them. Besides the namespace these are the labels that any rule looks at, and where the caller stands. Whoever
 * makes resolution look at more of the caller puts that in here. It changes with the facts of `changesScopes`.
 */
export function callerScope(mesh: Mesh, caller: Caller): string {
  const labels = mesh.callerLabels.flatMap(key => {
    const value = caller.labels[key];
    return value === undefined ? [] : [`${key}=${value}`];
  });
  const node: Node | undefined = caller.node === undefined ? undefined : mesh.nodes.get(caller.node);
  return [caller.namespace, placeOf(caller, node) ?? '', ...labels].join(',');
}

/** Whether callers may have got another scope with these facts. */
export function changesScopes(touched: ReadonlySet<string>): boolean {
  for (const each of touched) if (each === 'caller-labels' || each.startsWith('node ')) return true;
  return false;
}
