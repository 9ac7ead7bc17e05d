import type { Answer, Packet, Question } from 'dns-packet';
import type { Zone } from './zone.ts';

/** The low four bits of a DNS header's flags; dns-packet takes them as part of `flags`. */
export const RCODE = { noError: 0, formatError: 1, nameError: 3, notImplemented: 4, refused: 5 } as const;

const authoritative = 1 << 10;
/** Short, so that a client that caches still notices a rolling restart of a headless Service's pods. */
const ttlSeconds = 5;
const longestChain = 8;

/** The answer to a query (pure). Names outside of the cluster do not exist here: the sandbox has no way out. */
export function answer(query: Packet, zone: Zone, shuffle: <T>(items: readonly T[]) => readonly T[]): Packet {
  const question = query.questions?.[0];
  if (!question || (query as { opcode?: string }).opcode !== 'QUERY') {
    return reply(query, question ? RCODE.notImplemented : RCODE.formatError, []);
  }
  const found: Answer[] = [];
  let name = question.name.toLowerCase().replace(/\.$/, '');
  let shown = question.name;
  for (let hops = 0; hops < longestChain; hops++) {
    const target = zone.cname.get(name);
    if (target === undefined || question.type === 'CNAME') break;
    found.push({ type: 'CNAME', name: shown, ttl: ttlSeconds, data: target });
    name = target;
    shown = target;
  }
  const records = recordsOf(zone, name, shown, question, shuffle);
  const exists = found.length > 0 || records.length > 0 || zone.names.has(name) || isPodName(zone, name);
  const answers = [...found, ...records];
  const packet = reply(query, exists ? RCODE.noError : RCODE.nameError, answers);
  return answers.length > 0 ? packet : { ...packet, authorities: [startOfAuthority(zone)] };
}

function recordsOf(
  zone: Zone,
  name: string,
  shown: string,
  question: Question,
  shuffle: <T>(items: readonly T[]) => readonly T[],
): Answer[] {
  const base = { name: shown, ttl: ttlSeconds };
  const any = question.type === ('ANY' as string);
  const records: Answer[] = [];
  if (question.type === 'A' || any) {
    const addresses = zone.a.get(name) ?? podAddress(zone, name);
    for (const data of shuffle(addresses)) records.push({ ...base, type: 'A', data });
  }
  if (question.type === 'SRV' || any) {
    for (const { target, port } of zone.srv.get(name) ?? []) {
      records.push({ ...base, type: 'SRV', data: { target, port, priority: 0, weight: 100 } });
    }
  }
  const pointer = zone.ptr.get(name);
  if ((question.type === 'PTR' || any) && pointer) records.push({ ...base, type: 'PTR', data: pointer });
  const alias = zone.cname.get(name);
  if (question.type === 'CNAME' && alias) records.push({ ...base, type: 'CNAME', data: alias });
  return records;
}

/** `10-244-0-5.shop.pod.cluster.local` says its own address. */
function podAddress(zone: Zone, name: string): string[] {
  const match = /^(\d{1,3})-(\d{1,3})-(\d{1,3})-(\d{1,3})\.[a-z0-9-]+\.pod\.(.+)$/.exec(name);
  return match && match[5] === zone.domain ? [match.slice(1, 5).join('.')] : [];
}

function isPodName(zone: Zone, name: string): boolean {
  return podAddress(zone, name).length > 0;
}

/** Lets resolvers remember for a while that there is no such name (RFC 2308). */
function startOfAuthority(zone: Zone): Answer {
  return {
    type: 'SOA',
    name: zone.domain,
    ttl: ttlSeconds,
    data: {
      mname: `ns.dns.${zone.domain}`,
      rname: `hostmaster.${zone.domain}`,
      serial: 1,
      refresh: 7200,
      retry: 1800,
      expire: 86_400,
      minimum: ttlSeconds,
    },
  };
}

function reply(query: Packet, rcode: number, answers: Answer[]): Packet {
  const recursion = (query.flags ?? 0) & 0x0100;
  return {
    type: 'response',
    id: query.id ?? 0,
    flags: authoritative | recursion | (recursion ? 0x80 : 0) | rcode,
    questions: query.questions ?? [],
    answers,
  };
}
