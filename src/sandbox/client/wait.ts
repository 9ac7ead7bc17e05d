import type { PodView, SandboxView, WorkloadView } from '../agent/index.ts';

/** How to wait for readiness. */
export interface WaitOptions {
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
  /** Only this workload (`deploy/web`) instead of everything. */
  readonly workload?: string;
  /** Called with every look. */
  readonly progress?: (status: SandboxView) => void;
}

/** What is not ready yet, in words with the remedy (pure); undefined when all is. */
export function whatIsMissing(
  status: SandboxView,
  options: Pick<WaitOptions, 'workload'>,
): string | undefined {
  const workloads = status.workloads.filter(one => matches(one, options.workload));
  const rolling = workloads.filter(
    one => one.updated < one.desired || one.ready < one.desired || one.total > one.desired,
  );
  const names = new Set(workloads.map(one => one.name));
  const pods = status.pods.filter(pod => options.workload === undefined || names.has(pod.workload));
  const unready = pods.filter(pod => !pod.ready && pod.phase !== 'Succeeded' && !pod.terminating);
  if (rolling.length === 0 && unready.length === 0) return undefined;
  const lines = unready.map(describePod);
  for (const one of rolling) {
    if (unready.some(pod => pod.workload === one.name)) continue;
    lines.push(
      `${one.kind} ${one.name}: ${one.ready} of ${one.desired} ready, ${one.updated} of the newest version, ${one.total} in all`,
    );
  }
  return `not ready:\n${lines.map(line => `  ${line}`).join('\n')}`;
}

function matches(workload: WorkloadView, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const parts = wanted.split('/');
  const namespace = parts.length === 3 ? parts[1] : undefined;
  return workload.name === parts.at(-1) && (namespace === undefined || namespace === workload.namespace);
}

/** One line about a pod that is not well: which container, why, and what to type next. */
export function describePod(pod: PodView): string {
  const bad = pod.containers.find(
    one => one.state !== 'Running' && one.state !== 'Completed' && one.state !== 'PodInitializing',
  );
  const quiet = pod.containers.find(one => one.state === 'Running' && !one.ready);
  const restarted = pod.containers.find(one => one.restarts > 0);
  const shown = bad ?? quiet ?? restarted;
  if (!shown) return `pod ${pod.namespace}/${pod.name}: ${pod.reason}`;
  const exit = shown.exitCode === undefined ? '' : `, last exit code ${shown.exitCode}`;
  const message = shown.message === undefined ? '' : `: ${shown.message.split('\n').slice(-3).join(' | ')}`;
  const previous = shown === restarted && !bad ? ' --previous' : '';
  const remedy = `see weft sandbox logs ${pod.name} -c ${shown.name}${previous}`;
  const what = bad
    ? shown.state
    : quiet
      ? 'running, but not ready'
      : `running again after ${times(shown.restarts)}`;
  return `pod ${pod.namespace}/${pod.name}, container ${shown.name}: ${what}${exit}${message}; ${remedy}`;
}

function times(restarts: number): string {
  return restarts === 1 ? 'one restart' : `${restarts} restarts`;
}
