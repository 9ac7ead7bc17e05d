// Questions to DNS servers with the time that answers hold for, which Node's resolver does not tell of SRV: one datagram, and TCP
// where the answer does not fit into one.
import { randomInt } from 'node:crypto';
import { decode, encode, type Packet, type RecordType } from 'dns-packet';
import { overTcp, overUdp } from '../dns/index.ts';
import { errorMessage } from '../errors/index.ts';
import type { HostPort } from '../model/index.ts';
import { type DnsSettings, serversFor } from './dns-settings.ts';

/** What a server says: records, none of them (`none`: the name or the type does not exist), or nothing at all. */
export type DnsReply =
  | { readonly kind: 'records'; readonly records: readonly DnsRecord[]; readonly ttlMs: number }
  | { readonly kind: 'none'; readonly ttlMs: number }
  | { readonly kind: 'failed'; readonly why: string };

/** A record of a question's type. */
export type DnsRecord =
  | { readonly type: 'A' | 'AAAA'; readonly address: string }
  | {
      readonly type: 'SRV';
      readonly target: string;
      readonly port: number;
      readonly weight: number;
      readonly priority: number;
    };

/** Asks for one name and type. */
export type AskDns = (name: string, type: 'A' | 'AAAA' | 'SRV') => Promise<DnsReply>;

/** Of answers that say how long nothing will be there, and of those that do not. */
const NONE_TTL_MS = 5_000;
const TRUNCATED = 1 << 9;
const NXDOMAIN = 3;

/** The servers of the name one after the other, until one answers. */
export function askServers(settings: DnsSettings): AskDns {
  return async (name, type) => {
    const failures: string[] = [];
    for (const server of serversFor(name, settings)) {
      const reply = await askOne(server, name, type, settings.timeoutMs);
      if (reply.kind !== 'failed') return reply;
      failures.push(`${server.host}: ${reply.why}`);
    }
    return { kind: 'failed', why: failures.join('; ') };
  };
}

async function askOne(
  server: HostPort,
  name: string,
  type: 'A' | 'AAAA' | 'SRV',
  timeoutMs: number,
): Promise<DnsReply> {
  let query: Buffer;
  const id = randomInt(1, 65_536);
  try {
    query = encode({ type: 'query', id, flags: 1 << 8, questions: [{ type, name }] });
  } catch (thrown) {
    return { kind: 'failed', why: `'${name}' is no name: ${errorMessage(thrown)}` };
  }
  let carried = await overUdp(server, query, timeoutMs);
  if (typeof carried !== 'string' && (carried.readUInt16BE(2) & TRUNCATED) !== 0)
    carried = await overTcp(server, query, timeoutMs);
  if (typeof carried === 'string') return { kind: 'failed', why: carried };
  const packet = decoded(carried);
  return packet ? replyOf(packet, name, type) : { kind: 'failed', why: 'the answer cannot be read' };
}

function decoded(message: Buffer): Packet | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}

function replyOf(packet: Packet, name: string, type: RecordType): DnsReply {
  const code = (packet.flags ?? 0) & 15;
  if (code !== 0 && code !== NXDOMAIN)
    return { kind: 'failed', why: `answered with error ${code} (RFC 1035)` };
  const records: DnsRecord[] = [];
  let ttl = Number.POSITIVE_INFINITY;
  for (const answer of packet.answers ?? []) {
    // Aliases hold no longer than what they lead to.
    if ('ttl' in answer && answer.ttl !== undefined) ttl = Math.min(ttl, answer.ttl);
    if (answer.type !== type) continue;
    if (answer.type === 'A' || answer.type === 'AAAA')
      records.push({ type: answer.type, address: answer.data });
    else if (answer.type === 'SRV') {
      const { target, port, weight = 0, priority = 0 } = answer.data;
      records.push({ type: 'SRV', target, port, weight, priority });
    }
  }
  if (records.length === 0) return { kind: 'none', ttlMs: NONE_TTL_MS };
  if (!Number.isFinite(ttl)) return { kind: 'failed', why: `the answer for ${name} has no TTL` };
  return { kind: 'records', records, ttlMs: ttl * 1_000 };
}
