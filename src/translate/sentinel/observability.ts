import type { KdlReport, Section } from '../../kdl/index.ts';
import { parseHostPort } from '../../model/index.ts';
import { given } from '../given.ts';
import type { ObservabilityConfig } from './configuration.ts';

const DEFAULT_METRICS = '0.0.0.0:9090';

/** What is told of requests, and where. */
export function readObservability(section: Section | undefined, report: KdlReport): ObservabilityConfig {
  const logging = section?.section('logging');
  return given({
    metrics: metricsOf(section?.section('metrics'), report),
    logLevel: logging?.has('level') ? logging.text('level')?.replace('trace', 'debug') : undefined,
    accessLog: accessLogOf(logging?.section('access-log'), report),
    tracing: tracingOf(section?.section('tracing')),
  }) as ObservabilityConfig;
}

function metricsOf(metrics: Section | undefined, report: KdlReport): ObservabilityConfig['metrics'] {
  if (!metrics || metrics.flag('enabled') === false) return undefined;
  const address = metrics.text('address') ?? DEFAULT_METRICS;
  const bound = parseHostPort(address);
  const path = metrics.text('path')!;
  if (bound === undefined || bound.port === 0)
    report.error(
      'kdl-invalid-value',
      metrics.placeOf('address'),
      `address is "${address}"; it takes an address and a port`,
    );
  if (!path.startsWith('/'))
    report.error('kdl-invalid-value', metrics.placeOf('path'), `path is "${path}"; it begins with a /`);
  return bound && { host: bound.host, port: bound.port, path };
}

function accessLogOf(log: Section | undefined, report: KdlReport): ObservabilityConfig['accessLog'] {
  if (!log) return undefined;
  if (log.flag('enabled') === false) return 'off';
  const rate = log.number('sample-rate')!;
  if (rate === 1) return 'all';
  if (rate > 0)
    report.warn(
      'kdl-approximated',
      log.placeOf('sample-rate'),
      `sample-rate ${rate} is read as 0: only failures are logged`,
    );
  return 'errors';
}

function tracingOf(tracing: Section | undefined): ObservabilityConfig['tracing'] {
  const backend = tracing?.section('backend');
  if (!tracing || !backend) return undefined;
  return {
    backend: backend.variant === 'zipkin' ? 'zipkin' : 'otlp',
    endpoint: backend.text('endpoint')!,
    samplingPercent: tracing.number('sampling-rate')! * 100,
  };
}
