// Which requests are traced. In this order: who may force it, what the parent decided, what an Envoy before us put into the
// request id, and the rate. A request that is not sampled is reported all the same when it fails or is slow (see keep.ts).
import { equalsIgnoreCase, type Head, hashBytes } from '../http/index.ts';
import { DECISION, type TraceContext } from './context.ts';
import { DIGITS, NO_DIGIT } from './ids.ts';

const forceTrace = Buffer.from('x-envoy-force-trace', 'latin1');
const requestId = Buffer.from('x-request-id', 'latin1');

/**
 * Whether the request is sampled. `percent` decides where nobody before has; with `useRequestId` the same request id has the same
 * outcome in every proxy that asks. `trusted`: whoever sends it may force it with `x-envoy-force-trace`; others' word for that is
 * taken out, so that it does not gain weight on the way.
 */
export function isSampled(
  head: Head,
  context: TraceContext,
  percent: number,
  useRequestId: boolean,
  trusted: boolean,
  random: () => number,
): boolean {
  const force = head.find(forceTrace);
  if (force >= 0) {
    if (trusted) return true;
    head.removeAll(forceTrace);
  }
  if (context.decision !== DECISION.NONE) return context.decision !== DECISION.DROP;
  const hasId = findId(head);
  if (hasId && envoyTraces(id)) return true;
  if (percent >= 100) return true;
  if (percent <= 0) return false;
  const drawn = useRequestId && hasId ? hashBytes(id.bytes, id.start, id.end, hashSeed) / 2 ** 32 : random();
  return drawn * 100 < percent;
}

/** No other use of these hashes in a proxy is to have the same. */
const hashSeed = 0x77656674;
const id = { bytes: requestId as Uint8Array, start: 0, end: 0 };

/** The request's id, as it came or as this proxy has just made it. */
function findId(head: Head): boolean {
  const index = head.find(requestId);
  if (index >= 0) {
    id.bytes = head.bytes;
    id.start = head.valueStart(index);
    id.end = head.valueEnd(index);
    return id.end > id.start;
  }
  for (let i = 0; i < head.addedCount; i++) {
    const name = head.addedNames[i]!;
    if (!equalsIgnoreCase(name, 0, name.length, requestId)) continue;
    id.bytes = head.addedValues[i]!;
    id.start = 0;
    id.end = id.bytes.length;
    return true;
  }
  return false;
}

/**
 * Envoy writes its decision into the request ids that it makes: the first digit of the third group of a UUID is 9 where the trace
 * is sampled, and `a` or `b` where it was forced (its UUIDRequestIdExtension). A random UUID has a 4 there.
 */
function envoyTraces({ bytes, start, end }: typeof id): boolean {
  if (end - start !== 36) return false;
  for (let at = 0; at < 36; at++) {
    const isHyphen = at === 8 || at === 13 || at === 18 || at === 23;
    if (isHyphen ? bytes[start + at] !== 0x2d : DIGITS[bytes[start + at]!] === NO_DIGIT) return false;
  }
  const reason = bytes[start + 14]! | 0x20;
  return bytes[start + 14] === 0x39 || reason === 0x61 || reason === 0x62;
}
