/**
 * Operators without an argument, of those that Envoy has
 * (envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage), and whether JSON has their values as numbers.
 */
export const OPERATORS = {
  ACCESS_LOG_TYPE: 'text',
  BYTES_RECEIVED: 'number',
  BYTES_SENT: 'number',
  CONNECTION_TERMINATION_DETAILS: 'text',
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS: 'text',
  DOWNSTREAM_DIRECT_REMOTE_ADDRESS_WITHOUT_PORT: 'text',
  DOWNSTREAM_DIRECT_REMOTE_PORT: 'number',
  DOWNSTREAM_LOCAL_ADDRESS: 'text',
  DOWNSTREAM_LOCAL_ADDRESS_WITHOUT_PORT: 'text',
  DOWNSTREAM_LOCAL_PORT: 'number',
  DOWNSTREAM_LOCAL_URI_SAN: 'text',
  DOWNSTREAM_PEER_URI_SAN: 'text',
  DOWNSTREAM_REMOTE_ADDRESS: 'text',
  DOWNSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: 'text',
  DOWNSTREAM_REMOTE_PORT: 'number',
  DURATION: 'number',
  HOSTNAME: 'text',
  PROTOCOL: 'text',
  REQUESTED_SERVER_NAME: 'text',
  REQUEST_HEADERS_BYTES: 'number',
  RESPONSE_CODE: 'number',
  RESPONSE_CODE_DETAILS: 'text',
  RESPONSE_DURATION: 'number',
  RESPONSE_FLAGS: 'text',
  RESPONSE_FLAGS_LONG: 'text',
  RESPONSE_TX_DURATION: 'number',
  ROUTE_NAME: 'text',
  STREAM_ID: 'text',
  TRACE_ID: 'text',
  UPSTREAM_CLUSTER: 'text',
  UPSTREAM_CLUSTER_RAW: 'text',
  UPSTREAM_HOST: 'text',
  UPSTREAM_LOCAL_ADDRESS: 'text',
  UPSTREAM_PEER_URI_SAN: 'text',
  UPSTREAM_PROTOCOL: 'text',
  UPSTREAM_REMOTE_ADDRESS: 'text',
  UPSTREAM_REMOTE_ADDRESS_WITHOUT_PORT: 'text',
  UPSTREAM_REMOTE_PORT: 'number',
  UPSTREAM_REQUEST_ATTEMPT_COUNT: 'number',
  UPSTREAM_TRANSPORT_FAILURE_REASON: 'text',
  VIRTUAL_CLUSTER_NAME: 'text',
} as const;

export type Operator = keyof typeof OPERATORS;

/** Operators over headers: `%REQ(X?Y):Z%`. */
export const HEADER_OPERATORS = ['REQ', 'RESP', 'TRAILER', 'REQ_WITHOUT_QUERY'] as const;

export type HeaderOperator = (typeof HEADER_OPERATORS)[number];

/** Operators over time, with a format of strftime; and that over the proxy's environment. */
export const TIME_OPERATORS = ['START_TIME', 'START_TIME_LOCAL', 'EMIT_TIME', 'EMIT_TIME_LOCAL'] as const;

export type TimeOperator = (typeof TIME_OPERATORS)[number];

/** All names, for hints. */
export const ALL_OPERATORS: readonly string[] = [
  ...Object.keys(OPERATORS),
  ...HEADER_OPERATORS,
  ...TIME_OPERATORS,
  'ENVIRONMENT',
  'GRPC_STATUS',
  'GRPC_STATUS_NUMBER',
];

/** Of operators that Envoy has and Weft does not, why, or what to write instead. */
export const ELSEWHERE: Readonly<Record<string, string>> = {
  CEL: 'expressions stand in filters and tags only',
  DYNAMIC_METADATA: "Envoy's dynamic metadata does not exist here",
  FILTER_STATE: "Envoy's filter state does not exist here; metrics name both peers",
  UPSTREAM_FILTER_STATE: "Envoy's filter state does not exist here; metrics name both peers",
  METADATA: "Envoy's metadata does not exist here",
  CLUSTER_METADATA: "Envoy's metadata does not exist here",
  UPSTREAM_METADATA: "Envoy's metadata does not exist here",
  QUERY_PARAM: 'write REQ(:PATH), which has the query',
  CONNECTION_ID: 'connections have no numbers; write STREAM_ID, which is the id of the request',
  UNIQUE_ID: 'write STREAM_ID, which is the id of the request',
  PATH: 'write REQ(X-ENVOY-ORIGINAL-PATH?:PATH)',
  REQUEST_DURATION: 'the end of a request is not timed; write RESPONSE_DURATION or DURATION',
  REQUEST_TX_DURATION: 'the end of a request is not timed; write RESPONSE_DURATION or DURATION',
  COMMON_DURATION: 'write RESPONSE_DURATION or DURATION',
  RESPONSE_HEADERS_BYTES: 'not counted; write BYTES_SENT',
  RESPONSE_TRAILERS_BYTES: 'not counted; write BYTES_SENT',
  UPSTREAM_WIRE_BYTES_SENT: 'not counted by request; write BYTES_RECEIVED',
  UPSTREAM_WIRE_BYTES_RECEIVED: 'not counted by request; write BYTES_SENT',
  DOWNSTREAM_WIRE_BYTES_SENT: 'not counted by request; write BYTES_SENT',
  DOWNSTREAM_WIRE_BYTES_RECEIVED: 'not counted by request; write BYTES_RECEIVED',
};
