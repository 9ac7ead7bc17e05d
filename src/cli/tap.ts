import { type Command, Option } from 'commander';
import { countValue } from './flag-values.ts';
import { guarded } from './guarded.ts';
import { rowOf } from './live/row.ts';
import { type TapFlags, tapFlags } from './live/tap-flags.ts';
import { requestData, TapTable } from './live/tap-text.ts';
import { untilInterrupted, watchRequests } from './live/watch.ts';
import { screenOf } from './table.ts';

const help = `
Requests as they end, as the proxies of the chosen pods see them, what they refuse before it is one, and mirrors' copies that failed; where both proxies of a hop are chosen it is one line. Bodies are never shown,
and of headers those alone that --show names. Each proxy tells at most --max-rps requests a second; how many were left out is said.
You need the right to create pods/tap of the group weft.dev: docs/live.md.

Examples:
  weft tap
  weft tap deploy/web -n shop --to svc/reviews --status failed
  weft tap -n shop -l app=web,tier!=db
  weft tap -n shop --path /api --method POST --latency 200ms -o wide
  weft tap svc/cart -n shop --header x-user=jane -o json | jq .
  weft tap --sandbox --for 10s`;

interface Flags extends TapFlags {
  readonly output: string;
  readonly show?: readonly string[];
  readonly count?: number;
}

/** Adds the command `tap`. */
export function register(program: Command): void {
  const command = program
    .command('tap')
    .summary('live requests of pods, workloads, Services or namespaces')
    .description('live requests of pods, workloads, Services or namespaces')
    .argument(
      '[target]',
      'whose requests: KIND/NAME, a workload, ns/NAME or NAMESPACE/KIND/NAME; all without it',
    );
  tapFlags(command)
    .option(
      '--show <headers>',
      'headers of requests to tell with -o json or yaml: x-user,user-agent; secrets are left out',
      text => text.split(','),
    )
    .option('--count <number>', 'end after so many requests', countValue)
    .addOption(
      new Option(
        '-o, --output <format>',
        'text, wide, json (a line for each request) or yaml (a document for each)',
      )
        .choices(['text', 'wide', 'json', 'yaml'])
        .default('text'),
    )
    .addHelpText('after', help)
    .action(guarded(tap));
}

async function tap(target: string | undefined, flags: Flags): Promise<void> {
  const enough = new AbortController();
  const screen = screenOf();
  const table = new TapTable(flags.output === 'wide', screen);
  let count = 0;
  const print = (text: string): void => void process.stdout.write(`${text}\n`);
  await watchRequests(
    target,
    flags,
    request => {
      if (enough.signal.aborted) return;
      if (flags.output === 'json' || flags.output === 'yaml') print(requestData(request, flags.output));
      else {
        if (count === 0) print(table.head());
        print(table.row(rowOf(request)));
      }
      if (++count === flags.count) enough.abort();
    },
    words => void process.stderr.write(`${words}\n`),
    AbortSignal.any([untilInterrupted(), enough.signal]),
  );
}
