// Look-ups about a pod through the API, for whoever has no registry that knows, or one that may lag behind.
import { WeftError } from '../../src/errors/index.ts';
import type { Labels } from '../../src/model/index.ts';
import type { Clock } from '../../src/time/index.ts';
import type { NamespaceMarks } from '../inject/index.ts';
import { isMap } from '../inject/pod.ts';
import { controllerOf } from './admit.ts';
import { answerMessage, type KubeApi, METADATA_ONLY } from './kube-api.ts';
import type { Namespaces, Owner, OwnerRef, Owners } from './options.ts';

/**
 * Namespaces from `known` (a registry), and through the API what that does not know. `fresh` asks the API in any case.
 * Rejects when a namespace is unknown and the API cannot be asked.
 */
export function namespaceLookup(
  api: KubeApi,
  known: (name: string) => NamespaceMarks | undefined = () => undefined,
): Required<Namespaces> {
  const fresh = async (name: string): Promise<NamespaceMarks | undefined> => {
    const path = `/api/v1/namespaces/${encodeURIComponent(name)}`;
    const answer = await api.request({ method: 'GET', path, accept: METADATA_ONLY, timeoutMs: 2_000 });
    if (answer.status === 404) return undefined;
    if (answer.status !== 200) {
      throw new WeftError(
        'namespace-unknown',
        `namespace ${name} cannot be read: ${answerMessage(answer)}; weft-injector needs the permission to get namespaces`,
      );
    }
    const metadata = metadataOf(answer.body);
    return { labels: stringsOf(metadata.labels), annotations: stringsOf(metadata.annotations) };
  };
  return { fresh, get: name => known(name) ?? fresh(name) };
}

/** Kinds whose annotations count, by apiVersion and kind; all of these are in weft-injector's ClusterRole. */
const readable: Readonly<Record<string, string>> = {
  'apps/v1 ReplicaSet': 'replicasets',
  'apps/v1 StatefulSet': 'statefulsets',
  'apps/v1 DaemonSet': 'daemonsets',
  'batch/v1 Job': 'jobs',
  'batch/v1 CronJob': 'cronjobs',
  'batch/v1beta1 CronJob': 'cronjobs',
};

/** How long an owner is believed: a rollout makes many pods of one in a moment, and annotations change seldom. */
const ownerMs = 10_000;
const maxOwners = 2048;

/**
 * Owners through the API, each kept for ten seconds. Undefined for kinds that Weft may not read, owners that are gone, and when
 * nobody answers: a pod is never held up for the annotations of its owner.
 */
export function ownerLookup(api: KubeApi, clock: Clock): Owners {
  const kept = new Map<string, { readonly untilMs: number; readonly owner: Promise<Owner | undefined> }>();
  const read = async (namespace: string, ref: OwnerRef): Promise<Owner | undefined> => {
    const own = await readMetadata(api, namespace, ref);
    if (own === undefined) return undefined;
    const annotations = stringsOf(own.annotations);
    const above = controllerOf({ metadata: own });
    if (above === undefined) return { annotations, top: ref };
    // A Deployment's annotations are on its ReplicaSets already; a CronJob's are not on its Jobs.
    if (above.kind !== 'CronJob') return { annotations, top: above };
    const cron = await readMetadata(api, namespace, above);
    return { annotations: { ...stringsOf(cron?.annotations), ...annotations }, top: above };
  };
  return async (namespace, ref) => {
    const key = `${namespace}/${ref.kind}/${ref.uid ?? ref.name}`;
    const nowMs = clock.monotonic();
    const known = kept.get(key);
    if (known && nowMs < known.untilMs) return known.owner;
    const owner = read(namespace, ref).catch(() => undefined);
    kept.delete(key);
    kept.set(key, { untilMs: nowMs + ownerMs, owner });
    if (kept.size > maxOwners) kept.delete(kept.keys().next().value!);
    return owner;
  };
}

async function readMetadata(
  api: KubeApi,
  namespace: string,
  { apiVersion, kind, name }: OwnerRef,
): Promise<Record<string, unknown> | undefined> {
  const key = `${apiVersion} ${kind}`;
  if (!Object.hasOwn(readable, key)) return undefined;
  const path = `/apis/${apiVersion}/namespaces/${encodeURIComponent(namespace)}/${readable[key]}/${encodeURIComponent(name)}`;
  const answer = await api.request({ method: 'GET', path, accept: METADATA_ONLY, timeoutMs: 1_500 });
  return answer.status === 200 ? metadataOf(answer.body) : undefined;
}

function metadataOf(body: unknown): Record<string, unknown> {
  return isMap(body) && isMap(body.metadata) ? body.metadata : {};
}

function stringsOf(value: unknown): Labels {
  if (!isMap(value)) return {};
  return Object.fromEntries(
    Object.entries(value).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}
