// What a sidecar costs that does nothing, and that does a usual amount: weft-proxy with a control plane, in both places of the
// full path.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredProxy } from '../peers/index.ts';
import { type Figures, type Round, summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import { cpuUs, memory } from '../usage.ts';
import { fastBackend } from './backends.ts';
import { openLoop } from './loads.ts';
import { BenchMesh, CLIENT, hostOf, SERVER } from './mesh.ts';
import type { Load } from './rounds.ts';
import type { Outcome, Scenario } from './scenario.interface.ts';

/** See above. Of the two proxies of a path the one that uses more is reported. */
export const sidecar: Scenario = {
  name: 'sidecar',
  title: 'a sidecar ready and idle, then at 1,000 requests/s; the larger of the two on the path',
  unit: 'process',
  run,
};

async function run(proxies: readonly MeasuredProxy[], settings: BenchSettings): Promise<Outcome> {
  const rounds: Round[] = [];
  for (const proxy of proxies) {
    const stage = new Stage(settings);
    try {
      const figures = proxy.name === 'weft' ? await ofWeft(stage) : await ofPeer(proxy, stage);
      rounds.push({ proxy: proxy.name, version: proxy.version, figures });
    } finally {
      await stage.close();
    }
  }
  const exe = 'private_mb of a peer counts its executable too when no other copy of it runs on this machine';
  return { proxies: summarise(rounds, 'load_private_mb'), notices: [exe] };
}

async function ofWeft(stage: Stage): Promise<Figures> {
  const backend = await fastBackend(stage, SERVER);
  const mesh = await BenchMesh.start(stage, { services: 10, live: 5, backend });
  const server = await mesh.sidecar('server');
  const client = await mesh.sidecar('client');
  const pids = [client.program.pid, server.program.pid];
  return observe(stage, pids, client.outboundPort, openLoop(1000, hostOf(0), CLIENT));
}

async function ofPeer(proxy: MeasuredProxy, stage: Stage): Promise<Figures> {
  const backend = await fastBackend(stage);
  const path = await proxy.start({ protocol: 'http', topology: 'path', backend }, stage);
  const pids = path.programs.map(program => program.pid);
  return observe(stage, pids, path.port, openLoop(1000));
}

async function observe(stage: Stage, pids: readonly number[], port: number, load: Load): Promise<Figures> {
  const { quick } = stage.settings;
  const largest = (of: 'rss' | 'private'): number => Math.max(...pids.map(pid => memory([pid])[of])) / 1e6;
  await sleep(3_000);
  const idle = { idle_rss_mb: largest('rss'), idle_private_mb: largest('private') };
  const idleMs = quick ? 10_000 : 30_000;
  const before = pids.map(pid => cpuUs([pid]));
  await sleep(idleMs);
  const millicores = pids.map((pid, index) => (cpuUs([pid]) - before[index]!) / idleMs);
  const result = await load(stage, port, quick ? 10 : 30);
  if (result.errors + (result.not_ok ?? 0) > 0)
    throw new Error(`${result.errors} errors and ${result.not_ok} answers that were not 2xx`);
  return {
    ...idle,
    idle_millicores: Math.max(...millicores),
    load_rss_mb: largest('rss'),
    load_private_mb: largest('private'),
  };
}
