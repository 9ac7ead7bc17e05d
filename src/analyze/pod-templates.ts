// The pod templates inside objects: what a Deployment, a CronJob or a Pod says that shall run.
import { type TemplatePath, templatePaths, valueAt } from '../../webhook/inject/index.ts';
import type { Labels } from '../model/index.ts';
import { fieldAt, isRecord, stringsOf } from '../plain/index.ts';
import { kindOf, type Stored } from '../registry/index.ts';

/** A pod template and whose it is. */
export interface OwnedTemplate {
  readonly owner: Stored;
  /** From the owner to the template: `spec`, `template`; nothing for a Pod. */
  readonly path: TemplatePath;
  /** Metadata and spec, as written. */
  readonly template: Readonly<Record<string, unknown>>;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** How many pods it asks for. */
  readonly replicas: number;
  /** Whether its pods are meant to end. */
  readonly ends: boolean;
}

/** Kinds, with their groups, that have pod templates and that clusters are asked for; of others, files tell. */
export const TEMPLATE_KINDS: readonly string[] = [
  'ReplicationController',
  'Deployment.apps',
  'StatefulSet.apps',
  'DaemonSet.apps',
  'ReplicaSet.apps',
  'Job.batch',
  'CronJob.batch',
  'Rollout.argoproj.io',
  'DeploymentConfig.apps.openshift.io',
  'CloneSet.apps.kruise.io',
];

/** The templates of the object; none for what has none, and for a ReplicaSet or Job that somebody else made. */
export function templatesOf(owner: Stored): readonly OwnedTemplate[] {
  const { object } = owner;
  if (object.metadata.ownerReferences?.length) return [];
  const { paths } = templatePaths(object as unknown as Record<string, unknown>);
  return paths.flatMap(path => {
    const template = valueAt(object, path);
    if (!isRecord(template) || !isRecord(template.spec)) return [];
    return [ownedTemplate(owner, path, template)];
  });
}

/** The first of its templates, which is the only one of Kubernetes' own kinds. */
export function templateOf(owner: Stored): OwnedTemplate | undefined {
  return templatesOf(owner)[0];
}

function ownedTemplate(
  owner: Stored,
  path: TemplatePath,
  template: Readonly<Record<string, unknown>>,
): OwnedTemplate {
  const beside = valueAt(owner.object, path.slice(0, -1));
  const replicas = path.length === 0 ? undefined : fieldAt(beside, 'replicas');
  const suspended = fieldAt(owner.object, 'spec', 'suspend') === true;
  const ends = ['Never', 'OnFailure'].includes(String(fieldAt(template, 'spec', 'restartPolicy')));
  const kind = kindOf(owner.object.apiVersion, owner.object.kind);
  return {
    owner,
    path,
    template,
    labels: stringsOf(fieldAt(template, 'metadata', 'labels')),
    annotations: stringsOf(fieldAt(template, 'metadata', 'annotations')),
    replicas: suspended ? 0 : typeof replicas === 'number' ? replicas : 1,
    ends: kind === 'Job.batch' || kind === 'CronJob.batch' || (ends && kind !== 'Pod'),
  };
}

/** Whether a Pod is one that runs, and not only one that somebody wrote down. */
export function isLivePod({ object }: Stored): boolean {
  return object.kind === 'Pod' && typeof fieldAt(object, 'status', 'podIP') === 'string';
}
