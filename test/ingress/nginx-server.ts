// A real nginx with one configuration, for tests. Named by WEFT_NGINX, or on PATH; where there is none, tests are skipped.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { type AddressInfo, connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** The program; undefined where there is none. */
export function findNginx(): string | undefined {
  const named = process.env.WEFT_NGINX;
  if (named !== undefined && named !== '') return named;
  for (const path of ['nginx', '/usr/sbin/nginx'])
    if (spawnSync(path, ['-v'], { stdio: 'ignore' }).status === 0) return path;
  return undefined;
}

/** One that listens on a free port of loopback. */
export class NginxServer {
  readonly port: number;
  readonly #process: ChildProcess;
  readonly #folder: string;

  private constructor(port: number, process: ChildProcess, folder: string) {
    this.port = port;
    this.#process = process;
    this.#folder = folder;
  }

  /** `http`: what stands in the block http; `files`: beside the configuration, where it can name them without a path. */
  static async start(
    program: string,
    http: (port: number) => string,
    files: Readonly<Record<string, string>>,
  ): Promise<NginxServer> {
    for (let left = 4; ; left--) {
      const server = await NginxServer.#begin(program, http, files);
      const isUp = await server.#isUp();
      if (isUp) return server;
      await server.stop();
      // Somebody else may have taken the port meanwhile.
      if (left === 0) throw new Error('nginx does not start; its words are above');
    }
  }

  static async #begin(
    program: string,
    http: (port: number) => string,
    files: Readonly<Record<string, string>>,
  ): Promise<NginxServer> {
    const folder = mkdtempSync(join(tmpdir(), 'weft-nginx-'));
    const port = await freePort();
    for (const [name, text] of Object.entries(files)) writeFileSync(join(folder, name), text);
    writeFileSync(
      join(folder, 'nginx.conf'),
      `daemon off; master_process off; pid nginx.pid; error_log stderr crit;
events { worker_connections 256; }
http {
  access_log off; client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path fastcgi;
  uwsgi_temp_path uwsgi; scgi_temp_path scgi;
${http(port)}
}
`,
    );
    const child = spawn(program, ['-p', folder, '-c', 'nginx.conf', '-e', 'stderr'], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    return new NginxServer(port, child, folder);
  }

  async #isUp(): Promise<boolean> {
    const gone = once(this.#process, 'exit').then(() => false);
    return Promise.race([answers(this.port, () => this.#process.exitCode !== null), gone]);
  }

  async stop(): Promise<void> {
    if (this.#process.exitCode === null) {
      const gone = once(this.#process, 'exit');
      this.#process.kill('SIGTERM');
      await gone;
    }
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
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
