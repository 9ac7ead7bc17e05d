// The load generator as a service, driven over HTTP:
//   POST   /runs/<name>   starts a run with the plan in the body (see plan.ts)
//   GET    /runs/<name>   its report so far
//   DELETE /runs/<name>   stops it, waits for what is in flight, the final report
//   POST   /probe/banner  { host, port, count }: how fast a server that speaks first is heard
//   POST   /probe/raw     { host, port, text }: sends bytes as they are, answers with what came back
import { Refusal, serve } from '../shop/service.ts';
import { parsePlan } from './plan.ts';
import { probeBanner, probeRaw } from './probes.ts';
import { LoadRun } from './run.ts';

const runs = new Map<string, LoadRun>();

function find(name: string | undefined): LoadRun {
  const run = runs.get(name ?? '');
  if (!run) throw new Refusal(404, `no run ${name}; there are: ${[...runs.keys()].join(', ') || 'none'}`);
  return run;
}

function place(json: unknown): { host: string; port: number; given: Record<string, unknown> } {
  const given = (typeof json === 'object' && json !== null ? json : {}) as Record<string, unknown>;
  if (typeof given.host !== 'string' || typeof given.port !== 'number') {
    throw new Refusal(400, 'a probe needs host (string) and port (number)');
  }
  return { host: given.host, port: given.port, given };
}

/** Serves until SIGTERM. */
export function serveControl(): void {
  serve('loadgen', {
    'POST /runs/:name': async call => {
      const name = call.params.name!;
      if (runs.get(name)?.report().running) throw new Refusal(409, `run ${name} is still running`);
      const plan = parsePlan(await call.json());
      if ('problem' in plan) throw new Refusal(400, plan.problem);
      const run = new LoadRun(plan);
      runs.set(name, run);
      void run.start();
      return { status: 201, body: { report: run.report() } };
    },
    'GET /runs/:name': ({ params }) => ({ body: { report: find(params.name).report() } }),
    'DELETE /runs/:name': async ({ params }) => ({ body: { report: await find(params.name).stop() } }),
    'POST /probe/banner': async call => {
      const { host, port, given } = place(await call.json());
      return { body: { report: await probeBanner(host, port, Math.min(Number(given.count ?? 10), 1000)) } };
    },
    'POST /probe/raw': async call => {
      const { host, port, given } = place(await call.json());
      return { body: { report: await probeRaw(host, port, String(given.text ?? '')) } };
    },
  });
}
