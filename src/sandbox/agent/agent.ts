import { randomUUID } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Registry } from '../../registry/index.ts';
import { FilesSource } from '../../source/index.ts';
import { systemClock } from '../../time/index.ts';
import { AddressPool, ControllerLoop } from '../controllers/index.ts';
import { buildZone, DnsServer, resolvConf } from '../dns/index.ts';
import {
  fullPath,
  MARKER,
  netnsPrefix,
  type PodPrograms,
  podPrograms,
  program,
  programOfImage,
  SandboxFolder,
  type SandboxRecord,
} from '../host/index.ts';
import { Applier, EventLog, ObjectStore } from '../kube/index.ts';
import { Kubelet, type KubeletParts } from '../kubelet/index.ts';
import {
  LoopbackNetwork,
  NamespaceNetwork,
  NETWORK,
  type PodNetwork,
  ServiceProxy,
} from '../network/index.ts';
import { isReachableByOthers } from '../runtime/index.ts';
import { ControlPlaneProblems } from './control-plane-problems.ts';
import { Exporter } from './exporter.ts';
import { Forwards } from './forwards.ts';
import { Gate } from './gate.ts';
import { keepLogsSmall } from './log-keeper.ts';
import { SandboxMesh } from './mesh.ts';
import { Operations } from './operations.ts';
import { AgentServer } from './server.ts';

/** Changes that come within this time are applied together: an editor writes several files one after the other. */
const gatherMs = 20;

/**
 * The process behind a sandbox. It plays the API server and its controllers, the kubelet, kube-proxy and the cluster's DNS,
 * in the network namespace of the node. Runs until SIGTERM; pods go on without it and are ended by `down`.
 */
export async function runAgent(name: string): Promise<void> {
  const folder = new SandboxFolder(name);
  const record = folder.record();
  if (!record)
    throw new Error(`there is no sandbox ${name}; start one with weft sandbox up DIR --name ${name}`);
  process.env.PATH = fullPath();
  const clock = systemClock;
  const events = new EventLog(clock);
  const store = new ObjectStore();

  const bundling = podPrograms(folder.programs, record.programs);

  // Network: addresses, DNS, Service addresses.
  const network = await startNetwork(record);
  if (network.kind === 'namespaces') {
    await startDns(store);
    new ServiceProxy(store, events, clock).start();
  }

  // Objects: what users wrote, and what controllers make of it.
  const mesh = await SandboxMesh.create({
    store,
    events,
    clock,
    keysDir: folder.keys,
    objectsDir: folder.objects,
    sidecar: record.sidecar,
    loopbackControlPlane: network instanceof LoopbackNetwork ? network.controlPlaneAddress : undefined,
    changeOwner: process.getuid?.() === 0,
  });
  const serviceAddresses = new AddressPool(NETWORK.services, 16);
  const controllers = new ControllerLoop({ store, clock, events, serviceAddresses, admit: mesh.admit });
  const applier = new Applier(store, {
    newUid: randomUUID,
    now: () => new Date(clock.now()).toISOString(),
    remove: object => controllers.removeCascading(object),
  });
  new Exporter(store, folder.objects, clock).start();

  // Pods.
  const programs = await bundling;
  if (programs.problem !== '')
    events.add('Warning', 'Bundling', undefined, `pods run from source: ${programs.problem}`);
  const kubelet = new Kubelet(
    kubeletParts(record, folder, programs, {
      store,
      clock,
      events,
      network,
      issueToken: mesh.issueToken,
      holdBack: mesh.holdBack,
    }),
  );
  kubelet.start();
  controllers.start();
  keepLogsSmall(folder.logs, clock, pod => store.find(`Pod/${pod}`) !== undefined);

  // Users' files, last: everything above then sees their objects come.
  const applied = join(folder.path, 'applied');
  mkdirSync(applied, { recursive: true });
  const registry = new Registry({ clock, quietMs: gatherMs });
  // What was applied goes over what stands in the folder, and leaves it as it was when it is deleted.
  const sources = [applied, record.dir].map(
    dir => new FilesSource({ folder: dir, clock, quietMs: gatherMs }),
  );
  const stop = new AbortController();
  const entries = sources.map(source => registry.of(source));
  await Promise.all(sources.map((source, index) => source.start(entries[index]!, stop.signal)));
  registry.subscribe(batch => applier.apply(batch.changes));

  // The way in from outside.
  const gate = new Gate(network.kind, [...program('weft'), 'sandbox', 'gate', name]);
  const forwards = new Forwards(store, events, gate);
  forwards.start();
  const controlPlane = new ControlPlaneProblems(store, clock, ref => applier.originOf(ref));
  const operations = new Operations({
    record,
    folder,
    store,
    events,
    clock,
    controllers,
    kubelet,
    forwards,
    appliedDir: applied,
    refresh: async () => {
      for (const source of sources) await source.refresh();
      registry.flush();
    },
    problems: async () => [
      ...sources.flatMap(source => source.problems()),
      ...applier.problems(),
      ...(await controlPlane.list()),
    ],
    netnsPrefix: network.kind === 'namespaces' ? netnsPrefix(name) : undefined,
  });
  const server = new AgentServer(operations);
  await server.listen(folder.socket);

  await new Promise<void>(resolve => {
    process.on('SIGTERM', resolve);
    process.on('SIGINT', resolve);
  });
  stop.abort();
  kubelet.stop();
  process.exit(0);
}

async function startNetwork(record: SandboxRecord): Promise<PodNetwork> {
  if (record.mode === 'loopback') return new LoopbackNetwork(record.loopbackNumber);
  const network = new NamespaceNetwork(netnsPrefix(record.name));
  await network.start();
  return network;
}

async function startDns(store: ObjectStore): Promise<void> {
  let zone = buildZone([], []);
  let stale = true;
  store.onChange(({ object }) => {
    if (object.kind === 'Service' || object.kind === 'EndpointSlice') stale = true;
  });
  const server = new DnsServer(() => {
    if (stale) zone = buildZone(store.list('Service'), store.list('EndpointSlice'));
    stale = false;
    return zone;
  });
  await server.listen(NETWORK.dns, 53);
}

function kubeletParts(
  record: SandboxRecord,
  folder: SandboxFolder,
  { proxy, injector, reads }: PodPrograms,
  rest: Pick<KubeletParts, 'store' | 'clock' | 'events' | 'network' | 'issueToken' | 'holdBack'>,
): KubeletParts {
  const reachable = [record.dir, process.execPath, ...reads].every(isReachableByOthers);
  return {
    ...rest,
    podsDir: folder.pods,
    logsDir: folder.logs,
    baseDir: record.dir,
    pathMap: new Map(Object.entries(record.pathMap)),
    programsDir: folder.programs,
    programOf(image) {
      const name = programOfImage(image);
      return name && (name === 'weft-proxy' ? proxy : injector);
    },
    resolvConf: namespace => resolvConf(NETWORK.dns, namespace),
    readAnywhere: !reachable,
    baseEnv: {
      PATH: `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
      HOME: '/tmp',
      [MARKER]: folder.path,
    },
  };
}
