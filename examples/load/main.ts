// The load generator on the command line. Prints a report as JSON; the exit code is 1 when a request that may be repeated was
// lost.
//   node load/main.ts --url http://127.0.0.1:8080/products/p{n} [--post-url http://…/items --post-share 0.1]
//                     [--rate 100 | --concurrency 8] [--count 1000] [--duration 10s] [--timeout 10s]
//   node load/main.ts serve        control it over HTTP on PORT instead (see control.ts)
import { parseArgs } from 'node:util';
import { serveControl } from './control.ts';
import { type Plan, parsePlan, type Target } from './plan.ts';
import { LoadRun } from './run.ts';

function milliseconds(text: string): number {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m)?$/.exec(text);
  return match ? Number(match[1]) * { ms: 1, s: 1000, m: 60_000 }[(match[2] ?? 's') as 'ms' | 's' | 'm'] : 0;
}

function planOf(args: readonly string[]): Plan | { readonly problem: string } {
  const text = { type: 'string' } as const;
  const { values } = parseArgs({
    args: [...args],
    options: {
      url: text,
      'post-url': text,
      'post-share': text,
      rate: text,
      concurrency: text,
      count: text,
      duration: text,
      timeout: text,
    },
  });
  const share = Math.round(Number(values['post-share'] ?? (values['post-url'] ? 0.1 : 0)) * 100);
  const targets: Target[] = [];
  if (values.url && share < 100) targets.push({ method: 'GET', url: values.url, weight: 100 - share });
  if (values['post-url'] && share > 0) {
    targets.push({ method: 'POST', url: values['post-url'], weight: share });
  }
  return parsePlan({
    targets,
    mode: values.concurrency !== undefined && values.rate === undefined ? 'closed' : 'open',
    ...(values.rate === undefined ? {} : { ratePerSecond: Number(values.rate) }),
    ...(values.concurrency === undefined ? {} : { concurrency: Number(values.concurrency) }),
    ...(values.count === undefined ? {} : { count: Number(values.count) }),
    ...(values.duration === undefined ? {} : { durationMs: milliseconds(values.duration) }),
    ...(values.timeout === undefined ? {} : { timeoutMs: milliseconds(values.timeout) }),
  });
}

async function command(args: readonly string[]): Promise<void> {
  const plan = planOf(args);
  if ('problem' in plan) {
    console.error(
      `load: ${plan.problem}; for instance --url http://127.0.0.1:8080/ --rate 100 --duration 10s`,
    );
    process.exitCode = 2;
    return;
  }
  const run = new LoadRun(plan);
  process.once('SIGINT', () => void run.stop());
  process.once('SIGTERM', () => void run.stop());
  const report = await run.start();
  console.log(JSON.stringify(report, null, 2));
  if (report.lostIdempotent > 0) process.exitCode = 1;
}

const args = process.argv.slice(2);
if (args[0] === 'serve') serveControl();
else await command(args);
