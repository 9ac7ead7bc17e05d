// Where the private memory of a sidecar is: both proxies of a path with their control plane, ready and idle, under load, and some
// time after it; by kind of mapping, by space of V8's heap, what malloc holds, and as the kubelet counts it (as root).
//   node bench/memory.ts [--rounds 3] [--rate 1000] [--seconds 20] [--json] [--node-flags "--max-semi-space-size=2"]
//                        [--variant "NAME: --flag-of-node VARIABLE=value …"]…
// Variants get the same load in turn, round after round, in processes of their own; `shipped` has the image's flags alone, and
// the flags of a variant come after those. A flag `-` leaves the image's out. Figures are those of the larger of the two proxies.
import { setTimeout as sleep } from 'node:timers/promises';
import { bundle, bundleHop } from './bundle.ts';
import { readFlags } from './flags.ts';
import { imageEnvironment, imageFlags, machine, pinning } from './machine.ts';
import type { Inside } from './memory/inside.ts';
import { KINDS, type Kind, privateByKind } from './memory/mappings.ts';
import { type MemoryGroup, memoryGroup } from './memory/working-set.ts';
import { median } from './results.ts';
import { fastBackend } from './scenarios/backends.ts';
import { openLoop } from './scenarios/loads.ts';
import { BenchMesh, CLIENT, hostOf, SERVER } from './scenarios/mesh.ts';
import { Stage } from './stage.ts';
import { cpuUs } from './usage.ts';

interface Variant {
  readonly name: string;
  readonly flags: readonly string[];
  readonly env: Readonly<Record<string, string>>;
}

const MOMENTS = ['idle', 'load', 'after'] as const;
type Moment = (typeof MOMENTS)[number];

/** One proxy at one moment. */
interface Look {
  readonly privateKb: number;
  readonly kinds: Record<Kind, number>;
  readonly inside: Inside | undefined;
  /** As the kubelet counts it; NaN where there is no control group for it. */
  readonly workingSetKb: number;
}

interface Round {
  readonly looks: Record<Moment, Look>;
  readonly cpuUs: number;
  /** Failures and answers other than 2xx: a machine that is too busy for the rate; its figures are those of an overload. */
  readonly errors: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

const { values } = readFlags(import.meta.filename, {
  options: {
    rounds: { type: 'string', default: '1' },
    rate: { type: 'string', default: '1000' },
    seconds: { type: 'string', default: '20' },
    after: { type: 'string', default: '15' },
    variant: { type: 'string', multiple: true, default: [] },
    'node-flags': { type: 'string', default: imageFlags() },
    json: { type: 'boolean', default: false },
  },
});
const shippedFlags = values['node-flags'].split(' ').filter(Boolean);
const variants = [
  { name: 'shipped', flags: shippedFlags, env: imageEnvironment() },
  ...values.variant.map(readVariant),
];
const programs = await bundle();
const inside = await bundleHop('memory/inside');
const rounds = new Map<string, Round[]>(variants.map(({ name }) => [name, []]));
for (let round = 0; round < Number(values.rounds); round++)
  for (const variant of variants) {
    const found = await measure(variant);
    rounds.get(variant.name)!.push(found);
    if (!values.json) console.error(`round ${round + 1} ${variant.name}: ${summary(found)}`);
  }
if (values.json) console.log(JSON.stringify({ machine: machine(), rounds: Object.fromEntries(rounds) }));
else print();

/** `NAME: --flag VARIABLE=value`. */
function readVariant(text: string): Variant {
  const [name = '', rest = ''] = text.split(/:\s*(.*)/s);
  const words = rest.split(' ').filter(Boolean);
  const alone = words.includes('-');
  const flags = words.filter(word => word.startsWith('--'));
  const pairs = words.filter(word => !word.startsWith('-')).map(word => word.split(/=(.*)/s).slice(0, 2));
  return {
    name,
    flags: alone ? flags : [...shippedFlags, ...flags],
    env: { ...(alone ? {} : imageEnvironment()), ...Object.fromEntries(pairs) },
  };
}

async function measure({ flags, env }: Variant): Promise<Round> {
  const nodeFlags = ['--import', new URL(`../${inside}`, import.meta.url).href, ...flags];
  const stage = new Stage({
    quick: true,
    rounds: 1,
    pinning: pinning(),
    nodeFlags,
    env,
    programs,
    profileFolder: '',
  });
  const groups: MemoryGroup[] = [];
  try {
    const backend = await fastBackend(stage, SERVER);
    const mesh = await BenchMesh.start(stage, { services: 10, live: 5, backend });
    const told = new Map<string, (found: Inside) => void>();
    const hear = (name: string) => (line: string) => {
      if (line.startsWith('INSIDE ')) told.get(name)?.(JSON.parse(line.slice(7)) as Inside);
    };
    const names = ['server', 'client'] as const;
    const sidecars = [];
    for (const name of names) {
      const group = memoryGroup(`weft-memory-${process.pid}-${name}`);
      if (typeof group !== 'string') groups.push(group);
      const prefix = typeof group === 'string' ? [] : group.prefix;
      sidecars.push(await mesh.sidecar(name, [], { onLine: hear(name), prefix }));
    }
    const pids = sidecars.map(({ program }) => program.pid);
    const look = async (): Promise<Look> => {
      const looks: Look[] = [];
      for (const [index, pid] of pids.entries()) {
        const kinds = privateByKind(pid, process.execPath);
        const answer = new Promise<Inside>(resolve => told.set(names[index]!, resolve));
        process.kill(pid, 'SIGUSR2');
        const found = await Promise.race([answer, sleep(3_000, undefined)]);
        const privateKb = KINDS.reduce((sum, kind) => sum + kinds[kind], 0);
        const workingSetKb = groups[index]?.workingSetKb() ?? Number.NaN;
        looks.push({ privateKb, kinds, inside: found, workingSetKb });
      }
      return looks.toSorted((left, right) => right.privateKb - left.privateKb)[0]!;
    };
    await sleep(5_000);
    const idle = await look();
    const began = cpuUs(pids);
    const load = openLoop(Number(values.rate), hostOf(0), CLIENT);
    const result = await load(stage, sidecars[1]!.outboundPort, Number(values.seconds));
    const used = cpuUs(pids) - began;
    const busy = await look();
    await sleep(Number(values.after) * 1000);
    const after = await look();
    return {
      looks: { idle, load: busy, after },
      cpuUs: used / result.count,
      errors: result.errors + (result.not_ok ?? 0),
      p50Ms: result.p50_ms ?? 0,
      p99Ms: result.p99_ms ?? 0,
    };
  } finally {
    await stage.close();
    for (const group of groups) group.remove();
  }
}

function mb(kb: number): string {
  return ((kb * 1024) / 1e6).toFixed(1);
}

function summary({ looks, cpuUs, p99Ms, errors }: Round): string {
  const memory = MOMENTS.map(moment => `${moment} ${mb(looks[moment].privateKb)}`).join(', ');
  return `${memory} MB; ${cpuUs.toFixed(0)} µs a request, p99 ${p99Ms} ms${errors > 0 ? `; ${errors} errors` : ''}`;
}

function print(): void {
  const here = machine();
  console.log(
    `${here.cpu}, ${here.cores} CPUs, Linux ${here.kernel}, node ${here.node}, load average ${here.load}`,
  );
  console.log(
    `\nprivate MB, medians of ${values.rounds} rounds; idle, at ${values.rate} requests/s, ${values.after} s after`,
  );
  const line = (cells: readonly string[]): void =>
    console.log(cells.map((cell, at) => (at === 0 ? cell.padEnd(34) : cell.padStart(10))).join(''));
  line(['', ...MOMENTS, 'µs/request', 'p50 ms', 'p99 ms']);
  for (const [name, all] of rounds) {
    const of = (take: (round: Round) => number): number => median(all.map(take));
    line([
      name,
      ...MOMENTS.map(moment => mb(of(round => round.looks[moment].privateKb))),
      of(round => round.cpuUs).toFixed(0),
      of(round => round.p50Ms).toFixed(2),
      of(round => round.p99Ms).toFixed(2),
    ]);
  }
  for (const [name, all] of rounds) {
    console.log(`\n${name}, by kind of mapping, MB`);
    line(['', ...MOMENTS]);
    for (const kind of KINDS)
      line([kind, ...MOMENTS.map(moment => mb(median(all.map(round => round.looks[moment].kinds[kind]))))]);
    line([
      'working set, files included',
      ...MOMENTS.map(moment => mb(median(all.map(round => round.looks[moment].workingSetKb)))),
    ]);
    console.log('of it, as V8 and malloc say it');
    for (const row of insideRows(all.at(-1)!)) line(row);
  }
}

/** Resident (used) for V8's spaces. */
function insideRows({ looks }: Round): string[][] {
  const insides = MOMENTS.map(moment => looks[moment].inside);
  const spaces = insides[0]?.spaces.map(space => space.name) ?? [];
  const rows = spaces.map(space => [
    `  v8 ${space}`,
    ...insides.map(each => {
      const found = each?.spaces.find(({ name }) => name === space);
      return found === undefined ? '' : `${mb(found.residentKb)} (${mb(found.usedKb)})`;
    }),
  ]);
  const of = (name: string, take: (each: Inside) => number | undefined): string[] => [
    `  ${name}`,
    ...insides.map(each => (each === undefined ? '' : mb(take(each) ?? Number.NaN))),
  ];
  return [
    ...rows.filter(row => row.slice(1).some(cell => !cell.startsWith('0.0'))),
    of('v8 zones and tables, of malloc', each => each.v8MallocKb),
    of('held by objects outside of the heap', each => each.externalKb),
    of('malloc: arenas', each => each.malloc?.arenasKb),
    of('malloc: of these free', each => each.malloc?.freeKb),
    of('malloc: mappings of their own', each => each.malloc?.mappedKb),
  ];
}
