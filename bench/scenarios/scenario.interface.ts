import type { MeasuredProxy } from '../peers/index.ts';
import type { ProxyResult } from '../results.ts';
import type { BenchSettings } from '../stage.ts';

/** What a scenario found out. */
export interface Outcome {
  readonly proxies: readonly ProxyResult[];
  readonly notices: readonly string[];
}

/** One thing that is measured. */
export interface Scenario {
  readonly name: string;
  readonly title: string;
  readonly unit: string;
  run(proxies: readonly MeasuredProxy[], settings: BenchSettings): Promise<Outcome>;
}
