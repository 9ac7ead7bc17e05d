// What the data planes of a proxy are made with, the same on every thread.
import type { ProxyConfig } from '../config/proxy-config.ts';
import type { ConnectionLives, DataPlaneOptions, Http2Bounds, RecordSettings } from '../proxy/index.ts';
import { metricLimitsOf } from '../telemetry/index.ts';
import { interceptProbes } from './proxy-redirection.ts';

/** What follows from the configuration alone; `ownAddresses`: of takeClientAddresses. */
export function planeOptions(config: ProxyConfig, ownAddresses: ReadonlySet<string> | undefined) {
  const { hosts, ports } = config;
  return {
    outbound: { hosts: hosts.outbound, port: ports.outbound },
    inbound: { hosts: hosts.inbound, port: ports.inbound },
    redirected: config.redirected,
    ...(ownAddresses && { ownAddresses }),
    address: config.pod.addresses[0] ?? '127.0.0.1',
    firstServiceAddress: config.firstServiceAddress,
    mtlsUntilKnown: config.mtlsUntilKnown,
    awaitsInbound: config.discovery !== 'none',
    ownPorts: Object.values(ports),
    intercept: interceptProbes,
    metricLimits: metricLimitsOf(config.concurrency),
    record: recordSettings(config),
    lives: livesOf(config),
    inboundHttp2: http2BoundsOf(config),
  } satisfies Partial<DataPlaneOptions>;
}

/** How long connections of HTTP/2 from clients last. */
function livesOf(config: ProxyConfig): Partial<ConnectionLives> {
  return { maxAgeMs: config.maxConnectionAgeMs, maxAgeGraceMs: config.maxConnectionAgeGraceMs };
}

/** What clients that come in by HTTP/2 may ask for, where it is told. */
function http2BoundsOf({ http2MaxStreams, http2MaxHeaderBytes }: ProxyConfig): Http2Bounds {
  return {
    ...(http2MaxStreams !== undefined && { maxStreams: http2MaxStreams }),
    ...(http2MaxHeaderBytes !== undefined && { maxHeaderListBytes: http2MaxHeaderBytes }),
  };
}

/** What each core keeps of requests. */
function recordSettings({ requestRecordBytes, slowMs, concurrency }: ProxyConfig): RecordSettings {
  return { maxBytes: requestRecordBytes / concurrency, ...(slowMs !== undefined && { slowMs }) };
}
