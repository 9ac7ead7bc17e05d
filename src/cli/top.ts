import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../time/index.ts';
import { guarded } from './guarded.ts';
import { rowOf } from './live/row.ts';
import { type TapFlags, tapFlags } from './live/tap-flags.ts';
import { TopRows, topText } from './live/top-rows.ts';
import { untilInterrupted, watchRequests } from './live/watch.ts';
import { screenOf } from './table.ts';

const help = `
Requests that are alike, most frequent first, from the same stream as weft tap and with its limits: of busy proxies a sample is counted, and
how many were left out is said. Numbers and ids in paths are one row (*). For all of them see weft stat. docs/live.md has the columns.

Examples:
  weft top
  weft top deploy/web -n shop
  weft top -n shop --status failed --sandbox
  weft top --for 30s -o json`;

interface Flags extends TapFlags {
  readonly output: string;
}

/** Adds the command `top`. */
export function register(program: Command): void {
  const command = program
    .command('top')
    .summary('the most frequent requests, live, with their latency and success')
    .description('the most frequent requests, live, with their latency and success')
    .argument(
      '[target]',
      'whose requests: KIND/NAME, a workload, ns/NAME or NAMESPACE/KIND/NAME; all without it',
    );
  tapFlags(command)
    .addOption(
      new Option('-o, --output <format>', 'text, or json or yaml at the end')
        .choices(['text', 'json', 'yaml'])
        .default('text'),
    )
    .addHelpText('after', help)
    .action(guarded(top));
}

async function top(target: string | undefined, flags: Flags): Promise<void> {
  const rows = new TopRows();
  const live = process.stdout.isTTY && flags.output === 'text';
  let words = '';
  let left = 0;
  const draw = (): void => {
    const screen = screenOf();
    const notes = [left > 0 ? `${left} requests were left out; --max-rps` : '', words].filter(Boolean);
    const text = topText(rows.rows(), screen, (process.stdout.rows ?? 24) - 2 - notes.length);
    process.stdout.write(`\x1b[H\x1b[J${[text, ...notes].join('\n')}`);
  };
  const cancel = live ? systemClock.every(1_000, draw) : () => {};
  try {
    const state = await watchRequests(
      target,
      flags,
      (request, now) => {
        rows.add(rowOf(request));
        left = now.left;
      },
      said => {
        words = said;
        if (!live) process.stderr.write(`${said}\n`);
      },
      untilInterrupted(),
    );
    left = state.left;
  } finally {
    cancel();
  }
  const found = { rows: rows.rows(), left };
  if (flags.output === 'json') process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
  else if (flags.output === 'yaml') process.stdout.write(stringify(found));
  else if (live) process.stdout.write('\n');
  else process.stdout.write(`${topText(rows.rows(), screenOf(), Number.POSITIVE_INFINITY)}\n`);
}
