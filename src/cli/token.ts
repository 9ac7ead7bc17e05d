import { join } from 'node:path';
import { type Command, Option } from 'commander';
import { type JoinRecord, newJoinToken } from '../ca/index.ts';
import { SYSTEM_NAMESPACE } from '../config/index.ts';
import { WeftError } from '../errors/index.ts';
import { formatSpiffe, parseDurationMs, parseSpiffe } from '../model/index.ts';
import { systemClock } from '../time/index.ts';
import { clusterPlace, folderPlace } from './ca/place.ts';
import { guarded } from './guarded.ts';
import { type ClusterFlags, clusterFlags, connect } from './kubernetes/connect.ts';
import { screenOf, table } from './table.ts';
import { clusterJoinPlace, folderJoinPlace, type JoinPlace } from './token/place.ts';

const help = `
A token lets one machine outside of the cluster join the mesh, once, under the identity that it was made for. Afterwards the machine renews by its certificate.
docs/machines.md has each step.

Examples:
  weft token create --namespace vm --service-account billing --expires 30m > token
  weft token list
  weft token revoke 3f9a60c1d2e4 --why 'the machine is gone'`;

interface PlaceFlags extends ClusterFlags {
  readonly caDir?: string;
  readonly systemNamespace: string;
}

interface CreateFlags extends PlaceFlags {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly expires: string;
}

/** A token may lie in a ticket or on a disk for so long at most. */
const longestMs = 7 * 24 * 3_600_000;

/** Adds the command `token`. */
export function register(program: Command): void {
  const token = program
    .command('token')
    .summary('join tokens: let machines outside of the cluster into the mesh, once each')
    .description('Tokens by which machines outside of the cluster join the mesh')
    .addHelpText('after', help);
  placeFlags(token.command('create').description('a new token; it is printed now and never again'))
    .requiredOption('-n, --namespace <name>', 'of the machine’s identity')
    .requiredOption('--service-account <name>', 'of the machine’s identity')
    .option('--expires <duration>', 'until when it can be used, 7 days at most', '1h')
    .action(guarded(create));
  placeFlags(token.command('list').description('tokens, and what joined by them'))
    .addOption(new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'))
    .action(guarded(list));
  placeFlags(
    token
      .command('revoke')
      .description('end a token, and the machine that joined by it: its certificates are refused at once'),
  )
    .argument('<id>', 'as weft token list shows it')
    .option('--why <text>', 'for whoever finds it refused', 'revoked')
    .action(guarded(revoke));
}

function placeFlags(command: Command): Command {
  return clusterFlags(command)
    .option('--ca-dir <folder>', 'the folder of a control plane without a cluster')
    .option('--system-namespace <name>', 'where the control plane runs', SYSTEM_NAMESPACE);
}

async function placeOf(flags: PlaceFlags): Promise<JoinPlace> {
  if (flags.caDir !== undefined) return folderJoinPlace(flags.caDir);
  return clusterJoinPlace(await connect(flags), flags.systemNamespace);
}

async function create(flags: CreateFlags): Promise<void> {
  const { namespace, serviceAccount } = flags;
  const lifeMs = parseDurationMs(flags.expires);
  if (lifeMs === undefined || lifeMs <= 0 || lifeMs > longestMs)
    throw bad(`--expires '${flags.expires}' is no duration up to 7 days; write for example 30m`);
  if (!parseSpiffe(formatSpiffe({ trustDomain: 'x', namespace, serviceAccount })))
    throw bad(`--namespace '${namespace}' or --service-account '${serviceAccount}' is no Kubernetes name`);
  const place = await placeOf(flags);
  await place.read();
  const { id, token, record } = newJoinToken(flags, systemClock.now(), lifeMs);
  await place.write(id, record);
  process.stdout.write(`${token}\n`);
  process.stderr.write(
    `token ${id}: one machine joins as ${namespace}/${serviceAccount} until ${new Date(record.expiresAtMs).toISOString()}; keep it secret\n`,
  );
}

/** What became of it, in a word or two. */
function stateOf({ ended, joinedAtMs, expiresAtMs }: JoinRecord, nowMs: number): string {
  if (ended) return ended.how;
  if (joinedAtMs !== undefined) return 'joined';
  return expiresAtMs <= nowMs ? 'expired' : 'unused';
}

async function list(flags: PlaceFlags & { readonly output: string }): Promise<void> {
  const records = [...(await (await placeOf(flags)).read())];
  const nowMs = systemClock.now();
  const iso = (ms: number | undefined): string => (ms === undefined ? '' : new Date(ms).toISOString());
  const rows = records.map(([id, record]) => ({
    id,
    identity: `${record.namespace}/${record.serviceAccount}`,
    state: stateOf(record, nowMs),
    expires: iso(record.expiresAtMs),
    joined: iso(record.joinedAtMs),
    renewed: iso(record.renewedAtMs),
    why: record.ended?.why ?? '',
  }));
  if (flags.output === 'json') {
    process.stdout.write(`${JSON.stringify(rows, undefined, 2)}\n`);
    return;
  }
  const head = ['ID', 'IDENTITY', 'STATE', 'EXPIRES', 'JOINED', 'RENEWED', 'WHY'];
  const lines = rows.map(row => Object.values(row));
  const told = lines.length === 0 ? ['there are no join tokens'] : table(head, lines, screenOf());
  process.stdout.write(`${told.join('\n')}\n`);
}

async function revoke(id: string, flags: PlaceFlags & { readonly why: string }): Promise<void> {
  const place = await placeOf(flags);
  const record = (await place.read()).get(id);
  if (!record) throw bad(`there is no join token ${id}; see weft token list`);
  await place.write(id, { ...record, ended: { how: 'revoked', why: flags.why } });
  const serials = [record.current, record.pending].filter(each => each !== undefined);
  if (serials.length > 0) await refuseCertificates(serials, flags);
  process.stdout.write(
    `token ${id} is revoked${serials.length > 0 ? ', and so are the certificates of the machine' : ''}\n`,
  );
}

/** Those that it has are good for a while, so that proxies must know of them. */
async function refuseCertificates(
  serials: readonly string[],
  flags: PlaceFlags & { readonly why: string },
): Promise<void> {
  const place =
    flags.caDir === undefined
      ? await clusterPlace(await connect(flags), flags.systemNamespace)
      : folderPlace(join(flags.caDir));
  const known = await place.revoked();
  const at = new Date(systemClock.now()).toISOString();
  const more = serials.filter(serial => !known.some(each => each.serial === serial));
  await place.revoke([...known, ...more.map(serial => ({ serial, why: flags.why, at }))]);
}

function bad(message: string): WeftError {
  return new WeftError('bad-configuration', message, { source: 'config' });
}
