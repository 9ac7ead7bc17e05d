import { Argument, type Command } from 'commander';
import { WeftError } from '../errors/index.ts';
import { guarded } from './guarded.ts';
import { proxyFlags } from './proxies/index.ts';
import { readEnd } from './stat/ends.ts';
import { statText } from './stat/text.ts';
import { STAT_KINDS, type StatKind, trafficOf } from './stat/traffic.ts';
import { printWindows, type WindowFlags, windowFlags } from './stat/window.ts';

const help = `
Of what came in, as the callees' proxies counted it between two scrapes; no Prometheus is needed. docs/live.md tells what each column means.

--from counts only what this caller sent; --to what the rows themselves sent to this callee, as their own proxies saw it. Both take a workload
(NAME, deploy/NAME, NAMESPACE/NAME) or ns/NAMESPACE, --to also svc/NAME. One without a namespace is of that of -n, or of any.

Examples:
  weft stat
  weft stat -n shop --from storefront
  weft stat pods -n shop --to svc/cart
  weft stat pods -n shop -l app=web
  weft stat services -A --window 10 -o json
  weft stat workloads --watch --sandbox`;

/** Adds the command `stat`. */
export function register(program: Command): void {
  const command = program
    .command('stat')
    .summary('requests per second, success, latency and mutual TLS of pods, workloads or Services')
    .description('requests per second, success, latency and mutual TLS of pods, workloads or Services')
    .addArgument(new Argument('[kind]', 'what the rows are').choices(STAT_KINDS).default('workloads'))
    .argument('[pod]', 'what one pod counted: NAME or NAMESPACE/NAME');
  windowFlags(proxyFlags(command))
    .option('--from <caller>', 'only what came from this workload or namespace')
    .option('--to <callee>', 'what the rows sent to this workload, Service or namespace')
    .addHelpText('after', help)
    .action(guarded(stat));
}

interface Flags extends WindowFlags {
  readonly from?: string;
  readonly to?: string;
}

async function stat(kind: StatKind, pod: string | undefined, flags: Flags): Promise<void> {
  const ends = {
    ...(flags.from !== undefined && { from: readEnd('--from', flags.from, flags.namespace) }),
    ...(flags.to !== undefined && { to: readEnd('--to', flags.to, flags.namespace) }),
  };
  if (ends.to && kind === 'services')
    throw new WeftError(
      'flags-clash',
      '--to counts what pods send, and Services send nothing; ask for workloads or pods, or leave it out',
      { source: 'config' },
    );
  return printWindows(
    flags,
    pod,
    (pods, before, after) => trafficOf(kind, pods, before, after, ends),
    (traffic, wide, screen) => statText(kind, traffic, wide, screen),
  );
}
