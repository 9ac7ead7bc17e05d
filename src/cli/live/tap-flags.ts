// The flags by which requests are chosen, and the query that they make.
import { type Command, InvalidArgumentError, Option } from 'commander';
import { errorMessage, WeftError } from '../../errors/index.ts';
import { DEFAULT_TAP_RPS, MAX_TAP_RPS } from '../../live/tap/index.ts';
import { labelSelector } from '../../model/index.ts';
import { type LiveFlags, liveFlags } from './connect.ts';

/** What tap and top have in common. */
export interface TapFlags extends LiveFlags {
  readonly selector?: string;
  readonly from?: string;
  readonly to?: string;
  readonly direction?: string;
  readonly protocol?: string;
  readonly method?: readonly string[];
  readonly path?: string;
  readonly authority?: string;
  readonly status?: readonly string[];
  readonly flag?: readonly string[];
  readonly header?: readonly string[];
  readonly latency?: number;
  readonly id?: string;
  readonly maxRps: number;
  readonly for?: number;
}

const list = (value: string, before: readonly string[] = []): readonly string[] => [
  ...before,
  ...value.split(','),
];
const more = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds the flags. */
export function tapFlags(command: Command): Command {
  return liveFlags(command)
    .option(
      '-l, --selector <labels>',
      "the pods with these labels: app=web,tier!=db,'env in (a,b)'",
      selector,
    )
    .option('--from <caller>', 'requests of these pods: NAMESPACE/KIND/NAME, KIND/NAME or a workload')
    .option('--to <callee>', 'requests to these: svc/NAME, deploy/NAME, pod/NAME, with NAMESPACE/ before it')
    .addOption(
      new Option('--direction <which>', 'requests that came in, or that went out').choices([
        'inbound',
        'outbound',
      ]),
    )
    .addOption(new Option('--protocol <name>', 'http, grpc or tcp').choices(['http', 'grpc', 'tcp']))
    .option('--method <names>', 'GET,POST', list)
    .option('--path <path>', "paths that begin so; with * the whole path: '/api/*/orders'")
    .option('--authority <host>', 'the host that was asked for')
    .option('--status <codes>', '404,5xx, or failed', list)
    .option('--flag <flags>', 'response flags as in docs/errors.md: UH,UF', list)
    .option('--header <name=value>', 'with this header, or NAME for any value; again for more', more)
    .option('--latency <duration>', 'requests that took at least so long: 200ms, 1.5s', duration)
    .option('--id <request-id>', 'the request with this x-request-id')
    .option(
      '--max-rps <count>',
      `requests a second of each proxy, 1 to ${MAX_TAP_RPS}`,
      rate,
      DEFAULT_TAP_RPS,
    )
    .option('--for <duration>', 'end after so long: 30s', duration);
}

/** As it was written; the control plane reads it again. */
function selector(text: string): string {
  try {
    labelSelector(text);
    return text;
  } catch (thrown) {
    throw new InvalidArgumentError(errorMessage(thrown));
  }
}

function duration(text: string): number {
  const [, value, unit] = /^(\d+(?:\.\d+)?)(ms|s|m)$/.exec(text) ?? [];
  if (value === undefined) throw new InvalidArgumentError('write a duration such as 200ms, 1.5s or 2m');
  return Number(value) * { ms: 1, s: 1_000, m: 60_000 }[unit as 'ms' | 's' | 'm'];
}

function rate(text: string): number {
  const value = Number(text);
  if (Number.isInteger(value) && value >= 1 && value <= MAX_TAP_RPS) return value;
  throw new InvalidArgumentError(`give a number from 1 to ${MAX_TAP_RPS}`);
}

/**
 * The path of the live API for these flags and a target (`KIND/NAME`, `NAME`, `NAMESPACE/KIND/NAME`, `ns/NAME`, or none). `show`:
 * headers whose values are wanted.
 */
export function tapPath(target: string | undefined, flags: TapFlags, show: readonly string[] = []): string {
  const { namespace: meant, target: rest } = readTarget(target ?? '', namespaceOf(flags));
  const query = new URLSearchParams();
  const set = (name: string, value: string | number | undefined): void => {
    if (value !== undefined && value !== '') query.set(name, String(value));
  };
  set('namespace', meant);
  set('target', rest);
  set('selector', flags.selector);
  for (const name of ['from', 'to'] as const) {
    if (flags[name] === undefined) continue;
    const end = readTarget(flags[name], meant);
    set(name, `${end.namespace}/${end.target}`);
  }
  for (const name of ['direction', 'protocol', 'path', 'authority', 'id'] as const) set(name, flags[name]);
  for (const name of ['method', 'status', 'flag', 'header'] as const)
    for (const value of flags[name] ?? []) query.append(name, value);
  for (const name of show) query.append('show', name);
  set('minMs', flags.latency);
  set('maxRps', flags.maxRps);
  return `/live/tap?${query}`;
}

function namespaceOf({ namespace, allNamespaces }: TapFlags): string {
  if (!allNamespaces || namespace === undefined) return namespace ?? '';
  throw new WeftError('flags-clash', '-A means all namespaces and -n one; leave one of them out', {
    source: 'config',
  });
}

function readTarget(
  text: string,
  namespace: string,
): { readonly namespace: string; readonly target: string } {
  const parts = text.split('/');
  if (parts.length === 2 && (parts[0] === 'ns' || parts[0] === 'namespace'))
    return { namespace: parts[1]!, target: '' };
  if (parts.length < 3) return { namespace, target: text };
  return { namespace: parts[0]!, target: parts.slice(1).join('/') };
}
