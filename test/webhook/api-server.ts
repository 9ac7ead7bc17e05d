// A real API server for tests: etcd and kube-apiserver of the folder KUBEBUILDER_ASSETS, on free ports of loopback, in a folder
// of their own that is removed afterwards. No controllers and no nodes: what they would make, tests make.
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { generateKeyPairSync, randomBytes } from 'node:crypto';
import { existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { KubeClient } from '../../src/kubernetes/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { type KubeAnswer, type KubeApi, kubeApiOf } from '../../webhook/index.ts';

const assets = process.env.KUBEBUILDER_ASSETS ?? '';

/** Why tests with a real API server cannot run here; false when they can. */
export const noApiServer: string | false =
  assets !== '' && existsSync(join(assets, 'kube-apiserver')) && existsSync(join(assets, 'etcd'))
    ? false
    : 'needs KUBEBUILDER_ASSETS, a folder with etcd and kube-apiserver';

/**
 * A definition is gone a moment after it was deleted, when its objects are; where the server's first look comes too early, after
 * the minute for which it looks again (apiextensions-apiserver, pkg/controller/finalizer).
 */
export const DEFINITIONS_GONE_SECONDS = 100;

/** A running API server. */
export interface ApiServer extends KubeApi {
  readonly kubeconfig: string;
  /** Creates an object where it belongs, and fails the test with the server's words when that is refused. */
  create(object: object, query?: Record<string, string>): Promise<KubeAnswer>;
  stop(): Promise<void>;
}

/** Starts one; resolves when it is ready. */
export async function startApiServer(): Promise<ApiServer> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-api-'));
  const [etcdPort = 0, peerPort = 0, port = 0] = await freePorts(3);
  const token = randomBytes(16).toString('hex');
  const children: ChildProcess[] = [];
  const stop = async (): Promise<void> => {
    for (const child of children.reverse()) await ended(child);
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await writeKeys(folder, token);
    children.push(startEtcd(folder, etcdPort, peerPort));
    children.push(startServer(folder, etcdPort, port));
    const kubeconfig = join(folder, 'kubeconfig');
    const ready = await waitUntilReady(folder, kubeconfig, port, token);
    const api = tellingOfCrashes(ready, children[1]!, join(folder, 'server.log'));
    const create = (object: object, query: Record<string, string> = {}) =>
      api.request({ method: 'POST', path: collectionOf(object), query, body: object });
    await create({
      apiVersion: 'v1',
      kind: 'ServiceAccount',
      metadata: { name: 'default', namespace: 'default' },
    });
    return { kubeconfig, request: api.request, create, stop };
  } catch (thrown) {
    const log = await readFile(join(folder, 'server.log'), 'utf8').catch(() => '');
    await stop();
    throw new Error(`the API server did not start: ${String(thrown)}\n${log.slice(-3000)}`);
  }
}

/** When the server dies, its last words instead of a broken connection. */
function tellingOfCrashes({ request }: KubeApi, server: ChildProcess, log: string): KubeApi {
  return {
    request: async call => {
      try {
        return await request(call);
      } catch (thrown) {
        await sleep(200);
        if (server.exitCode === null && server.signalCode === null) throw thrown;
        const words = await readFile(log, 'utf8').catch(() => '');
        const fatal =
          /^(?:unexpected fault|fatal error|panic:).*(?:\n.*){0,3}/m.exec(words)?.[0] ?? words.slice(-500);
        // Kubernetes before 1.24 built with Go 1.18 or newer crashes in reflect2 1.0.1 when a webhook answers with a patch.
        const hint = words.includes('reflect2') ? '; build it with github.com/modern-go/reflect2 1.0.2' : '';
        throw new Error(`kube-apiserver has crashed: ${fatal}${hint}`);
      }
    },
  };
}

function startEtcd(folder: string, port: number, peerPort: number): ChildProcess {
  const client = `http://127.0.0.1:${port}`;
  const peer = `http://127.0.0.1:${peerPort}`;
  const args = [
    '--data-dir',
    join(folder, 'etcd'),
    '--unsafe-no-fsync',
    '--initial-cluster',
    `default=${peer}`,
  ];
  args.push('--listen-client-urls', client, '--advertise-client-urls', client);
  args.push('--listen-peer-urls', peer, '--initial-advertise-peer-urls', peer);
  return spawn(join(assets, 'etcd'), args, { stdio: 'ignore' });
}

function startServer(folder: string, etcdPort: number, port: number): ChildProcess {
  const at = (name: string) => join(folder, name);
  const args = [
    `--etcd-servers=http://127.0.0.1:${etcdPort}`,
    `--secure-port=${port}`,
    '--bind-address=127.0.0.1',
    '--advertise-address=127.0.0.1',
    `--cert-dir=${at('pki')}`,
    `--token-auth-file=${at('tokens.csv')}`,
    '--authorization-mode=RBAC',
    '--allow-privileged=true',
    '--service-cluster-ip-range=10.96.0.0/16',
    `--service-account-key-file=${at('sa.pub')}`,
    `--service-account-signing-key-file=${at('sa.key')}`,
    '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
    '--api-audiences=https://kubernetes.default.svc.cluster.local,weft',
  ];
  // As every server from 1.22 on does it; before, pods need a Secret that a controller makes. Later ones no longer know the gate.
  if (serverMinor() < 22) args.push('--feature-gates=BoundServiceAccountTokenVolume=true');
  const child = spawn(
    '/bin/sh',
    ['-c', `exec "$0" "$@" >${at('server.log')} 2>&1`, join(assets, 'kube-apiserver'), ...args],
    {
      stdio: 'ignore',
    },
  );
  return child;
}

/** The version of the server under test: 34 of Kubernetes 1.34. */
function serverMinor(): number {
  const { stdout } = spawnSync(join(assets, 'kube-apiserver'), ['--version'], { encoding: 'utf8' });
  const minor = /^Kubernetes v1\.(\d+)\./.exec(stdout)?.[1];
  if (minor === undefined) throw new Error(`kube-apiserver --version says ${stdout.slice(0, 100)}`);
  return Number(minor);
}

/** The same as flags and options take it; of no server, of the oldest. */
export function serverVersion(): string {
  return noApiServer === false ? `1.${serverMinor()}` : '1.20';
}

async function writeKeys(folder: string, token: string): Promise<void> {
  const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  await writeFile(join(folder, 'sa.key'), privateKey.export({ type: 'pkcs1', format: 'pem' }), {
    mode: 0o600,
  });
  await writeFile(join(folder, 'sa.pub'), publicKey.export({ type: 'spki', format: 'pem' }));
  await writeFile(join(folder, 'tokens.csv'), `${token},admin,admin,"system:masters"\n`, { mode: 0o600 });
}

async function waitUntilReady(
  folder: string,
  kubeconfig: string,
  port: number,
  token: string,
): Promise<KubeApi> {
  const endAt = performance.now() + 60_000;
  for (;;) {
    try {
      const ca = await readFile(join(folder, 'pki', 'apiserver.crt'));
      const cluster = {
        server: `https://127.0.0.1:${port}`,
        'certificate-authority-data': ca.toString('base64'),
      };
      const config = {
        apiVersion: 'v1',
        kind: 'Config',
        'current-context': 'test',
        clusters: [{ name: 'test', cluster }],
        users: [{ name: 'admin', user: { token } }],
        contexts: [{ name: 'test', context: { cluster: 'test', user: 'admin' } }],
      };
      await writeFile(kubeconfig, JSON.stringify(config), { mode: 0o600 });
      const api = kubeApiOf(new KubeClient({ kubeconfig }));
      // The namespaces that the server makes for itself come last.
      const found = await api.request({ method: 'GET', path: '/api/v1/namespaces/default' });
      const bootstrapped = await api.request({
        method: 'GET',
        path: '/apis/rbac.authorization.k8s.io/v1/clusterroles/system:node-proxier',
      });
      if (found.status === 200 && bootstrapped.status === 200) return api;
    } catch (thrown) {
      if (performance.now() > endAt) throw thrown;
    }
    if (performance.now() > endAt) throw new Error('it is not ready after a minute');
    await sleep(100);
  }
}

async function ended(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const over = new Promise(resolve => child.once('exit', resolve));
  child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), 10_000);
  await over;
  clearTimeout(timer);
}

const plurals: Readonly<Record<string, string>> = {
  Endpoints: 'endpoints',
  NetworkPolicy: 'networkpolicies',
};
const clusterScoped = [
  'Namespace',
  'ClusterRole',
  'ClusterRoleBinding',
  'MutatingWebhookConfiguration',
  'CustomResourceDefinition',
];

/** The path that objects of this kind are created at. */
export function collectionOf(object: object): string {
  const { apiVersion, kind, metadata } = object as {
    apiVersion: string;
    kind: string;
    metadata?: { namespace?: string };
  };
  const root = apiVersion.includes('/') ? `/apis/${apiVersion}` : `/api/${apiVersion}`;
  const plural = plurals[kind] ?? `${kind.toLowerCase()}s`;
  if (clusterScoped.includes(kind)) return `${root}/${plural}`;
  return `${root}/namespaces/${metadata?.namespace ?? 'default'}/${plural}`;
}
