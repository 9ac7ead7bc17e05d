// weft-injector as it runs in production, as processes of this machine that can be killed and started again.
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { listening, Running } from '../processes.ts';
import { nowMs } from './lean-proxy.ts';

const program = join(import.meta.dirname, '../../src/main/weft-injector.ts');

/** What the replicas of a control plane have in common. */
export interface ControlPlaneOptions {
  readonly kubeconfig: string;
  readonly authority: string;
  readonly cpus: string;
}

/** One replica. */
export class Replica {
  readonly name: string;
  readonly port: number;
  readonly #options: ControlPlaneOptions;
  #running: Running | undefined;
  /** When it last said that it serves proxies; 0 before. */
  readyAtMs = 0;

  constructor(name: string, port: number, options: ControlPlaneOptions) {
    this.name = name;
    this.port = port;
    this.#options = options;
  }

  get pid(): number {
    return this.#running?.pid ?? 0;
  }

  /** Resolves when proxies are served. */
  async start(): Promise<void> {
    const { kubeconfig, authority, cpus } = this.#options;
    const flags = {
      source: 'kubernetes',
      kubeconfig,
      'ca-dir': authority,
      listen: `127.0.0.1:${this.port}`,
      'metrics-listen': '127.0.0.1:0',
      'live-listen': '127.0.0.1:0',
      'webhook-listen': '127.0.0.1:0',
      'log-level': 'error',
    };
    this.readyAtMs = 0;
    const args = Object.entries(flags).map(([flag, value]) => `--${flag}=${value}`);
    // As Dockerfile.injector has it; WEFT_SCALE_NODE has more, as --cpu-prof.
    const more = (process.env.WEFT_SCALE_NODE ?? '').split(' ').filter(Boolean);
    const node = ['--max-semi-space-size=16', ...more, program];
    this.#running = new Running(process.execPath, [...node, ...args], {
      cpus,
      files: 65_536,
      env: { POD_NAME: this.name, POD_NAMESPACE: 'weft-system' },
      onLine: line => process.stderr.write(`${this.name}: ${line}\n`),
    });
    await listening(this.port, this.#running, 120_000);
    this.readyAtMs = nowMs();
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    const running = this.#running;
    running?.child.kill(signal);
    await running?.ended();
  }
}

/** A kubeconfig for the API server of the simulation. */
export async function writeKubeconfig(folder: string, server: string): Promise<string> {
  const file = join(folder, 'kubeconfig.json');
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'scale',
    clusters: [{ name: 'scale', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'weft', user: { token: 'scale' } }],
    contexts: [{ name: 'scale', context: { cluster: 'scale', user: 'weft' } }],
  };
  await writeFile(file, JSON.stringify(config));
  return file;
}
