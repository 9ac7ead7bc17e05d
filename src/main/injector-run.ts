// The control plane, stage by stage. Each stage is built by its own room; here they are only connected.

import { randomBytes } from 'node:crypto';
import { type Authority, RevocationList } from '../ca/index.ts';
import type { InjectorConfig } from '../config/injector-config.ts';
import { DEPLOYED_PORTS } from '../deployment/index.ts';
import { DiscoveryServer } from '../discovery/index.ts';
import type { Problem } from '../model/index.ts';
import { FilesSource, type Source } from '../source/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import {
  keepOwnCertificate,
  openFolderAuthority,
  openVerifier,
  type Surroundings,
  signerOf,
} from './injector-authority.ts';
import { serveRoutes } from './injector-http.ts';
import { openMachines, openRegistrar } from './injector-machines.ts';
import { OwnProxyProgram } from './injector-program.ts';
import { proxyProblems } from './injector-status.ts';
import { InjectorView } from './injector-view.ts';
import { noteProblems, startPipeline } from './pipeline.ts';
import { podOf } from './pod-of.ts';
import { followTicketSecrets } from './ticket-secrets.ts';

/** What runs, for tests and logs. Ports are 0 where it was told to stop before they were opened. */
export interface RunningInjector {
  readonly port: number;
  readonly metricsPort: number;
  readonly webhookPort: number;
  readonly livePort: number;
  /** 0 also where the roots are told nobody. */
  readonly bundlePort: number;
}

/**
 * Starts the control plane; resolves when proxies are served. Rejects with the WeftError of the stage that cannot start, and
 * waits for what may come by itself, an API server that is away, permissions. When the signal aborts, readiness fails,
 * streams end after what was written, and the listeners close.
 */
export async function runInjector(
  config: InjectorConfig,
  clock: Clock,
  log: Log,
  signal: AbortSignal,
): Promise<RunningInjector> {
  const around: Surroundings = { config, clock, log, signal };

  // 1. What it tells about itself, first: probes are answered while everything else is waited for.
  const view = new InjectorView(config, signal, clock);
  const { parts } = view;
  const turnedAway = (code: string): void => view.metrics.refused(code);
  const metricsPort = await serveRoutes(
    config.metricsListen,
    view.routes(),
    signal,
    clock,
    turnedAway,
    address => view.closedTo(address),
  );
  const stopped: RunningInjector = { port: 0, metricsPort, webhookPort: 0, livePort: 0, bundlePort: 0 };
  const note = noteProblems(() => view.own.flatMap(each => each()), log);
  signal.addEventListener('abort', clock.every(2_000, note), { once: true });

  // 2. The cluster, where there is one: its API, which nobody has called yet.
  const inCluster = config.source === 'kubernetes' ? await import('./injector-cluster.ts') : undefined;
  const cluster = inCluster?.openCluster(around);

  // 3. The certificate authority, in a folder or a Secret, and whose tokens it believes.
  const revocations = new RevocationList();
  view.own.push(() => revocations.problems());
  const live: Authority | undefined = config.issuerFile
    ? await (await import('./injector-issuer.ts')).openRemoteAuthority(
        cluster?.client,
        around,
        view,
        revocations,
      )
    : inCluster && cluster && config.caDir === ''
      ? await inCluster.openSecretAuthority(cluster, around, view, revocations)
      : await openFolderAuthority(around, revocations);
  if (live === undefined) return stopped;
  parts.live = live;
  view.own.push(
    () => live.problems(),
    () => live.alarms(),
  );
  const verifier = await openVerifier(around, cluster?.client);

  // 4. The control plane's own certificate, kept fresh as a proxy keeps its own.
  const keeper = await keepOwnCertificate(live, around);
  parts.keeper = keeper;

  // 5. Configuration: source → registry → translate → mesh → hub. Everything is read once before anybody is served.
  const source = cluster?.source ?? new FilesSource({ folder: config.files, clock });
  parts.kinds = cluster && (() => cluster.source.status());
  view.waitsFor = () => cluster?.source.notReady() ?? 'the configuration is being read';
  const federation = await import('./injector-federation.ts');
  const others = federation.followOthers(around, view);
  const { trustDomain, trustDomainAliases, clusterDomain } = config;
  const pipeline = await startPipeline(
    {
      sources: [source, ...(await consulSource(around))],
      ...{ trustDomain, trustDomainAliases, clusterDomain, clock, log },
      gatewayPorts: DEPLOYED_PORTS,
      onMesh: mesh => others.follow(mesh.federation),
    },
    signal,
  );
  if (signal.aborted) return stopped;
  parts.pipeline = pipeline;
  const setTrust = (): void => {
    const terms = { roots: live.roots, issuerRoot: live.issuerRoot };
    const { current } = revocations;
    const federated = others.current;
    pipeline.hub.setTrust(
      {
        ...terms,
        ...(federated.length > 0 && { federated }),
        ...(current.length > 0 && { revoked: current }),
      },
      clock.now(),
    );
  };
  setTrust();
  const own = randomBytes(32);
  const ticketSecret = (): Buffer => live.secretFor?.('session tickets') ?? own;
  const lookAtTickets = followTicketSecrets(pipeline.hub, ticketSecret, clock, signal);
  const untrack = [live.subscribe(lookAtTickets), live.subscribe(setTrust), revocations.subscribe(setTrust)];
  untrack.push(others.subscribe(setTrust));
  signal.addEventListener('abort', () => untrack.forEach(stop => void stop()), { once: true });

  // 6. Discovery and certificates for proxies.
  const machines = await openMachines(around, cluster?.client, view);
  let leads = (): boolean => false;
  const arrivals = await openRegistrar(around, cluster?.client, pipeline, view, () => leads());
  const program = new OwnProxyProgram();
  parts.program = program;
  const server = new DiscoveryServer({
    hub: pipeline.hub,
    signer: signerOf(live, revocations, around),
    verifier,
    credentials: keeper,
    ...(machines && { machines }),
    ...(arrivals && { arrivals }),
    program: digest => program.text(digest),
    podOf: uid => podOf(pipeline.registry, uid),
    clock,
    log,
    observer: view.metrics,
  });
  const port = await server.start(config.listen, signal);
  parts.server = server;
  const refusedByProxies = (): readonly Problem[] => proxyProblems(pipeline, server.refusals());
  view.own.push(refusedByProxies);

  const bundlePort = await federation.tellOwn(around, live, keeper, view);

  // 7. The live API: people ask running proxies.
  const livePort = await (await import('./injector-live.ts')).openLive(cluster?.client, keeper, around, view);

  // 8. The admission webhook, where there are settings for it.
  const webhook =
    cluster && config.injectionSettings !== ''
      ? await (await import('./injector-webhook.ts')).openWebhook(
          { client: cluster.client, live, keeper, pipeline, leads: () => leads() },
          around,
          view,
        )
      : undefined;
  parts.webhook = webhook?.running;

  // 9. What one replica does for all: roots in every namespace, the webhook's caBundle, proxies of Gateways.
  if (inCluster && cluster) {
    const gateways =
      webhook && config.deployGateways.length > 0
        ? (await import('./injector-gateways.ts')).openGateways(
            cluster.client,
            pipeline,
            webhook,
            around,
            view,
          )
        : undefined;
    const duties = {
      own: () => webhook?.elected(),
      shared: (leading: AbortSignal) => void gateways?.lead(leading),
    };
    leads = inCluster.competeToLead(cluster, live, pipeline, around, view, duties, refusedByProxies);
  }

  // 10. Alarms about what will run out.
  const alarm = (): void => {
    for (const { severity, code, message } of live.alarms()) {
      log[severity === 'error' ? 'error' : 'warn']({ code }, message);
    }
  };
  alarm();
  signal.addEventListener('abort', clock.every(3_600_000, alarm), { once: true });

  view.waitsFor = undefined;
  const ports = { port, metricsPort, webhookPort: webhook?.running.port ?? 0, livePort, bundlePort };
  log.info(
    { ...ports, source: source.name, trustDomain, objects: pipeline.counts() },
    'the control plane serves proxies',
  );
  return ports;
}

/** Services of Consul beside those of the cluster, where it is told of one. */
async function consulSource({ config, clock }: Surroundings): Promise<readonly Source[]> {
  if (!config.consul) return [];
  const { ConsulSource } = await import('../source/consul/index.ts');
  return [new ConsulSource({ ...config.consul, clock })];
}
