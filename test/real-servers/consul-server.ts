// A real Consul on loopback, with data on disk so that it can be killed and come again.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { freePorts } from '../../src/wire/testing/ports.ts';

/** The management token of a Consul with rules of access. */
export const MANAGEMENT = '5d4b1f0a-0000-4000-8000-000000000001';

/** Of its agent's API. */
export interface Registration {
  readonly id: string;
  readonly name: string;
  readonly address: string;
  readonly port: number;
  readonly tags?: readonly string[];
  readonly meta?: Readonly<Record<string, string>>;
  /** `passing`, `warning` or `critical`; passing unless told. */
  readonly status?: string;
}

/** `consul agent -server`, alone. */
export class RealConsul {
  readonly url: string;
  readonly caFile: string;
  /** Over TLS, with a certificate of `caFile`. */
  readonly tlsUrl: string;
  readonly #program: string;
  readonly #folder: string;
  readonly #acl: boolean;
  #child: ChildProcess | undefined;

  private constructor(program: string, folder: string, ports: readonly number[], acl: boolean) {
    this.#program = program;
    this.#folder = folder;
    this.#acl = acl;
    const [http = 0, https = 0, server = 0, lan = 0] = ports;
    this.url = `http://127.0.0.1:${http}`;
    this.tlsUrl = `https://localhost:${https}`;
    this.caFile = join(folder, 'consul-agent-ca.pem');
    execFileSync(program, ['tls', 'ca', 'create'], { cwd: folder });
    execFileSync(
      program,
      ['tls', 'cert', 'create', '-server', '-dc', 'dc1', '-additional-dnsname', 'localhost'],
      {
        cwd: folder,
      },
    );
    const settings = {
      ...{ server: true, bootstrap_expect: 1, datacenter: 'dc1', node_name: 'one', log_level: 'warn' },
      ...{ bind_addr: '127.0.0.1', client_addr: '127.0.0.1', data_dir: join(folder, 'data') },
      ports: { http, https, server, serf_lan: lan, serf_wan: -1, dns: -1, grpc: -1, grpc_tls: -1 },
      tls: {
        https: {
          ca_file: this.caFile,
          cert_file: join(folder, 'dc1-server-consul-0.pem'),
          key_file: join(folder, 'dc1-server-consul-0-key.pem'),
          verify_incoming: false,
        },
      },
      performance: { raft_multiplier: 1 },
      ...(acl && {
        acl: {
          enabled: true,
          default_policy: 'deny',
          tokens: { initial_management: MANAGEMENT, agent: MANAGEMENT },
        },
      }),
    };
    writeFileSync(join(folder, 'settings.json'), JSON.stringify(settings));
  }

  /** Starts one in this folder. To be ended by who starts it. */
  static async start(program: string, folder: string, { acl = false } = {}): Promise<RealConsul> {
    mkdirSync(folder, { recursive: true });
    const consul = new RealConsul(program, folder, await freePorts(4), acl);
    await consul.up();
    return consul;
  }

  /** Starts it again. */
  async up(): Promise<void> {
    this.#child = spawn(this.#program, ['agent', '-config-file', join(this.#folder, 'settings.json')], {
      stdio: ['ignore', 'ignore', 'inherit'],
    });
    for (const limit = performance.now() + 60_000; ; ) {
      const leader = await fetch(`${this.url}/v1/status/leader`).then(
        answer => answer.text(),
        () => '""',
      );
      if (leader !== '""') break;
      if (performance.now() > limit) throw new Error('consul has no leader within a minute');
      await new Promise(resolve => setTimeout(resolve, 50));
    }
  }

  /** Ends it without a word. */
  async kill(): Promise<void> {
    if (this.#child === undefined || this.#child.exitCode !== null || this.#child.signalCode !== null) return;
    const exit = once(this.#child, 'exit');
    this.#child.kill('SIGKILL');
    await exit;
  }

  /** It has never known anything. */
  forget(): void {
    rmSync(join(this.#folder, 'data'), { recursive: true, force: true });
  }

  /** Registers with the agent; the check is one that the test itself sets. */
  async register({
    id,
    name,
    address,
    port,
    tags = [],
    meta = {},
    status = 'passing',
  }: Registration): Promise<void> {
    const check = { CheckID: `check-${id}`, TTL: '1h', Status: status };
    const body = { ID: id, Name: name, Address: address, Port: port, Tags: tags, Meta: meta, Check: check };
    await this.put('/v1/agent/service/register', body);
    // Written down by the agent, unlike the first state, so that it holds when Consul comes again.
    if (status === 'passing') await this.put(`/v1/agent/check/pass/check-${id}`);
  }

  async put(path: string, body: unknown = {}): Promise<unknown> {
    for (const limit = performance.now() + 60_000; ; ) {
      const answer = await fetch(`${this.url}${path}`, {
        method: 'PUT',
        body: JSON.stringify(body),
        ...(this.#acl && { headers: { 'x-consul-token': MANAGEMENT } }),
      });
      const text = await answer.text();
      if (answer.ok) return text === '' ? undefined : JSON.parse(text);
      // It has a leader, and rules of access a moment after that.
      if (performance.now() > limit) throw new Error(`${path}: ${answer.status} ${text}`);
      await new Promise(resolve => setTimeout(resolve, 100));
    }
  }
}
