import { type Command, Option } from 'commander';
import { systemClock } from '../time/index.ts';
import { guarded } from './guarded.ts';
import { choosePods, openMesh, type ProxyFlags, proxyFlags } from './proxies/index.ts';
import { collectStatus } from './proxy-status/collect.ts';
import { statusText } from './proxy-status/text.ts';
import { print } from './stat/window.ts';

const help = `
Asks every proxy through the API server (the right to get pods/proxy is needed), and every replica of the control plane which proxies it
serves. Ends with exit code 1 where something is an error. docs/live.md tells what each column means.

Examples:
  weft proxy-status
  weft proxy-status -n shop -l app=web -o wide
  weft proxy-status shop/web-7d9f-x2b -o yaml
  weft proxy-status --sandbox --watch`;

type StatusFlags = ProxyFlags & { readonly output: string; readonly watch?: boolean };

/** Between two looks, for --watch: each asks every proxy. */
const watchMs = 5_000;

/** Adds the command `proxy-status`. */
export function register(program: Command): void {
  const command = program
    .command('proxy-status')
    .summary('tell of each proxy whether it is connected, up to date and certified, and what is wrong')
    .description('tell of each proxy whether it is connected, up to date and certified, and what is wrong')
    .argument('[pod]', 'one pod: NAME or NAMESPACE/NAME');
  proxyFlags(command)
    .option('-w, --watch', 'again every five seconds, until interrupted')
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
  do {
    const status = await collectStatus(mesh, await choosePods(mesh, flags, pod), systemClock.now());
    print(status, flags, statusText);
    const all = [...status.troubles, ...status.proxies.flatMap(({ troubles }) => troubles)];
    process.exitCode = all.some(({ severity }) => severity === 'error') ? 1 : 0;
    if (flags.watch) await new Promise(resolve => setTimeout(resolve, watchMs));
  } while (flags.watch);
}
