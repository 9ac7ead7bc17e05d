// What HTTP/2 costs that is open and quiet: connections, and streams on them.
import { setTimeout as sleep } from 'node:timers/promises';
import type { MeasuredProxy } from '../peers/index.ts';
import { type Figures, type Round, summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import { memory } from '../usage.ts';
import { h2load, http2Backend } from './http2.ts';
import type { Outcome, Scenario } from './scenario.interface.ts';

/** What is held. */
interface Held {
  readonly connections: number;
  /** On each of them. */
  readonly streams: number;
}

/** Private memory, before and after, over the number. */
export const heldHttp2Scenarios: readonly Scenario[] = [
  scenario('h2-idle', { connections: 2_000, streams: 0 }, 'connection'),
  scenario('h2-open-streams', { connections: 100, streams: 100 }, 'stream'),
];

function scenario(name: string, held: Held, unit: string): Scenario {
  const { connections, streams } = held;
  const what =
    streams === 0 ? 'that have carried a request and are kept' : `with ${streams} open streams each`;
  return {
    name,
    title: `${connections.toLocaleString('en-US')} connections of HTTP/2 ${what}, one plaintext hop`,
    unit,
    run: (proxies, settings) => run(held, proxies, settings),
  };
}

async function run(held: Held, proxies: readonly MeasuredProxy[], settings: BenchSettings): Promise<Outcome> {
  const rounds: Round[] = [];
  const notices: string[] = [];
  for (const proxy of proxies) {
    const cannot = proxy.cannot({ protocol: 'http2', topology: 'hop', backend: 0 });
    if (cannot !== undefined) {
      notices.push(`${proxy.name} ${cannot}`);
      continue;
    }
    const stage = new Stage(settings);
    try {
      rounds.push({ proxy: proxy.name, version: proxy.version, figures: await ofOne(held, proxy, stage) });
    } catch (error) {
      notices.push(`${proxy.name}: ${error instanceof Error ? error.message : error}`);
    } finally {
      await stage.close();
    }
  }
  return { proxies: summarise(rounds, 'private_kb_each'), notices };
}

async function ofOne({ connections, streams }: Held, proxy: MeasuredProxy, stage: Stage): Promise<Figures> {
  const backend = await http2Backend(stage);
  const job = { protocol: 'http2', topology: 'hop', backend, connections: connections + 500 } as const;
  const path = await proxy.start(job, stage);
  const pids = path.programs.map(program => program.pid);
  // What a proxy grows to under load anyway is no cost of what is held.
  await h2load(100, false)(stage, path.port, 3);
  await sleep(2_000);
  const before = memory(pids);
  await open(stage, path.port, connections, streams);
  await sleep(3_000);
  const after = memory(pids);
  return {
    private_kb_each: (after.private - before.private) / (connections * Math.max(1, streams)) / 1000,
    private_mb_before: before.private / 1e6,
    private_mb: after.private / 1e6,
  };
}

function open(stage: Stage, port: number, connections: number, streams: number): Promise<void> {
  const flags = ['--port', `${port}`, '--connections', `${connections}`, '--streams', `${streams}`];
  return new Promise((resolve, reject) => {
    const program = stage.helper(process.execPath, ['bench/load/held-http2.ts', ...flags], {
      onLine: line => (line === 'open' ? resolve() : reject(new Error(`connections: ${line}`))),
    });
    void program.ended().then(() => reject(new Error(`connections could not be opened: ${program.errors}`)));
  });
}
