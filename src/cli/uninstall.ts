import type { Command } from 'commander';
import { stringify } from 'yaml';
import { answerMessage } from '../../webhook/index.ts';
import { ANNOTATIONS, DEFAULT_REVISION, revisionNames, SYSTEM_NAMESPACE } from '../config/index.ts';
import { WeftError } from '../errors/index.ts';
import { guarded } from './guarded.ts';
import { nameOf } from './install/difference.ts';
import { type Cluster, type ClusterFlags, clusterFlags, connect } from './kubernetes/connect.ts';
import { findInstalled, ownerOf } from './kubernetes/installed.ts';
import {
  type ApiObject,
  INSTALLED_KINDS,
  listObjects,
  MONITORING_KINDS,
  pathOf,
} from './kubernetes/objects.ts';
import { known, readRevisions } from './revision/revisions.ts';
import { usersOf } from './revision/users.ts';

const help = `
Prints every object of Weft's in the cluster, for kubectl delete, or deletes them itself with --delete: the webhook first, so that no
pod is held up, the namespace last. Nothing is left, the root of the mesh neither: a later installation has another one.

With --revision it is one of several control planes, and what all of them share stays: definitions, roles for people, the root. One that
pods, namespaces or tags use is not deleted without --force.

Pods that have a proxy keep it until they are restarted, and carry traffic until their certificates end. Unlabel their namespaces
and restart them first; weft tells which.

Examples:
  weft uninstall | kubectl delete -f -
  weft uninstall --delete
  weft uninstall --revision canary --delete`;

/** Adds the command `uninstall`. */
export function register(program: Command): void {
  const command = program
    .command('uninstall')
    .summary('take Weft out of a cluster')
    .description('print what of Weft is in a cluster, or delete it');
  clusterFlags(command)
    .option('--delete', 'delete it instead of printing it')
    .option('--revision <name>', 'one of several control planes (docs/upgrades.md)')
    .option('--force', 'also while pods have a proxy')
    .addHelpText('after', help)
    .action(guarded(uninstall));
}

interface Flags extends ClusterFlags {
  readonly delete?: boolean;
  readonly force?: boolean;
  readonly revision?: string;
}

async function uninstall(flags: Flags): Promise<void> {
  const cluster = await connect(flags);
  if (flags.revision !== undefined) return uninstallRevision(cluster, flags.revision, flags);
  const { objects, unreadable } = await findInstalled(cluster, [...MONITORING_KINDS, ...INSTALLED_KINDS]);
  for (const why of unreadable) process.stderr.write(`warning: ${why}\n`);
  const meshed = await meshedNamespaces(cluster);
  for (const [namespace, count] of meshed) {
    process.stderr.write(
      `warning: ${count} pods in namespace ${namespace} have a proxy; take it out with: ` +
        `kubectl label namespace ${namespace} weft.dev/inject- && kubectl rollout restart deployment,statefulset,daemonset -n ${namespace}\n`,
    );
  }
  if (objects.length === 0) {
    process.stderr.write('there is nothing of Weft in this cluster\n');
  } else if (flags.delete) {
    if (meshed.size > 0 && !flags.force) {
      throw new WeftError(
        'pods-injected',
        'nothing was deleted: pods have a proxy; restart them first, or add --force',
        {
          source: 'config',
        },
      );
    }
    await deleteAll(cluster, objects);
  } else process.stdout.write(referencesText(objects));
  if (unreadable.length > 0) process.exitCode = 1;
}

/** What belongs to one revision alone, where nobody uses it. */
async function uninstallRevision(cluster: Cluster, revision: string, flags: Flags): Promise<void> {
  const { objects: all, unreadable } = await findInstalled(cluster, [
    ...MONITORING_KINDS,
    ...INSTALLED_KINDS,
  ]);
  for (const why of unreadable) process.stderr.write(`warning: ${why}\n`);
  if (unreadable.length > 0) process.exitCode = 1;
  const objects = all.filter(each => ownerOf(each) === revision);
  const namespace = objects.find(({ kind }) => kind === 'Deployment')?.metadata.namespace ?? SYSTEM_NAMESPACE;
  const revisions = await readRevisions(cluster, namespace);
  if (objects.length === 0)
    throw new WeftError('revision-unknown', `there is no revision ${revision}: ${known(revisions)}`, {
      source: 'config',
    });
  const users = await usersOf(cluster, revisions, revision);
  for (const user of users) process.stderr.write(`warning: ${user}\n`);
  if (!flags.delete) return void process.stdout.write(referencesText(objects));
  if (users.length > 0 && !flags.force) {
    const words = `nothing was deleted: revision ${revision} is in use; move what uses it first, or add --force`;
    throw new WeftError('revision-in-use', words, { source: 'config' });
  }
  const { injector } = revisionNames(revision);
  const lease = {
    apiVersion: 'coordination.k8s.io/v1',
    kind: 'Lease',
    metadata: { name: injector, namespace },
  };
  // The Lease of the default is for what all revisions share.
  await deleteAll(cluster, revision === DEFAULT_REVISION ? objects : [...objects, lease]);
}

/** How many running pods have a proxy, by namespace. */
async function meshedNamespaces(cluster: Cluster): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  const pods = (await listObjects(cluster, '/api/v1/pods')) ?? [];
  for (const { metadata, status } of pods) {
    const { phase } = (status ?? {}) as { phase?: string };
    if (metadata.annotations?.[ANNOTATIONS.status] === undefined) continue;
    if (phase === 'Succeeded' || phase === 'Failed') continue;
    const namespace = metadata.namespace ?? 'default';
    counts.set(namespace, (counts.get(namespace) ?? 0) + 1);
  }
  return counts;
}

/** As much of each object as kubectl delete needs. */
export function referencesText(objects: readonly ApiObject[]): string {
  return objects
    .map(({ apiVersion, kind, metadata: { name, namespace } }) =>
      stringify({ apiVersion, kind, metadata: namespace === undefined ? { name } : { name, namespace } }),
    )
    .join('---\n');
}

async function deleteAll(cluster: Cluster, objects: readonly ApiObject[]): Promise<void> {
  for (const object of objects) {
    const path = pathOf(object);
    if (path === undefined) continue;
    const body = { apiVersion: 'v1', kind: 'DeleteOptions', propagationPolicy: 'Background' };
    const answer = await cluster.request({ method: 'DELETE', path, body });
    const ok = answer.status < 300 || answer.status === 404;
    process.stderr.write(
      `${ok ? 'deleted ' : 'failed  '} ${nameOf(object)}${ok ? '' : `: ${answerMessage(answer)}`}\n`,
    );
    if (!ok) process.exitCode = 1;
  }
}
