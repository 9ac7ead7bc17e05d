// A real SPIRE in a network namespace: a server with a bundle endpoint, and an agent that attests workloads of this machine.
import { execFile } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Namespace } from '../../src/redirect/testing/namespace.ts';
import type { Place } from './place.ts';
import { until } from './until.ts';

const run = promisify(execFile);

/** The programs, and where the server keeps what it knows. */
export interface SpirePrograms {
  readonly server: string;
  readonly agent: string;
  /** A PostgreSQL by its connection string; SQLite where none is named, which a server that was compiled without CGO has not. */
  readonly database?: string | undefined;
}

/** An X.509-SVID as files: PEM. */
export interface SvidFiles {
  readonly cert: string;
  readonly key: string;
  /** Of the other trust domain; only where an agent wrote it. */
  readonly federated: string;
}

/** The trust domain spire.example: its server's API and its bundle endpoint at `address`, ports 8081 and 8443. */
export class RealSpire {
  readonly #programs: SpirePrograms;
  readonly #folder: string;
  readonly #address: string;
  #fetches = 0;

  private constructor(programs: SpirePrograms, folder: string, address: string) {
    this.#programs = programs;
    this.#folder = folder;
    this.#address = address;
  }

  /** Starts both; `place` ends them. */
  static async start(
    programs: SpirePrograms,
    place: Place,
    where: Namespace,
    address: string,
  ): Promise<RealSpire> {
    const folder = join(place.folder, 'spire');
    mkdirSync(folder);
    const spire = new RealSpire(programs, folder, address);
    const config = join(folder, 'server.conf');
    writeFileSync(config, spire.#serverConfig());
    await place.run(where, [programs.server, 'run', '-config', config], /Starting Server APIs/);
    const trusted = join(folder, 'bundle.pem');
    writeFileSync(trusted, await until('the bundle of SPIRE', () => spire.server('bundle', 'show')));
    const token = /^Token: (\S+)/.exec(
      await spire.server('token', 'generate', '-spiffeID', 'spiffe://spire.example/node'),
    )![1]!;
    const agentConfig = join(folder, 'agent.conf');
    writeFileSync(agentConfig, spire.#agentConfig(trusted));
    const agent = [programs.agent, 'run', '-config', agentConfig, '-joinToken', token];
    await place.run(where, agent, /Starting Workload and SDS APIs/);
    return spire;
  }

  get bundleUrl(): string {
    return `https://${this.#address}:8443/`;
  }

  /** What `spire-server` prints with these words, a command of two or three and its options. */
  async server(...words: readonly string[]): Promise<string> {
    const socket = ['-socketPath', join(this.#folder, 'server.sock')];
    return (await run(this.#programs.server, [...words, ...socket])).stdout;
  }

  /** Names whoever runs as root on this machine. */
  async register(spiffeId: string, federatesWith: string): Promise<void> {
    const who = ['-parentID', 'spiffe://spire.example/node', '-spiffeID', spiffeId];
    const options = ['-selector', 'unix:uid:0', '-federatesWith', federatesWith];
    await this.server('entry', 'create', ...who, ...options);
  }

  /** What a workload of root's gets from the agent now; rejects as long as it gets nothing. */
  async fetch(): Promise<SvidFiles> {
    const folder = join(this.#folder, `svid-${++this.#fetches}`);
    mkdirSync(folder);
    const socket = ['-socketPath', join(this.#folder, 'agent.sock')];
    await run(this.#programs.agent, ['api', 'fetch', 'x509', '-write', folder, ...socket]);
    const [cert, key, federated] = ['svid.0.pem', 'svid.0.key', 'federated_bundle.0.0.pem'].map(name =>
      join(folder, name),
    );
    return { cert: cert!, key: key!, federated: federated! };
  }

  /** An SVID without a registration. */
  async mint(spiffeId: string, federated: string): Promise<SvidFiles> {
    const folder = join(this.#folder, 'minted');
    mkdirSync(folder);
    await this.server('x509', 'mint', '-spiffeID', spiffeId, '-write', folder);
    return { cert: join(folder, 'svid.pem'), key: join(folder, 'key.pem'), federated };
  }

  #serverConfig(): string {
    const { database } = this.#programs;
    const [type, connection] =
      database === undefined ? ['sqlite3', join(this.#folder, 'server.sqlite3')] : ['postgres', database];
    return `
server {
  bind_address = "${this.#address}"
  bind_port = "8081"
  socket_path = "${join(this.#folder, 'server.sock')}"
  trust_domain = "spire.example"
  data_dir = "${this.#folder}"
  log_level = "INFO"
  federation {
    bundle_endpoint {
      address = "${this.#address}"
      port = 8443
      refresh_hint = "30s"
      profile "https_spiffe" {}
    }
  }
}
plugins {
  DataStore "sql" { plugin_data { database_type = "${type}" connection_string = "${connection}" } }
  KeyManager "memory" { plugin_data {} }
  NodeAttestor "join_token" { plugin_data {} }
}
`;
  }

  #agentConfig(trusted: string): string {
    return `
agent {
  data_dir = "${join(this.#folder, 'agent')}"
  server_address = "${this.#address}"
  server_port = "8081"
  socket_path = "${join(this.#folder, 'agent.sock')}"
  trust_domain = "spire.example"
  trust_bundle_path = "${trusted}"
  log_level = "INFO"
}
plugins {
  KeyManager "memory" { plugin_data {} }
  NodeAttestor "join_token" { plugin_data {} }
  WorkloadAttestor "unix" { plugin_data {} }
}
`;
  }
}
