import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { SYSTEM_NAMESPACE } from '../config/index.ts';
import { systemClock } from '../time/index.ts';
import { type ConcerningEvent, concerning } from './events/concern.ts';
import { eventsText } from './events/text.ts';
import { sinceValue } from './flag-values.ts';
import { guarded } from './guarded.ts';
import { openMesh, type PodFlags, podFlags, type RunningMesh } from './proxies/index.ts';
import { screenOf } from './table.ts';

const help = `
What Weft reports (pods left out of the mesh and why, policies that are not in effect, Services that lost all endpoints), what is said of it by
others (a ReplicaSet whose pods injection refuses), and warnings about the control plane and pods with a proxy: probes, crashes, mounts. Kubernetes keeps
events for an hour; certificates have none: weft proxy-status and weft check tell of these. A sandbox has its own events, of its last thousand.

Examples:
  weft events
  weft events -n shop --since 10m
  weft events --all --watch
  weft events --sandbox -o json`;

interface EventFlags extends PodFlags {
  readonly all?: boolean;
  readonly since?: number;
  readonly watch?: boolean;
  readonly systemNamespace: string;
  readonly output: string;
}

const watchMs = 2000;

/** Adds the command `events`. */
export function register(program: Command): void {
  const command = program
    .command('events')
    .summary(
      'what has happened that concerns the mesh: injection, policies, control plane, pods with a proxy',
    )
    .description('what has happened that concerns the mesh');
  podFlags(command, 'only events of this namespace')
    .option('-A, --all-namespaces', 'those of all namespaces (the default)')
    .option('--all', 'of the control plane and pods with a proxy not only warnings')
    .option('--since <time>', 'only of the last 10m, 1h, …', sinceValue)
    .option('-w, --watch', 'goes on with those to come, until interrupted')
    .option('--system-namespace <name>', 'where the control plane runs', SYSTEM_NAMESPACE)
    .addOption(
      new Option('-o, --output <format>', 'text, json or yaml')
        .choices(['text', 'json', 'yaml'])
        .default('text'),
    )
    .addHelpText('after', help)
    .action(guarded(events));
}

async function events(flags: EventFlags): Promise<void> {
  const mesh = await openMesh(flags);
  const shown = new Set<string>();
  do {
    const found = (await look(mesh, flags)).filter(each => !shown.has(idOf(each)));
    if (found.length > 0 || shown.size === 0) print(found, flags, shown.size > 0);
    for (const each of found) shown.add(idOf(each));
    // Of none there is nothing to be told twice.
    if (found.length === 0 && shown.size === 0) shown.add('');
    if (flags.watch) await new Promise(resolve => setTimeout(resolve, watchMs));
  } while (flags.watch);
}

async function look(mesh: RunningMesh, flags: EventFlags): Promise<readonly ConcerningEvent[]> {
  const { namespace, systemNamespace, all = false, since } = flags;
  const pods = await mesh.pods(namespace);
  const found = concerning(await mesh.events(namespace), { pods, systemNamespace }, all);
  const fromMs = since === undefined ? 0 : systemClock.now() - since * 1000;
  return found.filter(({ atMs }) => atMs >= fromMs);
}

function idOf({ atMs, reason, kind, namespace, name, message, count }: ConcerningEvent): string {
  return JSON.stringify([atMs, reason, kind, namespace, name, message, count]);
}

function print(
  found: readonly ConcerningEvent[],
  { output, watch, namespace }: EventFlags,
  again: boolean,
): void {
  if (output === 'json') process.stdout.write(`${JSON.stringify(found, undefined, watch ? 0 : 2)}\n`);
  else if (output === 'yaml') process.stdout.write(`${watch ? '---\n' : ''}${stringify(found)}`);
  else if (found.length === 0)
    process.stdout.write(
      `no event concerns the mesh${namespace === undefined ? '' : ` in namespace ${namespace}`}\n`,
    );
  else {
    const lines = eventsText(found, systemClock.now(), screenOf()).split('\n');
    process.stdout.write(`${(again ? lines.slice(1) : lines).join('\n')}\n`);
  }
}
