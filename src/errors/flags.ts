/**
 * Response flags: why Weft answered in place of the upstream, or why an exchange ended early. The letters are
 * Envoy's (https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage, RESPONSE_FLAGS),
 * so that what people know and their dashboards keep their meaning; the words are ours.
 */
export const FLAGS = {
  DC: 'the client went away before the response was complete',
  DPE: 'the client sent bytes that are not valid HTTP',
  DI: 'a delay was injected on purpose, as a policy asks',
  DF: 'the name of the destination could not be resolved',
  FI: 'a failure was injected on purpose, as a policy asks',
  LR: 'the proxy ended it',
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

/** What is said otherwise of a connection that carries no requests Weft knows of: it has no response. */
const CONNECTION_WORDS: Partial<Record<Flag, string>> = {
  DC: 'the client broke the connection off',
  DPE: 'the client sent bytes that are not valid here',
  NR: 'no route matches the connection',
  UAEX: 'the connection is not authorized',
  UC: 'the upstream closed the connection early',
  UR: 'the upstream broke the connection off',
  UT: 'the upstream did not take the connection within the time limit',
};

/** The plain words of a flag, lowercase, without a full stop; `of` a request, unless it is a mere connection. */
export function flagWords(flag: Flag, of: 'request' | 'connection' = 'request'): string {
  return (of === 'connection' ? CONNECTION_WORDS[flag] : undefined) ?? FLAGS[flag];
}
