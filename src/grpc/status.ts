// The statuses of gRPC (https://github.com/grpc/grpc/blob/master/doc/statuscodes.md), and where an answer tells one: behind its
// last message, or in its head where there is no message at all ("Trailers-Only", doc/PROTOCOL-HTTP2.md).
import { type Fields, GRPC_STATUS } from '../http/index.ts';

/** The statuses by their names. */
export const STATUS = {
  OK: 0,
  CANCELLED: 1,
  UNKNOWN: 2,
  INVALID_ARGUMENT: 3,
  DEADLINE_EXCEEDED: 4,
  NOT_FOUND: 5,
  ALREADY_EXISTS: 6,
  PERMISSION_DENIED: 7,
  RESOURCE_EXHAUSTED: 8,
  FAILED_PRECONDITION: 9,
  ABORTED: 10,
  OUT_OF_RANGE: 11,
  UNIMPLEMENTED: 12,
  INTERNAL: 13,
  UNAVAILABLE: 14,
  DATA_LOSS: 15,
  UNAUTHENTICATED: 16,
} as const;

/** `grpcStatus` where nobody has told one. */
export const NO_STATUS = -1;

const names: readonly string[] = Object.keys(STATUS);

/** The name of a status, `UNAVAILABLE`; the number itself where it has none. */
export function statusName(status: number): string {
  return names[status] ?? String(status);
}

/** The status of that name, in any case and with `-` or `_`; undefined where there is none. A number is its own name. */
export function statusNamed(name: string): number | undefined {
  const text = name.trim().toUpperCase().replaceAll('-', '_');
  if (/^\d{1,2}$/.test(text)) return Number(text) < names.length ? Number(text) : undefined;
  // gRPC spells it with two, and some of its libraries with one.
  const index = names.indexOf(text === 'CANCELED' ? 'CANCELLED' : text);
  return index < 0 ? undefined : index;
}

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
