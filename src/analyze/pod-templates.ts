// The pod templates inside objects: what a Deployment, a CronJob or a Pod says that shall run.
import type { Labels } from '../model/index.ts';
import { kindOf, type Stored } from '../registry/index.ts';
import { fieldAt, isRecord, stringsOf } from './plain.ts';

/** A pod template and whose it is. */
export interface OwnedTemplate {
  readonly owner: Stored;
  /** From the owner to the template: `spec`, `template`; nothing for a Pod. */
  readonly path: readonly string[];
  /** Metadata and spec, as written. */
  readonly template: Readonly<Record<string, unknown>>;
  readonly labels: Labels;
  readonly annotations: Labels;
  /** How many pods it asks for. */
  readonly replicas: number;
  /** Whether its pods are meant to end. */
  readonly ends: boolean;
}

const paths: Readonly<Record<string, readonly string[]>> = {
  ReplicationController: ['spec', 'template'],
  'Deployment.apps': ['spec', 'template'],
  'StatefulSet.apps': ['spec', 'template'],
  'DaemonSet.apps': ['spec', 'template'],
  'ReplicaSet.apps': ['spec', 'template'],
  'Job.batch': ['spec', 'template'],
  'CronJob.batch': ['spec', 'jobTemplate', 'spec', 'template'],
};

/** Kinds, with their groups, that have pod templates; a Pod is one itself. */
export const TEMPLATE_KINDS: readonly string[] = Object.keys(paths);

/** The template of the object; undefined for what has none, and for a ReplicaSet or Job that somebody else made. */
export function templateOf(owner: Stored): OwnedTemplate | undefined {
  const { object } = owner;
  const kind = kindOf(object.apiVersion, object.kind);
  const path = kind === 'Pod' ? [] : paths[kind];
  if (path === undefined || object.metadata.ownerReferences?.length) return undefined;
  const template = fieldAt(object, ...path);
  if (!isRecord(template) || !isRecord(template.spec)) return undefined;
  const replicas = fieldAt(object, 'spec', 'replicas');
  const suspended = fieldAt(object, 'spec', 'suspend') === true;
  return {
    owner,
    path,
    template,
    labels: stringsOf(fieldAt(template, 'metadata', 'labels')),
    annotations: stringsOf(fieldAt(template, 'metadata', 'annotations')),
    replicas: suspended ? 0 : typeof replicas === 'number' ? replicas : 1,
    ends: kind === 'Job.batch' || kind === 'CronJob.batch',
  };
}

/** Whether a Pod is one that runs, and not only one that somebody wrote down. */
export function isLivePod({ object }: Stored): boolean {
  return object.kind === 'Pod' && typeof fieldAt(object, 'status', 'podIP') === 'string';
}
