// `weft upgrade proxies`: has running proxies take over the program of the control plane, without a restart of their pods.
import { type Command, InvalidArgumentError } from 'commander';
import { WeftError } from '../errors/index.ts';
import type { LiveLine } from '../live/api/index.ts';
import { isRecord } from '../plain/index.ts';
import { guarded } from './guarded.ts';
import { type LiveApi, type LiveFlags, liveFlags, openLiveApi } from './live/connect.ts';
import { followLines } from './live/lines.ts';
import { untilInterrupted } from './live/watch.ts';
import { plainText } from './table.ts';

const help = `
Each proxy fetches the program from the control plane, starts it beside itself, and hands its listening sockets over once it is
ready; what was open before goes on in the old process until it ends. No connection is refused or cut off. Where the new
process does not become ready, or ends soon, the old one goes on, and the command says why and stops.

It is for pods that allow it (annotation weft.dev/live-upgrade: allow). The image of a pod stays what it is: a container that is
restarted begins with its image's version again. You need the right to create pods/upgrade of the group weft.dev (the
ClusterRole weft-upgrade): docs/upgrades.md.

Examples:
  weft upgrade proxies --dry-run
  weft upgrade proxies -n shop
  weft upgrade proxies -n shop deploy/web --at-once 5
  weft upgrade proxies -A --keep-going`;

interface Flags extends LiveFlags {
  readonly selector?: string;
  readonly dryRun?: boolean;
  readonly atOnce: number;
  readonly keepGoing?: boolean;
  readonly again?: boolean;
}

/** What a proxy said to the question whether it would. */
export interface Plan {
  readonly pod: string;
  /** `could`, `same`, or undefined with the reason why not. */
  readonly step: string | undefined;
  /** What runs now. */
  readonly version: string;
  readonly why: string;
}

/** Adds the command `proxies` to `upgrade`. */
export function register(upgrade: Command): void {
  liveFlags(upgrade.command('proxies'))
    .summary('have running proxies take over the program of the control plane, without restarts')
    .description('have running proxies take over the program of the control plane, without restarts')
    .argument('[target]', 'whose proxies: KIND/NAME or a workload; all of the namespace without it')
    .option('-l, --selector <labels>', 'the pods with these labels')
    .option('--dry-run', 'only say which would')
    .option('--at-once <count>', 'so many proxies at a time', count, 1)
    .option('--again', 'those as well that have this program already')
    .option('--keep-going', 'go on with the others after one that failed')
    .addHelpText('after', help)
    .action(guarded(upgradeProxies));
}

async function upgradeProxies(target: string | undefined, flags: Flags): Promise<void> {
  const api = await openLiveApi(flags);
  const signal = untilInterrupted();
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  const plans = await plansOf(api, target, flags, signal);
  if (plans.length === 0) {
    const why = 'no proxy of these pods is connected to the control plane; see weft proxy-status';
    throw new WeftError('no-proxies', why, { source: 'config' });
  }
  const todo = plans.filter(({ step }) => step === 'could');
  for (const { pod, why } of plans.filter(({ step }) => step === undefined)) print(`${pod}: stays: ${why}`);
  const same = plans.filter(({ step }) => step === 'same').length;
  if (same > 0) print(`${same} of ${plans.length} have this program already`);
  if (flags.dryRun) {
    for (const { pod, version } of todo) print(`${pod}: would be upgraded; runs ${version}`);
    return;
  }
  const failed = await runAll(todo, flags, signal, ({ pod }, index) =>
    upgradeOne(api, pod, flags.again === true, signal).then(why => {
      print(
        `[${index + 1}/${todo.length}] ${pod}: ${why === undefined ? 'upgraded' : `not upgraded: ${why}`}`,
      );
      return why === undefined;
    }),
  );
  if (failed === 0) return;
  const why = `${failed} of ${todo.length} proxies were not upgraded and go on as they were`;
  throw new WeftError('upgrade-failed', flags.keepGoing ? why : `${why}; stopped after the first`, {
    source: 'config',
  });
}

/** Runs `one` for each, some at a time; after a failure no other is begun unless told to keep going. How many failed. */
export async function runAll<T>(
  todo: readonly T[],
  { atOnce, keepGoing }: Pick<Flags, 'atOnce' | 'keepGoing'>,
  signal: AbortSignal,
  one: (each: T, index: number) => Promise<boolean>,
): Promise<number> {
  let next = 0;
  let failed = 0;
  const work = async (): Promise<void> => {
    while (next < todo.length && !signal.aborted && (failed === 0 || keepGoing === true)) {
      const index = next++;
      if (!(await one(todo[index]!, index))) failed++;
    }
  };
  await Promise.all(Array.from({ length: atOnce }, work));
  return failed;
}

/** What every proxy that is meant would do. A pod whose old process still drains answers twice; the one that says more counts. */
async function plansOf(
  api: LiveApi,
  target: string | undefined,
  flags: Flags,
  signal: AbortSignal,
): Promise<readonly Plan[]> {
  const query = new URLSearchParams({ dry: 'true' });
  if (flags.namespace !== undefined && !flags.allNamespaces) query.set('namespace', flags.namespace);
  if (target !== undefined) query.set('target', target);
  if (flags.again) query.set('again', 'true');
  if (flags.selector !== undefined) query.set('selector', flags.selector);
  const plans = new Map<string, Plan>();
  const heard = (line: LiveLine): void => {
    if (line.type === 'failed' && line.pod !== undefined)
      plans.set(line.pod, { pod: line.pod, step: undefined, version: '', why: plainText(line.why) });
    if (line.type !== 'said') return;
    for (const item of line.items) {
      if (!isRecord(item) || plans.has(line.pod)) continue;
      const step = String(item.step);
      plans.set(line.pod, { pod: line.pod, step, version: plainText(String(item.version)), why: '' });
    }
  };
  await followLines(api, `/live/upgrade?${query}`, heard, () => plans.clear(), signal);
  return [...plans.values()].sort((one, other) => (one.pod < other.pod ? -1 : 1));
}

/** Undefined when it has taken over, else why not. */
async function upgradeOne(
  api: LiveApi,
  pod: string,
  again: boolean,
  signal: AbortSignal,
): Promise<string | undefined> {
  const [namespace = '', name = ''] = pod.split('/');
  let taken = false;
  let why = 'its proxy is no longer connected to the control plane';
  const heard = (line: LiveLine): void => {
    if (line.type === 'failed') why = plainText(line.why);
    if (line.type === 'said')
      taken ||= line.items.some(item => isRecord(item) && ['taken-over', 'same'].includes(String(item.step)));
  };
  const stop = new AbortController();
  const broke = (words: string): void => {
    why = words;
    stop.abort();
  };
  const query = new URLSearchParams({ namespace, target: `pod/${name}` });
  if (again) query.set('again', 'true');
  await followLines(api, `/live/upgrade?${query}`, heard, broke, AbortSignal.any([signal, stop.signal]));
  return taken ? undefined : why;
}

function count(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= 100) return value;
  throw new InvalidArgumentError('give a number from 1 to 100');
}
