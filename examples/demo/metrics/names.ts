// The metrics that the demo reads, in one place: Istio's standard ones
// (https://istio.io/latest/docs/reference/config/metrics/) and Weft's own.

/** Series names. */
export const METRICS = {
  requests: 'istio_requests_total',
  duration: 'istio_request_duration_milliseconds_bucket',
  tcpOpened: 'istio_tcp_connections_opened_total',
  /** Tries beside the first one, counted by the calling proxy. */
  retries: 'weft_retries_total',
  /** How often the calling proxy took an endpoint out of rotation. */
  ejections: 'weft_ejections_total',
  /** How many endpoints are out of rotation now, as the calling proxy sees it. */
  ejectedNow: 'weft_cluster_ejected',
  /** Requests of a cluster that the calling proxy has under way. */
  underWay: 'weft_active_requests',
} as const;

/** The value of `connection_security_policy` on connections with mesh TLS. */
export const MUTUAL = 'mutual_tls';
