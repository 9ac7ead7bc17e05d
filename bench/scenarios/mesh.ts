// A control plane and sidecars as they are run in production, but in explicit mode (HTTP_PROXY) so that no packet rules are
// needed: each pod has an address of loopback.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { TokenIssuer } from '../../src/ca/index.ts';
import { ANNOTATIONS } from '../../src/config/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { freePort } from '../../src/wire/testing/ports.ts';
import type { Running, StartOptions } from '../processes.ts';
import type { Stage } from '../stage.ts';

/** What is in the mesh. */
export interface MeshPlan {
  /** Services; the first `live` of them lead to the backend, through the receiving sidecar. */
  readonly services: number;
  readonly live: number;
  /** Port of the backend. */
  readonly backend: number;
  /** Where it is: SERVER, behind a sidecar, unless told. */
  readonly address?: string;
}

/** Addresses of the pods. */
export const CLIENT = '127.0.0.2';
/** The pod of every live Service. */
export const SERVER = '127.0.0.3';
/** Where something is that is not in the mesh. */
export const OUTSIDE = '127.0.0.4';
const namespace = 'bench';

/** Name of a Service as apps call it. */
export const hostOf = (service: number): string => `svc-${service}.${namespace}.svc.cluster.local`;

/** A sidecar, and where it is reached. */
export interface Sidecar {
  readonly program: Running;
  readonly address: string;
  readonly outboundPort: number;
  readonly healthPort: number;
}

/** The running mesh. */
export class BenchMesh {
  readonly injector: Running;
  readonly #stage: Stage;
  readonly #folder: string;
  readonly #issuer: TokenIssuer;
  readonly #port: number;
  readonly #tunnelPort: number;

  private constructor(
    stage: Stage,
    folder: string,
    issuer: TokenIssuer,
    injector: Running,
    ports: { readonly discovery: number; readonly tunnel: number },
  ) {
    this.#stage = stage;
    this.#folder = folder;
    this.#issuer = issuer;
    this.injector = injector;
    this.#port = ports.discovery;
    this.#tunnelPort = ports.tunnel;
  }

  /** Starts the control plane over generated objects; resolves when it serves. */
  static async start(stage: Stage, plan: MeshPlan): Promise<BenchMesh> {
    const folder = join(stage.folder, `mesh-${plan.services}`);
    const objects = join(folder, 'objects');
    mkdirSync(objects, { recursive: true });
    const [discovery, metrics, tunnel] = [await freePort(), await freePort(), await freePort()];
    writeObjects(objects, plan, tunnel);
    const issuer = TokenIssuer.create({
      issuer: 'https://kubernetes.default.svc.cluster.local',
      clock: systemClock,
    });
    if (issuer instanceof Error) throw issuer;
    const keys = join(folder, 'keys.json');
    writeFileSync(keys, JSON.stringify(issuer.jwks()));
    const flags = {
      source: `files:${objects}`,
      'ca-dir': join(folder, 'ca'),
      'token-keys': keys,
      listen: `127.0.0.1:${discovery}`,
      'metrics-listen': `127.0.0.1:${metrics}`,
      'log-level': 'warn',
    };
    const args = Object.entries(flags).flatMap(([name, value]) => [`--${name}`, value]);
    const injector = stage.helper(process.execPath, [stage.settings.programs.injector, ...args]);
    await ready(`http://127.0.0.1:${metrics}/ready`, injector, 120_000);
    return new BenchMesh(stage, folder, issuer, injector, { discovery, tunnel });
  }

  /** Starts the sidecar of the client or the server; resolves when it is ready, with how long that took. */
  async sidecar(
    name: 'client' | 'server',
    more: readonly string[] = [],
    options: Partial<StartOptions> = {},
  ): Promise<Sidecar & { readonly readyMs: number }> {
    const address = name === 'client' ? CLIENT : SERVER;
    const token = join(this.#folder, `${name}-token`);
    writeFileSync(token, await this.#issuer.issue({ namespace, serviceAccount: name, pod: `${name}-0` }));
    const [outboundPort, adminPort, healthPort] = [await freePort(), await freePort(), await freePort()];
    const flags = {
      'control-plane': `127.0.0.1:${this.#port}`,
      'root-certificate': join(this.#folder, 'ca', 'root-cert.pem'),
      token,
      listen: address,
      'outbound-port': `${outboundPort}`,
      'inbound-port': `${name === 'server' ? this.#tunnelPort : await freePort()}`,
      'admin-port': `${adminPort}`,
      'health-port': `${healthPort}`,
      'pod-name': `${name}-0`,
      'pod-namespace': namespace,
      'pod-ips': address,
      'service-account': name,
      'log-level': 'warn',
    };
    const args = Object.entries(flags).flatMap(([flag, value]) => [`--${flag}`, value]);
    const beganMs = performance.now();
    const program = this.#stage.weft(
      [this.#stage.settings.programs.proxy, 'run', '--no-redirect', ...args, ...more],
      options,
    );
    await ready(`http://${address}:${healthPort}/ready`, program, 15_000);
    return { program, address, outboundPort, healthPort, readyMs: performance.now() - beganMs };
  }
}

/** Asks until the answer is 200. */
async function ready(url: string, program: Running, withinMs: number): Promise<void> {
  for (const deadline = performance.now() + withinMs; performance.now() < deadline; await sleep(2)) {
    if (!program.alive) break;
    const status = await fetch(url).then(
      response => response.status,
      () => 0,
    );
    if (status === 200) return;
  }
  throw new Error(`${program.command} is not ready at ${url}: ${program.errors.trim().slice(-800)}`);
}

const filesOf = 200;

/** Services with EndpointSlices of three addresses each; those that are called have one, the server's. */
function writeObjects(
  folder: string,
  { services, live, backend, address = SERVER }: MeshPlan,
  tunnelPort: number,
): void {
  writeFileSync(
    join(folder, 'pods.yaml'),
    [pod('client', CLIENT, ''), pod('server', SERVER, `${tunnelPort}`)].join(''),
  );
  for (let first = 0; first < services; first += filesOf) {
    let text = '';
    for (let each = first; each < Math.min(first + filesOf, services); each++)
      text += service(each, { live, backend, address });
    writeFileSync(join(folder, `services-${first}.yaml`), text);
  }
}

function pod(name: string, address: string, tunnelPort: string): string {
  const tunnel = tunnelPort === '' ? '' : `, ${ANNOTATIONS.tunnelPort}: '${tunnelPort}'`;
  return `---
apiVersion: v1
kind: Pod
metadata: {name: ${name}-0, namespace: ${namespace}, labels: {app: ${name}}, annotations: {${ANNOTATIONS.status}: '{}'${tunnel}}}
spec: {serviceAccountName: ${name}}
status: {podIP: ${address}}
`;
}

function service(
  index: number,
  { live, backend, address }: { live: number; backend: number; address: string },
): string {
  const base = index * 3;
  const others = [base, base + 1, base + 2].map(
    each => `10.${128 + (each >> 16)}.${(each >> 8) & 255}.${each & 255}`,
  );
  const endpoints = index < live ? [address] : others;
  return `---
apiVersion: v1
kind: Service
metadata: {name: svc-${index}, namespace: ${namespace}}
spec: {clusterIP: 10.96.${index >> 8}.${index & 255}, ports: [{name: http, port: 80, targetPort: 8080}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: svc-${index}-1, namespace: ${namespace}, labels: {kubernetes.io/service-name: svc-${index}}}
addressType: IPv4
ports: [{name: http, port: ${index < live ? backend : 8080}}]
endpoints: [${endpoints.map(each => `{addresses: [${each}], conditions: {ready: true}}`).join(', ')}]
`;
}
