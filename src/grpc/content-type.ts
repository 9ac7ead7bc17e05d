// Which requests are gRPC: what their content type begins with.
import { type Head, METHOD } from '../http/index.ts';

const contentType = Buffer.from('content-type', 'latin1');
const grpcType = Buffer.from('application/grpc', 'latin1');
const PLUS = 0x2b;
const SEMICOLON = 0x3b;
const SPACE = 0x20;

/**
 * Whether the request is a gRPC call: a POST of `application/grpc`, alone or with what `+` or `;` begins. gRPC-Web and Connect
 * are others. Asked once per request.
 */
export function isGrpc(request: Head): boolean {
  // Any other method costs one compare.
  if (request.method !== METHOD.POST) return false;
  const index = request.find(contentType);
  return index >= 0 && isGrpcType(request.bytes, request.valueStart(index), request.valueEnd(index));
}

/** Whether `bytes[start, end)` is a content type of gRPC. */
export function isGrpcType(bytes: Uint8Array, start: number, end: number): boolean {
  const { length } = grpcType;
  if (end - start < length) return false;
  for (let i = 0; i < length; i++) {
    let code = bytes[start + i]!;
    if (code >= 0x41 && code <= 0x5a) code |= 0x20;
    if (code !== grpcType[i]) return false;
  }
  if (end - start === length) return true;
  const next = bytes[start + length];
  return next === PLUS || next === SEMICOLON || next === SPACE;
}
