import type { Command } from 'commander';
import { ANNOTATIONS, DEFAULT_REVISION, revisionOfInjector, VERSION } from '../config/index.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import { installedVersion } from './install/installed.ts';
import { CONTROL_PLANES } from './install/names.ts';
import { type ClusterFlags, clusterFlags, connect } from './kubernetes/connect.ts';
import { listObjects } from './kubernetes/objects.ts';

type Flags = ClusterFlags & { readonly short?: boolean; readonly client?: boolean };

/** Adds the command `version`. */
export function register(program: Command): void {
  const command = program
    .command('version')
    .summary('print the versions of weft, of the control plane and of proxies')
    .description('print the version of weft, and those in the cluster where there is one');
  clusterFlags(command)
    .option('--short', 'the version of weft alone')
    .option('--client', 'without asking a cluster')
    .action(version);
}

async function version(flags: Flags): Promise<void> {
  if (flags.short) {
    process.stdout.write(`${VERSION}\n`);
    return;
  }
  process.stdout.write(`weft ${VERSION} (node ${process.versions.node})\n`);
  if (flags.client) return;
  try {
    for (const line of await clusterLines(flags)) process.stdout.write(`${line}\n`);
  } catch (error) {
    if (!(error instanceof WeftError)) throw error;
    // Nobody who has no cluster wants to read about it, unless they named one.
    const named = flags.kubeconfig !== undefined || flags.context !== undefined || process.env.KUBECONFIG;
    if (named) process.stdout.write(`control plane: not reachable (${errorMessage(error)})\n`);
  }
}

async function clusterLines(flags: Flags): Promise<string[]> {
  const cluster = await connect(flags);
  const found = await listObjects(cluster, '/apis/apps/v1/deployments', {
    labelSelector: CONTROL_PLANES,
  });
  const lines = (found ?? []).flatMap(deployment => {
    const { name, namespace } = deployment.metadata;
    const revision = revisionOfInjector(name);
    if (revision === undefined) return [];
    const which = revision === DEFAULT_REVISION ? '' : `, revision ${revision}`;
    const installed = installedVersion([deployment], revision) ?? '(unknown)';
    return [`control plane ${installed} (namespace ${namespace}${which})`];
  });
  if (lines.length === 0) return ['control plane: not installed in this cluster'];
  const counts = new Map<string, number>();
  for (const pod of (await listObjects(cluster, '/api/v1/pods')) ?? []) {
    const each = proxyVersion(pod.metadata.annotations?.[ANNOTATIONS.status]);
    if (each !== undefined) counts.set(each, (counts.get(each) ?? 0) + 1);
  }
  for (const [each, count] of [...counts].sort()) lines.push(`proxies ${each} (${count} pods)`);
  return lines;
}

/** The version in the annotation that inject left; undefined for pods without proxy. */
export function proxyVersion(status: string | undefined): string | undefined {
  if (status === undefined) return undefined;
  try {
    const read = JSON.parse(status) as { version?: unknown } | null;
    return typeof read?.version === 'string' ? read.version : '(unknown)';
  } catch {
    return '(unknown)';
  }
}
