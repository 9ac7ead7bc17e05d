// Three workloads with a proxy each, as processes without packet rules: `client` calls `web`, which calls `prices`. The apps are
// servers of the test; mutual TLS is between the proxies.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import {
  createServer,
  type IncomingHttpHeaders,
  type IncomingMessage,
  request as open,
  type Server,
  type ServerResponse,
} from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadOrCreateAuthority } from '../../src/ca/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';

const program = join(import.meta.dirname, '../../src/main/weft-proxy.ts');
const upLimitMs = 60_000;

/** What an app's handler may do with a request. */
export type Handler = (request: IncomingMessage, response: ServerResponse) => void;

/** One workload. */
export class Workload {
  readonly name: string;
  readonly address: string;
  readonly handler: Handler;
  ports = { outbound: 0, inbound: 0, admin: 0, health: 0 };
  appPort = 0;
  log = '';
  #app: Server | undefined;
  #proxy: ChildProcess | undefined;

  constructor(name: string, address: string, handler: Handler) {
    this.name = name;
    this.address = address;
    this.handler = handler;
  }

  async listen(): Promise<void> {
    const [outbound = 0, inbound = 0, admin = 0, health = 0] = await freePorts(4);
    this.ports = { outbound, inbound, admin, health };
    this.#app = createServer(this.handler).listen(0, this.address);
    await once(this.#app, 'listening');
    this.appPort = (this.#app.address() as AddressInfo).port;
  }

  /** Starts its proxy and waits until it is ready. */
  async start(folder: string, caDir: string, more: readonly string[]): Promise<void> {
    const { outbound, inbound, admin, health } = this.ports;
    const flags = {
      discovery: 'files',
      files: folder,
      'ca-dir': caDir,
      listen: this.address,
      'outbound-port': outbound,
      'inbound-port': inbound,
      'admin-port': admin,
      'health-port': health,
      'pod-name': `${this.name}-0`,
      'pod-namespace': 'shop',
      'pod-ips': this.address,
      'service-account': this.name,
    };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, String(value)]);
    const child = spawn(process.execPath, [program, 'run', '--no-redirect', ...args, ...more], {
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#proxy = child;
    for (const stream of [child.stdout, child.stderr]) stream.on('data', text => (this.log += String(text)));
    const limit = performance.now() + upLimitMs;
    while (!(await this.get('/ready').catch(() => '')).startsWith('ready')) {
      if (performance.now() > limit || child.exitCode !== null)
        throw new Error(`the proxy of ${this.name} does not come up:\n${this.log}`);
      await sleep(100);
    }
  }

  /** A page of its proxy's admin port. */
  async get(path: string, accept = 'text/plain'): Promise<string> {
    const url = `http://${this.address}:${this.ports.admin}${path}`;
    return (await fetch(url, { headers: { accept } })).text();
  }

  /** A request of its app, through its proxy. */
  async call(
    url: string,
    headers: Record<string, string> = {},
  ): Promise<{ status: number; headers: IncomingHttpHeaders }> {
    const { host, pathname } = new URL(url);
    return new Promise((resolve, reject) => {
      const call = open(
        {
          host: this.address,
          port: this.ports.outbound,
          path: pathname,
          agent: false,
          headers: { ...headers, host },
        },
        response => {
          response.resume();
          response.on('end', () => resolve({ status: response.statusCode ?? 0, headers: response.headers }));
        },
      );
      call.on('error', reject);
      call.end();
    });
  }

  /** Ends the proxy as the kubelet does. */
  async drain(): Promise<void> {
    const child = this.#proxy;
    if (child === undefined || child.exitCode !== null) return;
    child.kill('SIGTERM');
    await once(child, 'exit');
  }

  close(): void {
    this.#app?.closeAllConnections();
    this.#app?.close();
    this.#proxy?.kill('SIGKILL');
  }
}

/** The trace headers that a request came with, for the calls that are made for it. */
export function contextOf({ headers }: IncomingMessage): Record<string, string> {
  const names = ['traceparent', 'tracestate', 'b3', 'x-request-id'];
  const passed = Object.entries(headers).filter(([name]) => names.includes(name) || name.startsWith('x-b3-'));
  return Object.fromEntries(passed.map(([name, value]) => [name, String(value)]));
}

/** The three of them. */
export class Chain {
  readonly client: Workload;
  readonly web: Workload;
  readonly prices: Workload;
  readonly #folder: string;

  /** `passesOn`: whether web passes the context of its requests on. */
  private constructor(passesOn: () => boolean, prices: Handler) {
    this.#folder = mkdtempSync(join(tmpdir(), 'weft-chain-'));
    this.client = new Workload('client', '127.0.61.1', (_, response) => response.end());
    this.web = new Workload('web', '127.0.61.2', (request, response) => {
      const context = passesOn() ? contextOf(request) : {};
      this.web.call(`http://prices.shop${request.url}`, context).then(
        ({ status }) => response.writeHead(status).end(),
        () => response.writeHead(502).end(),
      );
    });
    this.prices = new Workload('prices', '127.0.61.3', prices);
  }

  /** `objects`: YAML beside that of the workloads. */
  static async start(
    objects: string,
    options: {
      readonly passesOn?: () => boolean;
      readonly prices: Handler;
      readonly flags?: readonly string[];
    },
  ): Promise<Chain> {
    const chain = new Chain(options.passesOn ?? (() => true), options.prices);
    try {
      for (const each of chain.all) await each.listen();
      const folder = join(chain.#folder, 'objects.yaml');
      writeFileSync(folder, [...chain.all.map(objectsOf), objects].join('\n---\n'));
      const caDir = join(chain.#folder, 'ca');
      await loadOrCreateAuthority(caDir, { trustDomain: 'cluster.local', clock: systemClock });
      for (const each of chain.all) await each.start(chain.#folder, caDir, options.flags ?? []);
    } catch (error) {
      chain.close();
      throw error;
    }
    return chain;
  }

  get all(): readonly Workload[] {
    return [this.client, this.web, this.prices];
  }

  close(): void {
    for (const each of this.all) each.close();
    rmSync(this.#folder, { recursive: true, force: true });
  }
}

function objectsOf({ name, address, ports, appPort }: Workload): string {
  return `
apiVersion: v1
kind: Pod
metadata:
  name: ${name}-0
  namespace: shop
  labels: { app: ${name}, version: v1 }
  annotations: { weft.dev/status: '{}', weft.dev/tunnel-port: '${ports.inbound}' }
spec:
  serviceAccountName: ${name}
  containers: [{ name: app, image: app, ports: [{ containerPort: ${appPort} }] }]
status: { podIP: ${address}, podIPs: [{ ip: ${address} }], phase: Running }
---
apiVersion: v1
kind: Service
metadata: { name: ${name}, namespace: shop }
spec: { clusterIP: None, selector: { app: ${name} }, ports: [{ name: http, port: 80, targetPort: ${appPort} }] }
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: { name: ${name}-1, namespace: shop, labels: { kubernetes.io/service-name: ${name} } }
addressType: IPv4
ports: [{ name: http, port: ${appPort} }]
endpoints:
  - addresses: [${address}]
    conditions: { ready: true }
    targetRef: { kind: Pod, name: ${name}-0, namespace: shop }
`;
}
