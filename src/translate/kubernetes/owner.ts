import type { ObjectMeta } from '../../registry/index.ts';

/** What an author wrote that made this pod: the Deployment and not its ReplicaSet, the CronJob and not its Job. */
export function ownerOf(pod: ObjectMeta): { readonly kind: string; readonly name: string } {
  const owners = pod.ownerReferences ?? [];
  const owner = owners.find(each => each.controller === true) ?? owners[0];
  if (!owner) return { kind: 'Pod', name: pod.name };
  const hash = pod.labels?.['pod-template-hash'];
  if (owner.kind === 'ReplicaSet' && hash && owner.name.endsWith(`-${hash}`)) {
    return { kind: 'Deployment', name: owner.name.slice(0, -hash.length - 1) };
  }
  // CronJobs name their Jobs with the scheduled time in minutes, older ones in seconds.
  const scheduled = owner.kind === 'Job' ? /^(.+)-\d{8,10}$/.exec(owner.name) : null;
  if (scheduled) return { kind: 'CronJob', name: scheduled[1]! };
  return { kind: owner.kind, name: owner.name };
}
