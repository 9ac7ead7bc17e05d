// What `make scale` was asked for, read and checked before anything is started.
import { parseArgs } from 'node:util';

/** How large the simulation is, and what is done to it. */
export interface ScaleOptions {
  readonly proxies: number;
  readonly services: number;
  /** Services that each app calls. */
  readonly called: number;
  /** Pods that come or go, a second, both together. */
  readonly churn: number;
  readonly seconds: number;
  readonly replicas: number;
  /** That hold the proxies. */
  readonly processes: number;
  /** As taskset takes them; '' for any. */
  readonly controlPlaneCpus: string;
  readonly proxiesCpus: string;
  /** Where the figures are written; '' for nowhere. */
  readonly json: string;
  /** What ends the control plane. */
  readonly signal: NodeJS.Signals;
}

/** Addresses of Services and of pods are 16 and 23 bits of number (simulated-mesh.ts); the others are what a machine bears. */
const numbers = {
  proxies: { standard: 10_000, least: 1, most: 1_000_000 },
  services: { standard: 1_000, least: 1, most: 65_000 },
  called: { standard: 20, least: 1, most: 10_000 },
  churn: { standard: 50, least: 1, most: 10_000 },
  seconds: { standard: 30, least: 1, most: 86_400 },
  replicas: { standard: 1, least: 1, most: 100 },
  processes: { standard: 2, least: 1, most: 100 },
} as const;

const signals = ['SIGKILL', 'SIGTERM', 'SIGINT'] as const;

/** The options, or one line that says what is wrong with them and what would be right. */
export function scaleOptions(args: readonly string[]): ScaleOptions | string {
  const names = Object.keys(numbers) as (keyof typeof numbers)[];
  const texts = ['control-plane-cpus', 'proxies-cpus', 'json', 'signal'];
  let values: Readonly<Record<string, string | undefined>>;
  try {
    const options = Object.fromEntries([...names, ...texts].map(name => [name, { type: 'string' as const }]));
    values = parseArgs({ args: [...args], options }).values as typeof values;
  } catch (thrown) {
    const flags = [...names, ...texts].map(name => `--${name}`).join(', ');
    return `${(thrown as Error).message.split('. ')[0]}; there are ${flags}`;
  }
  const read = {} as Record<keyof typeof numbers, number>;
  for (const name of names) {
    const { standard, least, most } = numbers[name];
    const text = values[name] ?? String(standard);
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    if (!(value >= least && value <= most))
      return `--${name} is '${text}'; it takes a whole number from ${least} to ${most}, as ${standard}`;
    read[name] = value;
  }
  const signal = signals.find(each => each === (values.signal ?? 'SIGKILL'));
  if (!signal) return `--signal is '${values.signal}'; it takes ${signals.join(', ')}`;
  if (read.proxies < read.services)
    return `--proxies ${read.proxies} is less than --services ${read.services}; each Service needs a pod, so give fewer Services`;
  return {
    ...read,
    controlPlaneCpus: values['control-plane-cpus'] ?? '',
    proxiesCpus: values['proxies-cpus'] ?? '',
    json: values.json ?? '',
    signal,
  };
}
