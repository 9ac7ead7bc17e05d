// `weft-proxy wait`: a postStart hook, or anybody else who must not begin before the proxy is ready.
import type { Command } from 'commander';
import { PORTS } from '../config/names.ts';
import { WAIT_SECONDS, waitForProxy } from './ready-hook.ts';

/** Adds the command to `program`. */
export function register(program: Command): void {
  program
    .command('wait')
    .description('wait until the proxy of this pod is ready')
    .option('--timeout <seconds>', 'give up after this long', String(WAIT_SECONDS))
    .option('--health-port <port>', 'where the proxy answers /ready', String(PORTS.health))
    .action(async (options: { timeout: string; healthPort: string }) => {
      const seconds = Number(options.timeout);
      if (!(seconds > 0)) {
        program.error(`error: --timeout is '${options.timeout}'; it takes seconds above 0`);
      }
      const port = Number(options.healthPort);
      if (!(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
        program.error(`error: --health-port is '${options.healthPort}'; it takes a port, 1 to 65535`);
      }
      await waitForProxy(port, seconds);
    });
}
