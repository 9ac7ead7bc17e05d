// What it costs a proxy that somebody looks: the record of `weft explain`, an open tap, figures for the dashboard, an access log
// of everything, traces. CPU time and bytes for each request of one plaintext hop, and what each adds to one where nobody looks.
//   node bench/watching.ts [--rounds 21] [--requests 5000]
// All proxies are up at once and get the same load in turn, round after round, each round beginning with another; the median of
// what a row adds, round by round, is hardly the machine's. CPU time is the kernel's count for the proxy alone. Bytes are counted
// as in `make bench-check`.
import { type PeerLabels, PeerRequests, RequestMetrics, UNKNOWN_PEER } from '../src/telemetry/index.ts';
import { bundleHop } from './bundle.ts';
import { readFlags } from './flags.ts';
import { COUNTING, requestBytes, send } from './micro/requests.ts';
import { type Launch, type RunningPath, startWeft } from './peers/index.ts';
import { ownBackend } from './scenarios/backends.ts';
import { Stage } from './stage.ts';
import { cpuUs } from './usage.ts';

const { values } = readFlags(import.meta.filename, {
  options: { rounds: { type: 'string', default: '21' }, requests: { type: 'string', default: '5000' } },
});
const rounds = Number(values.rounds);
const requests = Number(values.requests);
const connections = 8;

const nobody = { WEFT_REQUEST_RECORD: 'off' };
const watched = (WEFT_WATCH: string): Launch['env'] => ({ ...nobody, WEFT_WATCH });
const rows: readonly (readonly [name: string, env: Launch['env']])[] = [
  ['nobody looks', nobody],
  ['the record (as shipped)', {}],
  ['access log of every request, as JSON', { ...nobody, WEFT_ACCESS_LOG: 'all' }],
  ['a tap that means no request', watched('tap-other')],
  ['a tap that means all, 1,000 a second told', watched('tap-all')],
  ['figures asked for (dashboard, weft top)', watched('figures')],
  ['traces, 1 % sampled', watched('trace-1')],
  ['traces, 100 % sampled, not sent', watched('trace-100')],
];

const median = (list: readonly number[]): number => [...list].sort((a, b) => a - b)[list.length >> 1]!;

/** Microseconds of CPU time for each request; on several connections, so that not every one of them wakes the proxy. */
async function cpuOf({ port, programs }: RunningPath, count: number): Promise<number> {
  const pids = programs.map(({ pid }) => pid);
  const before = cpuUs(pids);
  const each = Math.ceil(count / connections);
  await Promise.all(Array.from({ length: connections }, () => send(port, each)));
  return (cpuUs(pids) - before) / (each * connections);
}

/** The counting of a request in the metrics, which is never off: in this process, since there is nothing to compare it with. */
function metricsCost(): { ns: number; bytes: number } {
  const labels: PeerLabels = {
    reporter: 'source',
    source: UNKNOWN_PEER,
    destination: UNKNOWN_PEER,
    mutualTls: true,
    protocol: 'http',
    service: { host: 'server.bench', name: 'server', namespace: 'bench' },
  };
  const peers = new PeerRequests(new RequestMetrics(), labels);
  const count = 2_000_000;
  const run = (): number => {
    const start = process.hrtime.bigint();
    for (let i = 0; i < count; i++) {
      const series = peers.series(200, '');
      series.requests++;
      series.durationMs.observe(i % 40);
      series.requestBytes.observe(i % 1000);
      series.responseBytes.observe(i % 5000);
    }
    return Number(process.hrtime.bigint() - start) / count;
  };
  const heap = (): number => process.memoryUsage().heapUsed;
  run();
  const before = heap();
  const ns = Math.min(...Array.from({ length: 5 }, run));
  return { ns, bytes: Math.max(0, heap() - before) / (5 * count) };
}

const hop = await bundleHop('weft-watched');
const stage = new Stage({
  ...{ quick: true, rounds: 1, pinning: { proxy: '', load: '' }, nodeFlags: [], profileFolder: '' },
  programs: { hop, proxy: '', injector: '' },
});
try {
  const { http } = await ownBackend(stage);
  const job = { protocol: 'http', topology: 'hop', backend: http } as const;
  // Read, as somebody reads the output of a container.
  const onLine = (): void => {};
  const up: RunningPath[] = [];
  for (const [, env] of rows) up.push(await startWeft(job, stage, { flags: [], ipc: false, env, onLine }));
  for (const path of up) await cpuOf(path, requests * 2);
  const cpu: number[][] = rows.map(() => []);
  for (let round = 0; round < rounds; round++)
    for (let turn = 0; turn < up.length; turn++) {
      const index = (round + turn) % up.length;
      cpu[index]!.push(await cpuOf(up[index]!, requests));
    }
  for (const { programs } of up) for (const program of programs) await program.stop();

  const bytes: number[] = [];
  for (const [, env] of rows) {
    const path = await startWeft(job, stage, { ...COUNTING, env, onLine });
    bytes.push((await requestBytes(path)).bytes_per_request!);
    for (const program of path.programs) await program.stop();
  }

  const metrics = metricsCost();
  console.log(
    `one plaintext hop, ${rounds} rounds of ${requests} requests               µs   added (quartiles)        bytes   added`,
  );
  for (const [index, [name]] of rows.entries()) {
    const added = cpu[index]!.map((us, round) => us - cpu[0]![round]!).sort((a, b) => a - b);
    const [low, high] = [added[rounds >> 2]!, added[rounds - 1 - (rounds >> 2)]!];
    const spread = `${median(added).toFixed(2)} (${low.toFixed(2)} to ${high.toFixed(2)})`;
    console.log(
      `${name.padEnd(46)}${median(cpu[index]!).toFixed(1).padStart(10)}   ${(index === 0 ? '' : spread).padEnd(23)}${bytes[index]!.toFixed(0).padStart(6)}${(index === 0 ? '' : (bytes[index]! - bytes[0]!).toFixed(0)).padStart(8)}`,
    );
  }
  console.log(
    `metrics, which are always on, by themselves: ${metrics.ns.toFixed(0)} ns, ${metrics.bytes.toFixed(1)} bytes`,
  );
} finally {
  await stage.close();
}
