// `weft-proxy run`. The stages of a proxy, in the order in which they start.
import type { Command } from 'commander';
import {
  type AdminHost,
  AdminServer,
  adminRoutes,
  appHealthRoutes,
  appMetricsRoutes,
  healthRoutes,
  preStopRoutes,
  readAppMetrics,
  readAppProbes,
} from '../admin/index.ts';
import { linux, yieldToTraffic } from '../compiler/index.ts';
import { ENVIRONMENT } from '../config/names.ts';
import { type ProxyConfig, type ProxyFlags, readProxyConfig } from '../config/proxy-config.ts';
import { errorMessage, guarded, INTERNAL_ERROR, internalError, WeftError } from '../errors/index.ts';
import { DEFAULT_LIMITS, type ServerOptions } from '../http1/index.ts';
// Not by the room's index: what asks is no part of a proxy.
import { Answering } from '../live/answering.ts';
import { tuneMalloc } from '../memory/index.ts';
import type { Resource } from '../model/index.ts';
import { appIsPresent, DataPlane, drained, IDLE, probeAddress, sumUnderWay } from '../proxy/index.ts';
import { createAccessLog, createLogger, type Log } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import { checkNativeTls, MeshTls } from '../tls/index.ts';
import { acceptInherited, checkNative, loadSocketOptions } from '../wire/index.ts';
import { appHasEnded, readExitWithApp } from './app-exit.ts';
import { takeClientAddresses } from './client-addresses.ts';
import { installLastResort } from './last-resort.ts';
import { proxyAnswerers } from './proxy-answers.ts';
import { SharedTls, startCores } from './proxy-cores.ts';
import { descriptorMetrics, tellDescriptors } from './proxy-descriptors.ts';
import { type Discovery, openDiscovery } from './proxy-discovery.ts';
import { withProxyFlags } from './proxy-flags.ts';
import { gatewayParts } from './proxy-gateway.ts';
import { governMemory, memoryMetrics, reclaimMemory } from './proxy-memory.ts';
import { processMetrics } from './proxy-metrics.ts';
import { ProxyNames } from './proxy-names.ts';
import { planeOptions } from './proxy-plane.ts';
import { watchRedirection } from './proxy-redirection.ts';
import { sentinelWatch } from './proxy-sentinel.ts';
import { tellService } from './proxy-service.ts';
import { ProxyTelemetry } from './proxy-telemetry.ts';
import { traceRequests } from './proxy-tracing.ts';
import { ProxyUsage } from './proxy-usage.ts';

/** For other cores, whose spans and lines wait for collectors; each of them gives up a little earlier. */
const lastWordsMs = 3_000;
/** Of a gateway on a cluster: until load balancers and kube-proxy know that it goes, it takes what they send. */
const noticeMs = 10_000;
/** Of a machine: until its entry says that it goes, and everybody has heard. */
const machineNoticeMs = 3_000;

/** Adds the command to `program`. */
export function register(program: Command): void {
  withProxyFlags(program.command('run'))
    .description('carry the traffic of this workload')
    .option(
      '--discovery <source>',
      'control-plane, kubernetes (the API server), files (a folder, with --files) or none',
      'control-plane',
    )
    .option('--files <folder>', 'with --discovery files: a folder of Kubernetes YAML, watched')
    .option('--no-redirect', 'no packet rules: apps name the proxy (HTTP_PROXY), peers its inbound port')
    .option(
      '--client-addresses <how>',
      "replace: the app sees the proxy's address; keep: its clients' own, for which it starts as root with NET_RAW (WEFT_CLIENT_ADDRESSES)",
    )
    .option('--outbound-port <port>', 'where outbound traffic arrives, default 15001')
    .option('--inbound-port <port>', 'where inbound traffic arrives, default 15006')
    .option(
      '--workload-group <name>',
      'of a machine outside of the cluster: the WorkloadGroup that it joins (WEFT_WORKLOAD_GROUP)',
    )
    .option(
      '--exec-probes',
      'with --workload-group: its probe may run programs here, as the user of the proxy',
    )
    .option('--dns <address>', 'answers DNS of this machine there, names of the mesh included: 127.15.0.53')
    .option('--dns-resolvers <file>', "with --dns: the machine's own servers, in the form of resolv.conf")
    .option(
      '--virtual-addresses <range>',
      'with --dns: hosts without an address that leads anywhere get one of these, which packet rules redirect: 240.240.0.0/16',
    )
    .option('--mtls <mode>', 'strict, permissive or disable, until discovery says', 'permissive')
    .action(async (flags: ProxyFlags) => {
      try {
        await run(readProxyConfig(flags, process.env));
      } catch (error) {
        const code = error instanceof WeftError ? ` (${error.code})` : '';
        process.stderr.write(`weft-proxy run: ${errorMessage(error)}${code}\n`);
        process.exit(1);
      }
    });
}

/** Carries traffic until the process is told to end: of a workload, or as config.gateway has it of clients outside. */
export async function run(config: ProxyConfig): Promise<void> {
  // 1. The machine: stream handles, getsockopt, logs.
  checkNative();
  checkNativeTls();
  tuneMalloc();
  if (config.redirected) loadSocketOptions();
  const succession = process.env[ENVIRONMENT.handover];
  delete process.env[ENVIRONMENT.handover];
  // Whoever takes over from another finds them written.
  const writesRules = process.env[ENVIRONMENT.packetRules] === 'write' && !succession;
  const written = writesRules
    ? await (await import('./packet-rules.ts')).writePacketRules(config, process.env)
    : [];
  const ownAddresses = takeClientAddresses(config);
  const log = createLogger({ program: 'weft-proxy', level: config.logLevel });
  for (const { family, result, backend, notices } of written)
    log.info({ family, result, backend, notices }, 'packet rules');
  const before = succession ? new (await import('../handover/index.ts')).Predecessor(succession) : undefined;
  const started = installLastResort(log, systemClock);
  const eager = yieldToTraffic(systemClock, linux());
  if (eager !== undefined) log.debug({ why: eager }, "V8's compiler keeps its priority beside traffic");
  const accessLog = createAccessLog(config.accessLog);
  const telemetry = new ProxyTelemetry({ plane: () => plane, accessLog, log, clock: systemClock });
  const stopping = new AbortController();
  const exitWithApp = readExitWithApp(process.env[ENVIRONMENT.exitWithApp]);
  // 2. Identity and discovery: who we are, and where destinations are asked for.
  const answerers = proxyAnswerers(
    () => plane,
    () => host.status(),
    () => usage,
  );
  const own = new Answering({ answerers, clock: systemClock, threads: config.concurrency });
  const cores =
    config.concurrency > 1
      ? startCores(config, log, before ? before.sockets : [], {
          own: resource => plane.apply(resource),
          source: () => discovery,
          questions: own,
        })
      : undefined;
  const tls = cores ? new SharedTls(credentials => cores.useCredentials(credentials)) : new MeshTls();
  const put = (
    resource: Resource | undefined,
    use: (resource: Resource) => string | undefined,
  ): string | undefined => {
    if (resource === undefined) return undefined;
    const refused = applySafely(() => use(resource));
    if (refused !== undefined) return refused;
    tracing.heed(resource);
    cores?.apply(resource);
    return undefined;
  };
  const upgrades =
    config.liveUpgrade || before
      ? new (await import('./proxy-upgrades.ts')).ProxyUpgrades({
          ...{ config, log, before, clock: systemClock },
          fetch: () => discovery.program?.bind(discovery),
          admin: () => host,
          accept(on) {
            plane.accept(on);
            cores?.accept(on);
            for (const server of servers) server.accept(on);
          },
          acceptInherited() {
            acceptInherited();
            cores?.takeOver();
          },
          drain() {
            plane.drain();
            cores?.drain();
          },
          close(all) {
            all ? plane.cutOff() : plane.closeIdle();
            cores?.close(all);
          },
          notReady: () =>
            host.notReady() ?? (discovery.status().connected === false ? 'no control plane yet' : undefined),
          lastWords: () => lastWords(),
          stop: why => stop(why),
        })
      : undefined;
  const machine = config.machine
    ? new (await import('../machines/health/index.ts')).MachineHealth({
        ...{ app: appOf(config), execProbes: config.machine.execProbes, clock: systemClock, log },
      })
    : undefined;
  const asked = upgrades?.questions(cores?.questions ?? own) ?? cores?.questions ?? own;
  const names = new ProxyNames({
    ...{ clock: systemClock, log, forwards: config.dnsForwards },
    apply: resource => void put(resource, each => plane.apply(each)),
    // Of other cores it is not known what they use.
    isUsed: key => cores !== undefined || plane.destinations.hasCluster(key),
  });
  const dns = config.dns
    ? new (await import('./proxy-dns.ts')).ProxyDns(config, {
        ...{ clock: systemClock, log, discovery: () => discovery },
      })
    : undefined;
  const discovery: Discovery = await openDiscovery(config, {
    clock: systemClock,
    log,
    tls,
    signal: stopping.signal,
    questions: machine?.questions(asked) ?? asked,
    gatewaysFound: names => {
      plane.gateway?.serve(names);
      cores?.serve(names);
    },
    apply: resource => {
      const ended = exitWithApp && resource.kind === 'inbound' && appHasEnded(exitWithApp, resource.ended);
      // After the answer to the control plane is on its way.
      if (ended) setImmediate(guarded('app-exit', () => stop('the app of this pod has ended', true)));
      if (dns?.take(resource) === true) return undefined;
      return put(names.take(resource), each => plane.apply(each));
    },
    restore: resource =>
      dns?.take(resource) === true ? undefined : put(names.take(resource), each => plane.restore(each)),
  });
  // 3. The data plane.
  const gateway = await gatewayParts(config, log);
  const watchSentinel = await sentinelWatch(config);
  const plane: DataPlane = new DataPlane({
    ...planeOptions(config, ownAddresses),
    ...gateway,
    ...{ clock: systemClock, log, accessLog, tls },
    source: cores?.source ?? discovery,
    ...(dns && { hostOf: (address: string) => dns.hostOf(address) }),
    sharePorts: cores !== undefined,
    onTelemetry: telemetry.apply,
  });
  const tracing = traceRequests(plane, config, systemClock, log);
  const sentinel = watchSentinel?.(plane);
  plane.listen();
  await cores?.listen(plane.outboundPort, plane.inboundPort);
  await dns?.start();
  discovery.start();
  const memory = governMemory(plane, systemClock, log);
  const reclaimer = reclaimMemory(plane, systemClock);
  const usage = new ProxyUsage(systemClock, memory);
  usage.start();
  tellDescriptors(log, systemClock);
  // 4. Readiness, health, admin.
  const redirection = watchRedirection(config, systemClock, log, () => memory.restrained);
  let draining = false;
  const host: AdminHost = {
    plane,
    log,
    accessLog,
    notReady: () =>
      draining
        ? 'draining: the pod is being stopped'
        : (discovery.notReady() ?? redirection.notReady() ?? plane.gateway?.notReady()),
    ownPorts: (['admin', 'health'] as const).map(name => ({
      ...{ name, hosts: config.hosts[name], port: config.ports[name] },
    })),
    status: () => ({
      draining,
      redirection: redirection.status(),
      ...tracing.status(),
      ...discovery.status(),
      ...(plane.gateway && { gateway: plane.gateway.ports }),
    }),
    metrics: out => {
      discovery.metrics(out);
      sentinel?.(out);
      processMetrics(out);
      memoryMetrics(out, memory, reclaimer);
      usage.metrics(out);
      descriptorMetrics(out);
      tracing.metrics(out);
      upgrades?.metrics(out);
      dns?.metrics(out);
    },
    exemplars: () => tracing.on,
    drain: () => stop('asked to through the admin port'),
    underWay: () => sumUnderWay([plane.underWay, cores?.underWay ?? IDLE, before?.underWay ?? IDLE]),
    ...(cores && { cores }),
    ...(before && { before: { metrics: own => before.metrics(own, systemClock) } }),
  };
  // Not the packet rules, which a unit writes once the proxy is ready.
  const service = await tellService(
    () => discovery.notReady() ?? plane.gateway?.notReady(),
    systemClock,
    log,
  );
  const servers = serveAdmin(config, host, plane.services.http1);
  // 5. The end: drain, then go.
  const lastWords = async (): Promise<void> => {
    await Promise.all([tracing.close(), telemetry.end(), cores?.end(lastWordsMs, systemClock)]);
    stopping.abort();
    accessLog.flush();
  };
  const stop = (why: string, appEnded = false): void => {
    if (draining) return;
    draining = true;
    machine?.drain();
    service?.stopping();
    log.info({ why, ...host.underWay() }, 'draining: no new work is asked for, and work under way goes on');
    plane.drain();
    cores?.drain();
    upgrades?.stop();
    const subject = {
      busy: host.underWay,
      appIsPresent: () => (config.redirected ? appIsPresent() : undefined),
    };
    // A Job waits for us, and nobody is left to serve.
    const nothingToDo = appEnded && host.underWay().exchanges === 0;
    const atLeastMs =
      config.gateway !== undefined && config.discovery !== 'files' ? noticeMs : machine ? machineNoticeMs : 0;
    void (nothingToDo ? Promise.resolve() : drained(subject, systemClock, atLeastMs)).then(async () => {
      await lastWords();
      log.info({}, 'drained; goodbye');
      accessLog.flush();
      for (const server of servers) server.close();
      upgrades?.leave();
      process.exit(0);
    });
  };
  listenForSignals(stop, log);
  started();
  upgrades?.begin();
  const { ports } = config;
  log.info(
    { pod: `${config.pod.namespace}/${config.pod.name}`, ports, discovery: config.discovery },
    'weft-proxy carries traffic',
  );
}

/** A resource that nobody foresaw is refused, as one that is wrong is: the last good one stays. */
function applySafely(apply: () => string | undefined): string | undefined {
  try {
    return apply();
  } catch (thrown) {
    internalError('discovery.apply', thrown);
    return `${INTERNAL_ERROR}: ${errorMessage(thrown)}`;
  }
}

/** Where the app is asked: from the address whose connections packet rules leave alone, where there are some. */
function appOf({ pod, redirected }: ProxyConfig): { readonly host: string; readonly localAddress?: string } {
  const host = pod.addresses[0] ?? '127.0.0.1';
  return { host, ...(redirected && { localAddress: probeAddress(host) }) };
}

function serveAdmin(config: ProxyConfig, host: AdminHost, http1: ServerOptions): AdminServer[] {
  const options: ServerOptions = { ...http1, limits: DEFAULT_LIMITS, idleTimeoutMs: 120_000 };
  const probes = readAppProbes(process.env[ENVIRONMENT.probes]);
  const app = appOf(config);
  const appProbes = appHealthRoutes(probes, app, host.log);
  const health = healthRoutes(host);
  const metrics = readAppMetrics(process.env[ENVIRONMENT.appMetrics]);
  const merged = metrics ? appMetricsRoutes(health['GET /stats/prometheus']!, metrics, app, host.log) : {};
  return [
    new AdminServer(config.hosts.health, { port: config.ports.health, purpose: 'health' }, options, {
      ...health,
      ...merged,
      ...appProbes,
      ...preStopRoutes(host, systemClock),
    }),
    new AdminServer(
      config.hosts.admin,
      { port: config.ports.admin, purpose: 'admin' },
      options,
      adminRoutes(host),
    ),
  ];
}

function listenForSignals(stop: (why: string) => void, log: Log): void {
  let asked = 0;
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    const heard = (): void => {
      asked++;
      if (asked === 1) stop(signal);
      else {
        log.warn({ signal }, 'asked to stop a second time; going at once');
        process.exit(0);
      }
    };
    process.on(signal, guarded('signal', heard));
  }
}
