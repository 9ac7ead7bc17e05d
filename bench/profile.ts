// Where the time goes, or the memory: the bundled data plane under load, as a list of the functions that use most themselves and
// as a flame graph.
//   node bench/profile.ts [--what cpu|allocations] [--scenario hop|path|connect-hop|connect-path|h2-hop|h2-path|grpc-hop|
//                         download-path|upload-path|tcp-path] [--seconds 5] [--streams 10] [--top 20] [--svg docs/flame-hop.svg]
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { bundle } from './bundle.ts';
import { readFlags } from './flags.ts';
import { imageEnvironment, imageFlags, pinning } from './machine.ts';
import { askHop, type RunningPath, startWeft } from './peers/index.ts';
import { type Own, readAllocations, readProfile, selfTimes, type Tree } from './profile/cpu-profile.ts';
import { flameGraph } from './profile/flame-graph.ts';
import { fastBackend, ownBackend } from './scenarios/backends.ts';
import { h2load, http2Backend } from './scenarios/http2.ts';
import { closedLoop, transfer } from './scenarios/loads.ts';
import { Stage } from './stage.ts';
import { cpuUs } from './usage.ts';

const { values } = readFlags(import.meta.filename, {
  options: {
    what: { type: 'string', default: 'cpu' },
    scenario: { type: 'string', default: 'hop' },
    seconds: { type: 'string', default: '5' },
    streams: { type: 'string', default: '10' },
    top: { type: 'string', default: '20' },
    svg: { type: 'string' },
  },
});
const seconds = Number(values.seconds);
const topology = values.scenario.endsWith('path') ? 'path' : 'hop';
const isGrpc = values.scenario.startsWith('grpc');
const isHttp2 = isGrpc || values.scenario.startsWith('h2');
const bulk = (['download', 'upload', 'tcp'] as const).find(kind => values.scenario.startsWith(kind));
const load = isHttp2
  ? h2load(Number(values.streams), isGrpc)
  : bulk !== undefined
    ? transfer(bulk)
    : closedLoop({ headers: values.scenario.startsWith('connect') ? ['Connection: close'] : [] });
const folder = mkdtempSync(join(tmpdir(), 'weft-profile-'));
const profileFolder = values.what === 'cpu' ? folder : '';
const programs = await bundle();
const stage = new Stage({
  quick: true,
  rounds: 1,
  pinning: pinning(),
  env: imageEnvironment(),
  nodeFlags: imageFlags().split(' ').filter(Boolean),
  programs,
  profileFolder,
});
try {
  const backend = await backendOf();
  const protocol = isHttp2 ? 'http2' : bulk === 'tcp' ? 'tcp' : 'http';
  const path = await startWeft({ protocol, topology, backend }, stage, { flags: [], ipc: true });
  const trees = values.what === 'cpu' ? await ofCpu(path) : await ofAllocations(path);
  if (values.svg !== undefined) {
    const unit = values.what === 'cpu' ? ('s of CPU' as const) : ('MB allocated' as const);
    writeFileSync(values.svg, flameGraph(trees, `weft ${values.scenario}`, unit));
    console.log(`flame graph: ${values.svg}`);
  }
} finally {
  await stage.close();
  rmSync(folder, { recursive: true, force: true });
}

async function backendOf(): Promise<number> {
  if (isHttp2) return http2Backend(stage);
  if (bulk === 'upload') return (await ownBackend(stage)).http;
  return bulk === 'tcp' ? (await ownBackend(stage)).tcp : fastBackend(stage);
}

async function ofCpu(path: RunningPath): Promise<Tree[]> {
  const { count } = await load(stage, path.port, seconds);
  const usedUs = cpuUs(path.programs.map(program => program.pid));
  // Profiles are written when processes end.
  for (const program of path.programs) await program.stop(10_000);
  const files = readdirSync(folder).sort();
  const trees = files.map(file => readProfile(readFileSync(join(folder, file), 'utf8')));
  // V8 takes what libuv does between two callbacks for idling: waiting, but also epoll_wait() and read(). What the kernel counted
  // as CPU and no function had is that; so are V8's own threads (compiler, garbage).
  const rows = selfTimes(trees);
  const outside = usedUs - rows.reduce((sum, row) => sum + row.amount, 0);
  rows.push({
    name: '(epoll_wait, read, threads)',
    where: 'outside JavaScript',
    amount: Math.max(0, outside),
  });
  print(
    rows,
    `${(usedUs / 1e6).toFixed(1)} s of CPU for ${count} ${bulk === undefined ? 'requests' : 'MB'}, start and warm-up included`,
  );
  return trees;
}

async function ofAllocations(path: RunningPath): Promise<Tree[]> {
  await load(stage, path.port, seconds);
  for (const program of path.programs) await askHop(program, { ask: 'allocations', on: true });
  const { count } = await load(stage, path.port, seconds);
  const trees: Tree[] = [];
  for (const program of path.programs)
    trees.push(readAllocations(await askHop(program, { ask: 'allocations', on: false })));
  const total = trees.reduce((sum, tree) => sum + tree.total, 0);
  print(selfTimes(trees), `${(total / count).toFixed(0)} bytes sampled for each of ${count} requests`);
  return trees;
}

function print(rows: Own[], title: string): void {
  const total = rows.reduce((sum, row) => sum + row.amount, 0);
  console.log(`${values.scenario}: ${title}`);
  for (const { name, where, amount } of rows.sort((a, b) => b.amount - a.amount).slice(0, Number(values.top)))
    console.log(`${((100 * amount) / total).toFixed(1).padStart(5)} %  ${name.padEnd(30)} ${where}`);
}
