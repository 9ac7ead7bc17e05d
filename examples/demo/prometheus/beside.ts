// A Prometheus beside the demo, where one is on this machine: it scrapes the shop, for a Grafana or for one's own queries.
import { SandboxTargets, type ScrapedMesh } from './sandbox-targets.ts';
import { findPrometheus, type RunningPrometheus, startPrometheus } from './server.ts';

const scrapeS = 2;

/** Starts it; undefined where there is none, or none that starts: the demo goes on without, and `tell` hears why. */
export async function prometheusBeside(
  mesh: ScrapedMesh,
  tell: (why: string) => void,
): Promise<RunningPrometheus | undefined> {
  let targets: SandboxTargets | undefined;
  try {
    const program = findPrometheus();
    if (program === undefined) return undefined;
    const started = await SandboxTargets.start(mesh);
    targets = started;
    const prometheus = await startPrometheus(program, started.jobs, scrapeS);
    const stop = async (): Promise<void> => {
      await prometheus.stop();
      started.stop();
    };
    return { url: prometheus.url, stop };
  } catch (thrown) {
    targets?.stop();
    tell(`without Prometheus: ${thrown instanceof Error ? thrown.message : String(thrown)}`);
    return undefined;
  }
}
