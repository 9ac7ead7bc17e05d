// What a status of HTTP says in gRPC, and the other way round. Three tables, for three questions.
import { STATUS } from './status-names.ts';

/**
 * How a client takes an answer of HTTP that is no gRPC, as a proxy or a load balancer in between gives them
 * (https://github.com/grpc/grpc/blob/master/doc/http-grpc-status-mapping.md).
 */
const asClientsTakeIt: Readonly<Record<number, number>> = {
  400: STATUS.INTERNAL,
  401: STATUS.UNAUTHENTICATED,
  403: STATUS.PERMISSION_DENIED,
  404: STATUS.UNIMPLEMENTED,
  429: STATUS.UNAVAILABLE,
  502: STATUS.UNAVAILABLE,
  503: STATUS.UNAVAILABLE,
  504: STATUS.UNAVAILABLE,
};

/** The gRPC status of an answer without one, by its status of HTTP. */
export function statusOfHttp(httpStatus: number): number {
  return asClientsTakeIt[httpStatus] ?? STATUS.UNKNOWN;
}

/**
 * The same of answers that are ours: of these we know more than a client can. 408 and 504 are time that was up, 429 a limit that
 * was reached, 501 a method that nobody has, 508 a circle.
 */
const ofOurOwn: Readonly<Record<number, number>> = {
  ...asClientsTakeIt,
  408: STATUS.DEADLINE_EXCEEDED,
  413: STATUS.RESOURCE_EXHAUSTED,
  429: STATUS.RESOURCE_EXHAUSTED,
  431: STATUS.RESOURCE_EXHAUSTED,
  501: STATUS.UNIMPLEMENTED,
  504: STATUS.DEADLINE_EXCEEDED,
  508: STATUS.ABORTED,
};

/** The gRPC status of an answer of Weft's own that would be `httpStatus` to others. */
export function ownStatus(httpStatus: number): number {
  return ofOurOwn[httpStatus] ?? STATUS.UNKNOWN;
}

/** By status, as google.rpc.Code has it (https://github.com/googleapis/googleapis/blob/master/google/rpc/code.proto). */
const inHttp: readonly number[] = [
  200, 499, 500, 400, 504, 404, 409, 403, 429, 400, 409, 400, 501, 500, 503, 500, 401,
];

/**
 * The status of HTTP that says the same, for what tells failures by those: response classes, outlier detection, logs. What gRPC
 * does not know is 500.
 */
export function httpStatusOf(grpcStatus: number): number {
  return inHttp[grpcStatus] ?? 500;
}
