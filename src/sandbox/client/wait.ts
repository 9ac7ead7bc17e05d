import type { PodView, SandboxView, WorkloadView } from '../agent/index.ts';
import { parseTarget } from '../kube/index.ts';

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
  const lines = missingLines(status, options);
  return lines.length === 0 ? undefined : `not ready:\n${lines.map(line => `  ${line}`).join('\n')}`;
}

/** A line for each pod and workload that is waited for: who, and why (pure). */
export function missingLines(status: SandboxView, options: Pick<WaitOptions, 'workload'> = {}): string[] {
  const workloads = status.workloads.filter(one => matches(one, options.workload));
  const rolling = workloads.filter(
    one => one.updated < one.desired || one.ready < one.desired || one.total > one.desired,
  );
  const keys = new Set(workloads.map(keyOf));
  const pods = status.pods.filter(pod => options.workload === undefined || keys.has(ownerOf(pod)));
  const unready = pods.filter(pod => !pod.ready && pod.phase !== 'Succeeded' && !pod.terminating);
  const lines = unready.map(describePod);
  for (const one of rolling) {
    if (unready.some(pod => ownerOf(pod) === keyOf(one))) continue;
    lines.push(
      `${one.kind} ${one.namespace}/${one.name}: ${one.ready} of ${one.desired} ready, ${one.updated} of the newest version, ${one.total} in all`,
    );
  }
  return lines;
}

function keyOf({ kind, namespace, name }: WorkloadView): string {
  return `${kind}/${namespace}/${name}`;
}

function ownerOf(pod: PodView): string {
  return `${pod.workloadKind}/${pod.namespace}/${pod.workload}`;
}

function matches(workload: WorkloadView, wanted: string | undefined): boolean {
  if (wanted === undefined) return true;
  const target = parseTarget(wanted);
  if ('problem' in target) return false;
  const { kind = workload.kind, namespace = workload.namespace, name } = target;
  return workload.kind === kind && workload.namespace === namespace && workload.name === name;
}

/** One line about a pod that is not well: which container, why, and what to type next. */
export function describePod(pod: PodView): string {
  const who = `pod ${pod.namespace}/${pod.name}`;
  const bad = pod.containers.find(
    one => one.state !== 'Running' && one.state !== 'Completed' && one.state !== 'PodInitializing',
  );
  const quiet = pod.containers.find(one => one.state === 'Running' && !one.ready && !one.init);
  const early = pod.containers.find(one => one.init && one.state === 'Running' && !one.ready);
  const restarted = pod.containers.find(one => one.restarts > 0);
  const shown = bad ?? early ?? quiet ?? restarted;
  if (!shown) return `${who}: ${waitingFor(pod)}`;
  const exit = shown.exitCode === undefined ? '' : `, last exit code ${shown.exitCode}`;
  const message = shown.message === undefined ? '' : `: ${shown.message.split('\n').slice(-3).join(' | ')}`;
  const previous = shown === restarted && !bad ? ' --previous' : '';
  const remedy = `see weft sandbox logs ${pod.namespace}/${pod.name} -c ${shown.name}${previous}`;
  const what = bad
    ? shown.state
    : early
      ? 'runs, and the others wait for it'
      : quiet
        ? 'running, but not ready'
        : `running again after ${times(shown.restarts)}`;
  return `${who}, container ${shown.name}: ${what}${exit}${message}; ${remedy}`;
}

/** What a pod waits for that has no container to blame: the one before, a volume, the control plane. */
function waitingFor(pod: PodView): string {
  const waiting = pod.containers.find(one => one.state === 'PodInitializing');
  const before = pod.containers.findLast(one => one.state === 'Running' && !one.init);
  if (waiting && before)
    return `container ${waiting.name} waits for ${before.name} to have started (its postStart hook)`;
  return pod.warning === undefined ? pod.reason : `${pod.reason}: ${pod.warning.split('\n').at(-1)}`;
}

function times(restarts: number): string {
  return restarts === 1 ? 'one restart' : `${restarts} restarts`;
}
