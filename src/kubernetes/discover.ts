import { recordsOf } from '../plain/index.ts';
import { ApiError } from './api-error.ts';
import type { ApiObject, KubeClient } from './client.ts';
import { groupKindOf, type ResourceType } from './resource-type.ts';

/** What the server has of the kinds that were asked for. */
export interface Discovered {
  /** By kind with group: `DestinationRule.networking.istio.io`. */
  readonly types: ReadonlyMap<string, ResourceType>;
  /** API groups and their versions, the preferred one first; the core group is not among them. */
  readonly groups: ReadonlyMap<string, readonly string[]>;
}

/**
 * Which of `kinds` (with their groups, as the registry names them) the server serves, and in which version: the preferred one of
 * the group that has the kind. Every authenticated caller may ask this.
 */
export async function discover(
  client: KubeClient,
  kinds: readonly string[],
  signal?: AbortSignal,
): Promise<Discovered | ApiError> {
  const answer = await client.call({ path: '/apis', ...(signal && { signal }) });
  if (answer instanceof ApiError) return answer;
  const groups = readGroups(answer);
  const types = new Map<string, ResourceType>();
  for (const group of new Set(kinds.map(groupOf))) {
    for (const version of groups.get(group) ?? []) {
      const wanted = kinds.filter(kind => groupOf(kind) === group && !types.has(kind));
      if (wanted.length === 0) break;
      const resources = await client.call({ path: `/apis/${group}/${version}`, ...(signal && { signal }) });
      // A version that goes away just now, or an aggregated API whose server is down: as good as not there, unless all fails.
      if (resources instanceof ApiError) {
        if (resources.status === 404) continue;
        return resources;
      }
      for (const type of readResources(resources, group, version)) {
        if (wanted.includes(groupKindOf(type))) types.set(groupKindOf(type), type);
      }
    }
  }
  return { types, groups };
}

function groupOf(kind: string): string {
  const dot = kind.indexOf('.');
  return dot < 0 ? '' : kind.slice(dot + 1);
}

/** Of an APIGroupList. */
function readGroups(answer: ApiObject): ReadonlyMap<string, readonly string[]> {
  const groups = new Map<string, readonly string[]>();
  for (const group of recordsOf(answer.groups)) {
    if (typeof group.name !== 'string') continue;
    const versions = recordsOf(group.versions).flatMap(({ version }) =>
      typeof version === 'string' ? [version] : [],
    );
    const [preferred] = recordsOf([group.preferredVersion]).map(each => each.version);
    versions.sort((left, right) => Number(right === preferred) - Number(left === preferred));
    groups.set(group.name, versions);
  }
  return groups;
}

/** Of an APIResourceList: those that can be listed and watched. */
function readResources(answer: ApiObject, group: string, version: string): readonly ResourceType[] {
  return recordsOf(answer.resources).flatMap(({ name, kind, namespaced, verbs }): ResourceType[] => {
    if (typeof name !== 'string' || typeof kind !== 'string' || name.includes('/')) return [];
    const watched = Array.isArray(verbs) && verbs.includes('list') && verbs.includes('watch');
    return watched ? [{ group, version, kind, plural: name, namespaced: namespaced === true }] : [];
  });
}
