// What connections cost that are open and quiet.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredProxy } from '../peers/index.ts';
import { type Figures, type Round, summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import { memory } from '../usage.ts';
import { fastBackend } from './backends.ts';
import { closedLoop } from './loads.ts';
import type { Outcome, Scenario } from './scenario.interface.ts';

const connections = 10_000;

/** Private memory, before and after, over the number. */
export const idleConnections: Scenario = {
  name: 'idle-connections',
  title: '10,000 HTTP connections that have carried a request and are kept, one plaintext hop',
  unit: 'connection',
  run,
};

async function run(proxies: readonly MeasuredProxy[], settings: BenchSettings): Promise<Outcome> {
  const rounds: Round[] = [];
  const notices: string[] = [];
  for (const proxy of proxies) {
    const stage = new Stage(settings);
    try {
      rounds.push({ proxy: proxy.name, version: proxy.version, figures: await ofOne(proxy, stage) });
    } catch (error) {
      notices.push(`${proxy.name}: ${error instanceof Error ? error.message : error}`);
    } finally {
      await stage.close();
    }
  }
  return { proxies: summarise(rounds, 'private_kb_per_connection'), notices };
}

async function ofOne(proxy: MeasuredProxy, stage: Stage): Promise<Figures> {
  const backend = await fastBackend(stage);
  const job = { protocol: 'http', topology: 'hop', backend, connections: connections + 500 } as const;
  const path = await proxy.start(job, stage);
  const pids = path.programs.map(program => program.pid);
  // What a proxy grows to under load anyway is no cost of connections.
  await closedLoop()(stage, path.port, 3);
  await sleep(2_000);
  const before = memory(pids);
  await open(stage, path.port);
  await sleep(5_000);
  const after = memory(pids);
  return {
    private_kb_per_connection: (after.private - before.private) / connections / 1000,
    private_mb_before: before.private / 1e6,
    private_mb: after.private / 1e6,
    rss_mb: after.rss / 1e6,
  };
}

function open(stage: Stage, port: number): Promise<void> {
  const flags = ['--port', `${port}`, '--connections', `${connections}`];
  return new Promise((resolve, reject) => {
    const program = stage.helper(process.execPath, ['bench/load/idle-connections.ts', ...flags], {
      onLine: line => (line === 'open' ? resolve() : reject(new Error(`connections: ${line}`))),
    });
    void program.ended().then(() => reject(new Error(`connections could not be opened: ${program.errors}`)));
  });
}
