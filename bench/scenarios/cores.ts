// What a second core gives: weft-proxy with one thread and with two, in turn, over a plaintext hop. Nothing is pinned, because
// load generator, backend and proxy have to share what there is: on a machine of few cores the gain is bounded by what they
// leave.
import type { MeasuredProxy } from '../peers/index.ts';
import { type Figures, summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import { cpuUs, memory } from '../usage.ts';
import { fastBackend } from './backends.ts';
import { closedLoop } from './loads.ts';
import { BenchMesh, CLIENT, hostOf, OUTSIDE } from './mesh.ts';
import type { Outcome, Scenario } from './scenario.interface.ts';

const threads = [1, 2] as const;

/** See above; each thread count is a proxy of its own in the table. */
export const cores: Scenario = {
  name: 'cores',
  title: 'weft-proxy with --concurrency 1 and 2, nothing pinned, a new connection per request',
  unit: 'request',
  run,
};

async function run(_: readonly MeasuredProxy[], settings: BenchSettings): Promise<Outcome> {
  const stage = new Stage({ ...settings, pinning: { proxy: '', load: '' } });
  try {
    const backend = await fastBackend(stage, OUTSIDE);
    const mesh = await BenchMesh.start(stage, { services: 10, live: 5, backend, address: OUTSIDE });
    const sidecars = [];
    for (const count of threads)
      sidecars.push({ count, sidecar: await mesh.sidecar('client', ['--concurrency', `${count}`]) });
    const load = closedLoop({
      connections: 64,
      headers: ['Connection: close'],
      address: CLIENT,
      host: hostOf(0),
    });
    const seconds = settings.quick ? 3 : 8;
    for (const { sidecar } of sidecars) await load(stage, sidecar.outboundPort, seconds);
    const rounds: { proxy: string; version: string; figures: Figures }[] = [];
    for (let round = 0; round < settings.rounds; round++) {
      for (const { count, sidecar } of sidecars) {
        const pids = [sidecar.program.pid];
        const beforeUs = cpuUs(pids);
        const {
          count: requests,
          seconds: took,
          errors,
          not_ok: notOk = 0,
          p50_ms,
          p99_ms,
        } = await load(stage, sidecar.outboundPort, seconds);
        if (errors + notOk > 0.001 * requests) throw new Error(`${errors + notOk} of ${requests} went wrong`);
        rounds.push({
          proxy: `weft-${count}`,
          version: '',
          figures: {
            rps: requests / took,
            cpu_us_per_request: (cpuUs(pids) - beforeUs) / requests,
            ...(p50_ms !== undefined && { p50_ms }),
            ...(p99_ms !== undefined && { p99_ms }),
            private_mb: memory(pids).private / 1e6,
          },
        });
      }
    }
    return { proxies: summarise(rounds), notices: [] };
  } finally {
    await stage.close();
  }
}
