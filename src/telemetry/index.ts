// telemetry: what the proxies and the control plane tell about themselves. Counters and histograms are plain numbers that the hot
// path reaches through the objects it already holds; they become Prometheus text when scraped. In: observations. Out: text, JSON
// lines.

export {
  ACCESS_LOG_MODES,
  type AccessLog,
  type AccessLogMode,
  type AccessRecord,
  createAccessLog,
} from './access-log.ts';
export { AuthorizationMetrics, type PolicySeries } from './authorization-metrics.ts';
export type { CallSeries } from './call-metrics.ts';
export {
  Exposition,
  type ExpositionFormat,
  expositionPieces,
  expositionText,
  labelText,
  type Rendering,
} from './exposition.ts';
export { BUCKETS, type Exemplar, Histogram } from './histogram.ts';
export {
  INTERNAL_ERRORS,
  INTERNAL_ERRORS_HELP,
  logInternalErrors,
  renderInternalErrors,
} from './internal-errors.ts';
export { LimitMetrics, type LimitSeries } from './limit-metrics.ts';
export { createLogger, LOG_LEVELS, type Log, type LogLevel, type LogOptions, silentLog } from './log.ts';
export { LogMetrics, type LogSeries } from './log-metrics.ts';
export { MetricShapes, NO_TAGS, type SeriesTags, slotOf } from './metric-shapes.ts';
export { type PeerLabels, UNKNOWN_PEER } from './peer-labels.ts';
export { DEFAULT_PEER_LIMITS, OVERFLOW, type PeerLimits, PeerNames } from './peer-names.ts';
export { PeerRequests, RequestMetrics, type RequestSeries } from './request-metrics.ts';
export { RouteMetrics, type RouteSeries } from './route-metrics.ts';
export { DEFAULT_METRIC_LIMITS, type MetricLimits, metricLimitsOf } from './series-budget.ts';
export { TcpMetrics, type TcpSeries } from './tcp-metrics.ts';
