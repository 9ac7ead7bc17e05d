// `weft-proxy wait`: a postStart hook, or anybody else who must not begin before the proxy is ready.
import { get } from 'node:http';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { PORTS } from '../config/names.ts';
import { errorMessage } from '../errors/index.ts';

const lookEveryMs = 50;
const answerMs = 1_000;

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
      const port = Number(options.healthPort);
      if (!(Number.isInteger(port) && port >= 1 && port <= 65_535)) {
        program.error(`error: --health-port is '${options.healthPort}'; it takes a port, 1 to 65535`);
      }
      const reason = await waitUntilReady(`http://127.0.0.1:${port}/ready`, seconds * 1000);
      if (reason === undefined) return;
      process.stderr.write(`weft-proxy wait: the proxy is not ready after ${seconds} s: ${reason}\n`);
      process.exitCode = 1;
    });
}

/** Undefined when it became ready, otherwise the last reason why not. */
async function waitUntilReady(url: string, limitMs: number): Promise<string | undefined> {
  const untilMs = Date.now() + limitMs;
  for (;;) {
    const reason = await whyNotReady(url).catch(errorMessage);
    if (reason === undefined || Date.now() >= untilMs) return reason;
    await sleep(lookEveryMs);
  }
}

/**
 * Asks once, on a connection that is gone afterwards: one that is kept would keep this process, and the app waits for its end.
 */
function whyNotReady(url: string): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const request = get(url, { agent: false, timeout: answerMs }, response => {
      const { statusCode } = response;
      text(response).then(words => resolve(statusCode === 200 ? undefined : words.trim()), reject);
    });
    // Also after the head: an answer may stop in the middle.
    request.on('error', reject);
    request.on('timeout', () => request.destroy(new Error(`no answer from ${url} within ${answerMs} ms`)));
  });
}
