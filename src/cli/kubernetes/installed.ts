// What of Weft is in a cluster.
import type { KubeApi } from '../../../webhook/index.ts';
import { DEFAULT_REVISION, LABELS, revisionNames } from '../../config/index.ts';
import { NAMES, PART_OF } from '../install/index.ts';
import { type ApiObject, INSTALLED_KINDS, type KindPath, listObjects, listPath } from './objects.ts';

const selector = Object.entries(PART_OF)
  .map(([key, value]) => `${key}=${value}`)
  .join(',');

/** Names of what the control plane makes by itself, by kind; found by name because other tools may strip labels. */
const made: Readonly<Record<string, readonly string[]>> = {
  ConfigMap: [NAMES.trust],
};

/**
 * The revision that an object belongs to alone; undefined of what all of them share. Those of the default have the label from the
 * first version that knows revisions on.
 */
export function ownerOf({ metadata: { name, labels } }: ApiObject): string | undefined {
  const { injector, settings, before } = revisionNames(DEFAULT_REVISION);
  const roles = ['gateways', 'certificates', 'secrets', 'acme', 'machines'].map(
    each => `${injector}-${each}`,
  );
  const own = [injector, settings, before, ...roles];
  return labels?.[LABELS.revision] ?? (own.includes(name) ? DEFAULT_REVISION : undefined);
}

/** Every object of Weft's in the cluster, in the order to delete them. What the caller may not list is left out, by kind. */
export async function findInstalled(
  api: KubeApi,
  kinds: readonly KindPath[] = INSTALLED_KINDS,
): Promise<{ readonly objects: readonly ApiObject[]; readonly unreadable: readonly string[] }> {
  const objects: ApiObject[] = [];
  const unreadable: string[] = [];
  for (const path of kinds) {
    // The older version of a kind that the newer one has shown already.
    if (path.apiVersion === 'policy/v1beta1' && objects.some(({ kind }) => kind === path.kind)) continue;
    try {
      const found = (await listObjects(api, listPath(path), { labelSelector: selector })) ?? [];
      for (const name of made[path.kind] ?? []) {
        found.push(
          ...((await listObjects(api, listPath(path), { fieldSelector: `metadata.name=${name}` })) ?? []),
        );
      }
      const known = new Set<string>();
      for (const object of found) {
        const key = `${object.metadata.namespace ?? ''}/${object.metadata.name}`;
        if (!known.has(key)) objects.push(object);
        known.add(key);
      }
    } catch (thrown) {
      if (!(thrown instanceof Error)) throw thrown;
      unreadable.push(`${path.plural}: ${thrown.message}`);
    }
  }
  return { objects, unreadable };
}
