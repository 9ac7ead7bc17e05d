// The statuses of gRPC (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md), and where an answer tells one: behind its
// last message, or in its head where there is no message at all ("Trailers-Only", doc/PROTOCOL-HTTP2.md).
import { type Fields, GRPC_STATUS } from '../http/index.ts';

export { STATUS, statusName, statusNamed } from './status-names.ts';

/** `grpcStatus` where nobody has told one. */
export const NO_STATUS = -1;

/**
 * The status that these fields tell; NO_STATUS where they tell none, or no number of at most three digits. `index`: where the
 * field is, for who knows that; see Head.grpcStatus.
 */
export function statusOf(fields: Fields, index: number = fields.find(GRPC_STATUS)): number {
  if (index < 0) return NO_STATUS;
  const start = fields.valueStart(index);
  const end = fields.valueEnd(index);
  if (end === start || end - start > 3) return NO_STATUS;
  let status = 0;
  for (let i = start; i < end; i++) {
    const digit = fields.bytes[i]! - 0x30;
    if (digit < 0 || digit > 9) return NO_STATUS;
    status = status * 10 + digit;
  }
  return status;
}
