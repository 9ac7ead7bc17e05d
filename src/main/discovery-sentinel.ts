// Resources from a file of Sentinel's dialect: read, its upstreams found and checked, and all of it translated in this process.
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { errorMessage, guarded } from '../errors/index.ts';
import { type SentinelConfiguration, sentinel } from '../translate/sentinel/index.ts';
import {
  askServers,
  NameLookup,
  readDnsSettings,
  type UpstreamStatus,
  Upstreams,
} from '../upstreams/index.ts';
import { openInProcess } from './discovery-in-process.ts';
import type { Discovery, DiscoveryContext } from './proxy-discovery.ts';
import { type BuiltinSubject, MetricsServer, serveBuiltin } from './sentinel-builtin.ts';
import { renderUpstreams } from './sentinel-metrics.ts';
import { readOrThrow, SentinelSource } from './sentinel-source.ts';

/** Of a gateway whose proxy is in no namespace. */
const NAMESPACE = 'sentinel';

/** Throws the WeftError of a file with errors. SIGHUP reads the file again. */
export async function openSentinel(config: ProxyConfig, context: DiscoveryContext): Promise<Discovery> {
  const { clock, log, signal } = context;
  let draining = false;
  const settings = readDnsSettings(config.dnsForwards);
  const told = (status: UpstreamStatus): void => source.endpointsChanged(status);
  const upstreams = new Upstreams({ clock, lookup: new NameLookup(askServers(settings), settings) }, told);
  const subject: BuiltinSubject = {
    notReady: () => (draining ? 'draining: the gateway is being stopped' : undefined),
    configuration: () => source.configuration,
    upstreams: () => upstreams.statuses,
    metrics: { port: config.ports.health },
  };
  const builtin = await serveBuiltin(subject);
  const namespace = config.pod.namespace === '*' ? NAMESPACE : config.pod.namespace;
  const source: SentinelSource = new SentinelSource({
    ...{ file: config.files, namespace, clock, log, upstreams },
    builtinPort: builtin.port,
  });
  const metrics = new MetricsServer(subject);
  const serveMetrics = (): void => {
    metrics
      .serve(source.configuration?.observability.metrics)
      .catch((error: unknown) => log.error({}, errorMessage(error)));
  };
  const reload = guarded('signal', () => {
    source.reload('SIGHUP');
    serveMetrics();
  });
  process.on('SIGHUP', reload);
  for (const each of ['SIGTERM', 'SIGINT'] as const)
    process.once(each, () => {
      draining = true;
      const { gracefulShutdownMs = 30_000 } = source.configuration?.system ?? {};
      clock.after(gracefulShutdownMs, () => {
        log.warn(
          { gracefulShutdownMs },
          'the time for an end in order is over; going with what is under way',
        );
        process.exit(0);
      });
    });
  signal.addEventListener(
    'abort',
    () => {
      process.off('SIGHUP', reload);
      upstreams.close();
      builtin.close();
      metrics.close();
    },
    { once: true },
  );
  const { configuration } = readOrThrow(config.files);
  if (configuration.system.pidFile !== undefined) writePid(configuration.system.pidFile, context);
  const certificates = storageOf(configuration);
  const discovery = await openInProcess(config, context, {
    ...{ source, readFirst: true, dialects: sentinel },
    ...(certificates !== undefined && { certificates }),
  });
  return {
    ...discovery,
    start() {
      discovery.start();
      serveMetrics();
    },
    metrics(out) {
      discovery.metrics(out);
      renderUpstreams(out, upstreams.statuses);
    },
    status: () => ({ ...discovery.status(), upstreams: upstreams.statuses }),
  };
}

/** For whoever sends signals; taken away at the end, unless another process has written its own there meanwhile. */
function writePid(file: string, { log }: DiscoveryContext): void {
  const text = `${process.pid}\n`;
  try {
    writeFileSync(file, text);
  } catch (error) {
    log.warn({ file }, `the pid-file cannot be written: ${errorMessage(error)}`);
    return;
  }
  process.once('exit', () => {
    try {
      if (readFileSync(file, 'utf8') === text) rmSync(file);
    } catch {
      // Somebody else took it away.
    }
  });
}

/** The folder of certificates that are fetched, as it is when the process starts; undefined where there are none. */
function storageOf({ listeners }: SentinelConfiguration): string | undefined {
  return listeners.flatMap(each => each.tls?.acme ?? [])[0]?.storage;
}
