// A gateway with very many routes, end to end: how long until all of them are attached, until one change is in force, and what
// they cost in memory. By HTTPRoutes, watched at an API server that this program is, by Ingresses at a real API server where
// KUBEBUILDER_ASSETS names one, and by a file in Sentinel's KDL, read again at SIGHUP.
//   node bench/gateway-routes.ts [--routes 100,1000,5000] [--changes 100] [--of api,ingress,kdl]
import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { Agent, createServer, type IncomingMessage, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ResourceType, TYPES } from '../src/kubernetes/index.ts';
import { FakeApi } from '../src/kubernetes/testing/fake-api.ts';
import { freePorts } from '../src/wire/testing/ports.ts';
import { readFlags } from './flags.ts';
import { ingressOrigin } from './ingress-origin.ts';
import { imageFlags, machine } from './machine.ts';
import { cpuUs, memory } from './usage.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    routes: { type: 'string', default: '100,1000,5000' },
    changes: { type: 'string', default: '100' },
    of: { type: 'string', default: 'api,ingress,kdl' },
    program: { type: 'string', default: 'dist/weft-proxy.mjs' },
  },
});
/** Routes that are added when everything else has been measured. */
const MORE = 1_000;
const changes = Number(values.changes);

/** Where routes come from. */
interface Origin {
  readonly flags: readonly string[];
  /** Adds a route, or changes the header of its answers. Resolves when it is taken. */
  put(route: number, version: number): Promise<void> | void;
  /** What was put is to be used now. */
  commit(pid: number): void;
  close(): Promise<void>;
}

const gatewayType = (kind: string, plural: string): ResourceType => ({
  ...{ group: 'gateway.networking.k8s.io', version: 'v1', kind, plural, namespaced: kind !== 'GatewayClass' },
});
const gateways = gatewayType('Gateway', 'gateways');
const httpRoutes = gatewayType('HTTPRoute', 'httproutes');
const host = (route: number): string => `h${route}.example`;

/** Each hundred routes have a Service of their own. */
async function fromApi(port: number, backend: number, routes: number): Promise<Origin> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-routes-'));
  const api = new FakeApi([...Object.values(TYPES), gateways, httpRoutes]);
  await api.start();
  api.put(TYPES.namespace, { metadata: { name: 'shop' } });
  api.put(gateways, {
    metadata: { name: 'edge', namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
    spec: { gatewayClassName: 'weft', listeners: [{ name: 'http', port, protocol: 'HTTP' }] },
  });
  for (let service = 0; service <= (routes + MORE) / 100; service++) {
    const name = `s${service}`;
    api.put(TYPES.service, {
      metadata: { name, namespace: 'shop' },
      spec: { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] },
    });
    api.put(TYPES.endpointSlice, {
      metadata: { name: `${name}-1`, namespace: 'shop', labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: backend, protocol: 'TCP' }],
      endpoints: [{ addresses: ['127.0.0.1'], conditions: { ready: true } }],
    });
  }
  const file = join(folder, 'kubeconfig');
  writeFileSync(file, JSON.stringify(kubeconfigOf(api.url)));
  return {
    flags: ['--gateway', 'shop/edge', '--discovery', 'kubernetes', '--kubeconfig', file],
    put: (route, version) =>
      api.put(httpRoutes, {
        metadata: { name: `r${route}`, namespace: 'shop', creationTimestamp: '2026-01-01T00:00:00Z' },
        spec: {
          parentRefs: [{ name: 'edge' }],
          hostnames: [host(route)],
          rules: [
            {
              filters: [
                {
                  type: 'ResponseHeaderModifier',
                  responseHeaderModifier: { set: [{ name: 'x-version', value: `${version}` }] },
                },
              ],
              backendRefs: [{ name: `s${Math.floor(route / 100)}`, port: 80 }],
            },
          ],
        },
      }),
    commit() {},
    async close() {
      await api.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

function kubeconfigOf(server: string): unknown {
  return {
    ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'bench' },
    clusters: [{ name: 'bench', cluster: { server, 'insecure-skip-tls-verify': true } }],
    users: [{ name: 'bench', user: { token: 'bench' } }],
    contexts: [{ name: 'bench', context: { cluster: 'bench', user: 'bench' } }],
  };
}

async function fromIngresses(port: number, backend: number, routes: number): Promise<Origin> {
  const origin = await ingressOrigin(port, backend, routes + MORE);
  console.log(origin.isReal ? 'Ingresses at a real API server' : 'Ingresses at an API server of our own');
  return {
    flags: ['--gateway', 'shop/edge', '--discovery', 'kubernetes', '--kubeconfig', origin.kubeconfig],
    put: (route, version) => origin.put(route, version),
    commit() {},
    close: () => origin.close(),
  };
}

function fromKdl(port: number, backend: number): Promise<Origin> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-routes-'));
  const file = join(folder, 'sentinel.kdl');
  const routes: string[] = [];
  const write = (): void =>
    writeFileSync(
      file,
      `listener "http" { address "127.0.0.1:${port}" }\nupstream "app" { target "127.0.0.1:${backend}" }\n${routes.join('\n')}`,
    );
  return Promise.resolve({
    flags: ['--config', file],
    put(route, version) {
      routes[route] =
        `route "r${route}" { matches { host "${host(route)}" }; upstream "app"; policies { response-headers { set { x-version "${version}" } } } }`;
    },
    commit(pid) {
      write();
      if (pid > 0) process.kill(pid, 'SIGHUP');
    },
    close: () => Promise.resolve(rmSync(folder, { recursive: true, force: true })),
  } satisfies Origin);
}

const agent = new Agent({ keepAlive: true, maxSockets: 8 });

/** Status and version of a host's answer; 0 where nobody answers. */
function ask(port: number, route: number): Promise<{ readonly status: number; readonly version: string }> {
  return new Promise(resolve => {
    const none = (): void => resolve({ status: 0, version: '' });
    const asked = request({ host: '127.0.0.1', port, agent, headers: { host: host(route) } });
    asked.once('error', none);
    asked.once('response', (answer: IncomingMessage) => {
      answer.resume();
      answer.once('error', none);
      const version = String(answer.headers['x-version'] ?? '');
      answer.once('end', () => resolve({ status: answer.statusCode ?? 0, version }));
    });
    asked.end();
  });
}

/** Milliseconds until a host answers with this version; other answers than 200 and `meanwhile` are counted. */
async function inForce(
  port: number,
  route: number,
  version: string,
  meanwhile: number,
  beganMs = performance.now(),
): Promise<{ readonly ms: number; readonly wrong: number }> {
  for (let wrong = 0; ; ) {
    const answer = await ask(port, route);
    if (answer.status === 200 && answer.version === version)
      return { ms: performance.now() - beganMs, wrong };
    if (answer.status !== 200 && answer.status !== meanwhile) wrong++;
    if (performance.now() - beganMs > 60_000)
      throw new Error(`version ${version} of ${host(route)} is not in force within a minute`);
    await new Promise(resolve => setTimeout(resolve, 1));
  }
}

function percentile(sorted: readonly number[], q: number): string {
  return (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * q))] ?? 0).toFixed(0);
}

const origins = { api: fromApi, ingress: fromIngresses, kdl: fromKdl } as const;

async function measure(of: keyof typeof origins, routes: number): Promise<void> {
  const server = createServer((_, response) => void response.end('ok'));
  await new Promise<void>(resolve => void server.listen(0, resolve));
  const backend = (server.address() as AddressInfo).port;
  const [port = 0, admin = 0, health = 0] = await freePorts(3);
  const origin = await origins[of](port, backend, routes);
  for (let route = 0; route < routes; route++) await origin.put(route, 0);
  origin.commit(0);
  const beganMs = performance.now();
  const flags = ['--listen', '127.0.0.1', '--admin-port', `${admin}`, '--health-port', `${health}`];
  const command = [...imageFlags().split(' ').filter(Boolean), values.program, 'gateway', ...origin.flags];
  const gateway = spawn(
    process.execPath,
    [...command, ...flags, '--log-level', 'warn', '--access-log', 'off'],
    {
      stdio: ['ignore', 'inherit', 'inherit'],
    },
  );
  const pid = gateway.pid!;
  try {
    const ready = (): Promise<boolean> =>
      fetch(`http://127.0.0.1:${admin}/ready`).then(
        answer => answer.ok,
        () => false,
      );
    while (!(await ready())) await new Promise(resolve => setTimeout(resolve, 5));
    const readyMs = performance.now() - beganMs;
    let wrongAtOnce = 0;
    for (let route = 0; route < routes; route++) if ((await ask(port, route)).version !== '0') wrongAtOnce++;
    const times: number[] = [];
    let wrong = 0;
    const cpuBefore = cpuUs([pid]);
    for (let n = 1; n <= changes; n++) {
      const route = (n * 7_919) % routes;
      const putMs = performance.now();
      // A real API server takes its time, which counts; what it takes is asked for meanwhile.
      const taken = origin.put(route, n);
      origin.commit(pid);
      const took = await inForce(port, route, `${n}`, 200, putMs);
      await taken;
      times.push(took.ms);
      wrong += took.wrong;
    }
    const cpuEach = (cpuUs([pid]) - cpuBefore) / changes / 1_000;
    times.sort((a, b) => a - b);
    const mb = memory([pid]).private / 1e6;
    // A thousand more, one after the other as fast as they can be written down.
    const attachBegan = performance.now();
    for (let route = routes; route < routes + MORE; route++) await origin.put(route, 0);
    origin.commit(pid);
    const last = await inForce(port, routes + MORE - 1, '0', 404);
    const attached = performance.now() - attachBegan;
    console.log(
      `${of} ${String(routes).padStart(6)} routes: ready after ${readyMs.toFixed(0)} ms (${wrongAtOnce} hosts wrong then); a change in force after p50 ${percentile(times, 0.5)}, p99 ${percentile(times, 0.99)} ms (${wrong} wrong answers), ${cpuEach.toFixed(1)} ms of CPU; private ${mb.toFixed(0)} MB; ${MORE} more attached after ${attached.toFixed(0)} ms (${last.wrong} wrong)`,
    );
  } finally {
    gateway.kill('SIGKILL');
    server.closeAllConnections();
    server.close();
    await origin.close();
  }
}

const here = machine();
console.log(`${here.cpu}, ${here.cores} CPUs, Linux ${here.kernel}, node ${here.node}, load ${here.load}`);
for (const of of values.of.split(','))
  for (const routes of values.routes.split(','))
    if (of === 'api' || of === 'ingress' || of === 'kdl') await measure(of, Number(routes));
process.exit(0);
