// http: what codecs and the engine share, whatever the version on the wire: heads as byte ranges with edits, stream
// interfaces, methods, status codes, character classes. Knows neither codec nor engine.
export { areDigits, defaultPortOf, hostEnd, isAuthority, sameAuthority } from './authority.ts';
export { AUTHORITY, eachToken, equalsIgnoreCase, FIELD, mergesWith, TARGET, TOKEN } from './bytes.ts';
export { CERTIFICATE_FIELDS } from './certificate-fields.ts';
export { namesConnectionLogin } from './connection-login.ts';
export { Fields } from './fields.ts';
export { isForbiddenTrailer } from './forbidden-trailers.ts';
export { GRPC_STATUS } from './grpc-status.ts';
export { hashBytes, mixHashes } from './hash.ts';
export { Head, UNKNOWN_LENGTH } from './head.ts';
export { type Field, type LocalReply, NO_FIELDS } from './local-reply.ts';
export { isIdempotent, METHOD, methodOf } from './method.ts';
export { type ByteRange, cookieValue, queryValue } from './parameters.ts';
export { isBodiless, reasonPhrase } from './status.ts';
export type {
  AnswerStream,
  CancelReason,
  ClientStream,
  ClientStreamHandler,
  Final,
  ServerStream,
  ServerStreamHandler,
  StreamFailure,
} from './stream.ts';
export type {
  ClientCodec,
  ConnectionOwner,
  Keepalive,
  UpstreamConnection,
  UpstreamHost,
} from './upstream.ts';
