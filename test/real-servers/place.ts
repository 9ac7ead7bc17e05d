// A pod with a server, a meshed caller and one outside of the mesh, each in a network namespace of its own; real proxies behind
// real rules.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { apply } from '../../src/redirect/apply.ts';
import type { ClientAddresses } from '../../src/redirect/options.ts';
import { plan } from '../../src/redirect/plan.ts';
import { Namespace, podAndPeer } from '../../src/redirect/testing/namespace.ts';

/** Of the pod, and of the Service that callers name. */
export const POD = '10.77.0.2';
export const SERVICE = '10.96.0.10';

const root = join(import.meta.dirname, '../..');

const asUser = ['setpriv', '--reuid=1337', '--regid=1337', '--clear-groups'];
/** Where clients' addresses are kept: root without most of what root may do. */
const asInjected = [
  'setpriv',
  '--bounding-set=-all,+net_raw,+setgid,+setuid',
  '--no-new-privs',
  '--clear-groups',
];

const pod = (name: string, address: string, labels: string): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}, namespace: shop, labels: {${labels}}, annotations: {weft.dev/status: '{"version":"test"}'}}
spec: {serviceAccountName: ${name}, containers: [{name: app, image: app}]}
status: {phase: Running, podIP: ${address}, podIPs: [{ip: ${address}}], conditions: [{type: Ready, status: "True"}]}
---`;

/** A mesh with one Service on these ports, whose names begin so. */
const mesh = (
  ports: readonly number[],
  name: string,
): string => `${pod('server', POD, 'app: server')}${pod('caller', '10.77.0.1', 'app: caller')}
apiVersion: v1
kind: Service
metadata: {name: server, namespace: shop}
spec: {clusterIP: ${SERVICE}, clusterIPs: [${SERVICE}], selector: {app: server}, ports: [${ports.map(port => `{name: ${name}${port}, port: ${port}}`).join(', ')}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: server-1, namespace: shop, labels: {kubernetes.io/service-name: server}}
addressType: IPv4
ports: [${ports.map(port => `{name: ${name}${port}, port: ${port}, protocol: TCP}`).join(', ')}]
endpoints: [{addresses: [${POD}], conditions: {ready: true}, targetRef: {kind: Pod, name: server, namespace: shop}}]
`;

/** Everything of one test. */
export class Place implements AsyncDisposable {
  readonly folder = mkdtempSync(join(tmpdir(), 'weft-real-'));
  /** What all programs said. */
  readonly lines: string[] = [];
  /** From which addresses clients of the server may log in; `%` for all. */
  readonly clients: string;
  readonly #clientAddresses: ClientAddresses;
  readonly #children: ChildProcess[] = [];
  readonly #stack = new AsyncDisposableStack();
  server!: Namespace;
  meshed!: Namespace;
  outside!: Namespace;

  constructor(clientAddresses: ClientAddresses = 'replace', clients = '%') {
    this.#clientAddresses = clientAddresses;
    this.clients = clients;
  }

  /**
   * Starts both proxies; the server's answers tcpSocket probes of these ports at /app-health/PORT/livez. `declared`: as TCP, so
   * that connections between the proxies are streams of one that is kept.
   */
  async start(ports: readonly number[], declared = false): Promise<void> {
    // The proxies are no root, and make their authority in it.
    chmodSync(this.folder, 0o777);
    const { pod: server, peer: meshed } = this.#stack.use(await podAndPeer());
    const outside = this.#stack.use(new Namespace('outside'));
    Object.assign(this, { server, meshed, outside });
    const link = ['link', 'add', 'eth1', 'type', 'veth', 'peer', 'eth0', 'netns', outside.name];
    execFileSync('ip', ['-n', server.name, ...link]);
    server.ip('addr add 10.79.0.2/24 dev eth1');
    server.ip('link set eth1 up');
    outside.ip('addr add 10.79.0.1/24 dev eth0');
    outside.ip('link set eth0 up');
    outside.ip('route add default via 10.79.0.2');
    meshed.ip(`route add default via ${POD}`);
    writeFileSync(join(this.folder, 'mesh.yaml'), mesh(ports, declared ? 'tcp-' : 'p'));
    const probes = ports.map(port => [
      `/app-health/${port}/livez`,
      { tcpSocket: { port }, timeoutSeconds: 5 },
    ]);
    const env = { WEFT_PROBES: JSON.stringify(Object.fromEntries(probes)) };
    // One after the other: the first makes the authority that both sign with.
    await this.#proxy(server, 'server', POD, env);
    await this.#proxy(meshed, 'caller', '10.77.0.1', {});
  }

  async #proxy(where: Namespace, name: string, address: string, env: Record<string, string>): Promise<void> {
    const clientAddresses = where === this.server ? this.#clientAddresses : 'replace';
    await apply(plan({ clientAddresses }).plan!, { run: where.run });
    const own = [
      '--pod-name',
      name,
      '--pod-namespace',
      'shop',
      '--pod-ips',
      address,
      '--service-account',
      name,
    ];
    const files = ['--discovery', 'files', '--files', this.folder, '--ca-dir', join(this.folder, 'ca')];
    const more = ['--client-addresses', clientAddresses];
    const run = [process.execPath, join(root, 'src/main/weft-proxy.ts'), 'run', ...files, ...own, ...more];
    await this.run(
      where,
      [...(clientAddresses === 'keep' ? asInjected : asUser), ...run],
      /carries traffic/,
      env,
    );
  }

  /** Starts a program that stays until the end; resolves once it has printed `ready`. */
  async run(
    where: Namespace,
    command: readonly string[],
    ready: RegExp,
    env: Record<string, string> = {},
  ): Promise<void> {
    const [first, ...rest] = [...where.enter, ...command];
    const child = spawn(first!, rest, { stdio: ['ignore', 'pipe', 'pipe'], env: { ...process.env, ...env } });
    this.#children.push(child);
    const { lines } = this;
    await new Promise<void>((resolve, reject) => {
      for (const stream of [child.stdout!, child.stderr!])
        createInterface({ input: stream }).on('line', line => {
          if (lines.length < 1000) lines.push(line);
          if (ready.test(line)) resolve();
        });
      child.on('error', reject);
      child.on('exit', code => reject(new Error(`${command[0]} ended (${code}): ${lines.join('\n')}`)));
    });
  }

  /** Calls the server so often, see client.ts. */
  async calls(from: Namespace, kind: string, host: string, port: number, calls: number): Promise<Outcome> {
    const args = [join(import.meta.dirname, 'client.ts'), kind, host, `${port}`, `${calls}`, '4'];
    const { stdout, stderr } = await from.run(process.execPath, args);
    if (stdout === '') throw new Error(stderr);
    return JSON.parse(stdout) as Outcome;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const child of this.#children) {
      if (child.exitCode !== null || child.signalCode !== null) continue;
      const gone = once(child, 'exit');
      child.kill('SIGKILL');
      await gone;
    }
    await this.#stack.disposeAsync();
    rmSync(this.folder, { recursive: true, force: true });
  }
}

/** What became of calls. */
export interface Outcome {
  readonly good: number;
  readonly failures: Readonly<Record<string, number>>;
}
