import type { Cluster } from './cluster.ts';
import type { Shop } from './shop.ts';

/** What is installed, and how much of it is tried. */
export interface Settings {
  readonly proxyImage: string;
  readonly injectorImage: string;
  readonly shopImage: string;
  /** Rolling restarts of the whole shop under load. */
  readonly restarts: number;
  /** When no further one begins, after the first three. */
  readonly restartMinutes: number;
  /** The program of Prometheus; undefined leaves its claims out. */
  readonly prometheus: string | undefined;
}

/** What claims share. */
export interface Context {
  readonly cluster: Cluster;
  readonly shop: Shop;
  readonly settings: Settings;
}

/** One thing that is shown. `run` throws what is not so, and returns what was measured in a line. */
export interface Claim {
  readonly name: string;
  run(context: Context): Promise<string>;
}

/** Runs a claim and prints `PASS  name: figure` or `FAIL  name: why`; whether it passed. */
export async function show(claim: Claim, context: Context): Promise<boolean> {
  const startedMs = performance.now();
  const seconds = () => `${((performance.now() - startedMs) / 1000).toFixed(0)} s`;
  try {
    const figure = await claim.run(context);
    console.log(`PASS  ${claim.name}: ${figure} (${seconds()})`);
    return true;
  } catch (thrown) {
    const why = thrown instanceof Error ? thrown.message : String(thrown);
    console.log(`FAIL  ${claim.name} (${seconds()}): ${why.replaceAll('\n', '\n        ')}`);
    return false;
  }
}

/** Several claims as one after the other, so that whole groups can run side by side. */
export async function showAll(claims: readonly Claim[], context: Context): Promise<boolean[]> {
  const results: boolean[] = [];
  for (const claim of claims) results.push(await show(claim, context));
  return results;
}
