import { type Command, InvalidArgumentError, Option } from 'commander';
import { WeftError } from '../errors/index.ts';
import { sinceValue } from './flag-values.ts';
import { guarded } from './guarded.ts';
import { collectLogs } from './logs/collect.ts';
import { LEVELS, type LineFilter, lineText } from './logs/line.ts';
import { choosePods, openMesh, type ProxyFlags, proxyFlags } from './proxies/index.ts';
import { plainText, screenOf } from './table.ts';

const help = `
Of proxies, not of apps. Lines of several pods stand in the order of their time. What the access log has is set by weft proxy-config log, or for
good by the settings of the mesh (docs/logs.md).

Examples:
  weft logs web -n shop --since 10m
  weft logs -n shop -l app=web -f --status 5xx
  weft logs -A --request-id 4f2c… --since 1h
  weft logs shop/web-7d9f-x2b --level warn -o json --sandbox`;

interface LogFlags extends ProxyFlags, LineFilter {
  readonly follow?: boolean;
  /** Seconds. */
  readonly since?: number;
  readonly tail?: number;
  readonly output: string;
}

/** Following costs a connection each. */
const mostFollowed = 50;

/** Adds the command `logs`. */
export function register(program: Command): void {
  const command = program
    .command('logs')
    .summary("the logs of proxies, of several pods at once, with the access log's lines made readable")
    .description("the logs of proxies, of several pods at once, with the access log's lines made readable")
    .argument('[pod]', 'a pod, or all of a workload: NAME or NAMESPACE/NAME');
  proxyFlags(command)
    .option('-f, --follow', 'goes on as more is written')
    .option('--since <time>', 'only of the last 10m, 1h30m, …', sinceValue)
    .option('--tail <lines>', 'at most so many of each pod, from the end', linesOf)
    .addOption(
      new Option('--status <status>', 'only requests with this status: 503, 5xx').argParser(statusOf),
    )
    .option('--request-id <id>', 'only the request with this id')
    .addOption(new Option('--level <level>', 'only lines at least this severe').choices(LEVELS))
    .addOption(
      new Option('-o, --output <format>', 'text, or json: the lines with their pod')
        .choices(['text', 'json'])
        .default('text'),
    )
    .addHelpText('after', help)
    .action(guarded(logs));
}

function linesOf(text: string): number {
  if (/^\d{1,6}$/.test(text)) return Number(text);
  throw new InvalidArgumentError('give a number of lines');
}

function statusOf(text: string): string {
  if (/^[1-5](?:\d\d|xx)$/.test(text)) return text;
  throw new InvalidArgumentError('give a status or a class of them, as 503 or 5xx');
}

async function logs(target: string | undefined, flags: LogFlags): Promise<void> {
  const mesh = await openMesh(flags);
  const pods = await choosePods(mesh, flags, target);
  const { follow = false, since, tail, output } = flags;
  if (follow && pods.length > mostFollowed)
    throw new WeftError(
      'too-many-pods',
      `-f follows at most ${mostFollowed} pods, and these are ${pods.length}; name a namespace, a workload or labels`,
      { source: 'config' },
    );
  if (pods.length === 0)
    process.stderr.write(
      'no pod has a proxy here; label a namespace weft.dev/inject=enabled and restart its pods\n',
    );
  const screen = screenOf();
  const named = pods.length > 1;
  const wish = {
    follow,
    ...(since !== undefined && { sinceSeconds: since }),
    ...(tail !== undefined && { tail }),
  };
  const troubles = await collectLogs(
    mesh,
    pods,
    { wish, filter: flags },
    line => {
      const { pod, text, fields } = line;
      const shown =
        output === 'json'
          ? JSON.stringify(fields ? { pod, ...fields } : { pod, text })
          : lineText(line, named, screen);
      process.stdout.write(`${shown}\n`);
    },
    new AbortController().signal,
  );
  for (const { pod, message } of troubles)
    process.stderr.write(`${plainText(`${pod}: no log: ${message}`)}\n`);
  if (troubles.length > 0 && troubles.length === pods.length) process.exitCode = 1;
}
