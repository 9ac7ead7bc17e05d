/**
 * Response flags: why Weft answered in place of the upstream, or why an exchange ended early. The letters are
 * Envoy's (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage, RESPONSE_FLAGS),
 * so that what people know and their dashboards keep their meaning; the words are ours.
 */
export const FLAGS = {
  DC: 'the client went away before the response was complete',
  DPE: 'the client sent bytes that are not valid HTTP',
  DT: 'the request took longer than its time limit',
  DI: 'a delay was injected on purpose, as a policy asks',
  DF: 'the name of the destination could not be resolved',
  FI: 'a failure was injected on purpose, as a policy asks',
  IH: 'a header was refused because its value is invalid',
  LR: 'the proxy reset the connection',
  NC: 'the route names a cluster that does not exist',
  NFCF: 'what the control plane says of the destination is missing or cannot be used',
  NR: 'no route matches the request',
  OM: 'the proxy itself is overloaded',
  RL: 'a local rate limit refused the request',
  SI: 'nothing was sent or received for longer than the idle limit',
  UAEX: 'the request is not authorized',
  UC: 'the upstream closed the connection before the response was complete',
  UF: 'the connection to the upstream could not be opened',
  UH: 'no endpoint of the upstream is healthy',
  UO: 'a connection or pending-request limit of the upstream is reached',
  UPE: 'the upstream sent bytes that are not valid HTTP',
  UR: 'the upstream reset the connection before the response was complete',
  URX: 'every permitted retry failed',
  UT: 'the upstream did not answer within the time limit',
} as const;

/** A response flag; see FLAGS for what each says. */
export type Flag = keyof typeof FLAGS;

/** The plain words of a flag, lowercase, without a full stop. */
export function flagWords(flag: Flag): string {
  return FLAGS[flag];
}
