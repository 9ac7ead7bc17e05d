import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import type { TestContext } from 'node:test';
import { DiscoveryClient, type QuestionHandler, remoteSigner } from '../../../src/discovery/index.ts';
import { RecordingSink } from '../../../src/discovery/testing/recording-sink.ts';
import { CertificateKeeper, type KeeperNotice } from '../../../src/identity/index.ts';
import { silentLog } from '../../../src/telemetry/index.ts';
import { systemClock } from '../../../src/time/index.ts';

const program = join(import.meta.dirname, '../../../src/main/weft-injector.ts');

/** Where it listens. */
export interface Ports {
  readonly port: number;
  readonly metricsPort: number;
  readonly webhookPort: number;
  readonly livePort: number;
}

/** weft-injector as a process. */
export interface Injector {
  readonly child: ChildProcess;
  readonly lines: Record<string, unknown>[];
  /** The ports, as soon as it says that it serves. */
  readonly served: Promise<Ports>;
  get(path: string): Promise<{ status: number; text: string }>;
  json<T>(path: string): Promise<T>;
  kill(signal: NodeJS.Signals): Promise<number | null>;
}

/** Starts one replica; it is ended with the test. */
export async function startInjector(
  context: TestContext,
  kubeconfig: string,
  name: string,
  flags: Record<string, string | true> = {},
): Promise<Injector> {
  const folder = await mkdtemp(join(tmpdir(), 'weft-injector-'));
  const settings = join(folder, 'injection.yaml');
  await writeFile(settings, 'proxyImage: weft-proxy:test\n');
  const all: Record<string, string | true> = {
    source: 'kubernetes',
    kubeconfig,
    listen: '127.0.0.1:0',
    'metrics-listen': '127.0.0.1:0',
    'webhook-listen': '127.0.0.1:0',
    'live-listen': '127.0.0.1:0',
    'injection-settings': settings,
    'certificate-lifetime': '1h',
    ...flags,
  };
  const args = Object.entries(all).map(([flag, value]) =>
    value === true ? `--${flag}` : `--${flag}=${value}`,
  );
  const env = { ...process.env, POD_NAME: name, POD_NAMESPACE: 'weft-system' };
  const child = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'inherit'], env });
  context.after(async () => {
    child.kill('SIGKILL');
    await rm(folder, { recursive: true, force: true });
  });
  const lines: Record<string, unknown>[] = [];
  let tell: (line: Record<string, unknown>) => void = () => {};
  const served = new Promise<Ports>((resolve, reject) => {
    tell = line => {
      lines.push(line);
      if (line.message === 'the control plane serves proxies') resolve(line as never);
    };
    child.once('exit', code =>
      reject(new Error(`weft-injector ended with ${code}: ${JSON.stringify(lines.slice(-5))}`)),
    );
  });
  served.catch(() => {});
  createInterface({ input: child.stdout! }).on('line', line => tell(JSON.parse(line)));
  const get = async (path: string): Promise<{ status: number; text: string }> => {
    const { metricsPort } = await served;
    const answer = await fetch(`http://127.0.0.1:${metricsPort}${path}`);
    return { status: answer.status, text: await answer.text() };
  };
  return {
    child,
    lines,
    served,
    get,
    json: async path => JSON.parse((await get(path)).text),
    kill: signal =>
      new Promise(resolve => {
        child.once('exit', resolve);
        child.kill(signal);
      }),
  };
}

/** A proxy's side, without a proxy: certificate and stream. */
export interface TestProxy {
  readonly sink: RecordingSink;
  readonly client: DiscoveryClient;
  readonly keeper: CertificateKeeper;
  readonly notices: KeeperNotice[];
}

/** Connects as the pod whose token it is. */
export function startProxy(
  context: TestContext,
  port: number,
  roots: () => readonly string[],
  token: () => string,
  pod: { namespace: string; name: string; principal?: string; controlPlane?: string },
  questions?: QuestionHandler,
): TestProxy {
  const controlPlane = {
    address: { host: '127.0.0.1', port },
    identity: `spiffe://cluster.local/ns/weft-system/sa/${pod.controlPlane ?? 'weft-injector'}`,
    bootstrapRoots: roots,
  };
  const notices: KeeperNotice[] = [];
  const keeper: CertificateKeeper = new CertificateKeeper({
    clock: systemClock,
    ...(pod.principal !== undefined && { principal: pod.principal }),
    sign: remoteSigner({ controlPlane, token: async () => token(), credentials: () => keeper.credentials }),
    notice: notice => notices.push(notice),
  });
  const stop = new AbortController();
  keeper.start(stop.signal);
  const sink = new RecordingSink();
  const client = new DiscoveryClient({
    controlPlane,
    credentials: keeper,
    namespace: pod.namespace,
    pod: pod.name,
    proxyVersion: 'test',
    sink,
    ...(questions && { questions }),
    clock: systemClock,
    log: silentLog,
  });
  client.start();
  context.after(() => {
    stop.abort();
    client.close();
  });
  return { sink, client, keeper, notices };
}
