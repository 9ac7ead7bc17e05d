import { isOwnedBy, isTerminating, type Job, type JobStatus, type Pod } from '../kube/index.ts';
import { makePod } from './make-pod.ts';
import type { Context, Plan } from './plan.ts';

/** Runs a Job's pods until enough of them succeeded or too many failed (pure). */
export function reconcileJob(job: Job, pods: readonly Pod[], context: Context): Plan {
  if (job.status?.conditions?.length) return afterwards(job, context);
  const owned = pods.filter(pod => isOwnedBy(pod, job));
  const succeeded = owned.filter(pod => pod.status?.phase === 'Succeeded').length;
  const failed = owned.filter(pod => pod.status?.phase === 'Failed').length;
  const active = owned.filter(pod => pod.status?.phase !== 'Succeeded' && pod.status?.phase !== 'Failed');
  const restarts = active.reduce((sum, pod) => sum + restartsOf(pod), 0);
  const completions = job.spec.completions ?? (job.spec.parallelism === undefined ? 1 : job.spec.parallelism);
  const base: JobStatus = {
    active: active.length,
    succeeded,
    failed,
    startTime: job.status?.startTime ?? new Date(context.nowMs).toISOString(),
  };
  if (succeeded >= completions) return ended(job, base, 'Complete', undefined, active, context);
  if (failed + restarts > (job.spec.backoffLimit ?? 6)) {
    return ended(job, base, 'Failed', 'BackoffLimitExceeded', active, context);
  }
  const wanted = job.spec.suspend ? 0 : Math.min(job.spec.parallelism ?? 1, completions - succeeded);
  const missing = Math.max(0, wanted - active.length);
  const labels = { 'job-name': job.metadata.name, 'batch.kubernetes.io/job-name': job.metadata.name };
  const template = {
    ...job.spec.template,
    spec: { restartPolicy: 'Never' as const, ...job.spec.template.spec },
  };
  return {
    put: [{ ...job, status: base } as Job],
    createPods: Array.from({ length: missing }, () => makePod(job, template, context, { labels })),
  };
}

function ended(
  job: Job,
  base: JobStatus,
  type: 'Complete' | 'Failed',
  reason: string | undefined,
  active: readonly Pod[],
  context: Context,
): Plan {
  const at = new Date(context.nowMs).toISOString();
  const status: JobStatus = {
    ...base,
    ...(type === 'Complete' ? { completionTime: at } : {}),
    conditions: [{ type, status: 'True', ...(reason ? { reason } : {}) }],
  };
  return { put: [{ ...job, status } as Job], deletePods: active.filter(pod => !isTerminating(pod)) };
}

function afterwards(job: Job, context: Context): Plan {
  const ttlMs = (job.spec.ttlSecondsAfterFinished ?? Number.POSITIVE_INFINITY) * 1000;
  if (!Number.isFinite(ttlMs)) return {};
  const endedAt = Date.parse(job.status?.completionTime ?? job.status?.startTime ?? '');
  const leftMs = endedAt + ttlMs - context.nowMs;
  return leftMs <= 0 ? { remove: [job] } : { againInMs: leftMs };
}

function restartsOf(pod: Pod): number {
  return (pod.status?.containerStatuses ?? []).reduce((sum, container) => sum + container.restartCount, 0);
}
