// What became of each policy object, as the status writer wants it.
import type { StatusWish } from '../control-plane/index.ts';
import { equal } from '../model/index.ts';
import type { Clock } from '../time/index.ts';
import { hasStatus, mergeStatus, objectStatuses, policyKinds } from '../translate/index.ts';
import type { Pipeline } from './pipeline.ts';

/** Kinds whose changes can change no status: who stands behind a Service is nothing that policies are told of. */
const quiet = new Set(['Pod', 'Node', 'Namespace', 'Endpoints', 'EndpointSlice.discovery.k8s.io']);

/** Whether a status may be another one after changes of these kinds. */
export function changesStatuses(kinds: Iterable<string>): boolean {
  for (const kind of kinds) if (!quiet.has(kind)) return true;
  return false;
}

/** One for every object of a kind with a status. */
export function statusWishes({ registry, mesh, problems }: Pipeline, clock: Clock): readonly StatusWish[] {
  const objects = policyKinds.filter(hasStatus).flatMap(kind => [...registry.list(kind)]);
  return objectStatuses({ objects, problems: problems(), mesh }).flatMap(({ object, ref, content }) => {
    if (!content) return [];
    const { apiVersion, kind, namespace, name } = ref;
    const patch: StatusWish['patch'] = current => {
      // Judged was the object as it stands in the registry; the newer one follows in a moment.
      if (!equal(current.spec, object.spec)) return undefined;
      const { generation } = current.metadata as { generation?: unknown };
      const now = new Date(clock.now()).toISOString().replace(/\.\d+Z$/, 'Z');
      return mergeStatus(content, (current.status ?? {}) as Record<string, unknown>, generation, now);
    };
    return [{ apiVersion, kind, namespace, name, content: [object.spec, content], patch }];
  });
}
