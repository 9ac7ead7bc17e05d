// The API server shows a pod a second time when another webhook changed it after us. By then it has written defaults into our
// containers, and its own plugins have added mounts. To put ours back as we wrote them would be a change again, for nothing.
import { ANNOTATIONS } from '../../src/config/index.ts';
import { isMap, type PodTemplate } from '../inject/pod.ts';

/**
 * `after` with every container and volume of ours as it is in `before`, where all that was added to it since are fields and
 * list entries that we did not set. `own` are the names that inject gives. Another record of what was injected than the one
 * that `before` bears means that it was injected otherwise; then `after` counts as it is.
 */
export function keepDefaulted(
  before: PodTemplate,
  after: PodTemplate,
  own: ReadonlySet<string>,
): PodTemplate {
  const record = (pod: PodTemplate) => pod.metadata?.annotations?.[ANNOTATIONS.status];
  if (record(before) !== record(after)) return after;
  const keep = <T extends { readonly name: string; readonly [field: string]: unknown }>(
    list: readonly T[] | null | undefined,
    old: readonly T[] | null | undefined,
  ): readonly T[] | null | undefined =>
    list?.map(entry => {
      if (!own.has(entry.name)) return entry;
      const was = old?.find(({ name }) => name === entry.name);
      return was !== undefined && isWithin(entry, was) ? withoutAccountToken(was) : entry;
    });
  const { spec } = after;
  return {
    ...after,
    spec: {
      ...spec,
      containers: keep(spec.containers, before.spec.containers) ?? [],
      ...(spec.initContainers == null
        ? {}
        : { initContainers: keep(spec.initContainers, before.spec.initContainers) }),
      ...(spec.volumes == null ? {} : { volumes: keep(spec.volumes, before.spec.volumes) }),
    },
  };
}

/**
 * The server's ServiceAccount plugin mounts the app's token into our containers too. They have a token of their own, for another
 * audience, and must not be able to act for the app.
 */
function withoutAccountToken<T extends { readonly [field: string]: unknown }>(entry: T): T {
  const mounts = entry.volumeMounts;
  if (!Array.isArray(mounts)) return entry;
  const kept = mounts.filter(mount => !isMap(mount) || mount.mountPath !== accountTokenFolder);
  return kept.length === mounts.length ? entry : { ...entry, volumeMounts: kept };
}

const accountTokenFolder = '/var/run/secrets/kubernetes.io/serviceaccount';

/** Whether `value` has all that `part` has. Lists of named entries may have more entries, other lists may not. */
function isWithin(part: unknown, value: unknown): boolean {
  if (isMap(part)) {
    if (!isMap(value)) return false;
    return Object.entries(part).every(([key, entry]) => entry === undefined || isWithin(entry, value[key]));
  }
  if (!Array.isArray(part)) return Object.is(part, value);
  if (!Array.isArray(value)) return false;
  if (!part.every(entry => isMap(entry) && typeof entry.name === 'string')) {
    return part.length === value.length && part.every((entry, index) => isWithin(entry, value[index]));
  }
  // In order, so that what was moved counts as changed.
  let from = 0;
  for (const entry of part) {
    const at = value.findIndex((other, index) => index >= from && isWithin(entry, other));
    if (at < 0) return false;
    from = at + 1;
  }
  return true;
}
