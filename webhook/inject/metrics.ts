// Points Prometheus' well-known annotations at the proxy, which adds the app's own metrics to its answer.
import { type AppMetrics, PORTS } from '../../src/config/index.ts';
import { type ObjectRef, type Problem, problem } from '../../src/model/index.ts';
import { FOREIGN_ANNOTATIONS } from './names.ts';
import type { Container, PodTemplate } from './pod.ts';

/** Annotations to set, and where the app's own metrics are. */
export interface MergedMetrics {
  readonly annotations: Readonly<Record<string, string>>;
  readonly appMetrics?: AppMetrics;
  readonly warnings: readonly Problem[];
}

const nothing: MergedMetrics = { annotations: {}, warnings: [] };

/**
 * A pod that says nothing is scraped for the proxy's metrics; one that says `prometheus.io/scrape: "true"` for both; one
 * that says anything else is left alone. An unreadable port leaves the annotations as they are, with a warning.
 */
export function mergeMetrics(pod: PodTemplate, object?: ObjectRef): MergedMetrics {
  const given = pod.metadata?.annotations ?? {};
  const scrape = given[FOREIGN_ANNOTATIONS.scrape];
  if (scrape !== undefined && scrape !== 'true') return nothing;
  const proxy: Record<string, string> = {
    [FOREIGN_ANNOTATIONS.scrape]: 'true',
    [FOREIGN_ANNOTATIONS.port]: String(PORTS.health),
    [FOREIGN_ANNOTATIONS.path]: '/stats/prometheus',
  };
  if (given[FOREIGN_ANNOTATIONS.scheme] !== undefined) proxy[FOREIGN_ANNOTATIONS.scheme] = 'http';
  if (scrape === undefined) return { annotations: proxy, warnings: [] };
  const text = given[FOREIGN_ANNOTATIONS.port];
  const port = text === undefined ? firstPort(pod.spec.containers) : Number(text);
  if (!Number.isInteger(port) || port < 1 || port > 65_535 || port === PORTS.health) {
    const message =
      `annotation ${FOREIGN_ANNOTATIONS.port}: "${text}" is no port of the app, so the app's metrics cannot be merged ` +
      "with the proxy's and the annotation stays as it is; write a number from 1 to 65535";
    const path = `metadata.annotations[${FOREIGN_ANNOTATIONS.port}]`;
    return {
      annotations: {},
      warnings: [problem('bad-annotation', message, { object, path, severity: 'warning' })],
    };
  }
  const path = given[FOREIGN_ANNOTATIONS.path] || '/metrics';
  const scheme = given[FOREIGN_ANNOTATIONS.scheme] === 'https' ? 'https' : 'http';
  return {
    annotations: proxy,
    appMetrics: { port, path: path.startsWith('/') ? path : `/${path}`, scheme },
    warnings: [],
  };
}

/** Where Prometheus' usual configuration would look when no port is annotated: a declared port, else 80. */
function firstPort(containers: readonly Container[]): number {
  for (const { ports } of containers) {
    for (const { containerPort, protocol } of ports ?? [])
      if ((protocol ?? 'TCP') === 'TCP') return containerPort;
  }
  return 80;
}
