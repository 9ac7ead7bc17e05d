// http2: the HTTP/2 codec (RFC 9113, with RFC 8441 for WebSocket). Bytes of a Wire in, heads and bodies of streams out, and the
// other way round, behind the same streams as HTTP/1. Knows neither routes nor clusters.
export { ANOMALY_NAMES, AnomalyCounts } from './anomalies.ts';
export { http2Client } from './client-codec.ts';
export { ClientConnection, type Http2ClientOptions } from './client-connection.ts';
export { allFaults, type Fault } from './faults.ts';
export { ERROR, errorName, PREFACE } from './frames.ts';
export { EDGE_LIMITS, type Http2Limits, MESH_LIMITS, SESSION_LIMITS } from './limits.ts';
export type { Http2Options } from './options.ts';
export type { QuietTimes } from './quiet-peer.ts';
export { ServerConnection, type ServerConnectionHost } from './server-connection.ts';
