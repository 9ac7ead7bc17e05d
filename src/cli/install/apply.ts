// Puts manifests into a cluster in the order in which an installation can stand on them, and keeps what was there before.
import { answerMessage, type KubeApi } from '../../../webhook/index.ts';
import { DEFAULT_REVISION, LABELS, revisionNames } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { isRecord, recordOf } from '../../plain/index.ts';
import { type ApiObject, INSTALLED_KINDS, pathOf, readObject } from '../kubernetes/objects.ts';
import { nameOf } from './difference.ts';
import { PART_OF } from './names.ts';

/** What Weft owns of an object is known to the server by this name. */
const fieldManager = 'weft';
const rolloutMs = 300_000;
const lookEveryMs = 1_000;

/** As they stand on each other: namespace, definitions, accounts, rights, settings, what runs, and last what calls it. */
export function inOrder<T extends { readonly kind: string }>(objects: readonly T[]): T[] {
  const rank = (kind: string): number => INSTALLED_KINDS.findLastIndex(each => each.kind === kind);
  return [...objects].sort((one, other) => rank(other.kind) - rank(one.kind));
}

/**
 * Applies all of them, by the server's own apply. Nothing is changed unless the server would take every one of them. Before the
 * webhook's configuration it waits until every replica of the control plane is of the new version. Rejects with WeftError
 * `apply-refused` or `rollout-unfinished`.
 */
export async function applyAll(
  api: KubeApi,
  objects: readonly ApiObject[],
  say: (words: string) => void,
): Promise<void> {
  const ordered = inOrder(objects);
  for (const object of ordered) await apply(api, object, { dryRun: 'All' });
  for (const object of ordered) {
    await apply(api, object, {});
    say(`applied ${nameOf(object)}`);
    if (object.kind === 'Deployment') await rolledOut(api, object, say);
  }
}

async function apply(
  api: KubeApi,
  object: ApiObject,
  query: Readonly<Record<string, string>>,
): Promise<void> {
  const path = pathOf(object);
  if (path === undefined) return;
  const answer = await api.request({
    ...{ method: 'PATCH', path, body: object, contentType: 'application/apply-patch+yaml' },
    query: { fieldManager, force: 'true', ...query },
  });
  if (answer.status < 300) return;
  const what = query.dryRun === undefined ? 'it is applied in part' : 'nothing was changed';
  throw new WeftError(
    'apply-refused',
    `the server refuses ${nameOf(object)} (${answerMessage(answer)}); ${what}`,
    { source: 'config' },
  );
}

async function rolledOut(api: KubeApi, object: ApiObject, say: (words: string) => void): Promise<void> {
  const path = pathOf(object)!;
  let told = '';
  for (const limit = performance.now() + rolloutMs; performance.now() < limit; ) {
    const now = await readObject(api, path);
    const { generation } = recordOf(now?.metadata);
    const { replicas = 1 } = recordOf(now?.spec);
    const status = recordOf(now?.status);
    const { updatedReplicas = 0, availableReplicas = 0 } = status;
    const seen = Number(status.observedGeneration ?? 0) >= Number(generation ?? 0);
    if (
      seen &&
      updatedReplicas === replicas &&
      availableReplicas === replicas &&
      status.replicas === replicas
    )
      return;
    const words = `${nameOf(object)}: ${updatedReplicas} of ${replicas} replicas are new, ${availableReplicas} available`;
    if (words !== told) say(words);
    told = words;
    await new Promise(resolve => setTimeout(resolve, lookEveryMs));
  }
  throw new WeftError(
    'rollout-unfinished',
    `${told} after ${rolloutMs / 60_000} minutes; see kubectl describe and weft check, and go back with weft upgrade --rollback`,
    { source: 'config' },
  );
}

/** What a cluster had before an upgrade. */
export interface Before {
  readonly version: string;
  readonly objects: readonly ApiObject[];
}

/**
 * Keeps what is there of what will be applied. Definitions are left out: those of a newer version know everything that those of
 * an older one do, and taking fields away would lose what stands in them.
 */
export async function keepBefore(
  api: KubeApi,
  live: readonly ApiObject[],
  wanted: readonly ApiObject[],
  version: string,
  revision: string = DEFAULT_REVISION,
): Promise<void> {
  const replaced = live.filter(
    each => each.kind !== 'CustomResourceDefinition' && wanted.some(other => nameOf(other) === nameOf(each)),
  );
  const namespace = replaced.find(({ kind }) => kind === 'Deployment')?.metadata.namespace;
  const map = {
    ...{ apiVersion: 'v1', kind: 'ConfigMap' },
    metadata: {
      name: revisionNames(revision).before,
      namespace: namespace ?? '',
      labels: { ...PART_OF, [LABELS.revision]: revision },
    },
    data: { version, objects: JSON.stringify(replaced.map(withoutServersOwn)) },
  };
  await apply(api, map, {});
}

/** What `keepBefore` kept; undefined when there was no upgrade. */
export async function readBefore(
  api: KubeApi,
  live: readonly ApiObject[],
  revision: string = DEFAULT_REVISION,
): Promise<Before | undefined> {
  const names = revisionNames(revision);
  const deployment = live.find(
    ({ kind, metadata }) => kind === 'Deployment' && metadata.name === names.injector,
  );
  const namespace = deployment?.metadata.namespace ?? '';
  const map = await readObject(
    api,
    `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${names.before}`,
  );
  const { version, objects } = recordOf(map?.data);
  if (typeof version !== 'string' || typeof objects !== 'string') return undefined;
  return { version, objects: JSON.parse(objects) as readonly ApiObject[] };
}

/** Without what the server and the control plane write: an object that may be applied again. */
function withoutServersOwn({ status: _, ...object }: ApiObject): ApiObject {
  const { name, namespace, labels, annotations } = object.metadata;
  const { 'kubectl.kubernetes.io/last-applied-configuration': __, ...own } = annotations ?? {};
  const metadata = {
    name,
    ...(namespace !== undefined && { namespace }),
    ...(labels && { labels }),
    ...(Object.keys(own).length > 0 && { annotations: own }),
  };
  // Tokens that a server before 1.24 made for an account.
  if (object.kind === 'ServiceAccount') return { ...object, metadata, secrets: undefined };
  if (object.kind === 'Service')
    return { ...object, metadata, spec: withoutAddresses(recordOf(object.spec)) };
  if (object.kind !== 'MutatingWebhookConfiguration' || !Array.isArray(object.webhooks))
    return { ...object, metadata };
  const webhooks = object.webhooks.map(each => {
    const { caBundle: ___, ...clientConfig } = recordOf(recordOf(each).clientConfig);
    return isRecord(each) ? { ...each, clientConfig } : each;
  });
  return { ...object, metadata, webhooks };
}

/**
 * Of a Service, what its cluster gave it: who applies an address owns it, and the next upgrade, which names none, would take it
 * away, which servers before 1.21 refuse.
 */
function withoutAddresses({
  clusterIP,
  clusterIPs: _,
  ipFamilies: __,
  ipFamilyPolicy: ___,
  ...spec
}: Readonly<Record<string, unknown>>): object {
  return clusterIP === 'None' ? { ...spec, clusterIP } : spec;
}
