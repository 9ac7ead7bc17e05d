// The records of one request, out of the proxies that it came through, in the order in which it did.
import type { ProxyRecord, ProxyRecords, RequestRecord } from '../model/index.ts';
import type { Cause, Told } from './cause.ts';

/** A record where the request came through, and what came of it further on. */
export interface Hop {
  readonly told: Told;
  readonly next: readonly Hop[];
}

/** Where the cause lies, and what it is. */
export interface Found {
  readonly cause: Cause;
  readonly at: Hop;
}

/**
 * Joins them. A proxy's record of what its app called belongs to the request that the app worked on at that time; what came into
 * a pod belongs to the try that went there, the first try to the first that came. Clocks of different machines are not compared.
 */
export function joinHops(answers: readonly ProxyRecords[]): readonly Hop[] {
  const all: Told[] = answers.flatMap(({ self, state, records }) =>
    records.map(record => ({ record, self, state })),
  );
  const children = new Map<Told, Told[]>(all.map(told => [told, []]));
  const owned = new Set<Told>();
  const give = (parent: Told, child: Told): void => {
    children.get(parent)!.push(child);
    owned.add(child);
  };
  const byTime = (a: Told, b: Told): number => a.record.at - b.record.at;
  for (const caller of all.filter(isOutbound).sort(byTime)) {
    for (const each of (caller.record as RequestRecord).tries) {
      const callee = all
        .filter(told => !owned.has(told) && isInbound(told) && isPod(told, each.namespace, each.pod))
        .sort(byTime)[0];
      if (callee !== undefined) give(caller, callee);
    }
  }
  for (const call of all.filter(told => !owned.has(told) && told.record.direction === 'outbound')) {
    const work = all.filter(
      told => isInbound(told) && sameProxy(told, call) && isDuring(call.record, told.record),
    );
    // Where an app works on several at once that have one id, the one that began last.
    const parent = work.sort(byTime).at(-1);
    if (call.record.kind === 'mirror') {
      const copied = all
        .filter(told => isOutbound(told) && sameProxy(told, call))
        .sort(byTime)
        .at(-1);
      if (copied !== undefined) give(copied, call);
    } else if (parent !== undefined) give(parent, call);
  }
  const hopOf = (told: Told): Hop => ({ told, next: children.get(told)!.sort(byTime).map(hopOf) });
  return all
    .filter(told => !owned.has(told))
    .sort(byTime)
    .map(hopOf);
}

/** In the order in which they are read, each with how deep it is. */
export function flatten(
  hops: readonly Hop[],
  depth = 0,
): readonly { readonly hop: Hop; readonly depth: number }[] {
  return hops.flatMap(hop => [{ hop, depth }, ...flatten(hop.next, depth + 1)]);
}

function isOutbound({ record }: Told): boolean {
  return record.kind === 'request' && record.direction === 'outbound';
}

function isInbound({ record }: Told): boolean {
  return record.direction === 'inbound' && (record.kind === 'request' || record.kind === 'refusal');
}

function isPod({ self }: Told, namespace: string, pod: string): boolean {
  return pod !== '' && self.pod === pod && self.namespace === namespace;
}

function sameProxy(a: Told, b: Told): boolean {
  return a.self.pod === b.self.pod && a.self.namespace === b.self.namespace;
}

/** Both are of one proxy, and so of one clock. A millisecond for what was rounded. */
function isDuring(call: ProxyRecord, work: ProxyRecord): boolean {
  return call.at >= work.at - 1 && call.at <= work.at + work.durationMs + 1;
}
