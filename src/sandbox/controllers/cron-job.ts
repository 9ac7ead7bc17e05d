import { type CronJob, isOwnedBy, type Job, ownerReference } from '../kube/index.ts';
import { parseSchedule } from './cron-schedule.ts';
import type { Context, Plan } from './plan.ts';

/** When a CronJob last made a Job; the sandbox's own note, kept in an annotation. */
export const LAST_SCHEDULED = 'sandbox.weft.dev/last-scheduled';

/** Makes a Job when its time has come and removes those beyond the history limits (pure). A bad schedule makes nothing. */
export function reconcileCronJob(cron: CronJob, jobs: readonly Job[], context: Context): Plan {
  const owned = jobs.filter(job => isOwnedBy(job, cron));
  const remove = surplus(cron, owned);
  const schedule = parseSchedule(cron.spec.schedule);
  if (!schedule || cron.spec.suspend) return { remove };
  const last = Date.parse(
    cron.metadata.annotations?.[LAST_SCHEDULED] ??
      cron.metadata.creationTimestamp ??
      new Date(context.nowMs).toISOString(),
  );
  const dueMs = schedule.next(last);
  if (dueMs === undefined) return { remove };
  if (dueMs > context.nowMs) return { remove, againInMs: dueMs - context.nowMs };
  const running = owned.filter(job => !job.status?.conditions?.length);
  const skip = cron.spec.concurrencyPolicy === 'Forbid' && running.length > 0;
  const replaced = cron.spec.concurrencyPolicy === 'Replace' ? running : [];
  const annotations = {
    ...cron.metadata.annotations,
    [LAST_SCHEDULED]: new Date(context.nowMs).toISOString(),
  };
  const noted: CronJob = { ...cron, metadata: { ...cron.metadata, annotations } };
  return { put: skip ? [noted] : [noted, makeJob(cron, dueMs, context)], remove: [...remove, ...replaced] };
}

/** The Job that a CronJob makes at `dueMs`; also what `weft sandbox trigger` makes by hand. */
export function makeJob(cron: CronJob, dueMs: number, context: Context): Job {
  const { metadata, spec } = cron.spec.jobTemplate;
  return {
    apiVersion: 'batch/v1',
    kind: 'Job',
    metadata: {
      name: `${cron.metadata.name}-${Math.floor(dueMs / 60_000)}`,
      namespace: cron.metadata.namespace ?? 'default',
      uid: context.uid(),
      ...(metadata?.labels ? { labels: metadata.labels } : {}),
      ...(metadata?.annotations ? { annotations: metadata.annotations } : {}),
      ownerReferences: [ownerReference(cron)],
      creationTimestamp: new Date(context.nowMs).toISOString(),
    },
    spec,
  };
}

function surplus(cron: CronJob, owned: readonly Job[]): Job[] {
  const ended = (type: 'Complete' | 'Failed'): Job[] =>
    owned
      .filter(job => job.status?.conditions?.[0]?.type === type)
      .sort((a, b) => Date.parse(b.metadata.creationTimestamp!) - Date.parse(a.metadata.creationTimestamp!));
  return [
    ...ended('Complete').slice(cron.spec.successfulJobsHistoryLimit ?? 3),
    ...ended('Failed').slice(cron.spec.failedJobsHistoryLimit ?? 1),
  ];
}
