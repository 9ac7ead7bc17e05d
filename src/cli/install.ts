import { type Command, Option } from 'commander';
import { guarded } from './guarded.ts';
import { installObjects, manifestText } from './install/index.ts';
import { type InstallFlags, installFlags, optionsFrom } from './install-flags.ts';

const help = `
Prints everything that Weft needs in a cluster, and talks to none. The same flags always print the same.

Examples:
  weft install | kubectl apply -f -
  weft install --accept-labels istio,linkerd --failure-policy Fail > weft.yaml
  weft install --kubernetes-version 1.20 | kubectl apply -f -

Then label a namespace and restart its workloads:
  kubectl label namespace shop weft.dev/inject=enabled
  kubectl rollout restart deployment -n shop
  weft check`;

/** Adds the command `install`. */
export function register(program: Command): void {
  const command = program
    .command('install')
    .summary('print what Weft needs in a cluster')
    .description('print the manifests of the control plane, for kubectl apply');
  installFlags(command)
    .addOption(new Option('-o, --output <format>', 'yaml or json').choices(['yaml', 'json']).default('yaml'))
    .addHelpText('after', help)
    .action(guarded(install));
}

async function install(flags: InstallFlags & { readonly output: string }): Promise<void> {
  const objects = installObjects(optionsFrom(flags));
  const list = { apiVersion: 'v1', kind: 'List', items: objects };
  process.stdout.write(
    flags.output === 'json' ? `${JSON.stringify(list, undefined, 2)}\n` : manifestText(objects),
  );
}
