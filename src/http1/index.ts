// http1: the HTTP/1.1 codec. Bytes of a Wire in, heads and bodies of streams out, and the other way round. Strict on framing
// (RFC 9112, one rule where the RFC allows several), lossless on everything else. Knows neither routes nor clusters.
export { BodyReader, type BodySink } from './body-reader.ts';
export { type ClientOptions, http1Client } from './client-codec.ts';
export { ClientConnection } from './client-connection.ts';
export { allFaults, FAULT, type Fault, faultOf, INCOMPLETE } from './faults.ts';
export { HeadBuffer } from './head-buffer.ts';
export { DEFAULT_LIMITS, LINE_TIMEOUT_MS, type Limits } from './limits.ts';
export { parseRequestHead, parseResponseHead } from './parse-head.ts';
export { requestBytes } from './request-bytes.ts';
export { ServerConnection } from './server-connection.ts';
export { NO_MEMORY, type ServerConnectionHost, type ServerOptions } from './server-host.ts';
export { localReplyBytes, TUNNEL_OPEN } from './write.ts';
