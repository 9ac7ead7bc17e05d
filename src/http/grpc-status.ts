// Whether a gRPC call worked: a field behind the answer's last message, or in its head where there is no message at all
// ("Trailers-Only", https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
import type { Fields } from './fields.ts';

/** The field's name. */
export const GRPC_STATUS: Buffer = Buffer.from('grpc-status', 'latin1');

/**
 * The status of a gRPC call that these fields tell, 0 for OK; -1 where they tell none, or no number of at most three digits.
 * `index`: where the field is, for who knows that; see Head.grpcStatus.
 */
export function grpcStatusOf(fields: Fields, index: number = fields.find(GRPC_STATUS)): number {
  if (index < 0) return -1;
  const start = fields.valueStart(index);
  const end = fields.valueEnd(index);
  if (end === start || end - start > 3) return -1;
  let status = 0;
  for (let i = start; i < end; i++) {
    const digit = fields.bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return -1;
    status = status * 10 + digit;
  }
  return status;
}
