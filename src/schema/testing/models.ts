// Kubernetes' types as the models of @kubernetes/client-node have them, which are generated from its OpenAPI document.
import * as models from '@kubernetes/client-node';

const LINE_WIDTH = 110;

/** Kinds that folders of YAML have, by apiVersion. */
const kinds: Readonly<Record<string, string>> = {
  v1: `ConfigMap Endpoints LimitRange Namespace PersistentVolume PersistentVolumeClaim Pod PodTemplate ReplicationController ResourceQuota
    Secret Service ServiceAccount`,
  'apps/v1': 'DaemonSet Deployment ReplicaSet StatefulSet',
  'autoscaling/v2': 'HorizontalPodAutoscaler',
  'batch/v1': 'CronJob Job',
  'discovery.k8s.io/v1': 'EndpointSlice',
  'networking.k8s.io/v1': 'Ingress IngressClass NetworkPolicy',
  'policy/v1': 'PodDisruptionBudget',
  'rbac.authorization.k8s.io/v1': 'ClusterRole ClusterRoleBinding Role RoleBinding',
  'scheduling.k8s.io/v1': 'PriorityClass',
  'storage.k8s.io/v1': 'StorageClass',
};

interface Attribute {
  readonly baseName: string;
  readonly type: string;
}

/** `Pod` of `v1`: `V1Pod`; of two groups that have one version and kind the library would write the group before it. */
function kindTable(): [kind: string, type: string][] {
  return Object.entries(kinds).flatMap(([apiVersion, names]) => {
    const version = apiVersion.split('/').at(-1)!.replace(/^v/, 'V');
    return names.split(/\s+/).map((kind): [string, string] => [`${apiVersion} ${kind}`, `${version}${kind}`]);
  });
}

/** The attributes of a model; undefined for what is no model but a scalar or `any`. */
function attributesOf(type: string): readonly Attribute[] | undefined {
  const model = (models as unknown as Record<string, { getAttributeTypeMap?(): readonly Attribute[] }>)[type];
  return model?.getAttributeTypeMap?.();
}

/** `containers:V1Container` for a field or a list of what has fields itself, `limits` for all others. */
function word({ baseName, type }: Attribute): { readonly word: string; readonly inner?: string } {
  const inner = /^(?:Array<)?(\w+)>?$/.exec(type)?.[1];
  if (inner !== undefined && attributesOf(inner)) return { word: `${baseName}:${inner}`, inner };
  // Keys of maps are their users' own; none of these kinds has a map of anything but scalars.
  if (/V\d/.test(type)) throw new Error(`${baseName} has the type ${type}, which nobody reads`);
  return { word: baseName };
}

/** The text of fields.table.ts. */
export function tableText(): string {
  const table = kindTable();
  const types = new Map<string, readonly string[]>();
  const waiting = table.map(([, type]) => type);
  for (let type = waiting.pop(); type !== undefined; type = waiting.pop()) {
    if (types.has(type)) continue;
    const words = (attributesOf(type) ?? missing(type)).map(word);
    types.set(
      type,
      words.map(each => each.word),
    );
    waiting.push(...words.flatMap(({ inner }) => inner ?? []));
  }
  const rows = [...types].sort(([a], [b]) => (a < b ? -1 : 1));
  return [
    '// Written by fields.test.ts (UPDATE_GOLDEN=1) from the models of @kubernetes/client-node; do not edit.',
    '',
    "/** The type of each of Kubernetes' own kinds that folders of YAML have. */",
    'export const KINDS: Readonly<Record<string, string>> = {',
    ...table.map(([kind, type]) => `  '${kind}': '${type}',`),
    '};',
    '',
    '/** The fields of each type; after a colon the type of a field that has fields itself. */',
    'export const FIELDS: Readonly<Record<string, string>> = {',
    ...rows.map(([type, words]) => `  ${type}: ${wrapped(type, words)},`),
    '};',
    '',
  ].join('\n');
}

function missing(type: string): never {
  throw new Error(`the client library has no model ${type}`);
}

/** In the house format: one line where it fits. */
function wrapped(type: string, words: readonly string[]): string {
  const line = `'${words.join(' ')}'`;
  if (`  ${type}: ${line},`.length <= LINE_WIDTH) return line;
  const lines = [''];
  for (const each of words) {
    if (lines.at(-1)!.length + each.length > LINE_WIDTH - 5) lines.push('');
    lines.push(`${lines.pop()} ${each}`.trimStart());
  }
  return `\`\n    ${lines.join('\n    ')}\``;
}
