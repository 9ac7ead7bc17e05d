// Workloads as authorization sees them: all pods of one owner as one.
import type { ObjectMesh } from '../../analyze/index.ts';
import { WeftError } from '../../errors/index.ts';
import { formatSpiffe, type InboundResource, type Workload } from '../../model/index.ts';
import { resolveInbound } from '../../resolve/index.ts';

/** A workload, and what its proxies are told. */
export interface Called {
  /** `shop/cart` */
  readonly name: string;
  readonly workload: Workload;
  readonly inbound: InboundResource;
}

/** The meshed workloads, in order of their names; those of `only` (`NAMESPACE/NAME`), or of a namespace. */
export function workloadsOf(
  { mesh }: ObjectMesh,
  only: string | undefined,
  namespace?: string,
): readonly Called[] {
  const found = new Map<string, Called>();
  for (const [key, workload] of mesh.workloads) {
    const name = `${workload.namespace}/${workload.owner.name}`;
    if (found.has(name) || !workload.meshed || (namespace ?? workload.namespace) !== workload.namespace)
      continue;
    const { resource } = resolveInbound(mesh, key);
    if (resource) found.set(name, { name, workload, inbound: resource });
  }
  const all = [...found.values()].sort((left, right) => (left.name < right.name ? -1 : 1));
  if (only === undefined) return all;
  const chosen = all.filter(
    ({ name, workload }) => name === only || `${workload.namespace}/${workload.name}` === only,
  );
  if (chosen.length > 0) return chosen;
  const names = all.map(({ name }) => name).join(', ');
  throw new WeftError(
    'workload-unknown',
    `no workload with a proxy is called ${only} (there are ${names === '' ? 'none' : names}); write NAMESPACE/NAME`,
    { source: 'config' },
  );
}

/** Its SPIFFE id. */
export function principalOf({ workload }: Called): string {
  return formatSpiffe(workload.identity);
}
