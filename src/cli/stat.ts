import { Argument, type Command } from 'commander';
import { guarded } from './guarded.ts';
import { proxyFlags } from './proxies/index.ts';
import { statText } from './stat/text.ts';
import { STAT_KINDS, type StatKind, trafficOf } from './stat/traffic.ts';
import { printWindows, type WindowFlags, windowFlags } from './stat/window.ts';

const help = `
Of what came in, as the callees' proxies counted it between two scrapes; no Prometheus is needed. docs/live.md tells what each column means.

Examples:
  weft stat
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
  windowFlags(proxyFlags(command)).addHelpText('after', help).action(guarded(stat));
}

function stat(kind: StatKind, pod: string | undefined, flags: WindowFlags): Promise<void> {
  return printWindows(
    flags,
    pod,
    (pods, before, after) => trafficOf(kind, pods, before, after),
    (traffic, wide, screen) => statText(kind, traffic, wide, screen),
  );
}
