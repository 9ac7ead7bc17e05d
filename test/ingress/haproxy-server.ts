// A real HAProxy with one configuration, for tests. Named by WEFT_HAPROXY, or on PATH; where there is none, tests are skipped.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { freePorts } from '../../src/wire/testing/ports.ts';

/** The program; undefined where there is none. */
export function findHaproxy(): string | undefined {
  const named = process.env.WEFT_HAPROXY;
  if (named !== undefined && named !== '') return named;
  for (const path of ['haproxy', '/usr/sbin/haproxy'])
    if (spawnSync(path, ['-v'], { stdio: 'ignore' }).status === 0) return path;
  return undefined;
}

/** One that listens on a free port of loopback. */
export class HaproxyServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, process: ChildProcess, folder: string) {
    this.port = port;
    this.#process = process;
    this.#folder = folder;
  }

  /** `configuration`: all behind the section of defaults. */
  static async start(program: string, configuration: (port: number) => string): Promise<HaproxyServer> {
    for (let left = 4; ; left--) {
      const server = await HaproxyServer.#begin(program, configuration);
      if (await server.#isUp()) return server;
      await server.stop();
      // Somebody else may have taken the port meanwhile.
      if (left === 0) throw new Error('haproxy does not start; its words are above');
    }
  }

  static async #begin(program: string, configuration: (port: number) => string): Promise<HaproxyServer> {
    const folder = mkdtempSync(join(tmpdir(), 'weft-haproxy-'));
    const [port = 0] = await freePorts(1);
    const file = join(folder, 'haproxy.cfg');
    writeFileSync(
      file,
      `global
  maxconn 256
defaults
  mode http
  timeout connect 5s
  timeout client 50s
  timeout server 50s
${configuration(port)}
`,
    );
    const child = spawn(program, ['-db', '-f', file], { stdio: ['ignore', 'ignore', 'inherit'] });
    return new HaproxyServer(port, child, folder);
  }

  async #isUp(): Promise<boolean> {
    const gone = once(this.#process, 'exit').then(() => false);
    return Promise.race([answers(this.port, () => this.#process.exitCode !== null), gone]);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null && this.#process.signalCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

/** Resolves when somebody listens. */
async function answers(port: number, isOver: () => boolean): Promise<boolean> {
  while (!isOver()) {
    const socket = connect(port, '127.0.0.1');
    const open = await new Promise<boolean>(resolve => {
      socket.once('connect', () => resolve(true)).once('error', () => resolve(false));
    });
    socket.destroy();
    if (open) return true;
    await new Promise(setImmediate);
  }
  return false;
}
