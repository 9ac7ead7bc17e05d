// A mesh of thousands of proxies on one machine: the real control plane as a process, an API server that is asked as
// Kubernetes' is, and proxies that keep nothing but a connection of mutual TLS. `make scale`; the bounds that it checks are in
// verdict.ts, docs/scale.md tells what comes out.
//   node bench/scale/main.ts [--proxies 10000] [--services 1000] [--churn 50] [--seconds 30] [--replicas 1] [--json FILE]
import { rmSync } from 'node:fs';
import { mkdtemp, writeFile } from 'node:fs/promises';
import { loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { loadOrCreateAuthority } from '../../src/ca/index.ts';
import { beatEveryMs } from '../../src/discovery/index.ts';
import { WeftError } from '../../src/errors/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';
import { machine } from '../machine.ts';
import { memory } from '../usage.ts';
import { Replica, writeKubeconfig } from './control-plane.ts';
import { Fleets } from './fleets.ts';
import { nowMs } from './lean-proxy.ts';
import type { Parameters } from './model.ts';
import { scaleOptions } from './options.ts';
import {
  allSynced,
  churn,
  controlPlaneBytes,
  measured,
  metadataEdits,
  policyForAll,
  type Stage,
  spread,
  type Usage,
} from './phases.ts';
import { SimulatedCluster } from './simulated-cluster.ts';
import { SimulatedMesh } from './simulated-mesh.ts';
import { bounds, judge, timeBounds } from './verdict.ts';

const options = scaleOptions(process.argv.slice(2));
if (typeof options === 'string') {
  console.error(`scale: ${options}`);
  process.exit(2);
}
const { services, proxies, churn: perSecond } = options;

/** How long nothing is done, to see what that costs, and how often a pod, a slice and a Service are edited without a meaning. */
const quietMs = 5_000;
const editRounds = 1_000;

const figures: Record<string, unknown> = {};
const say = (name: string, value: unknown): void => {
  figures[name] = value;
  console.log(`${name}: ${JSON.stringify(value)}`);
};
const mb = (bytes: number): number => Math.round(bytes / 1e6);

// 1. The cluster, the authority, and the control plane that reads them.
const folder = await mkdtemp(join(tmpdir(), 'weft-scale-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
const size = {
  services,
  pods: proxies,
  namespaces: Math.max(1, services / 10),
  called: options.called,
};
const cluster = new SimulatedCluster(new SimulatedMesh(size));
await cluster.api.start();
const authority = join(folder, 'authority');
const made = await loadOrCreateAuthority(authority, { trustDomain: 'cluster.local', clock: systemClock });
if (made instanceof WeftError) throw made;
const kubeconfig = await writeKubeconfig(folder, cluster.api.url);
const ports = await freePorts(options.replicas);
const replicas = ports.map(
  (port, index) =>
    new Replica(`weft-injector-${index}`, port, {
      ...{ kubeconfig, authority, cpus: options.controlPlaneCpus },
    }),
);
say('machine', machine());
let startMs = nowMs();
await Promise.all(replicas.map(each => each.start()));
const readyMb = controlPlaneBytes(replicas) / 1e6 / replicas.length;
say('control plane ready', {
  seconds: ((nowMs() - startMs) / 1000).toFixed(1),
  privateMb: mb(controlPlaneBytes(replicas)),
});

// 2. The proxies, which come as pods are scheduled.
const identity = 'spiffe://cluster.local/ns/weft-system/sa/weft-injector';
const fleets = await Fleets.start(options.processes, options.proxiesCpus, {
  ...{ type: 'begin', size, ports, identity, authority },
});
const stage: Stage = { cluster, replicas, fleets };
const joining = await measured(stage, async () => {
  fleets.launch(
    cluster.pods.flat().map(({ service, name }) => ({ service, pod: name })),
    0,
  );
  await allSynced(stage, 300_000);
});
say('all connected at once', { ...joining.usage, lost: (await fleets.report(true)).lost });
await sleep(1_000);
say('memory', {
  controlPlaneMb: mb(controlPlaneBytes(replicas)),
  kbPerProxy: Math.round(controlPlaneBytes(replicas) / 1e3 / proxies),
  proxiesMb: mb(memory(fleets.pids).private),
});

const syncedMb = controlPlaneBytes(replicas) / 1e6 / replicas.length;
const quiet = await measured(stage, () => sleep(quietMs));
say('nothing happens', quiet.usage);

// 3. What happens every second in a large cluster.
const churned = await measured(stage, () => churn(stage, { seconds: options.seconds, perSecond }));
say('churn', churned.usage);
say('endpoint change', churned.result.endpoints);
say('route change', churned.result.routes);
say('messages', { messages: churned.result.messages, mb: mb(churned.result.bytes) });
const policy = await measured(stage, () => policyForAll(stage));
say('policy for all', policy.result);
const edited = await measured(stage, () => metadataEdits(stage, editRounds));
const edits = edited.result;
say('messages of metadata edits', edits);
const peakBytes = controlPlaneBytes(replicas);
say('memory after churn', { controlPlaneMb: mb(peakBytes), load: loadavg()[0]!.toFixed(1) });

// 4. The control plane is killed and comes back, while pods go on coming and going.
await fleets.report(true);
startMs = nowMs();
const back = await measured(stage, async () => {
  await Promise.all(replicas.map(each => each.kill(options.signal)));
  await Promise.all(replicas.map(each => each.start()));
  await allSynced(stage, 300_000);
});
const readyMs = Math.max(...replicas.map(each => each.readyAtMs));
const { outages, lost } = await fleets.report(true);
const reconnectSeconds = (nowMs() - readyMs) / 1000;
say('restart', {
  ...back.usage,
  readyAfterSeconds: Number(((readyMs - startMs) / 1000).toFixed(1)),
  allInSyncAfterReadySeconds: Number(reconnectSeconds.toFixed(1)),
  outageMs: spread(outages),
  lost,
});
await sleep(1_000);
const afterBytes = controlPlaneBytes(replicas);
say('memory after restart', { controlPlaneMb: mb(afterBytes), load: loadavg()[0]!.toFixed(1) });

// 5. What model.ts works out larger meshes from.
const { endpoints, routes, messages } = churned.result;
const usOf = ({ controlPlaneUs }: Usage): number => controlPlaneUs;
const idleUs = usOf(quiet.usage) / quiet.usage.seconds;
const parameters: Parameters = {
  readyMb: Math.round(readyMb),
  pods: proxies,
  proxyKb: Math.round(((syncedMb - readyMb) * 1e3 * replicas.length) / proxies),
  joinUs: Math.round(usOf(joining.usage) / proxies),
  pushUs: Math.round(usOf(churned.usage) / messages),
  // Each of them is edited at its pod, its slice and itself.
  editUs: Math.round(Math.max(0, usOf(edited.usage) - idleUs * edited.usage.seconds) / (3 * editRounds)),
  idleUs: Math.round(((idleUs / proxies) * beatEveryMs(proxies / replicas.length)) / 500),
};
say('parameters', parameters);

// 6. The verdict.
const found = {
  controlPlaneMb: mb(Math.max(peakBytes, afterBytes) / replicas.length),
  cpuUsPerMessage: parameters.pushUs,
  metadataMessages: edits,
  unheard: endpoints.unheard + routes.unheard + policy.result.unheard,
};
const times = {
  endpointP99Ms: { value: endpoints.each.p99, share: churned.usage.share },
  routeP99Ms: { value: routes.each.p99, share: churned.usage.share },
  reconnectSeconds: { value: Math.round(reconnectSeconds * 10) / 10, share: back.usage.share },
};
const { broken, notJudged } = judge(found, times);
say('verdict', { bounds: { ...bounds, ...timeBounds }, found, times, broken, notJudged });
if (options.json !== '') await writeFile(options.json, `${JSON.stringify(figures, null, 2)}\n`);
await fleets.stop();
await Promise.all(replicas.map(each => each.kill('SIGTERM')));
await cluster.api.stop();
process.exit(broken.length > 0 ? 1 : 0);
