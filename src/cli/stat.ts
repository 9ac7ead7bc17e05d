import { Argument, type Command, InvalidArgumentError, Option } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../time/index.ts';
import { guarded } from './guarded.ts';
import {
  choosePods,
  type Mesh,
  type MeshPod,
  openMesh,
  type ProxyFlags,
  proxyFlags,
} from './proxies/index.ts';
import { type Scrapes, scrapeAll } from './stat/scrape.ts';
import { statText } from './stat/text.ts';
import { STAT_KINDS, type StatKind, type TrafficTable, trafficOf } from './stat/traffic.ts';
import { screenOf } from './table.ts';

const help = `
Of what came in, as the callees' proxies counted it between two scrapes; no Prometheus is needed. docs/live.md tells what each column means.

Examples:
  weft stat
  weft stat pods -n shop -l app=web
  weft stat services -A --window 10 -o json
  weft stat workloads --watch --sandbox`;

type StatFlags = ProxyFlags & { readonly output: string; readonly window: number; readonly watch?: boolean };

/** Adds the command `stat`. */
export function register(program: Command): void {
  const command = program
    .command('stat')
    .summary('requests per second, success, latency and mutual TLS of pods, workloads or Services')
    .description('requests per second, success, latency and mutual TLS of pods, workloads or Services')
    .addArgument(new Argument('[kind]', 'what the rows are').choices(STAT_KINDS).default('workloads'))
    .argument('[pod]', 'what one pod counted: NAME or NAMESPACE/NAME');
  proxyFlags(command)
    .option('--window <seconds>', 'the time between the two scrapes, 1 to 300', seconds, 5)
    .option('-w, --watch', 'again and again, until interrupted')
    .addOption(
      new Option('-o, --output <format>', 'text, wide, json or yaml')
        .choices(['text', 'wide', 'json', 'yaml'])
        .default('text'),
    )
    .addHelpText('after', help)
    .action(guarded(stat));
}

function seconds(text: string): number {
  const value = Number(text);
  if (/^\d{1,3}(?:\.\d{1,3})?$/.test(text) && value >= 1 && value <= 300) return value;
  throw new InvalidArgumentError('give seconds from 1 to 300');
}

async function stat(kind: StatKind, pod: string | undefined, flags: StatFlags): Promise<void> {
  const mesh = await openMesh(flags);
  let before = await scrape(mesh, flags, pod);
  do {
    // Without any pod there is nothing to wait for.
    if (before.pods.length > 0 || flags.watch)
      await new Promise(resolve => setTimeout(resolve, flags.window * 1000));
    const after = before.pods.length > 0 || flags.watch ? await scrape(mesh, flags, pod) : before;
    show(kind, trafficOf(kind, after.pods, before.scrapes, after.scrapes), flags);
    before = after;
  } while (flags.watch);
}

async function scrape(
  mesh: Mesh,
  flags: StatFlags,
  target: string | undefined,
): Promise<{ readonly pods: readonly MeshPod[]; readonly scrapes: Scrapes }> {
  const pods = (await choosePods(mesh, flags, target)).filter(({ phase }) => phase === 'Running');
  return { pods, scrapes: await scrapeAll(mesh, pods, systemClock) };
}

function show(kind: StatKind, traffic: TrafficTable, { output, watch }: StatFlags): void {
  if (output === 'json') process.stdout.write(`${JSON.stringify(traffic, undefined, watch ? 0 : 2)}\n`);
  else if (output === 'yaml') process.stdout.write(`${watch ? '---\n' : ''}${stringify(traffic)}`);
  else {
    const clear = watch && process.stdout.isTTY ? '\x1b[H\x1b[J' : '';
    process.stdout.write(
      `${clear}${statText(kind, traffic, output === 'wide', screenOf())}\n${watch ? '\n' : ''}`,
    );
  }
}
