// An API server of one's own for tests: etcd and kube-apiserver from KUBEBUILDER_ASSETS on free ports, or whatever KUBECONFIG
// names.
import { type ChildProcess, spawn } from 'node:child_process';
import { generateKeyPairSync, sign } from 'node:crypto';
import { existsSync, openSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { ApiError, KubeClient } from '../../../src/kubernetes/index.ts';
import { freePorts } from '../../../src/wire/testing/ports.ts';
import { UserAuthority } from './user-authority.ts';

const assets = process.env.KUBEBUILDER_ASSETS ?? '';
const given = process.env.KUBECONFIG ?? '';

/** Why tests on a real API server are left out; false when they can run. */
export const noApiServer: string | false =
  assets !== '' && existsSync(join(assets, 'kube-apiserver'))
    ? false
    : given === '' &&
      'set KUBEBUILDER_ASSETS to a folder with etcd and kube-apiserver, or KUBECONFIG to a test cluster';

/** The same for tests that stop and start it. */
export const noOwnApiServer: string | false =
  assets === '' ? 'needs an API server of its own: set KUBEBUILDER_ASSETS' : noApiServer;

/** An API server that answers. */
export interface TestApiServer {
  /** A file; its user may do everything. */
  readonly kubeconfig: string;
  readonly client: KubeClient;
  /** A kubeconfig with this bearer token. */
  kubeconfigOf(token: string): Promise<string>;
  /** A kubeconfig with a client certificate of this user; undefined where the authority is not ours. */
  kubeconfigOfUser(name: string, groups: readonly string[]): Promise<string | undefined>;
  /** This token, signed by the server's own key, but over for an hour; undefined where the key is not ours. */
  expired(token: string): Promise<string | undefined>;
  stop(): Promise<void>;
  start(): Promise<void>;
  close(): Promise<void>;
}

/** Starts one; `close` removes everything. */
export async function openApiServer(): Promise<TestApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-kube-'));
  return assets === '' ? useGiven(folder) : OwnApiServer.open(folder);
}

async function useGiven(folder: string): Promise<TestApiServer> {
  const { loadKubeConfig } = await import('../../../src/kubernetes/kubeconfig.ts');
  const cluster = loadKubeConfig({ kubeconfig: given }).getCurrentCluster()!;
  const ca = cluster.caData ?? (await readFile(cluster.caFile!)).toString('base64');
  const never = () => Promise.reject(new Error('not ours to stop'));
  return {
    kubeconfig: given,
    client: new KubeClient({ kubeconfig: given }),
    kubeconfigOf: token => writeKubeconfig(folder, cluster.server, ca, { token }),
    kubeconfigOfUser: async () => undefined,
    expired: async () => undefined,
    stop: never,
    start: never,
    close: () => rm(folder, { recursive: true, force: true }),
  };
}

class OwnApiServer implements TestApiServer {
  readonly #folder: string;
  readonly #ports: { readonly etcd: number; readonly peers: number; readonly api: number };
  readonly #children = new Map<string, ChildProcess>();
  readonly #users = new UserAuthority();
  kubeconfig = '';
  client!: KubeClient;

  private constructor(folder: string, ports: { etcd: number; peers: number; api: number }) {
    this.#folder = folder;
    this.#ports = ports;
  }

  static async open(folder: string): Promise<OwnApiServer> {
    const [etcd, peers, api] = await freePorts(3);
    const server = new OwnApiServer(folder, { etcd: etcd!, peers: peers!, api: api! });
    const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
    await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }));
    await writeFile(join(folder, 'tokens.csv'), 'admin,admin,admin,"system:masters"\n');
    await writeFile(join(folder, 'client-ca.crt'), server.#users.pem);
    await mkdir(join(folder, 'certs'));
    const client = `http://127.0.0.1:${etcd}`;
    const peer = `http://127.0.0.1:${peers}`;
    server.#run('etcd', [
      `--data-dir=${folder}/etcd`,
      `--listen-client-urls=${client}`,
      `--advertise-client-urls=${client}`,
      `--listen-peer-urls=${peer}`,
      `--initial-advertise-peer-urls=${peer}`,
      `--initial-cluster=default=${peer}`,
      '--unsafe-no-fsync',
    ]);
    await server.start();
    return server;
  }

  async start(): Promise<void> {
    const { etcd, api } = this.#ports;
    this.#run('kube-apiserver', [
      `--etcd-servers=http://127.0.0.1:${etcd}`,
      `--secure-port=${api}`,
      '--bind-address=127.0.0.1',
      `--cert-dir=${this.#folder}/certs`,
      '--authorization-mode=RBAC',
      `--token-auth-file=${this.#folder}/tokens.csv`,
      `--client-ca-file=${this.#folder}/client-ca.crt`,
      '--service-cluster-ip-range=10.96.0.0/16',
      '--disable-admission-plugins=ServiceAccount',
      `--service-account-signing-key-file=${this.#folder}/sa.key`,
      `--service-account-key-file=${this.#folder}/sa.key`,
      '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    ]);
    const server = `https://127.0.0.1:${api}`;
    for (let left = 300; ; left--) {
      const ca = await readFile(join(this.#folder, 'certs/apiserver.crt')).catch(() => undefined);
      if (ca) {
        this.kubeconfig = await writeKubeconfig(this.#folder, server, ca.toString('base64'), {
          token: 'admin',
        });
        this.client ??= new KubeClient({ kubeconfig: this.kubeconfig });
        const ready = await this.client.call({ path: '/api/v1/namespaces/default', timeoutMs: 1_000 });
        if (!(ready instanceof ApiError)) return;
      }
      if (left === 0) throw new Error(`the API server did not come up; see ${this.#folder}`);
      await sleep(100);
    }
  }

  async stop(): Promise<void> {
    await this.#end('kube-apiserver');
  }

  async kubeconfigOf(token: string): Promise<string> {
    const ca = await readFile(join(this.#folder, 'certs/apiserver.crt'), 'base64');
    return writeKubeconfig(this.#folder, `https://127.0.0.1:${this.#ports.api}`, ca, { token });
  }

  async kubeconfigOfUser(name: string, groups: readonly string[]): Promise<string> {
    const ca = await readFile(join(this.#folder, 'certs/apiserver.crt'), 'base64');
    const { cert, key } = this.#users.issue(name, groups);
    return writeKubeconfig(this.#folder, `https://127.0.0.1:${this.#ports.api}`, ca, {
      'client-certificate-data': Buffer.from(cert).toString('base64'),
      'client-key-data': Buffer.from(key).toString('base64'),
    });
  }

  async expired(token: string): Promise<string> {
    const [head = '', body = ''] = token.split('.');
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { exp: number };
    const nowSeconds = Math.floor(Date.now() / 1000);
    const over = { ...claims, iat: nowSeconds - 7_200, nbf: nowSeconds - 7_200, exp: nowSeconds - 3_600 };
    const text = `${head}.${Buffer.from(JSON.stringify(over)).toString('base64url')}`;
    const signature = sign('sha256', Buffer.from(text), await readFile(join(this.#folder, 'sa.key')));
    return `${text}.${signature.toString('base64url')}`;
  }

  async close(): Promise<void> {
    await this.#end('kube-apiserver');
    await this.#end('etcd');
    await rm(this.#folder, { recursive: true, force: true });
  }

  #run(name: string, args: readonly string[]): void {
    const log = openSync(join(this.#folder, `${name}.log`), 'a');
    this.#children.set(name, spawn(join(assets, name), args, { stdio: ['ignore', log, log] }));
  }

  async #end(name: string): Promise<void> {
    const child = this.#children.get(name);
    this.#children.delete(name);
    if (!child || child.exitCode !== null) return;
    const ended = new Promise(resolve => child.once('exit', resolve));
    child.kill('SIGKILL');
    await ended;
  }
}

let files = 0;

async function writeKubeconfig(
  folder: string,
  server: string,
  ca: string,
  user: Readonly<Record<string, string>>,
): Promise<string> {
  const path = join(folder, `kubeconfig-${files++}.json`);
  const config = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'test',
    clusters: [{ name: 'test', cluster: { server, 'certificate-authority-data': ca } }],
    users: [{ name: 'me', user }],
    contexts: [{ name: 'test', context: { cluster: 'test', user: 'me' } }],
  };
  await writeFile(path, JSON.stringify(config), { mode: 0o600 });
  return path;
}
