/** Methods that the proxied path must tell apart; every other token is OTHER. */
export const METHOD = {
  OTHER: 0,
  GET: 1,
  HEAD: 2,
  POST: 3,
  PUT: 4,
  DELETE: 5,
  CONNECT: 6,
  OPTIONS: 7,
  TRACE: 8,
  PATCH: 9,
} as const;

const names = Object.entries(METHOD)
  .filter(([, id]) => id !== 0)
  .map(([name, id]) => ({ bytes: Buffer.from(name, 'latin1'), id }));

/** Methods by length, so that at most three are compared. */
const byLength: { bytes: Buffer; id: number }[][] = [];
for (const entry of names) {
  byLength[entry.bytes.length] ??= [];
  byLength[entry.bytes.length]!.push(entry);
}

/** The METHOD of `bytes[start, end)`; methods are case-sensitive (RFC 9110 section 9.1). */
export function methodOf(bytes: Uint8Array, start: number, end: number): number {
  const candidates = byLength[end - start];
  if (candidates === undefined) return METHOD.OTHER;
  next: for (let c = 0; c < candidates.length; c++) {
    const candidate = candidates[c]!;
    for (let i = 0; i < candidate.bytes.length; i++) {
      if (candidate.bytes[i] !== bytes[start + i]) continue next;
    }
    return candidate.id;
  }
  return METHOD.OTHER;
}

/** Whether repeating the request changes nothing more than sending it once (RFC 9110 section 9.2.2). */
export function isIdempotent(method: number): boolean {
  return (
    method === METHOD.GET ||
    method === METHOD.HEAD ||
    method === METHOD.PUT ||
    method === METHOD.DELETE ||
    method === METHOD.OPTIONS ||
    method === METHOD.TRACE
  );
}
