// What real interception costs: packet rules in a network namespace, SO_ORIGINAL_DST for each connection. Weft the way a pod has
// it, Weft in explicit mode in the same namespace for the difference, and Envoy behind the same rules.
import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PORTS } from '../../src/config/index.ts';
import { readResult } from '../load/load-result.ts';
import { cluster, httpFilter, retryPolicy } from '../peers/envoy.ts';
import type { MeasuredProxy } from '../peers/index.ts';
import { listening, output, type Running } from '../processes.ts';
import { type Round, summarise } from '../results.ts';
import { type BenchSettings, Stage } from '../stage.ts';
import { cpuUs } from '../usage.ts';
import { fastBackend } from './backends.ts';
import { cannotMakeNamespaces, Namespaces } from './namespaces.ts';
import type { Outcome, Scenario } from './scenario.interface.ts';

const service = '10.96.0.1';
const host = 'web.bench.svc.cluster.local';

/** See above. */
export const redirect: Scenario = {
  name: 'redirect',
  title: 'packet rules and original destination: keep-alive, and a new connection for each request',
  unit: 'request',
  run,
};

/** One proxy in its own pair of namespaces. */
interface Subject {
  readonly name: string;
  readonly version: string;
  readonly pod: Namespaces;
  readonly program: Running;
  readonly url: string;
}

async function run(proxies: readonly MeasuredProxy[], settings: BenchSettings): Promise<Outcome> {
  const cannot = cannotMakeNamespaces();
  if (cannot !== undefined) return { proxies: [], notices: [cannot] };
  const stage = new Stage(settings);
  // Also for the user of the proxy to read.
  chmodSync(stage.folder, 0o755);
  const pods: Namespaces[] = [];
  try {
    const subjects: Subject[] = [];
    for (const proxy of proxies) {
      if (proxy.name === 'weft') {
        subjects.push(await weftIn(makePod(pods), stage, proxy, true));
        subjects.push(await weftIn(makePod(pods), stage, proxy, false));
      } else if (proxy.name === 'envoy') subjects.push(await envoyIn(makePod(pods), stage, proxy));
    }
    return await measureAll(subjects, stage);
  } finally {
    await stage.close();
    for (const pod of pods) pod.remove();
  }
}

function makePod(pods: Namespaces[]): Namespaces {
  const pod = new Namespaces();
  pods.push(pod);
  return pod;
}

async function measureAll(subjects: readonly Subject[], stage: Stage): Promise<Outcome> {
  const { settings } = stage;
  const seconds = settings.quick ? 2 : 5;
  const rounds: Round[] = [];
  for (const subject of subjects) await wrk(subject, settings, 2, false);
  for (let round = 0; round < settings.rounds; round++) {
    for (const subject of subjects) {
      const kept = await wrk(subject, settings, seconds, false);
      const fresh = await wrk(subject, settings, seconds, true);
      const figures = {
        cpu_us_per_request: kept.cpuUs,
        rps: kept.rps,
        p99_ms: kept.p99Ms,
        connect_cpu_us_per_request: fresh.cpuUs,
        connect_rps: fresh.rps,
        connect_p99_ms: fresh.p99Ms,
      };
      rounds.push({ proxy: subject.name, version: subject.version, figures });
    }
  }
  return { proxies: summarise(rounds, 'connect_cpu_us_per_request'), notices: [] };
}

async function wrk(
  { name, pod, program, url }: Subject,
  { pinning }: BenchSettings,
  seconds: number,
  fresh: boolean,
): Promise<{ cpuUs: number; rps: number; p99Ms: number }> {
  const before = cpuUs([program.pid]);
  const args = ['-t1', '-c32', `-d${seconds}s`, '-s', 'bench/load/wrk.lua', '-H', `Host: ${host}`];
  const close = fresh ? ['-H', 'Connection: close'] : [];
  const prefix = pod.inPod('app');
  const printed = await output('wrk', [...args, ...close, url], {
    cpus: pinning.load,
    prefix,
    files: 65_536,
  });
  const { count, p99_ms: p99Ms = 0, errors, not_ok: notOk = 0, seconds: tookS } = readResult(printed);
  if (count === 0 || notOk + errors > 0.001 * count)
    throw new Error(
      `${name} in its pod: ${errors} errors and ${notOk} answers that were not 2xx of ${count}`,
    );
  return { cpuUs: (cpuUs([program.pid]) - before) / count, rps: count / tookS, p99Ms };
}

/** The rules that `weft-proxy init` writes. */
async function writeRules(pod: Namespaces, stage: Stage): Promise<void> {
  const init = [stage.settings.programs.proxy, 'init', '--ipv6', 'off'];
  await output(process.execPath, init, { cpus: stage.settings.pinning.load, prefix: pod.inPod('app') });
}

async function weftIn(
  pod: Namespaces,
  stage: Stage,
  { version }: MeasuredProxy,
  redirected: boolean,
): Promise<Subject> {
  const port = await fastBackend(stage, pod.serverAddress, pod.inServer);
  const objects = join(stage.folder, `objects-${pod.pod}`);
  mkdirSync(objects);
  writeFileSync(join(objects, 'web.yaml'), objectsOf(pod.serverAddress, port));
  await writeRules(pod, stage);
  const flags = [
    '--discovery',
    'files',
    '--files',
    objects,
    '--pod-ips',
    pod.podAddress,
    '--log-level',
    'warn',
  ];
  const mode = redirected ? [] : ['--no-redirect'];
  const program = stage.weft([stage.settings.programs.proxy, 'run', ...flags, ...mode], {
    prefix: pod.inPod('proxy'),
  });
  await listening(PORTS.outbound, program);
  const url = redirected ? `http://${service}/` : `http://127.0.0.1:${PORTS.outbound}/`;
  return { name: redirected ? 'weft' : 'weft without rules', version, pod, program, url };
}

function objectsOf(address: string, port: number): string {
  return `apiVersion: v1
kind: Service
metadata: {name: web, namespace: bench}
spec: {clusterIP: ${service}, ports: [{name: http, port: 80, targetPort: ${port}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: bench, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: ${port}}]
endpoints: [{addresses: [${address}], conditions: {ready: true}}]
`;
}

async function envoyIn(pod: Namespaces, stage: Stage, { command, version }: MeasuredProxy): Promise<Subject> {
  const port = await fastBackend(stage, pod.serverAddress, pod.inServer);
  await writeRules(pod, stage);
  // Its usual place is a folder that only its owner may enter.
  const own = join(stage.folder, 'envoy');
  copyFileSync(command, own);
  chmodSync(own, 0o755);
  const bind = { socket_address: { address: '127.0.0.1', port_value: PORTS.outbound } };
  const original = 'envoy.extensions.filters.listener.original_dst.v3.OriginalDst';
  const action = { cluster: 'out', timeout: '0s', retry_policy: retryPolicy };
  const routes = [{ match: { prefix: '/' }, route: action }];
  const config = {
    static_resources: {
      listeners: [
        {
          name: 'in',
          address: bind,
          listener_filters: [
            { name: 'original_dst', typed_config: { '@type': `type.googleapis.com/${original}` } },
          ],
          filter_chains: [{ filters: [httpFilter({ name: 'any', domains: ['*'], routes })] }],
        },
      ],
      clusters: [cluster('out', port, true, undefined, pod.serverAddress)],
    },
  };
  const file = stage.file('envoy.json', JSON.stringify(config));
  const flags = ['-c', file, '--concurrency', '1', '--disable-hot-restart', '--log-level', 'error'];
  const program = stage.proxy(own, flags, { prefix: pod.inPod('proxy') });
  await listening(PORTS.outbound, program);
  return { name: 'envoy', version, pod, program, url: `http://${service}/` };
}
