// A real Prometheus as a process of this machine, where one is at hand.
import { spawn } from 'node:child_process';
import { accessSync, closeSync, constants, openSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { stringify } from 'yaml';

/**
 * The program that WEFT_PROMETHEUS names, or `prometheus` on the PATH; undefined when there is none. An Error for a name that is
 * wrong.
 */
export function findPrometheus(env = process.env): string | undefined {
  const named = env.WEFT_PROMETHEUS;
  if (named && !isProgram(named))
    throw new Error(`WEFT_PROMETHEUS=${named} is no program; name one, or nothing`);
  if (named) return named;
  return (env.PATH ?? '')
    .split(delimiter)
    .map(folder => join(folder, 'prometheus'))
    .find(isProgram);
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A Prometheus that runs; `stop` ends it and removes what it wrote. */
export interface RunningPrometheus {
  readonly url: string;
  stop(): Promise<void>;
}

const startLimitMs = 60_000;

/**
 * Starts one on a free port of loopback, with these jobs. Resolves when it answers; an Error with its last words when it does
 * not.
 */
export async function startPrometheus(
  program: string,
  jobs: readonly object[],
  scrapeS: number,
): Promise<RunningPrometheus> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-prometheus-'));
  const at = (name: string) => join(folder, name);
  const global = { scrape_interval: `${scrapeS}s`, scrape_timeout: `${scrapeS}s` };
  await writeFile(at('prometheus.yml'), stringify({ global, scrape_configs: jobs }));
  const port = await freePort();
  const log = openSync(at('log'), 'a');
  const child = spawn(
    program,
    [
      `--config.file=${at('prometheus.yml')}`,
      `--storage.tsdb.path=${at('data')}`,
      `--web.listen-address=127.0.0.1:${port}`,
    ],
    { stdio: ['ignore', log, log] },
  );
  closeSync(log);
  let ended = false;
  const over = new Promise<void>(resolve => {
    const end = (): void => {
      ended = true;
      resolve();
    };
    child.once('close', end);
    child.once('error', end);
  });
  const stop = async (): Promise<void> => {
    child.kill('SIGTERM');
    await over;
    await rm(folder, { recursive: true, force: true });
  };
  const url = `http://127.0.0.1:${port}`;
  const deadline = performance.now() + startLimitMs;
  while (!ended && performance.now() < deadline) {
    const ready = await fetch(`${url}/-/ready`).then(
      ({ ok }) => ok,
      () => false,
    );
    if (ready) return { url, stop };
    await new Promise(resolve => setTimeout(resolve, 100));
  }
  const words = await readFile(at('log'), 'utf8');
  await stop();
  throw new Error(`Prometheus did not start: ${words.slice(-800)}`);
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const { port } = server.address() as { port: number };
      server.close(() => resolve(port));
    });
  });
}
