import { type Command, Option } from 'commander';
import { stringify } from 'yaml';
import { systemClock } from '../time/index.ts';
import { guarded } from './guarded.ts';
import { choosePods, openMesh, type ProxyFlags, proxyFlags } from './proxies/index.ts';
import { collectStatus, type MeshStatus } from './proxy-status/collect.ts';
import { statusText } from './proxy-status/text.ts';
import { type Screen, screenOf } from './table.ts';

const help = `
Asks every proxy through the API server (the right to get pods/proxy is needed), and every replica of the control plane which proxies it
serves. Ends with exit code 1 where something is an error. docs/live.md tells what each column means.

Examples:
  weft proxy-status
  weft proxy-status -n shop -l app=web -o wide
  weft proxy-status shop/web-7d9f-x2b -o yaml
  weft proxy-status --sandbox`;

type StatusFlags = ProxyFlags & { readonly output: string };

/** Adds the command `proxy-status`. */
export function register(program: Command): void {
  const command = program
    .command('proxy-status')
    .summary('tell of each proxy whether it is connected, up to date and certified, and what is wrong')
    .description('tell of each proxy whether it is connected, up to date and certified, and what is wrong')
    .argument('[pod]', 'one pod: NAME or NAMESPACE/NAME');
  proxyFlags(command)
    .addOption(
      new Option('-o, --output <format>', 'text, wide, json or yaml')
        .choices(['text', 'wide', 'json', 'yaml'])
        .default('text'),
    )
    .addHelpText('after', help)
    .action(guarded(proxyStatus));
}

async function proxyStatus(pod: string | undefined, flags: StatusFlags): Promise<void> {
  const mesh = await openMesh(flags);
  const status = await collectStatus(mesh, await choosePods(mesh, flags, pod), systemClock.now());
  process.stdout.write(`${formatted(status, flags.output, screenOf())}\n`);
  const all = [...status.troubles, ...status.proxies.flatMap(({ troubles }) => troubles)];
  if (all.some(({ severity }) => severity === 'error')) process.exitCode = 1;
}

function formatted(status: MeshStatus, output: string, screen: Screen): string {
  if (output === 'json') return JSON.stringify(status, undefined, 2);
  if (output === 'yaml') return stringify(status).trimEnd();
  return statusText(status, output === 'wide', screen);
}
