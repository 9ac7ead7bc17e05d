// Reading and naming objects through the API, for commands.
import { answerMessage, type KubeAnswer, type KubeApi } from '../../../webhook/index.ts';
import { WeftError } from '../../errors/index.ts';

/** An object as the server gives it; everything but metadata is for its reader to check. */
export interface ApiObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    readonly namespace?: string;
    readonly uid?: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
    readonly creationTimestamp?: string;
  };
  readonly [field: string]: unknown;
}

/** A kind by where its objects are. */
export interface KindPath {
  readonly apiVersion: string;
  readonly kind: string;
  readonly plural: string;
  readonly namespaced: boolean;
}

const kinds: readonly (readonly [apiVersion: string, kind: string, plural: string, namespaced: boolean])[] = [
  ['admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', 'mutatingwebhookconfigurations', false],
  ['networking.k8s.io/v1', 'NetworkPolicy', 'networkpolicies', true],
  ['policy/v1', 'PodDisruptionBudget', 'poddisruptionbudgets', true],
  ['policy/v1beta1', 'PodDisruptionBudget', 'poddisruptionbudgets', true],
  ['apps/v1', 'Deployment', 'deployments', true],
  ['v1', 'Service', 'services', true],
  ['rbac.authorization.k8s.io/v1', 'RoleBinding', 'rolebindings', true],
  ['rbac.authorization.k8s.io/v1', 'Role', 'roles', true],
  ['rbac.authorization.k8s.io/v1', 'ClusterRoleBinding', 'clusterrolebindings', false],
  ['rbac.authorization.k8s.io/v1', 'ClusterRole', 'clusterroles', false],
  ['v1', 'ConfigMap', 'configmaps', true],
  ['coordination.k8s.io/v1', 'Lease', 'leases', true],
  ['v1', 'Secret', 'secrets', true],
  ['v1', 'ServiceAccount', 'serviceaccounts', true],
  ['apiextensions.k8s.io/v1', 'CustomResourceDefinition', 'customresourcedefinitions', false],
  ['v1', 'Namespace', 'namespaces', false],
];

function kindPath([apiVersion, kind, plural, namespaced]: (typeof kinds)[number]): KindPath {
  return { apiVersion, kind, plural, namespaced };
}

/** The kinds that an installation consists of, in the order to delete them: first what calls it, last what holds it. */
export const INSTALLED_KINDS: readonly KindPath[] = kinds.map(kindPath);

/** The kinds of `weft install --monitoring`, which no installation needs and many a cluster does not have. */
export const MONITORING_KINDS: readonly KindPath[] = [
  kindPath(['monitoring.coreos.com/v1', 'PodMonitor', 'podmonitors', true]),
  kindPath(['monitoring.coreos.com/v1', 'ServiceMonitor', 'servicemonitors', true]),
  kindPath(['monitoring.coreos.com/v1', 'PrometheusRule', 'prometheusrules', true]),
];

/** The path of all objects of a kind, or of those of one namespace. */
export function listPath({ apiVersion, plural }: KindPath, namespace?: string): string {
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  return `${root}${namespace === undefined ? '' : `/namespaces/${encodeURIComponent(namespace)}`}/${plural}`;
}

/** The path of one object of INSTALLED_KINDS or MONITORING_KINDS; undefined for other kinds. */
export function pathOf(object: {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: object;
}): string | undefined {
  const path = [...INSTALLED_KINDS, ...MONITORING_KINDS].find(
    ({ apiVersion, kind }) => apiVersion === object.apiVersion && kind === object.kind,
  );
  const { name, namespace } = object.metadata as { name: string; namespace?: string };
  if (path === undefined) return undefined;
  return `${listPath(path, path.namespaced ? namespace : undefined)}/${encodeURIComponent(name)}`;
}

/** The object at `path`; undefined when there is none. Rejects with a WeftError when it cannot be read. */
export async function readObject(api: KubeApi, path: string): Promise<ApiObject | undefined> {
  const answer = await api.request({ method: 'GET', path });
  if (answer.status === 404) return undefined;
  if (answer.status !== 200) throw refused(path, answer);
  return answer.body as ApiObject;
}

/** Every object at `path`, page by page. Undefined when the server has no such kind. */
export async function listObjects(
  api: KubeApi,
  path: string,
  query: Readonly<Record<string, string>> = {},
): Promise<ApiObject[] | undefined> {
  const objects: ApiObject[] = [];
  let next = '';
  do {
    const answer = await api.request({
      method: 'GET',
      path,
      query: { ...query, limit: '500', ...(next === '' ? {} : { continue: next }) },
    });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) throw refused(path, answer);
    const list = answer.body as {
      items?: ApiObject[];
      kind?: string;
      apiVersion?: string;
      metadata?: { continue?: string };
    };
    // Items of a list come without apiVersion and kind.
    const kind = (list.kind ?? '').replace(/List$/, '');
    for (const item of list.items ?? []) objects.push({ ...item, apiVersion: list.apiVersion ?? '', kind });
    next = list.metadata?.continue ?? '';
  } while (next !== '');
  return objects;
}

function refused(path: string, answer: KubeAnswer): WeftError {
  return new WeftError('api-refused', `${path} cannot be read: ${answerMessage(answer)}`, {
    source: 'config',
  });
}
