// mesh: a whole mesh for commands that look at one, out of files, a cluster or a sandbox, read once. In: flags. Out: objects and
// what they make. A folder of YAML has no pods: those that its Deployments ask for are put in.
import { type Command, Option } from 'commander';
import { meshOfObjects, type ObjectMesh } from '../../analyze/index.ts';
import { type ClusterFlags, clusterFlags } from '../kubernetes/connect.ts';
import { readCluster } from './from-cluster.ts';
import { readFiles } from './from-files.ts';

/** The flags of every command that looks at a mesh. */
export interface MeshFlags extends ClusterFlags {
  readonly file?: readonly string[];
  /** Its name; true where the only one is meant. */
  readonly sandbox?: string | true;
  readonly clusterDomain: string;
}

/** Adds the flags. */
export function meshFlags(command: Command): Command {
  return clusterFlags(
    command.option(
      '-f, --file <path...>',
      'files or folders (with those below) of YAML instead of a cluster; - for stdin',
    ),
  )
    .option('--sandbox [name]', 'a sandbox of this machine instead of a cluster; no name: the only one')
    .addOption(new Option('--cluster-domain <name>', 'the domain of Services').default('cluster.local'));
}

/** Reads it. Rejects with a WeftError when there is nothing to read. */
export async function loadMesh(flags: MeshFlags): Promise<ObjectMesh> {
  const { file, sandbox, clusterDomain } = flags;
  if (file) {
    const { objects, problems } = await readFiles(file);
    return meshOfObjects(objects, { expectPods: true, clusterDomain }, problems);
  }
  if (sandbox !== undefined) {
    const { readSandbox } = await import('./from-sandbox.ts');
    const { objects, problems } = await readSandbox(sandbox);
    return meshOfObjects(objects, { expectPods: false, clusterDomain }, problems);
  }
  const { objects, problems, inject } = await readCluster(flags);
  return meshOfObjects(objects, { expectPods: false, clusterDomain, inject }, problems);
}
