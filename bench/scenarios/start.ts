// How long a pod waits for its sidecar: from the process being started to `/ready` saying 200, certificate and stream obtained.
import type { MeasuredProxy } from '../peers/index.ts';
import { type Round, summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import { BenchMesh } from './mesh.ts';
import type { Outcome, Scenario } from './scenario.interface.ts';

/** See above. Peers read a file and are ready when they listen, which is less work. */
export const start: Scenario = {
  name: 'start',
  title: 'start to ready: weft-proxy with certificate and stream from its control plane, peers from a file',
  unit: 'start',
  run,
};

async function run(proxies: readonly MeasuredProxy[], settings: BenchSettings): Promise<Outcome> {
  const rounds: Round[] = [];
  const times = settings.quick ? 5 : 15;
  const stage = new Stage(settings);
  const add = (proxy: MeasuredProxy, ready_ms: number): void =>
    void rounds.push({ proxy: proxy.name, version: proxy.version, figures: { ready_ms } });
  try {
    const mesh = await BenchMesh.start(stage, { services: 10, live: 5, backend: 1 });
    for (let round = 0; round < times; round++) {
      for (const proxy of proxies) {
        if (proxy.name === 'weft') {
          const { program, readyMs } = await mesh.sidecar('client');
          await program.stop();
          add(proxy, readyMs);
          continue;
        }
        const beganMs = performance.now();
        const path = await proxy.start({ protocol: 'http', topology: 'hop', backend: 1 }, stage);
        add(proxy, performance.now() - beganMs);
        for (const program of path.programs) await program.stop();
      }
    }
    return { proxies: summarise(rounds, 'ready_ms'), notices: [] };
  } finally {
    await stage.close();
  }
}
