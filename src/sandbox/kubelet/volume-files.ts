import type { DownwardFiles, Pod, Projection, Volume } from '../kube/index.ts';
import type { EnvLookup } from './env.ts';
import { fieldOf, resourceOf } from './fields.ts';

/** Issues a ServiceAccount token for a pod, as the API server's TokenRequest does. */
export type IssueToken = (pod: Pod, audience: string, lifetimeSeconds: number) => Promise<string>;

/** A file that the kubelet writes: its bytes and permission bits. */
export interface VolumeFile {
  readonly bytes: Buffer;
  readonly mode: number;
}

/** The files of a volume by path, or what they need and does not exist (yet). */
export type VolumeContent =
  | { readonly files: ReadonlyMap<string, VolumeFile>; readonly renewAfterMs?: number }
  | { readonly missing: string };

/** Kubernetes' default for the files of ConfigMaps, Secrets and the others here. */
const defaultFileMode = 0o644;
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
  const { defaultMode = defaultFileMode } =
    volume.projected ?? volume.configMap ?? volume.secret ?? volume.downwardAPI ?? {};
  const files = new Map<string, VolumeFile>();
  let renewAfterMs: number | undefined;
  for (const source of sources) {
    const token = source.serviceAccountToken;
    if (token) {
      const lifetime = token.expirationSeconds ?? 3600;
      const bytes = Buffer.from(await issueToken(pod, token.audience ?? defaultAudience, lifetime));
      files.set(token.path, { bytes, mode: defaultMode });
      // The kubelet renews at 80 % of the life.
      renewAfterMs = Math.min(renewAfterMs ?? Number.POSITIVE_INFINITY, lifetime * 800);
      continue;
    }
    const missing = addSource(source, pod, lookup, defaultMode, files);
    if (missing) return { missing };
  }
  return { files, ...(renewAfterMs === undefined ? {} : { renewAfterMs }) };
}

function addSource(
  source: Projection,
  pod: Pod,
  lookup: EnvLookup,
  defaultMode: number,
  files: Map<string, VolumeFile>,
): string | undefined {
  if (source.downwardAPI) return addFields(source.downwardAPI, pod, lookup, defaultMode, files);
  const wanted = source.configMap ?? source.secret;
  if (!wanted) return undefined;
  const name = wanted.name ?? wanted.secretName ?? '';
  const kind = source.configMap ? 'ConfigMap' : 'Secret';
  const values = source.configMap ? configMapBytes(lookup, name) : secretBytes(lookup, name);
  if (!values) return wanted.optional ? undefined : `${kind} ${name}`;
  for (const [key, path, mode] of (wanted.items ?? []).length > 0
    ? wanted.items!.map(item => [item.key, item.path, item.mode ?? defaultMode] as const)
    : [...values.keys()].map(key => [key, key, defaultMode] as const)) {
    const bytes = values.get(key);
    if (bytes) files.set(path, { bytes, mode });
    else if (!wanted.optional) return `key ${key} of ${kind} ${name}`;
  }
  return undefined;
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

function addFields(
  downward: DownwardFiles,
  pod: Pod,
  lookup: EnvLookup,
  defaultMode: number,
  files: Map<string, VolumeFile>,
): string | undefined {
  for (const item of downward.items ?? []) {
    const { fieldRef, resourceFieldRef: resource } = item;
    const container =
      pod.spec.containers.find(one => one.name === resource?.containerName) ?? pod.spec.containers[0]!;
    const text = fieldRef
      ? fieldOf(pod, fieldRef.fieldPath, lookup.addresses)
      : resourceOf(container, resource?.resource ?? '');
    if (text === undefined) return `the field ${fieldRef?.fieldPath ?? resource?.resource ?? ''}`;
    files.set(item.path, { bytes: Buffer.from(text), mode: item.mode ?? defaultMode });
  }
  return undefined;
}
