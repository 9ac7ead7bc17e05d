/** What an attribute is. `map`: of texts by name, as headers are. */
export type AttributeType = 'string' | 'int' | 'bool' | 'map';

/**
 * Attributes that Weft knows, of those that Envoy has
 * (envoyproxy.io/docs/envoy/latest/intro/arch_overview/advanced/attributes). One that a request or connection does not have is
 * absent: nothing that is computed from it has a value.
 */
export const ATTRIBUTES = {
  'request.path': 'string',
  'request.url_path': 'string',
  'request.query': 'string',
  'request.host': 'string',
  'request.scheme': 'string',
  'request.method': 'string',
  'request.headers': 'map',
  'request.referer': 'string',
  'request.useragent': 'string',
  'request.id': 'string',
  'request.protocol': 'string',
  /** Milliseconds; Envoy has a duration here, that nothing of the closed part can be done with. */
  'request.duration': 'int',
  'request.size': 'int',
  'request.total_size': 'int',
  'response.code': 'int',
  'response.code_details': 'string',
  /** The letters, `UF`; '' for none. Envoy has a number here whose bits nobody remembers. */
  'response.flags': 'string',
  'response.grpc_status': 'int',
  'response.headers': 'map',
  'response.size': 'int',
  'response.total_size': 'int',
  'source.address': 'string',
  'source.port': 'int',
  'destination.address': 'string',
  'destination.port': 'int',
  'connection.mtls': 'bool',
  'connection.requested_server_name': 'string',
  'connection.uri_san_local_certificate': 'string',
  'connection.uri_san_peer_certificate': 'string',
  'connection.termination_details': 'string',
  'upstream.address': 'string',
  'upstream.port': 'int',
  'upstream.uri_san_peer_certificate': 'string',
  'upstream.transport_failure_reason': 'string',
  'upstream.request_attempt_count': 'int',
  'xds.cluster_name': 'string',
  'xds.route_name': 'string',
  /** 1 inbound, 2 outbound. */
  'xds.listener_direction': 'int',
} as const satisfies Readonly<Record<string, AttributeType>>;

export type Attribute = keyof typeof ATTRIBUTES;

/** Of attributes that Envoy has and Weft does not, what to do instead; by the first part of their names. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  metadata: "Envoy's dynamic metadata does not exist here",
  filter_state:
    "Envoy's filter state does not exist here; labels source_* and destination_* of metrics name both peers",
  upstream_peer: 'labels destination_* of metrics name the peer already',
  downstream_peer: 'labels source_* of metrics name the peer already',
  node: 'labels source_* and destination_* of metrics name the workload already',
  listener_direction: 'write xds.listener_direction, 1 for inbound and 2 for outbound',
  cluster_name: 'write xds.cluster_name',
  route_name: 'write xds.route_name',
};

/** The known name that is nearest to `name`, where one is near. */
export function nearest(name: string, names: Iterable<string>): string | undefined {
  let best: string | undefined;
  let least = Math.max(2, Math.floor(name.length / 4)) + 1;
  for (const each of names) {
    const distance = editDistance(name, each, least);
    if (distance < least) [best, least] = [each, distance];
  }
  return best;
}

/** Levenshtein's; `limit` or more is not told exactly. */
function editDistance(left: string, right: string, limit: number): number {
  if (Math.abs(left.length - right.length) >= limit) return limit;
  let row = Array.from({ length: right.length + 1 }, (_, i) => i);
  for (let i = 1; i <= left.length; i++) {
    const next = [i];
    for (let j = 1; j <= right.length; j++) {
      const changed = row[j - 1]! + (left[i - 1] === right[j - 1] ? 0 : 1);
      next.push(Math.min(changed, row[j]! + 1, next[j - 1]! + 1));
    }
    row = next;
  }
  return row[right.length]!;
}
