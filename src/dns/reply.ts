import { type Answer, encode, type OptAnswer, type Packet } from 'dns-packet';
import { HEADER_BYTES } from './carry.ts';
import type { DnsVia } from './listener.ts';

/** The low four bits of a header's flags (RFC 1035 section 4.1.1); dns-packet takes them as part of `flags`. */
export const RCODE = {
  noError: 0,
  formatError: 1,
  serverFailure: 2,
  nameError: 3,
  notImplemented: 4,
  refused: 5,
} as const;

/** Without EDNS an answer by UDP has at most so many bytes (RFC 1035 section 4.2.1). */
const PLAIN_BYTES = 512;
/** With it as many as fit into a datagram that nobody divides (dnsflagday.net/2020). */
const EDNS_BYTES = 1_232;
const AUTHORITATIVE = 1 << 10;
const TRUNCATED = 1 << 9;
const RECURSION_DESIRED = 1 << 8;
const RECURSION_AVAILABLE = 1 << 7;

/** What an answer says. */
export interface Said {
  readonly rcode: number;
  readonly answers: readonly Answer[];
  readonly authorities?: readonly Answer[];
}

/** An answer as bytes, cut and marked as such where it does not fit. With EDNS where the question had it. */
export function answerBytes(query: Packet, via: DnsVia, { rcode, answers, authorities = [] }: Said): Buffer {
  const asked = query.additionals?.find(each => each.type === 'OPT') as OptAnswer | undefined;
  const response: Packet = {
    type: 'response',
    id: query.id ?? 0,
    flags: AUTHORITATIVE | RECURSION_AVAILABLE | ((query.flags ?? 0) & RECURSION_DESIRED) | rcode,
    questions: query.questions ?? [],
    answers: [...answers],
    authorities: [...authorities],
    additionals: asked ? [edns()] : [],
  };
  const bytes = encode(response);
  if (bytes.length <= limitOf(via, asked)) return bytes;
  return encode({ ...response, flags: (response.flags ?? 0) | TRUNCATED, answers: [], authorities: [] });
}

function limitOf(via: DnsVia, asked: OptAnswer | undefined): number {
  if (via === 'tcp') return 65_535;
  return asked ? Math.max(PLAIN_BYTES, Math.min(asked.udpPayloadSize, EDNS_BYTES)) : PLAIN_BYTES;
}

function edns(): OptAnswer {
  const none = { extendedRcode: 0, ednsVersion: 0, flags: 0, flag_do: false, options: [] };
  return { type: 'OPT', name: '.', udpPayloadSize: EDNS_BYTES, ...none } as unknown as OptAnswer;
}

/** An error, for what may not even be readable: the header alone. */
export function refusal(query: Buffer, rcode: number): Buffer {
  const header = Buffer.alloc(HEADER_BYTES);
  query.copy(header, 0, 0, 2);
  const opcodeAndDesired = query[2]! & 0x79;
  header[2] = 0x80 | opcodeAndDesired;
  header[3] = RECURSION_AVAILABLE | rcode;
  return header;
}

/** Lets resolvers remember for a while that there is no such name (RFC 2308). */
export function startOfAuthority(domain: string, ttl: number): Answer {
  const times = { serial: 1, refresh: 7_200, retry: 1_800, expire: 86_400, minimum: ttl };
  const data = { mname: `ns.dns.${domain}`, rname: `hostmaster.${domain}`, ...times };
  return { type: 'SOA', name: domain, ttl, data };
}
