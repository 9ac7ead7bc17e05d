// Tags: names that stand for a revision, each a webhook configuration of its own, with the right of that revision's control plane
// to keep its caBundle.
import { answerMessage, injectOptions, type KubeApi, webhookConfiguration } from '../../../webhook/index.ts';
import {
  DEFAULT_REVISION,
  isRevisionName,
  LABELS,
  REVISION_NAME,
  revisionNames,
  tagName,
} from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { recordOf, recordsOf } from '../../plain/index.ts';
import { nameOf } from '../install/difference.ts';
import { type Manifest, PART_OF } from '../install/index.ts';
import { installedVersion, optionsOfInstalled } from '../install/installed.ts';
import { installOptions } from '../install/options.ts';
import { type ApiObject, pathOf, readObject } from '../kubernetes/objects.ts';
import { known, type Revisions } from './revisions.ts';

/** What stands in the way of a tag. */
export function refuseTag(
  all: Revisions,
  tag: string,
  revision: string,
  overwrite: boolean,
): WeftError | undefined {
  const source = 'config';
  if (!isRevisionName(tag))
    return new WeftError('bad-configuration', `the tag '${tag}' is not ${REVISION_NAME}`, { source });
  if (!all.revisions.some(each => each.name === revision))
    return new WeftError('revision-unknown', `there is no revision ${revision}: ${known(all)}`, { source });
  if (tag !== DEFAULT_REVISION && all.revisions.some(each => each.name === tag))
    return new WeftError(
      'tag-taken',
      `${tag} is a revision, and a pod that chooses it would be injected by two; give the tag another name`,
      { source },
    );
  const now = all.tags.find(each => each.name === tag)?.revision;
  const isDefault = tag === DEFAULT_REVISION;
  const holder = now ?? (isDefault && all.revisions.some(each => each.name === tag) ? tag : undefined);
  if (holder === undefined || holder === revision || overwrite) return undefined;
  const words = `${tag} stands for ${holder}; add --overwrite to move it to ${revision}`;
  return new WeftError('tag-taken', words, { source });
}

/** The objects of a tag: the right first, then the configuration by which pods choose it. `installed`: those of its revision. */
export function tagObjects(tag: string, revision: string, installed: readonly ApiObject[]): Manifest[] {
  const options = installOptions(optionsOfInstalled(installed, revision));
  const labels = {
    ...PART_OF,
    'app.kubernetes.io/version': installedVersion(installed, revision) ?? options.version,
  };
  const choice = {
    systemNamespace: options.namespace,
    ignoredNamespaces: injectOptions().ignoredNamespaces,
    failurePolicy: options.failurePolicy,
    accept: options.acceptLabels,
    ...{ revision, answersTo: tag },
  };
  const configuration = withBundle(
    webhookConfiguration(choice, labels),
    bundleOf(installed, revision),
  ) as unknown as Manifest;
  // The default's own configuration is no tag again when it is set back to it.
  return tag === revision ? [configuration] : [...rights(tag, revision, options.namespace), configuration];
}

const group = 'rbac.authorization.k8s.io';

function rights(tag: string, revision: string, namespace: string): Manifest[] {
  const name = rightsName(tag);
  const metadata = { name, labels: { ...PART_OF, [LABELS.revision]: revision, [LABELS.tag]: tag } };
  return [
    {
      ...{ apiVersion: `${group}/v1`, kind: 'ClusterRole', metadata },
      rules: [
        {
          apiGroups: ['admissionregistration.k8s.io'],
          resources: ['mutatingwebhookconfigurations'],
          resourceNames: [tagName(tag)],
          verbs: ['get', 'patch'],
        },
      ],
    },
    {
      ...{ apiVersion: `${group}/v1`, kind: 'ClusterRoleBinding', metadata },
      roleRef: { apiGroup: group, kind: 'ClusterRole', name },
      subjects: [{ kind: 'ServiceAccount', name: revisionNames(revision).injector, namespace }],
    },
  ];
}

function rightsName(tag: string): string {
  return `weft-tag-${tag}`;
}

/** What there may be of a tag, in the order to delete it. */
export function tagReferences(tag: string): readonly ApiObject[] {
  const object = (apiVersion: string, kind: string, name: string): ApiObject => ({
    ...{ apiVersion, kind, metadata: { name } },
  });
  return [
    ...(tag === DEFAULT_REVISION
      ? []
      : [object('admissionregistration.k8s.io/v1', 'MutatingWebhookConfiguration', tagName(tag))]),
    object(`${group}/v1`, 'ClusterRoleBinding', rightsName(tag)),
    object(`${group}/v1`, 'ClusterRole', rightsName(tag)),
  ];
}

/**
 * The caBundle by which the API server trusts the revision already, or another one, whose roots are the same; undefined before a
 * control plane has written one.
 */
function bundleOf(installed: readonly ApiObject[], revision: string): string | undefined {
  const bundles = installed.flatMap(({ kind, metadata, webhooks }) => {
    const { caBundle } = recordOf(recordsOf(webhooks)[0]?.clientConfig);
    if (kind !== 'MutatingWebhookConfiguration' || typeof caBundle !== 'string') return [];
    return [{ caBundle, isOwn: (metadata.labels?.[LABELS.revision] ?? DEFAULT_REVISION) === revision }];
  });
  return (bundles.find(({ isOwn }) => isOwn) ?? bundles[0])?.caBundle;
}

function withBundle(configuration: Readonly<Record<string, unknown>>, caBundle: string | undefined): object {
  if (caBundle === undefined) return configuration;
  const webhooks = recordsOf(configuration.webhooks).map(each => ({
    ...each,
    clientConfig: { ...recordOf(each.clientConfig), caBundle },
  }));
  return { ...configuration, webhooks };
}

/**
 * Writes the objects whole: what an entry had from before must not stay beside what is wanted, and the API server sees the old or
 * the new configuration and nothing between. Rejects with WeftError `apply-refused`.
 */
export async function writeWhole(api: KubeApi, objects: readonly Manifest[]): Promise<void> {
  for (const object of objects) {
    const path = pathOf(object)!;
    const now = await readObject(api, path);
    const { resourceVersion } = recordOf(now?.metadata);
    const isBinding = object.kind.endsWith('Binding');
    // The role of a binding cannot change; it is of the same name.
    const answer =
      now === undefined
        ? await api.request({ method: 'POST', path: path.slice(0, path.lastIndexOf('/')), body: object })
        : await api.request({
            ...{ method: 'PUT', path },
            body: { ...object, metadata: { ...object.metadata, resourceVersion } },
          });
    if (answer.status < 300) continue;
    const part =
      isBinding || object.kind === 'ClusterRole' ? 'pods choose as before' : 'run the command again';
    throw new WeftError(
      'apply-refused',
      `the server refuses ${nameOf(object)} (${answerMessage(answer)}); ${part}`,
      { source: 'config' },
    );
  }
}
