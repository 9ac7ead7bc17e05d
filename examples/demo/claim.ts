import type { LoadClient } from './load-client.ts';
import type { DemoMesh } from './mesh.interface.ts';
import type { Scraper } from './metrics/scraper.ts';

/** What a claim may use. */
export interface DemoContext {
  readonly mesh: DemoMesh;
  readonly load: Pick<LoadClient, keyof LoadClient>;
  readonly scraper: Pick<Scraper, keyof Scraper>;
}

/** What came of a claim. `skip`: it cannot be shown on this machine, and the figure says why. */
export interface Verdict {
  readonly result: 'pass' | 'fail' | 'skip';
  /** What was measured, in one line. */
  readonly figure: string;
  /** What to look at when it failed. */
  readonly detail?: readonly string[];
}

/** One thing the demo shows. */
export interface Claim {
  readonly name: string;
  run(context: DemoContext): Promise<Verdict>;
}

/** A claim with its verdict and how long it took. */
export interface Judged extends Verdict {
  readonly name: string;
  readonly tookMs: number;
}

/** Runs a claim; what it throws and a run beyond `limitMs` are a fail that says so. */
export async function judge(claim: Claim, context: DemoContext, limitMs: number): Promise<Judged> {
  const started = performance.now();
  const timeout = Promise.withResolvers<Verdict>();
  const timer = setTimeout(
    () => timeout.resolve({ result: 'fail', figure: `not shown within ${limitMs / 1000} s` }),
    limitMs,
  );
  const failed = (thrown: unknown): Verdict => ({
    result: 'fail',
    figure: thrown instanceof Error ? thrown.message : String(thrown),
  });
  const verdict = await Promise.race([claim.run(context).catch(failed), timeout.promise]);
  clearTimeout(timer);
  return { ...verdict, name: claim.name, tookMs: performance.now() - started };
}

/** `PASS  name: figure`, and the details of a fail below it. */
export function judgedLines(judged: Judged, color: boolean): string[] {
  const mark = judged.result.toUpperCase();
  const code = { pass: '32', fail: '31', skip: '33' }[judged.result];
  const painted = color ? `\x1b[${code}m${mark}\x1b[0m` : mark;
  const details = judged.result === 'fail' ? (judged.detail ?? []) : [];
  return [`${painted}  ${judged.name}: ${judged.figure}`, ...details.map(line => `        ${line}`)];
}

/** Asks until `probe` gives something other than undefined; that, or undefined when it did not within `limitMs`. */
export async function eventually<T>(
  probe: () => Promise<T | undefined>,
  limitMs: number,
  everyMs = 150,
): Promise<T | undefined> {
  const deadline = performance.now() + limitMs;
  for (;;) {
    const found = await probe();
    if (found !== undefined || performance.now() > deadline) return found;
    await new Promise(resolve => setTimeout(resolve, everyMs));
  }
}

/** `1,234` */
export function count(value: number): string {
  return value.toLocaleString('en-US');
}

/** `1.2 s` or `12 ms` */
export function took(ms: number): string {
  if (ms >= 1000) return `${(ms / 1000).toFixed(1)} s`;
  return `${ms.toFixed(ms < 10 ? 1 : 0)} ms`;
}
