import type { Command } from 'commander';
import { guarded } from './guarded.ts';
import { proxyFlags } from './proxies/index.ts';
import { routesOf } from './routes/routes.ts';
import { routesText } from './routes/text.ts';
import { printWindows, type WindowFlags, windowFlags } from './stat/window.ts';

const help = `
Of routes with a name of their own (ServiceProfiles), as the callers' proxies counted it between two scrapes. With -o wide: effective is
what callers saw, actual what was sent, retries among it. docs/live.md tells what each column means.

Examples:
  weft routes
  weft routes shop/cart -o wide
  weft routes -n shop -l app=web --watch`;

/** Adds the command `routes`. */
export function register(program: Command): void {
  const command = program
    .command('routes')
    .summary('requests per second, success and latency of single routes, with and without retries')
    .description('requests per second, success and latency of single routes, with and without retries')
    .argument('[service]', 'only those of a Service: NAME, NAMESPACE/NAME or its host');
  windowFlags(proxyFlags(command)).addHelpText('after', help).action(guarded(routes));
}

function routes(service: string | undefined, flags: WindowFlags): Promise<void> {
  return printWindows(
    flags,
    undefined,
    (pods, before, after) => routesOf(service, pods, before, after),
    routesText,
  );
}
