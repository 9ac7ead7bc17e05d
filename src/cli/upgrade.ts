import type { Command } from 'commander';
import { parse as parseYaml } from 'yaml';
import type { KubeApi } from '../../webhook/index.ts';
import { ANNOTATIONS, DEFAULT_REVISION, LABELS, revisionNames, VERSION } from '../config/index.ts';
import { WeftError } from '../errors/index.ts';
import { recordOf } from '../plain/index.ts';
import { guarded } from './guarded.ts';
import { applyAll, keepBefore, readBefore } from './install/apply.ts';
import { compare, type Difference, nameOf } from './install/difference.ts';
import {
  DASHBOARD_LABEL,
  dashboardObjects,
  type InstallOptions,
  installObjects,
  type Manifest,
  manifestText,
  monitoringObjects,
  NAMES,
  PART_OF,
} from './install/index.ts';
import { installedVersion, optionsOfInstalled } from './install/installed.ts';
import { type InstallFlags, installFlags, optionsFrom } from './install-flags.ts';
import { type ClusterFlags, clusterFlags, connect } from './kubernetes/connect.ts';
import { findInstalled, ownerOf } from './kubernetes/installed.ts';
import { type ApiObject, listObjects, MONITORING_KINDS } from './kubernetes/objects.ts';
import { register as registerProxies } from './upgrade-proxies.ts';

const help = `
Keeps the options that Weft was installed with; flags change them. Dashboards and monitors of weft install are renewed where they are there. Prints the manifests of this version, or, with --dry-run, what
they would change: weft itself changes nothing without --apply. Defaults of the server are no difference. With --apply the server is first asked whether it would take all of it; what was there is kept for --rollback.

Proxies keep running as they are. They are of the new version when their workloads are restarted next, or, where they allow it,
after weft upgrade proxies; proxies two versions behind are supported.

Examples:
  weft upgrade --dry-run
  weft upgrade | kubectl apply -f -
  weft upgrade --apply
  weft upgrade --rollback --dry-run
  weft upgrade --replicas 3 --dry-run
  weft upgrade --revision canary --apply
  weft upgrade proxies -n shop`;

/** Adds the command `upgrade`. */
export function register(program: Command): void {
  const command = program
    .command('upgrade')
    .summary('print what an installed Weft needs to become this version')
    .description('print the manifests of this version with the options of the installed one');
  command.enablePositionalOptions();
  clusterFlags(installFlags(command))
    .option('--dry-run', 'print the difference instead; exit code 0 in any case')
    .option(
      '--apply',
      'apply them: what is called first, the control plane, and when that is there what calls it',
    )
    .option('--rollback', 'apply what was there before the last weft upgrade --apply')
    .addHelpText('after', help)
    .action(guarded(upgrade));
  registerProxies(command);
}

interface Flags extends InstallFlags, ClusterFlags {
  readonly dryRun?: boolean;
  readonly apply?: boolean;
  readonly rollback?: boolean;
}

async function upgrade(flags: Flags): Promise<void> {
  if (flags.apply && flags.rollback)
    throw new WeftError(
      'bad-configuration',
      '--apply goes to this version and --rollback back to the one before; give one of them',
      { source: 'config' },
    );
  const cluster = await connect(flags);
  const { revision = DEFAULT_REVISION } = flags;
  const { objects: all } = await findInstalled(cluster);
  if (all.length === 0) {
    throw new WeftError('not-installed', 'there is no Weft in this cluster; weft install prints it', {
      source: 'config',
    });
  }
  const { injector } = revisionNames(revision);
  if (flags.revision !== undefined && !all.some(each => ownerOf(each) === revision)) {
    const words = `there is no revision ${revision} to upgrade; weft revision list shows those there are, and weft install --revision ${revision} prints it`;
    throw new WeftError('revision-unknown', words, { source: 'config' });
  }
  // Other control planes, and tags, which weft revision writes.
  const installed = all.filter(each => [undefined, revision].includes(ownerOf(each)) && !isTag(each));
  const monitors = await monitorsIn(cluster);
  const live = [...installed, ...monitors];
  const say = (words: string): void => void process.stdout.write(`${words}\n`);
  if (flags.rollback) return rollback(cluster, live, flags, say);
  const options = optionsFrom(flags, optionsOfInstalled(installed, revision));
  const isElsewhere = all.some(each => isTag(each) && each.metadata.name === injector);
  const wanted = [
    // Who has handed over being the default has no configuration of that name any more.
    ...installObjects(options).filter(
      ({ kind }) => !(isElsewhere && kind === 'MutatingWebhookConfiguration'),
    ),
    ...(await dashboardsBeside(live, options)),
    ...monitorsBeside(monitors, options),
  ];
  if (flags.apply && !flags.dryRun) {
    const objects = wanted as readonly object[] as readonly ApiObject[];
    await keepBefore(
      ...([
        cluster,
        live,
        objects,
        installedVersion(live, revision) ?? 'an unknown version',
        revision,
      ] as const),
    );
    await applyAll(cluster, objects, say);
    say(`the control plane is ${VERSION}; ${await proxiesText(cluster)}`);
    return;
  }
  if (!flags.dryRun) {
    process.stdout.write(manifestText(wanted));
    return;
  }
  const made: readonly string[] = [NAMES.trust, NAMES.authority, revisionNames(revision).before];
  const differences = wanted.map(object =>
    compare(
      object,
      live.find(each => nameOf(each) === nameOf(object)),
    ),
  );
  for (const object of live) {
    const isWanted = wanted.some(each => nameOf(each) === nameOf(object));
    // What the control plane makes for itself is not in the manifests; nor are its Lease and its Secret.
    const own = ['Lease', 'Secret', 'Endpoints', 'EndpointSlice'].includes(object.kind);
    if (!isWanted && !own && !made.includes(object.metadata.name))
      differences.push(compare(undefined, object));
  }
  say(differenceText(differences, installedVersion(live, revision)));
  say(`\n${await proxiesText(cluster)}`);
}

/** A webhook configuration by which a tag is chosen, or a right to keep it. */
function isTag({ metadata }: ApiObject): boolean {
  return metadata.labels?.[LABELS.tag] !== undefined;
}

/** Back to what was there; what the newer version has besides stays, and is told. */
async function rollback(
  cluster: KubeApi,
  live: readonly ApiObject[],
  { dryRun, revision }: Flags,
  say: (words: string) => void,
): Promise<void> {
  const before = await readBefore(cluster, live, revision);
  if (before === undefined) {
    const why =
      'there was no weft upgrade --apply here; print the older manifests with the weft of that version';
    throw new WeftError('nothing-before', why, { source: 'config' });
  }
  const differences = before.objects.map(object =>
    compare(
      object,
      live.find(each => nameOf(each) === nameOf(object)),
    ),
  );
  if (dryRun) return say(differenceText(differences, installedVersion(live, revision), before.version));
  await applyAll(cluster, before.objects, say);
  say(`the control plane is ${before.version} again; ${await proxiesText(cluster)}`);
}

/** How many proxies there are of which version. */
async function proxiesText(cluster: KubeApi): Promise<string> {
  const pods = (await listObjects(cluster, '/api/v1/pods')) ?? [];
  const counts = new Map<string, number>();
  for (const { metadata, status } of pods) {
    const text = metadata.annotations?.[ANNOTATIONS.status];
    if (text === undefined || ['Succeeded', 'Failed'].includes(String(recordOf(status).phase))) continue;
    const version = String(recordOf(parseYaml(text)).version ?? 'an unknown version');
    counts.set(version, (counts.get(version) ?? 0) + 1);
  }
  if (counts.size === 0) return 'no pod has a proxy';
  const each = [...counts].sort().map(([version, count]) => `${count} of ${version}`);
  return `proxies as they were injected: ${each.join(', ')}; weft upgrade proxies, or a restart, brings the others along`;
}

/**
 * This version's dashboards in every namespace that has some of ours; they are no part of an installation unless somebody wanted
 * them.
 */
async function dashboardsBeside(
  live: readonly ApiObject[],
  { version }: InstallOptions,
): Promise<readonly Manifest[]> {
  const ours = live.filter(({ metadata: { labels } }) => labels?.[DASHBOARD_LABEL] !== undefined);
  const namespaces = new Set(ours.map(({ metadata }) => metadata.namespace ?? ''));
  const all = [...namespaces].map(namespace => dashboardObjects({ namespace, version }));
  return (await Promise.all(all)).flat();
}

/** What `weft install --monitoring` has put there; nothing where the operator is not, or may not be read. */
async function monitorsIn(cluster: KubeApi): Promise<readonly ApiObject[]> {
  return (await findInstalled(cluster, MONITORING_KINDS)).objects;
}

/** This version's, where there are some, with the labels that they were given for their Prometheus to choose them by. */
function monitorsBeside(monitors: readonly ApiObject[], { namespace }: InstallOptions): readonly Manifest[] {
  const [first] = monitors;
  if (first === undefined) return [];
  const own = Object.entries(first.metadata.labels ?? {}).filter(([name]) => !(name in PART_OF));
  return monitoringObjects({ namespace, labels: Object.fromEntries(own) });
}

/** The differences as `weft upgrade --dry-run` prints them. */
export function differenceText(
  differences: readonly Difference[],
  installed: string | undefined,
  to: string = VERSION,
): string {
  const changed = differences.filter(({ kind }) => kind !== 'same');
  const head = `from ${installed ?? 'an unknown version'} to ${to}`;
  if (changed.length === 0) return `${head}: nothing would change`;
  const words = {
    create: 'would be created',
    change: 'would change',
    remove: 'is not part of this version; kubectl apply leaves it',
  };
  const parts = changed.map(({ name, kind, lines }) =>
    [`${name} ${words[kind as keyof typeof words]}`, ...lines.map(line => `  ${line}`)].join('\n'),
  );
  const same = differences.length - changed.length;
  return [`${head}: ${changed.length} of ${differences.length} objects differ, ${same} stay`, ...parts].join(
    '\n\n',
  );
}
