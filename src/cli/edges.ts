import type { Command } from 'commander';
import { edgesOf } from './edges/edges.ts';
import { edgesText } from './edges/text.ts';
import { guarded } from './guarded.ts';
import { proxyFlags } from './proxies/index.ts';
import { printWindows, type WindowFlags, windowFlags } from './stat/window.ts';

const help = `
As the chosen pods' proxies counted it between two scrapes; pairs without traffic in between stay for an hour. See docs/live.md.

Examples:
  weft edges
  weft edges -n shop -l app=cart -o wide
  weft edges shop/cart-6d5f-8xk2p -o json`;

/** Adds the command `edges`. */
export function register(program: Command): void {
  const command = program
    .command('edges')
    .summary('who calls whom, with their identities and whether by mutual TLS')
    .description('who calls whom, with their identities and whether by mutual TLS')
    .argument('[pod]', 'what one pod counted: NAME or NAMESPACE/NAME');
  windowFlags(proxyFlags(command)).addHelpText('after', help).action(guarded(edges));
}

function edges(pod: string | undefined, flags: WindowFlags): Promise<void> {
  return printWindows(flags, pod, edgesOf, edgesText);
}
