// ext-authz: what external authorizers are asked and what their answers mean, over HTTP and over gRPC. In: a request as a
// Question; out: bytes to send, and a Decision. Pure: whoever asks has connections.
export type { Allowed, ConnectionQuestion, Decision, Denied, Failed, Question } from './decision.ts';
export { CHECK_PATH, checkRequest, connectionCheck, readCheckResponse } from './grpc-check.ts';
export { HeaderPatterns } from './header-patterns.ts';
export { type Check, HttpCheck } from './http-check.ts';
