// What the suite was asked for, read and checked before a mesh is brought up.
import { parseArgs } from 'node:util';
import { FAULTS, type Fault } from './faults.ts';

/** Which faults are done, how often, and whether the document is written. */
export interface ChaosOptions {
  readonly rows: readonly Fault[];
  /** Every row so many times. */
  readonly times: number;
  /** Instead of that: rows by chance for so long. */
  readonly seconds?: number;
  readonly seed?: number;
  readonly write: boolean;
}

/** The options, or one line that says what is wrong with them and what would be right. */
export function chaosOptions(args: readonly string[]): ChaosOptions | string {
  const flags = {
    short: { type: 'boolean', default: false },
    write: { type: 'boolean', default: false },
    only: { type: 'string' },
    times: { type: 'string', default: '1' },
    seconds: { type: 'string' },
    seed: { type: 'string' },
  } as const;
  let values: ReturnType<typeof parseArgs<{ args: string[]; options: typeof flags }>>['values'];
  try {
    ({ values } = parseArgs({ args: [...args], options: flags }));
  } catch (thrown) {
    const names = Object.keys(flags).map(name => `--${name}`);
    return `${(thrown as Error).message.split('. ')[0]}; there are ${names.join(', ')}`;
  }
  for (const name of ['times', 'seconds', 'seed'] as const) {
    const text = values[name];
    const least = name === 'seed' ? 0 : 1;
    if (text !== undefined && !(/^\d{1,9}$/.test(text) && Number(text) >= least))
      return `--${name} is '${text}'; it takes a whole number from ${least}`;
  }
  const only = values.only?.split(',');
  const unknown = only?.filter(name => !FAULTS.some(fault => fault.name === name)) ?? [];
  if (unknown.length > 0)
    return `there is no fault ${unknown.join(', ')}; there are ${FAULTS.map(({ name }) => name).join(', ')}`;
  return {
    rows: FAULTS.filter(({ name, short }) => (only ? only.includes(name) : short || !values.short)),
    times: Number(values.times),
    ...(values.seconds !== undefined && { seconds: Number(values.seconds) }),
    ...(values.seed !== undefined && { seed: Number(values.seed) }),
    write: values.write,
  };
}
