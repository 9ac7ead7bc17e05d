import { type Command, Option } from 'commander';
import { answerMessage, type NamespaceMarks } from '../../webhook/index.ts';
import { DEFAULT_REVISION, SYSTEM_NAMESPACE } from '../config/index.ts';
import { WeftError } from '../errors/index.ts';
import { guarded } from './guarded.ts';
import { nameOf } from './install/difference.ts';
import { manifestText } from './install/index.ts';
import { type Cluster, type ClusterFlags, clusterFlags, connect } from './kubernetes/connect.ts';
import { findInstalled } from './kubernetes/installed.ts';
import { type ApiObject, listObjects, pathOf } from './kubernetes/objects.ts';
import { listRevisions, listText } from './revision/list.ts';
import { choiceOf, known, readRevisions } from './revision/revisions.ts';
import { refuseTag, tagObjects, tagReferences, writeWhole } from './revision/tags.ts';
import { print } from './stat/window.ts';
import { screenOf, table } from './table.ts';

const help = `
A revision is a control plane beside others: weft install --revision canary | kubectl apply -f -. Namespaces and pods choose one by the
label weft.dev/rev; without it they have the default. A tag is a name that stands for a revision, so that namespaces follow when it moves.
docs/upgrades.md has each step.

Examples:
  weft revision list
  weft revision tag set prod --revision 1-1
  kubectl label namespace shop weft.dev/rev=prod
  weft revision tag set prod --revision 1-2 --overwrite
  weft revision tag set default --revision 1-2 --overwrite
  weft revision tag remove prod`;

interface Flags extends ClusterFlags {
  readonly systemNamespace: string;
  readonly output?: string;
}

/** Adds the command `revision`. */
export function register(program: Command): void {
  const revision = program
    .command('revision')
    .summary('control planes beside each other: who uses which, and the names that stand for them')
    .description('Control planes beside each other, and the tags that stand for them')
    .addHelpText('after', help);
  const output = (): Option =>
    new Option('-o, --output <format>', 'text, json or yaml')
      .choices(['text', 'json', 'yaml'])
      .default('text');
  placeFlags(revision.command('list').description('each control plane, and which pods have it'))
    .addOption(output())
    .action(guarded(list));
  const tag = revision.command('tag').description('names that stand for a revision');
  placeFlags(tag.command('set').description('make a tag, or move it'))
    .argument('<tag>', `a name that labels may have; ${DEFAULT_REVISION}: what labels without a name mean`)
    .requiredOption('--revision <name>', 'what it stands for')
    .option('--overwrite', 'also where it stands for another one')
    .option('--dry-run', 'print the objects instead, for those who keep them in Git')
    .action(guarded(set));
  placeFlags(tag.command('list').description('the tags')).addOption(output()).action(guarded(tags));
  placeFlags(tag.command('remove').description('take a tag away'))
    .argument('<tag>')
    .option('--force', 'also while namespaces or pods choose it')
    .action(guarded(remove));
}

function placeFlags(command: Command): Command {
  return clusterFlags(command).option(
    '--system-namespace <name>',
    'where the control planes are',
    SYSTEM_NAMESPACE,
  );
}

async function list({ output = 'text', systemNamespace, ...flags }: Flags): Promise<void> {
  const cluster = await connect(flags);
  const all = await readRevisions(cluster, systemNamespace);
  const pods = (await listObjects(cluster, '/api/v1/pods')) ?? [];
  const told = listRevisions(all, pods, await marksOf(cluster));
  print(told, { output }, (each, _, screen) => listText(each, screen));
}

async function tags({ output = 'text', systemNamespace, ...flags }: Flags): Promise<void> {
  const all = await readRevisions(await connect(flags), systemNamespace);
  print(all.tags, { output }, each =>
    each.length === 0
      ? 'there is no tag; weft revision tag set NAME --revision REVISION makes one'
      : table(
          ['TAG', 'REVISION'],
          each.map(({ name, revision }) => [name, revision]),
          screenOf(),
        ).join('\n'),
  );
}

async function set(
  tag: string,
  flags: Flags & { readonly revision: string; readonly overwrite?: boolean; readonly dryRun?: boolean },
): Promise<void> {
  const cluster = await connect(flags);
  const { revision, systemNamespace } = flags;
  const all = await readRevisions(cluster, systemNamespace);
  const refused = refuseTag(all, tag, revision, flags.overwrite === true || flags.dryRun === true);
  if (refused) throw refused;
  const { objects: installed } = await findInstalled(cluster);
  const objects = tagObjects(tag, revision, installed);
  if (flags.dryRun) return void process.stdout.write(manifestText(objects));
  const ready = all.revisions.find(each => each.name === revision)?.ready ?? 0;
  if (ready === 0)
    process.stderr.write(`warning: no replica of revision ${revision} is ready; see weft check\n`);
  await writeWhole(cluster, objects);
  if (tag === revision) await deleteAll(cluster, tagReferences(tag));
  const restart = 'restart the workloads that choose it: weft revision list names them';
  process.stdout.write(`${tag} stands for revision ${revision} now; ${restart}\n`);
}

async function remove(tag: string, flags: Flags & { readonly force?: boolean }): Promise<void> {
  const cluster = await connect(flags);
  const all = await readRevisions(cluster, flags.systemNamespace);
  const source = 'config';
  if (!all.tags.some(each => each.name === tag))
    throw new WeftError('tag-unknown', `there is no tag ${tag}: ${known(all)}`, { source });
  if (tag === DEFAULT_REVISION)
    throw new WeftError(
      'tag-in-use',
      'somebody must be the default: move it with weft revision tag set default --revision REVISION --overwrite',
      { source },
    );
  const users: string[] = [];
  for (const [name, { labels }] of await marksOf(cluster))
    if (choiceOf(all, {}, labels).name === tag) users.push(`namespace ${name}`);
  for (const { metadata } of (await listObjects(cluster, '/api/v1/pods')) ?? [])
    if (choiceOf(all, metadata.labels ?? {}, {}).name === tag)
      users.push(`pod ${metadata.namespace}/${metadata.name}`);
  if (users.length > 0 && !flags.force)
    throw new WeftError(
      'tag-in-use',
      `nothing was removed: ${some(users)} would be injected by nobody; label them weft.dev/rev=REVISION first, or add --force`,
      { source },
    );
  await deleteAll(cluster, tagReferences(tag));
  process.stdout.write(`there is no tag ${tag} any more\n`);
}

/** Labels and annotations of every namespace. */
async function marksOf(cluster: Cluster): Promise<ReadonlyMap<string, NamespaceMarks>> {
  const found = (await listObjects(cluster, '/api/v1/namespaces')) ?? [];
  return new Map(
    found.map(({ metadata: { name, labels = {}, annotations = {} } }) => [name, { labels, annotations }]),
  );
}

/** The first few by name. */
function some(names: readonly string[]): string {
  const shown = names.slice(0, 5).join(', ');
  return names.length > 5 ? `${shown} and ${names.length - 5} more` : shown;
}

async function deleteAll(cluster: Cluster, objects: readonly ApiObject[]): Promise<void> {
  for (const object of objects) {
    const answer = await cluster.request({ method: 'DELETE', path: pathOf(object)! });
    if (answer.status < 300 || answer.status === 404) continue;
    throw new WeftError(
      'apply-refused',
      `the server does not delete ${nameOf(object)}: ${answerMessage(answer)}`,
      { source: 'config' },
    );
  }
}
