// The statuses of gRPC by name and number. Without imports: browsers read it, too.

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
