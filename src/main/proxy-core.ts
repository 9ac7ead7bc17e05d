// Another core of `weft-proxy run --concurrency`: a thread with listeners and a data plane; see src/cores/.
import { parentPort, workerData } from 'node:worker_threads';
import { coreView } from '../admin/index.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { runCore } from '../cores/index.ts';
// Not by the room's index: what asks is no part of a proxy.
import { Answering } from '../live/answering.ts';
import { DataPlane, proxyMetricPieces } from '../proxy/index.ts';
import { type AccessLogMode, createAccessLog, createLogger } from '../telemetry/index.ts';
import { systemClock } from '../time/index.ts';
import { checkNativeTls, MeshTls } from '../tls/index.ts';
import {
  acceptInherited,
  checkNative,
  inheritSockets,
  type ListeningSocket,
  loadSocketOptions,
} from '../wire/index.ts';
import { takeClientAddresses } from './client-addresses.ts';
import { installLastResort } from './last-resort.ts';
import { proxyAnswerers } from './proxy-answers.ts';
import { tellDescriptors } from './proxy-descriptors.ts';
import { gatewayParts } from './proxy-gateway.ts';
import { governMemory, reclaimMemory } from './proxy-memory.ts';
import { eventLoopMetrics } from './proxy-metrics.ts';
import { planeOptions } from './proxy-plane.ts';
import { sentinelWatch } from './proxy-sentinel.ts';
import { ProxyTelemetry } from './proxy-telemetry.ts';
import { traceRequests } from './proxy-tracing.ts';

/** Makes this thread a core, with what the first one has put into its data. */
export async function runAsCore(): Promise<void> {
  const { config, core, sockets } = workerData as {
    config: ProxyConfig;
    core: number;
    /** Of the process before, where there was one. */
    sockets: readonly ListeningSocket[];
  };
  inheritSockets(sockets, core);
  checkNative();
  checkNativeTls();
  if (config.redirected) loadSocketOptions();
  // Threads have the capabilities of the one that started them.
  const ownAddresses = takeClientAddresses(config);
  const log = createLogger({ program: 'weft-proxy', level: config.logLevel });
  const started = installLastResort(log, systemClock);
  const accessLog = createAccessLog(config.accessLog);
  const gateway = await gatewayParts(config, log);
  const watchSentinel = await sentinelWatch(config);
  const tls = new MeshTls();
  let plane: DataPlane;
  const telemetry = new ProxyTelemetry({ plane: () => plane, accessLog, log, clock: systemClock });
  runCore(parentPort!, systemClock, tls, source => {
    plane = new DataPlane({
      ...planeOptions(config, ownAddresses),
      ...gateway,
      ...{ clock: systemClock, log, accessLog, tls, source },
      sharePorts: true,
      onTelemetry: telemetry.apply,
    });
    const sentinel = watchSentinel?.(plane);
    governMemory(plane, systemClock, log);
    reclaimMemory(plane, systemClock);
    tellDescriptors(log, systemClock);
    const answerers = proxyAnswerers(() => plane);
    const tracing = traceRequests(plane, config, systemClock, log);
    return {
      questions: new Answering({ answerers, clock: systemClock, threads: config.concurrency }),
      apply: resource => {
        const refused = plane.restore(resource);
        if (refused === undefined) tracing.heed(resource);
        return refused;
      },
      listen: (outbound, inbound) => plane.listen(outbound, inbound),
      serve: names => plane.gateway?.serve(names),
      drain: () => plane.drain(),
      accept: on => plane.accept(on),
      takeOver: acceptInherited,
      close: all => (all ? plane.cutOff() : plane.closeIdle()),
      metrics: () =>
        [
          ...proxyMetricPieces(plane, out => {
            eventLoopMetrics(out);
            tracing.metrics(out);
            sentinel?.(out);
          }),
        ].join(''),
      view: view => coreView(plane, core, view),
      async end() {
        await Promise.all([tracing.close(), telemetry.end()]);
        accessLog.flush();
      },
      requests: query => plane.recorded(query),
      underWay: () => plane.underWay,
      setLogging(level, access) {
        if (level !== undefined) log.level = level;
        if (access !== undefined) accessLog.mode = access as AccessLogMode;
      },
    };
  });
  started();
}
