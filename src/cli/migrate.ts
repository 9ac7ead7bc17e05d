import { type Command, Option } from 'commander';
import { guarded } from './guarded.ts';
import { loadMesh, type MeshFlags, meshFlags } from './mesh/index.ts';
import { FORMER_CONTROLLERS, type FormerController, migrationOf } from './migrate/migration.ts';
import { migrationText } from './migrate/text.ts';

const help = ({ name, page }: FormerController): string => `
Reads and changes nothing. Without -f it looks at the cluster of the kubeconfig.

Exit code: 0 when every Ingress is served, 1 when one is not, 2 when it could not look.

Every annotation: ${page}.

Examples:
  weft migrate ${name}
  weft migrate ${name} -f manifests/
  weft migrate ${name} -o json | jq '.objects[] | select(.verdict != "same")'`;

interface MigrateFlags extends MeshFlags {
  readonly output: 'text' | 'json';
}

/** Adds the command `migrate`. */
export function register(program: Command): void {
  const command = program
    .command('migrate')
    .summary('say what will differ when Weft takes over from another')
    .description('say what will differ when Weft takes over from another');
  for (const each of FORMER_CONTROLLERS)
    meshFlags(
      command
        .command(each.name)
        .summary(`say of each Ingress of ${each.title} what will differ at Weft's gateway`)
        .description(
          `say of each Ingress of ${each.title} what will differ at Weft's gateway, in files or in a cluster`,
        ),
    )
      .addOption(
        new Option('-o, --output <format>', 'text or json').choices(['text', 'json']).default('text'),
      )
      .addHelpText('after', help(each))
      .exitOverride(({ exitCode }) => process.exit(exitCode === 0 ? 0 : 2))
      .action(guarded((flags: MigrateFlags) => migrate(each, flags), 2));
}

async function migrate(controller: FormerController, flags: MigrateFlags): Promise<void> {
  const { objects, expectPods } = await loadMesh(flags);
  const migration = migrationOf(controller, objects, { expectPods, clusterDomain: flags.clusterDomain });
  const text =
    flags.output === 'json' ? JSON.stringify(migration, undefined, 2) : migrationText(migration, controller);
  process.stdout.write(`${text}\n`);
  if (migration.objects.some(({ verdict }) => verdict === 'refused')) process.exitCode = 1;
}
