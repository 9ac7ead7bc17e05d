// What a larger mesh costs a sidecar that calls five Services of it. Weft asks for what its app calls; an Envoy that is told
// everything, as Istio does unless scoped, holds a cluster and a virtual host for each Service.

import { setTimeout as sleep } from 'node:timers/promises';
import { freePort } from '../../src/wire/testing/ports.ts';
import { cluster, httpFilter, retryPolicy, run as runEnvoy } from '../peers/envoy.ts';
import type { MeasuredProxy } from '../peers/index.ts';
import { type Figures, type ProxyResult, summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import { memory } from '../usage.ts';
import { fastBackend } from './backends.ts';
import { openLoop } from './loads.ts';
import { BenchMesh, CLIENT, hostOf, SERVER } from './mesh.ts';
import type { Outcome, Scenario } from './scenario.interface.ts';

const sizes = [10, 1_000, 10_000];
const called = 5;

/** See above. */
export const meshSize: Scenario = {
  name: 'mesh-size',
  title: 'private memory of a sidecar that calls 5 Services of 10, 1,000 and 10,000',
  unit: 'process',
  run,
};

async function run(proxies: readonly MeasuredProxy[], settings: BenchSettings): Promise<Outcome> {
  const results: ProxyResult[] = [];
  const notices: string[] = [];
  for (const proxy of proxies.filter(each => each.name === 'weft' || each.name === 'envoy')) {
    const { name, version } = proxy;
    try {
      results.push(...summarise([{ proxy: name, version, figures: await ofSizes(proxy, settings) }]));
    } catch (error) {
      notices.push(`${name}: ${error instanceof Error ? error.message : error}`);
    }
  }
  return { proxies: results, notices };
}

async function ofSizes({ name, command }: MeasuredProxy, settings: BenchSettings): Promise<Figures> {
  const figures: Record<string, number> = {};
  for (const size of sizes) {
    const stage = new Stage(settings);
    try {
      const bytes = name === 'weft' ? await ofWeft(stage, size) : await ofEnvoy(stage, command, size);
      figures[`private_mb_${size}`] = bytes / 1e6;
    } finally {
      await stage.close();
    }
  }
  figures.grown_mb = figures[`private_mb_${sizes.at(-1)}`]! - figures[`private_mb_${sizes[0]}`]!;
  return figures;
}

async function ofWeft(stage: Stage, services: number): Promise<number> {
  const backend = await fastBackend(stage, SERVER);
  const mesh = await BenchMesh.start(stage, { services, live: called, backend });
  await mesh.sidecar('server');
  const { program, outboundPort } = await mesh.sidecar('client');
  for (let service = 0; service < called; service++) {
    const { not_ok: notOk, errors } = await openLoop(200, hostOf(service), CLIENT)(stage, outboundPort, 1);
    if ((notOk ?? 0) + errors > 0) throw new Error(`${hostOf(service)}: ${notOk} answers were not 2xx`);
  }
  await sleep(2_000);
  return memory([program.pid]).private;
}

async function ofEnvoy(stage: Stage, command: string, services: number): Promise<number> {
  const backend = await fastBackend(stage);
  const port = await freePort();
  const names = Array.from({ length: services }, (_, index) => hostOf(index));
  const virtualHosts = names.map(name => ({
    name,
    domains: [name, `${name}:80`],
    routes: [{ match: { prefix: '/' }, route: { cluster: name, timeout: '0s', retry_policy: retryPolicy } }],
  }));
  const listeners = [
    {
      name: 'in',
      address: { socket_address: { address: '127.0.0.1', port_value: port } },
      filter_chains: [{ filters: [httpFilter(...virtualHosts)] }],
    },
  ];
  const program = await runEnvoy(command, stage, port, {
    listeners,
    clusters: names.map(name => cluster(name, backend, true)),
  });
  for (let service = 0; service < called; service++) await openLoop(200, hostOf(service))(stage, port, 1);
  await sleep(2_000);
  return memory([program.pid]).private;
}
