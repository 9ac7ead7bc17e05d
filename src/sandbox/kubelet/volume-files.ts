import type { DownwardFiles, KeyToPath, Pod, Projection, Volume } from '../kube/index.ts';
import type { EnvLookup } from './env.ts';
import { fieldOf, resourceOf } from './fields.ts';

/** Issues a ServiceAccount token for a pod, as the API server's TokenRequest does. */
export type IssueToken = (pod: Pod, audience: string, lifetimeSeconds: number) => Promise<string>;

/** The files of a volume by path, or what they need and does not exist (yet). */
export type VolumeContent =
  | { readonly files: ReadonlyMap<string, Buffer>; readonly renewAfterMs?: number }
  | { readonly missing: string };

/** The API server's own audience, and Kubernetes' default for tokens without one. */
const defaultAudience = 'https://kubernetes.default.svc.cluster.local';

/** What a volume contains, for the kinds whose content the kubelet writes; undefined for the others. */
export async function volumeContent(
  volume: Volume,
  pod: Pod,
  lookup: EnvLookup,
  issueToken: IssueToken,
): Promise<VolumeContent | undefined> {
  const sources: Projection[] = [];
  if (volume.projected) sources.push(...(volume.projected.sources ?? []));
  else if (volume.configMap) sources.push({ configMap: volume.configMap });
  else if (volume.secret)
    sources.push({ secret: { ...volume.secret, name: volume.secret.secretName ?? '' } });
  else if (volume.downwardAPI) sources.push({ downwardAPI: volume.downwardAPI });
  else return undefined;
  const files = new Map<string, Buffer>();
  let renewAfterMs: number | undefined;
  for (const source of sources) {
    const token = source.serviceAccountToken;
    if (token) {
      const lifetime = token.expirationSeconds ?? 3600;
      files.set(token.path, Buffer.from(await issueToken(pod, token.audience ?? defaultAudience, lifetime)));
      // The kubelet renews at 80 % of the life.
      renewAfterMs = Math.min(renewAfterMs ?? Number.POSITIVE_INFINITY, lifetime * 800);
      continue;
    }
    const missing = addSource(source, pod, lookup, files);
    if (missing) return { missing };
  }
  return { files, ...(renewAfterMs === undefined ? {} : { renewAfterMs }) };
}

function addSource(
  source: Projection,
  pod: Pod,
  lookup: EnvLookup,
  files: Map<string, Buffer>,
): string | undefined {
  if (source.downwardAPI) return addFields(source.downwardAPI, pod, lookup, files);
  const wanted = source.configMap ?? source.secret;
  if (!wanted) return undefined;
  const name = wanted.name ?? wanted.secretName ?? '';
  const kind = source.configMap ? 'ConfigMap' : 'Secret';
  const values = source.configMap ? configMapBytes(lookup, name) : secretBytes(lookup, name);
  if (!values) return wanted.optional ? undefined : `${kind} ${name}`;
  return addKeys(values, wanted.items, files, `${kind} ${name}`, wanted.optional === true);
}

function configMapBytes(lookup: EnvLookup, name: string): Map<string, Buffer> | undefined {
  const map = lookup.configMap(name);
  if (!map) return undefined;
  const bytes = new Map(Object.entries(map.data ?? {}).map(([key, text]) => [key, Buffer.from(text)]));
  for (const [key, base64] of Object.entries(map.binaryData ?? {}))
    bytes.set(key, Buffer.from(base64, 'base64'));
  return bytes;
}

function secretBytes(lookup: EnvLookup, name: string): Map<string, Buffer> | undefined {
  const secret = lookup.secret(name);
  if (!secret) return undefined;
  const bytes = new Map(
    Object.entries(secret.data ?? {}).map(([key, base64]) => [key, Buffer.from(base64, 'base64')]),
  );
  for (const [key, text] of Object.entries(secret.stringData ?? {})) bytes.set(key, Buffer.from(text));
  return bytes;
}

function addKeys(
  values: ReadonlyMap<string, Buffer>,
  items: readonly KeyToPath[] | undefined,
  files: Map<string, Buffer>,
  who: string,
  optional: boolean,
): string | undefined {
  for (const { key, path } of items ?? [...values.keys()].map(name => ({ key: name, path: name }))) {
    const value = values.get(key);
    if (value) files.set(path, value);
    else if (!optional) return `key ${key} of ${who}`;
  }
  return undefined;
}

function addFields(
  downward: DownwardFiles,
  pod: Pod,
  lookup: EnvLookup,
  files: Map<string, Buffer>,
): string | undefined {
  for (const item of downward.items ?? []) {
    const { fieldRef, resourceFieldRef: resource } = item;
    const container =
      pod.spec.containers.find(one => one.name === resource?.containerName) ?? pod.spec.containers[0]!;
    const text = fieldRef
      ? fieldOf(pod, fieldRef.fieldPath, lookup.addresses)
      : resourceOf(container, resource?.resource ?? '');
    if (text === undefined) return `the field ${fieldRef?.fieldPath ?? resource?.resource ?? ''}`;
    files.set(item.path, Buffer.from(text));
  }
  return undefined;
}
