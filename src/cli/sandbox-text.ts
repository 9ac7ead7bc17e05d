import type { PodView, SandboxEvent, SandboxView, ServiceView } from '../sandbox/index.ts';
import { describePod, missingLines } from '../sandbox/index.ts';

/** What `up` says when the pods are ready. */
export function upText(view: SandboxView, tookMs: number): string {
  const ready = view.pods.filter(pod => pod.ready).length;
  const whole = view.problems.some(({ severity }) => severity === 'error')
    ? ', but not with all that its folder asks for'
    : '';
  const lines = [
    `sandbox ${view.name} is up${whole}: ${ready} of ${view.pods.length} pods ready after ${(tookMs / 1000).toFixed(1)} s (${view.mode})`,
    ...(view.pods.length === 0
      ? [`  no workload in ${view.dir}: put Kubernetes YAML there and it is started`]
      : []),
    ...openLines(view.services),
    ...problemLines(view),
    '',
    `  weft dashboard --sandbox ${view.name}`,
    `  weft sandbox status --name ${view.name}`,
    `  weft sandbox logs POD --name ${view.name}`,
    `  weft sandbox down --name ${view.name}`,
  ];
  return lines.join('\n');
}

/** What `status` shows. */
export function statusText(view: SandboxView): string {
  const pods = [...view.pods].sort((a, b) =>
    `${a.namespace}/${a.name}`.localeCompare(`${b.namespace}/${b.name}`),
  );
  const podRows = pods.map(pod => [
    pod.namespace,
    pod.name,
    pod.readyContainers,
    pod.reason,
    String(pod.restarts),
    pod.address || '-',
    pod.meshed ? `weft ${pod.proxyVersion ?? ''}` : '-',
  ]);
  const serviceRows = view.services.map(one => [
    one.namespace,
    one.name,
    one.type,
    one.address,
    one.ports.join(',') || '-',
    `${one.ready}/${one.total}`,
    one.open.join(' ') || '-',
  ]);
  const sick = pods.filter(isSick);
  return [
    `sandbox ${view.name}, ${view.mode}, from ${view.dir}, up since ${view.startedAt}`,
    '',
    ...table(['NAMESPACE', 'POD', 'READY', 'STATUS', 'RESTARTS', 'ADDRESS', 'PROXY'], podRows),
    '',
    ...table(['NAMESPACE', 'SERVICE', 'TYPE', 'ADDRESS', 'PORTS', 'READY', 'OPEN'], serviceRows),
    ...(sick.length > 0 ? ['', 'not well:', ...sick.map(pod => `  ${describePod(pod)}`)] : []),
    ...problemLines(view),
  ].join('\n');
}

/** What `status` shows of a sandbox whose agent does not answer. */
export function deadText(name: string, why: string): string {
  return `sandbox ${name}: ${why}`;
}

/** One event on one line. */
export function eventText(event: SandboxEvent): string {
  const object = event.object === '' ? 'sandbox' : event.object;
  return `${event.at.slice(11, 23)} ${event.type.padEnd(7)} ${event.reason.padEnd(16)} ${object}: ${event.message.replaceAll('\n', ' | ')}`;
}

/** How often, in ms, somebody who waits is told anew whom for, while nothing changes. */
const progressEveryMs = 10_000;
const shownWaiting = 5;

/**
 * Says how many pods are ready, and who is waited for and why: on a terminal in a block that is written over whenever it changes;
 * else a line when the number changes, and every ten seconds those who are waited for.
 */
export function progressText(
  write: (text: string) => void,
  terminal: boolean,
  nowMs: () => number = () => performance.now(),
): (view: SandboxView) => void {
  let last = '';
  let shownLines = 0;
  let count = '';
  let toldMs = nowMs();
  return view => {
    const ready = view.pods.filter(pod => pod.ready || pod.phase === 'Succeeded').length;
    const head = `${ready} of ${view.pods.length} pods ready`;
    const missing = missingLines(view);
    const more = missing.length > shownWaiting ? [`… and ${missing.length - shownWaiting} more`] : [];
    const lines = [head, ...[...missing.slice(0, shownWaiting), ...more].map(line => `  ${line}`)];
    if (terminal) {
      const text = lines.map(line => line.slice(0, (process.stderr.columns ?? 120) - 1)).join('\n');
      if (text === last) return;
      const back = shownLines > 1 ? `\x1b[${shownLines - 1}A` : '';
      write(`\r${back}\x1b[J${text}${missing.length === 0 ? '\n' : ''}`);
      last = text;
      shownLines = missing.length === 0 ? 0 : lines.length;
    } else if (head !== count) {
      count = head;
      write(`${head}\n`);
    } else if (missing.length > 0 && nowMs() - toldMs >= progressEveryMs) {
      toldMs = nowMs();
      write(`waiting for:\n${lines.slice(1).join('\n')}\n`);
    }
  };
}

function isSick(pod: PodView): boolean {
  if (pod.terminating || pod.phase === 'Succeeded') return false;
  return !pod.ready || pod.restarts > 0;
}

function openLines(services: readonly ServiceView[]): string[] {
  return services.flatMap(one => one.open.map(address => `  ${address}  ${one.namespace}/${one.name}`));
}

function problemLines(view: SandboxView): string[] {
  return view.problems.map(problem => {
    const object = problem.object;
    const where = object?.origin ? `${object.origin}: ` : '';
    return `${problem.severity}: ${where}${problem.message}`;
  });
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string[] {
  const all = [head, ...rows];
  const widths = head.map((_, column) => Math.max(...all.map(row => row[column]!.length)));
  return all.map(row =>
    row
      .map((cell, column) => cell.padEnd(widths[column]!))
      .join('  ')
      .trimEnd(),
  );
}
