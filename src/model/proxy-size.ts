// What a sidecar should ask Kubernetes for, from what its pods' sidecars used.

/** What a proxy used at most, or those of a workload: the highest of all of its pods. */
export interface UsedByProxies {
  /** Cores, on average over the busiest minute. */
  readonly busiestCores: number;
  /** Anonymous memory at its highest. */
  readonly peakBytes: number;
  /** For how long it has been watched, of several the longest. */
  readonly seconds: number;
}

/** Requests and limits of a sidecar. There is no limit of CPU: it makes latency (docs/production.md). */
export interface ProxySize {
  readonly cpuRequestCores: number;
  readonly memoryRequestBytes: number;
  readonly memoryLimitBytes: number;
}

const MiB = 2 ** 20;
/** Below that nothing is proposed: a proxy that does nothing has some 26 MB, and its start takes a moment's CPU. */
const least: ProxySize = { cpuRequestCores: 0.01, memoryRequestBytes: 40 * MiB, memoryLimitBytes: 128 * MiB };
/** For what was not seen. */
const spare = 1.15;
/**
 * A proxy slows down when 60 % of what is between rest and limit is used (LEVELS of memory/), and while it is upgraded in place
 * two processes share the limit; so twice the highest.
 */
const limitShare = 2;

/** Requests are what was used at most with a little to spare, the limit of memory twice that; rounded up. */
export function proposedSize({ busiestCores, peakBytes }: UsedByProxies): ProxySize {
  return {
    cpuRequestCores: Math.max(least.cpuRequestCores, Math.ceil(busiestCores * spare * 200 - 1e-9) / 200),
    memoryRequestBytes: Math.max(least.memoryRequestBytes, up(peakBytes * spare, 8 * MiB)),
    memoryLimitBytes: Math.max(least.memoryLimitBytes, up(peakBytes * limitShare, 32 * MiB)),
  };
}

function up(bytes: number, step: number): number {
  return Math.ceil(bytes / step) * step;
}

/** `15m`, `2`: a quantity of Kubernetes' for cores. */
export function coresText(cores: number): string {
  const milli = Math.round(cores * 1000);
  return milli % 1000 === 0 ? String(milli / 1000) : `${milli}m`;
}

/** `48Mi`: a quantity of Kubernetes' for bytes, rounded to whole MiB. */
export function mebibytesText(bytes: number): string {
  return `${Math.round(bytes / MiB)}Mi`;
}
