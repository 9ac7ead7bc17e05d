// `weft-proxy wait`: a postStart hook, or anybody else who must not begin before the proxy is ready (USERS.md row 1).
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { PORTS } from '../config/names.ts';
import { errorMessage } from '../errors/index.ts';

const lookEveryMs = 50;

/** Adds the command to `program`. */
export function register(program: Command): void {
  program
    .command('wait')
    .description('wait until the proxy of this pod is ready')
    .option('--timeout <seconds>', 'give up after this long', '60')
    .option('--health-port <port>', 'where the proxy answers /ready', String(PORTS.health))
    .action(async (options: { timeout: string; healthPort: string }) => {
      const seconds = Number(options.timeout);
      if (!(seconds > 0)) {
        program.error(`error: --timeout is '${options.timeout}'; it takes seconds above 0`);
      }
      const reason = await waitUntilReady(`http://127.0.0.1:${options.healthPort}/ready`, seconds * 1000);
      if (reason === undefined) return;
      process.stderr.write(`weft-proxy wait: the proxy is not ready after ${seconds} s: ${reason}\n`);
      process.exitCode = 1;
    });
}

/** Undefined when it became ready, otherwise the last reason why not. */
async function waitUntilReady(url: string, limitMs: number): Promise<string | undefined> {
  const untilMs = Date.now() + limitMs;
  for (;;) {
    let reason: string;
    try {
      const response = await fetch(url, { signal: AbortSignal.timeout(1000) });
      if (response.ok) return undefined;
      reason = (await response.text()).trim();
    } catch (error) {
      reason =
        error instanceof Error && error.cause instanceof Error ? error.cause.message : errorMessage(error);
    }
    if (Date.now() >= untilMs) return reason;
    await sleep(lookEveryMs);
  }
}
