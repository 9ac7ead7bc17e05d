// What a change costs, seen when it is made: counts and ratios that hardly depend on the machine, against the budget in
// bench/budget.json.
//   node bench/micro.ts [--update] [--json]
// Bytes are counted in unoptimised code (see micro/requests.ts), with a young generation so large that nothing is collected in
// between; system calls by the kernel; the codec is measured against a loop of known work in the same process. --update writes
// what was found as the new budget.
import { readFileSync, writeFileSync } from 'node:fs';
import { bundle } from './bundle.ts';
import { readFlags } from './flags.ts';
import { codecCost } from './micro/codec.ts';
import { memoryKept } from './micro/memory.ts';
import { programSize } from './micro/program.ts';
import { requestCost } from './micro/requests.ts';
import { Stage } from './stage.ts';

/** One line of the budget. */
interface Budget {
  readonly value: number;
  /** How much more than `value` is still no change: a share of it. */
  readonly tolerance: number;
  readonly what: string;
}

const { values } = readFlags(import.meta.filename, {
  options: { update: { type: 'boolean', default: false }, json: { type: 'boolean', default: false } },
});
const file = 'bench/budget.json';
const budget = JSON.parse(readFileSync(file, 'utf8')) as Record<string, Budget>;
const programs = await bundle();
const pinning = { proxy: '', load: '' };
const stage = new Stage({ quick: true, rounds: 1, pinning, nodeFlags: [], programs, profileFolder: '' });
const limitOf = (line: Budget | undefined): number =>
  line === undefined ? Number.NaN : line.value * (1 + line.tolerance);
const found: Record<string, number> = {};
try {
  for (const topology of ['hop', 'path'] as const) Object.assign(found, await requestCost(stage, topology));
  Object.assign(found, codecCost(), await programSize(stage), await memoryKept(stage));
} finally {
  await stage.close();
}

let over = 0;
const next: Record<string, Budget> = {};
for (const [name, value] of Object.entries(found)) {
  const line = budget[name];
  const rounded = Math.round(value * 100) / 100;
  next[name] = { value: rounded, tolerance: line?.tolerance ?? 0.1, what: line?.what ?? '' };
  const limit = limitOf(line);
  const verdict =
    line === undefined ? 'NEW' : value > limit ? 'OVER' : value < line.value * 0.85 ? 'better' : 'ok';
  if (verdict === 'OVER' || verdict === 'NEW') over++;
  if (!values.json)
    console.log(
      `${verdict.padEnd(7)} ${name.padEnd(28)} ${String(rounded).padStart(9)}  budget ${line?.value ?? '-'}, at most ${limit.toFixed(1)}`,
    );
}
if (values.json) console.log(JSON.stringify(found, null, 2));
if (values.update) {
  writeFileSync(file, `${JSON.stringify(next, null, 2)}\n`);
  console.log(`written to ${file}; say in the commit why it changed`);
} else if (over > 0) {
  console.error(
    `${over} over budget (bench/budget.json): find what the change added to each request, or raise the budget with --update and say why`,
  );
  process.exitCode = 1;
}
