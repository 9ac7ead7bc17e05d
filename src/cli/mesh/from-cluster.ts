import { type InjectOptions, injectOptions, kubeApiOf } from '../../../webhook/index.ts';
import { TEMPLATE_KINDS } from '../../analyze/index.ts';
import { SYSTEM_NAMESPACE, VERSION } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import type { ResourceType } from '../../kubernetes/index.ts';
import { type Problem, problem } from '../../model/index.ts';
import { type KubeObject, readObject, refOf, type Stored } from '../../registry/index.ts';
import { policyKinds } from '../../translate/index.ts';
import { CheckContext } from '../check/index.ts';
import type { Cluster, ClusterFlags } from '../kubernetes/connect.ts';
import { listObjects, readObject as readApiObject } from '../kubernetes/objects.ts';
import { UNREAD_KINDS } from '../migrate/migration.ts';
import { controllerSettings, fieldsNamed } from './controller-settings.ts';
import type { ReadObjects } from './from-files.ts';

/** Kinds that the cluster may or may not have, beside policies. */
const others = [
  'Ingress.networking.k8s.io',
  'HorizontalPodAutoscaler.autoscaling',
  // Which revisions and tags of control planes there are.
  'MutatingWebhookConfiguration.admissionregistration.k8s.io',
  ...UNREAD_KINDS,
];

/**
 * Everything of the cluster that a mesh is made of, read once. Rejects with a WeftError where Services or pods cannot be read.
 */
export async function readCluster({
  kubeconfig,
  context,
}: ClusterFlags): Promise<ReadObjects & { readonly inject: InjectOptions }> {
  const { KubeClient, TYPES, ApiError, discover, groupKindOf, collectionPath, objectPath } = await import(
    '../../kubernetes/index.ts'
  );
  const client = new KubeClient({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    userAgent: `weft/${VERSION}`,
  });
  const slices = groupKindOf(TYPES.endpointSlice);
  const found = await discover(client, [slices, ...TEMPLATE_KINDS, ...others, ...policyKinds]);
  if (found instanceof ApiError) throw found;
  const endpoints = found.types.has(slices) ? [] : [TYPES.endpoints];
  const required: readonly ResourceType[] = [TYPES.namespace, TYPES.service, TYPES.pod, ...endpoints];
  const optional: readonly ResourceType[] = [TYPES.node, ...found.types.values()];
  const api = kubeApiOf(client);
  const objects: Stored[] = [];
  const problems: Problem[] = [];
  for (const type of [...required, ...optional]) {
    try {
      for (const item of (await listObjects(api, collectionPath(type))) ?? []) {
        const read = readObject(item);
        if (read.kind === 'object') objects.push({ object: read.object, ref: refOf(read.object) });
      }
    } catch (error) {
      if (!(error instanceof WeftError) || required.includes(type)) throw error;
      problems.push(leftOut(groupKindOf(type), error));
    }
  }
  // Only these: nobody need be let read every ConfigMap of the cluster for it.
  const read = async (refs: readonly string[]): Promise<void> => {
    for (const ref of refs) {
      if (objects.some(({ object }) => object.kind === 'ConfigMap' && ref === keyOf(object))) continue;
      const [namespace, name = ''] = ref.split('/');
      try {
        const found = await readApiObject(api, objectPath(TYPES.configMap, namespace, name));
        const made = found && readObject({ ...found, apiVersion: 'v1', kind: 'ConfigMap' });
        if (made?.kind === 'object') objects.push({ object: made.object, ref: refOf(made.object) });
      } catch (error) {
        if (!(error instanceof WeftError)) throw error;
        problems.push(leftOut(`ConfigMap ${ref}`, error));
      }
    }
  };
  await read(controllerSettings(objects).map(each => each.ref));
  await read(fieldsNamed(objects));
  const settings = await settingsOf({ ...api, server: client.server });
  if (settings instanceof WeftError) problems.push(leftOut('setting of injection', settings));
  const inject = settings instanceof WeftError ? injectOptions() : settings;
  return { objects, problems, inject };
}

/** How the installed Weft injects, or would. */
async function settingsOf(cluster: Cluster): Promise<InjectOptions | WeftError> {
  try {
    return (await new CheckContext(cluster, SYSTEM_NAMESPACE).settings()).inject;
  } catch (error) {
    if (error instanceof WeftError) return error;
    throw error;
  }
}

function keyOf({ metadata: { namespace, name } }: KubeObject): string {
  return `${namespace}/${name}`;
}

function leftOut(kind: string, error: WeftError): Problem {
  const message = `${error.message}; every ${kind} is left out, so let this account list them`;
  return problem(error.code, message, { severity: 'warning' });
}
