// Whom --from means.
import { WeftError } from '../../errors/index.ts';
import type { Mesh, Workload } from '../../model/index.ts';
import { type Caller, callerOf } from '../../resolve/index.ts';
import type { CallerName } from './answer.ts';

/** Who asks, for resolve/ and for people. */
export interface FoundCaller {
  readonly caller: Caller;
  readonly shown: CallerName;
}

/**
 * `shop/productpage`: a pod, a workload (its first pod) or an app; without a slash in `namespace`; `shop/` or nothing for
 * somebody of the namespace about whom nothing is known. Throws a WeftError when there is no such thing.
 */
export function findCaller(mesh: Mesh, from: string | undefined, namespace: string): FoundCaller {
  const slash = from?.indexOf('/') ?? -1;
  const where = from !== undefined && slash >= 0 ? from.slice(0, slash) : namespace;
  const name = from?.slice(slash + 1) ?? '';
  if (name === '') return { caller: { namespace: where, labels: {} }, shown: { name: '', namespace: where } };
  const all = [...mesh.workloads.values()].filter(each => each.namespace === where);
  const found =
    all.find(each => each.name === name) ??
    all.find(each => each.owner.name === name) ??
    all.find(each => each.app === name);
  if (!found) throw unknownCaller(name, where, all);
  const { kind, name: owner } = found.owner;
  return {
    caller: callerOf(found),
    shown: { name: `${kind} ${owner}`, namespace: where, meshed: found.meshed },
  };
}

function unknownCaller(name: string, namespace: string, all: readonly Workload[]): WeftError {
  const names = [...new Set(all.map(each => each.owner.name))].sort();
  const has = names.length === 0 ? 'it has none' : `it has ${names.slice(0, 10).join(', ')}`;
  return new WeftError(
    'caller-unknown',
    `namespace ${namespace} has no pod or workload ${name} (${has}); write --from NAMESPACE/NAME`,
    { source: 'config' },
  );
}
