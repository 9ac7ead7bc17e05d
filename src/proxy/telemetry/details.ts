import type { Flag } from '../../errors/index.ts';

/** Envoy's long names of its flags (…/observability/access_log/usage, RESPONSE_FLAGS_LONG). */
export const LONG_FLAGS: Readonly<Record<Flag, string>> = {
  DC: 'DownstreamConnectionTermination',
  DPE: 'DownstreamProtocolError',
  DI: 'DelayInjected',
  DF: 'DnsResolutionFailed',
  FI: 'FaultInjected',
  LR: 'LocalReset',
  NC: 'NoClusterFound',
  NFCF: 'NoFilterConfigFound',
  NR: 'NoRouteFound',
  OM: 'OverloadManagerTerminated',
  RL: 'RateLimited',
  SI: 'StreamIdleTimeout',
  UAEX: 'UnauthorizedExternalService',
  UC: 'UpstreamConnectionTermination',
  UF: 'UpstreamConnectionFailure',
  UH: 'NoHealthyUpstream',
  UO: 'UpstreamOverflow',
  UPE: 'UpstreamProtocolError',
  UR: 'UpstreamRemoteReset',
  URX: 'UpstreamRetryLimitExceeded',
  UT: 'UpstreamRequestTimeout',
};

/** Envoy's RESPONSE_CODE_DETAILS (…/http_conn_man/response_code_details) of requests that failed before an answer had begun. */
const details: Readonly<Record<Flag, string>> = {
  DC: 'downstream_remote_disconnect',
  DPE: 'http1.codec_error',
  DI: 'via_upstream',
  DF: 'dns_resolution_failure',
  FI: 'fault_filter_abort',
  LR: 'upstream_reset_before_response_started{local_reset}',
  NC: 'cluster_not_found',
  NFCF: 'filter_config_not_found',
  NR: 'route_not_found',
  OM: 'overload',
  RL: 'local_rate_limited',
  SI: 'stream_idle_timeout',
  UAEX: 'rbac_access_denied',
  UC: 'upstream_reset_before_response_started{connection_termination}',
  UF: 'upstream_reset_before_response_started{connection_failure}',
  UH: 'no_healthy_upstream',
  UO: 'upstream_reset_before_response_started{overflow}',
  UPE: 'upstream_reset_before_response_started{protocol_error}',
  UR: 'upstream_reset_before_response_started{remote_reset}',
  URX: 'via_upstream',
  UT: 'response_timeout',
};

/** Whose the answer was, or why there was none. `answered`: one had begun to come. */
export function responseCodeDetails(flag: Flag | '', answered: boolean, detail = ''): string {
  // Words of authorization begin with the rule that decided.
  const rule = flag === 'UAEX' ? /^rbac_\S+(?=: )/.exec(detail)?.[0] : undefined;
  if (rule !== undefined) return rule;
  if (flag === '') return answered ? 'via_upstream' : 'direct_response';
  return answered ? details[flag].replace('before_response', 'after_response') : details[flag];
}
