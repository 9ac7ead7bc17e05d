import type { Flag } from '../../errors/index.ts';
import type { ObservedRequest } from '../observation/observer.interface.ts';

/**
 * What Envoy writes as response_code_details for what happened here
 * (https://www.envoyproxy.io/docs/envoy/latest/configuration/http/http_conn_man/response_code_details), so that what people find
 * about it on the web helps; '' where Envoy has nothing of the kind.
 */
export function responseCodeDetails(request: ObservedRequest): string {
  const { flag, status, answeredMs, tries, verdicts } = request;
  const last = tries.at(-1);
  switch (flag) {
    case '':
      if (answeredMs >= 0) return 'via_upstream';
      return verdicts.at(-1)?.verdict === 'answered' || status > 0 ? 'direct_response' : '';
    case 'URX':
    case 'DI':
      return answeredMs >= 0 ? 'via_upstream' : '';
    case 'NR':
      return 'route_not_found';
    case 'UT':
      return last?.end === 'no-answer' ? 'upstream_per_try_timeout' : 'response_timeout';
    case 'UF':
    case 'UC':
    case 'UR':
    case 'UO':
    case 'UPE':
      return reset(flag, answeredMs >= 0);
    case 'UAEX':
      return deniedBy(request.detail);
    default:
      return DETAILS[flag] ?? '';
  }
}

/** The same of what never became a request. */
export function refusalDetails(flag: Flag, reason: string, detail: string): string {
  if (reason === 'malformed:head-too-large' || reason === 'malformed:too-many-headers')
    return 'request_headers_too_large';
  if (reason === 'authorization') return deniedBy(detail);
  return reason.startsWith('malformed:') ? 'http1.codec_error' : (DETAILS[flag] ?? '');
}

/** Words of authorization begin with it. */
function deniedBy(detail: string): string {
  return /^rbac_\S+(?=: )/.exec(detail)?.[0] ?? '';
}

/** `started`: after the answer had begun. */
export function reset(flag: Flag, started: boolean): string {
  const why = RESETS[flag];
  if (why === undefined) return DETAILS[flag] ?? '';
  return `upstream_reset_${started ? 'after' : 'before'}_response_started{${why}}`;
}

const DETAILS: Partial<Record<Flag, string>> = {
  DC: 'downstream_remote_disconnect',
  DPE: 'http1.codec_error',
  DF: 'dns_resolution_failure',
  FI: 'fault_filter_abort',
  NC: 'cluster_not_found',
  OM: 'overload',
  RL: 'local_rate_limited',
  SI: 'stream_idle_timeout',
  UH: 'no_healthy_upstream',
};

const RESETS: Partial<Record<Flag, string>> = {
  UF: 'connection_failure',
  UC: 'connection_termination',
  UR: 'remote_reset',
  UO: 'overflow',
  UPE: 'protocol_error',
};
