// `make demo`: the example shop in a sandbox under load, as a live table until Ctrl-C.
// `CHECK=1 make demo` (--check): every claim with its measured figure, PASS or FAIL; the exit code is 1 when one failed.
import { check } from './demo/check.ts';
import { type DemoContext, type Judged, judgedLines, took } from './demo/claim.ts';
import { startGateway } from './demo/gateway/gateway.ts';
import { live } from './demo/live.ts';
import { LoadClient } from './demo/load-client.ts';
import type { DemoMesh } from './demo/mesh.interface.ts';
import { Scraper } from './demo/metrics/scraper.ts';
import { prometheusBeside } from './demo/prometheus/beside.ts';
import { SandboxMesh } from './demo/sandbox-mesh.ts';
import { Screen } from './demo/screen/screen.ts';

/** Exit codes: 0 all well, 1 a claim failed or something broke, 130 interrupted before the end. */
async function main(): Promise<number> {
  const started = performance.now();
  const since = () => took(performance.now() - started);
  const unattended = process.argv.includes('--check');
  const interrupted = interruption();
  const screen = new Screen(process.stdout);
  let mesh: SandboxMesh | undefined;
  let code = 0;
  try {
    console.log('starting the shop in a sandbox');
    mesh = await SandboxMesh.start();
    for (const limit of mesh.limits) console.log(`without transparent interception: ${limit}`);
    await startGateway(mesh);
    await mesh.ready(progress(process.stdout.isTTY === true), interrupted);
    const context = await contextOf(mesh);
    console.log(`the shop is up after ${since()}`);
    if (unattended) code = summarize(await proveAll(context, interrupted));
    else await watched(mesh, prometheus => live(context, screen, interrupted, prometheus));
  } catch (thrown) {
    code = interrupted.aborted ? 130 : 1;
    screen.close();
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    console.error(`demo: ${interrupted.aborted ? 'interrupted' : why}`);
  } finally {
    screen.close();
    if (!(await takeDown(mesh))) code = 1;
  }
  if (unattended) console.log(`${since()} in all`);
  return code;
}

/** Runs something while a Prometheus scrapes the mesh, where there is one. */
async function watched(mesh: SandboxMesh, run: (prometheus?: string) => Promise<void>): Promise<void> {
  const prometheus = await prometheusBeside(mesh, why => console.log(why));
  try {
    await run(prometheus?.url);
  } finally {
    await prometheus?.stop();
  }
}

/** Aborts on Ctrl-C, SIGTERM, a reader that went away, and anything nobody caught: the sandbox is taken down after each. */
function interruption(): AbortSignal {
  const controller = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => controller.abort());
  process.stdout.on('error', () => controller.abort());
  process.on('uncaughtException', error => {
    if (!controller.signal.aborted) console.error(error);
    controller.abort();
  });
  return controller.signal;
}

/** Tells how many pods are ready: on a terminal in one line, otherwise not at all. */
function progress(terminal: boolean): (ready: number, all: number) => void {
  return (ready, all) => {
    if (!terminal) return;
    process.stdout.write(`\r\x1b[K${ready === all ? '' : `${ready} of ${all} pods are ready`}`);
  };
}

async function contextOf(mesh: DemoMesh): Promise<DemoContext> {
  const generator = (await mesh.pods()).find(pod => pod.app === 'loadgen');
  if (!generator) {
    throw new Error('the sandbox has no loadgen pod; is examples/shop/kubernetes/loadgen.yaml there?');
  }
  return { mesh, load: new LoadClient(mesh, generator), scraper: new Scraper(mesh) };
}

/** Every claim, printed as it is decided; rejects when it is interrupted. */
function proveAll(context: DemoContext, signal: AbortSignal): Promise<readonly Judged[]> {
  const color = process.stdout.isTTY && !process.env.NO_COLOR;
  const aborted = Promise.withResolvers<never>();
  signal.addEventListener('abort', () => aborted.reject(new Error('interrupted')), { once: true });
  const tell = (verdict: Judged) => {
    if (!signal.aborted) console.log(judgedLines(verdict, color).join('\n'));
  };
  return Promise.race([check(context, tell), aborted.promise]);
}

/** One line about all of them; the exit code. */
function summarize(judged: readonly Judged[]): number {
  const having = (result: Judged['result']) => judged.filter(verdict => verdict.result === result).length;
  const skipped = having('skip') > 0 ? `, ${having('skip')} skipped` : '';
  console.log(`${having('pass')} of ${judged.length} claims hold, ${having('fail')} failed${skipped}`);
  return having('fail') === 0 ? 0 : 1;
}

/** Whether nothing is left. */
async function takeDown(mesh: DemoMesh | undefined): Promise<boolean> {
  if (!mesh) return true;
  const left = await mesh.down();
  console.log(left.length === 0 ? 'PASS  nothing is left behind' : `FAIL  left behind: ${left.join(', ')}`);
  return left.length === 0;
}

// Claims that an interruption left in the middle may still wait for something.
process.exit(await main());
