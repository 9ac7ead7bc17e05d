// The control planes of a cluster, the tags that stand for them, and who chooses which. In: objects as the API server has them.
import {
  chosenRevision,
  type KubeApi,
  type NamespaceMarks,
  type RevisionChoice,
  readStatus,
} from '../../../webhook/index.ts';
import type { PodTemplate } from '../../../webhook/inject/pod.ts';
import {
  ANNOTATIONS,
  DEFAULT_REVISION,
  ENVIRONMENT,
  LABELS,
  revisionNames,
  revisionOfInjector,
} from '../../config/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import { CONTROL_PLANES } from '../install/index.ts';
import { installedVersion, optionsOfInstalled } from '../install/installed.ts';
import { type ApiObject, listObjects } from '../kubernetes/objects.ts';

/** A control plane of its own. */
export interface Revision {
  readonly name: string;
  /** '' where its Deployment does not say. */
  readonly version: string;
  readonly replicas: number;
  readonly ready: number;
  readonly acceptsIstio: boolean;
  readonly trustDomain: string;
  /** Who signs instead of the control plane's own key; ''. */
  readonly issuer: string;
}

/** A name that pods may choose instead of a revision's. */
export interface Tag {
  readonly name: string;
  readonly revision: string;
}

/** What there is of both. `default` is a tag only where it stands for another revision than the one of that name. */
export interface Revisions {
  readonly revisions: readonly Revision[];
  readonly tags: readonly Tag[];
}

const configurations = '/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations';

/** Reads them; `namespace` is where the control planes are. Rejects with the WeftError of what may not be read. */
export async function readRevisions(api: KubeApi, namespace: string): Promise<Revisions> {
  const within = `namespaces/${encodeURIComponent(namespace)}`;
  const query = { labelSelector: CONTROL_PLANES };
  const [deployments, maps, webhooks] = await Promise.all([
    listObjects(api, `/apis/apps/v1/${within}/deployments`, query),
    listObjects(api, `/api/v1/${within}/configmaps`, query),
    listObjects(api, configurations, query),
  ]);
  return revisionsOf(deployments ?? [], maps ?? [], webhooks ?? []);
}

/** The same of objects that are at hand: Deployments, ConfigMaps of settings, webhook configurations. */
export function revisionsOf(
  deployments: readonly ApiObject[],
  maps: readonly ApiObject[],
  webhooks: readonly ApiObject[],
): Revisions {
  const revisions = deployments.flatMap((deployment): Revision[] => {
    const name = revisionOfInjector(deployment.metadata.name);
    if (name === undefined) return [];
    const own = [deployment, ...maps.filter(each => each.metadata.name === revisionNames(name).settings)];
    const options = optionsOfInstalled(own, name);
    return [
      {
        name,
        version: installedVersion([deployment], name) ?? '',
        replicas: Number(recordOf(deployment.spec).replicas ?? 1),
        ready: Number(recordOf(deployment.status).readyReplicas ?? 0),
        acceptsIstio: options.acceptLabels?.includes('istio') ?? false,
        trustDomain: options.trustDomain ?? '',
        issuer: options.issuer ?? '',
      },
    ];
  });
  const tags = webhooks.flatMap(({ metadata: { labels = {} } }): Tag[] => {
    const { [LABELS.tag]: name, [LABELS.revision]: revision } = labels;
    return name === undefined || revision === undefined ? [] : [{ name, revision }];
  });
  const byName = (a: { name: string }, b: { name: string }): number => (a.name < b.name ? -1 : 1);
  return { revisions: revisions.sort(byName), tags: tags.sort(byName) };
}

/** The revision that a name means, its own or a tag's; undefined where there is none. */
export function meantBy({ revisions, tags }: Revisions, name: string): string | undefined {
  const revision = tags.find(each => each.name === name)?.revision ?? name;
  return revisions.some(each => each.name === revision) ? revision : undefined;
}

/** What a pod with these labels chooses in a namespace with these, and the revision that it means, if there is one. */
export function choiceOf(
  all: Revisions,
  pod: Readonly<Record<string, string>>,
  namespace: Readonly<Record<string, string>>,
): RevisionChoice & { readonly revision: string | undefined } {
  const istio = all.revisions.some(({ acceptsIstio }) => acceptsIstio);
  const choice = chosenRevision(pod, namespace, istio);
  return { ...choice, revision: meantBy(all, choice.name) };
}

/** The revision whose control plane a pod's proxy goes to: injected, or of a gateway; undefined where it has none. */
export function servedBy(pod: ApiObject): string | undefined {
  const { metadata, spec, status } = pod;
  if (['Succeeded', 'Failed'].includes(String(recordOf(status).phase))) return undefined;
  const { containers, initContainers } = recordOf(spec);
  const proxy = [...recordsOf(containers), ...recordsOf(initContainers)].find(
    each => each.name === 'weft-proxy',
  );
  const address = recordsOf(proxy?.env).find(each => each.name === ENVIRONMENT.controlPlane)?.value;
  const named = revisionOfInjector(/^[^.:]*/.exec(String(address ?? ''))![0]);
  if (named !== undefined) return named;
  if (metadata.annotations?.[ANNOTATIONS.status] === undefined) return undefined;
  // Injected with an address of somebody's own, or its spec is not here.
  const written = readStatus(pod as unknown as PodTemplate);
  return (typeof written === 'object' ? written.revision : undefined) ?? DEFAULT_REVISION;
}

/** How many pods, their namespace, and what they have and choose. */
export interface OutOfDate {
  readonly namespace: string;
  readonly pods: readonly string[];
  /** The revision that their proxies go to. */
  readonly has: string;
  /** What they would have if they were made now: a revision, and the name by which it is chosen. */
  readonly chooses: string;
  readonly by: string;
}

/** Running pods whose proxies go to another revision than they choose by now; those that choose none that exists are left out. */
export function outOfDatePods(
  all: Revisions,
  pods: readonly ApiObject[],
  namespaces: ReadonlyMap<string, NamespaceMarks>,
): readonly OutOfDate[] {
  const found = new Map<string, OutOfDate & { readonly pods: string[] }>();
  for (const pod of pods) {
    const { name, namespace = 'default', labels = {}, annotations = {} } = pod.metadata;
    const has = annotations[ANNOTATIONS.status] === undefined ? undefined : servedBy(pod);
    if (has === undefined) continue;
    const { revision, name: chosen, by } = choiceOf(all, labels, namespaces.get(namespace)?.labels ?? {});
    if (revision === undefined || revision === has) continue;
    const key = `${namespace} ${has} ${revision}`;
    const known = found.get(key);
    if (known) known.pods.push(name);
    else {
      const words = by ?? `no label, which is ${chosen}`;
      found.set(key, { namespace, pods: [name], has, chooses: revision, by: words });
    }
  }
  return [...found.keys()].sort().map(key => found.get(key)!);
}

/** Namespaces whose label names a revision or tag that does not exist. */
export function lostNamespaces(
  all: Revisions,
  namespaces: ReadonlyMap<string, NamespaceMarks>,
): readonly { readonly namespace: string; readonly name: string; readonly by: string }[] {
  return [...namespaces].flatMap(([namespace, { labels }]) => {
    const { name, by, revision } = choiceOf(all, {}, labels);
    const isNamed = by?.includes(LABELS.revision) || by?.includes(LABELS.istioRevision);
    return revision === undefined && isNamed ? [{ namespace, name, by: by! }] : [];
  });
}

/** `there are default and canary, and the tag prod for canary`, for messages. */
export function known({ revisions, tags }: Revisions): string {
  const names = revisions.map(({ name }) => name);
  if (names.length === 0) return 'there is none in this cluster';
  const tagged = tags.map(({ name, revision }) => `${name} for ${revision}`);
  return `there ${names.length === 1 ? 'is' : 'are'} ${names.join(', ')}${tagged.length === 0 ? '' : `, and the tags ${tagged.join(', ')}`}`;
}
