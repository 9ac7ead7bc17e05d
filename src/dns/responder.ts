import { type Answer, decode, encode, type Packet, type Question } from 'dns-packet';
import { guarded } from '../errors/index.ts';
import { type HostPort, isIpv6, type NameResource } from '../model/index.ts';
import { HEADER_BYTES } from './carry.ts';
import type { Forwarder } from './forwarder.ts';
import type { DnsVia } from './listener.ts';
import type { MeshNames } from './mesh-names.ts';
import { answerBytes, RCODE, refusal, startOfAuthority } from './reply.ts';
import type { VirtualAddresses } from './virtual-addresses.ts';

/** What became of questions. */
export interface ResponderCounts {
  /** Answered here, as the mesh says. */
  mesh: number;
  /** Answered by the machine's own servers. */
  forwarded: number;
  /** Answered by nobody: no server of the machine's answered, or the mesh had to and could not. */
  failed: number;
  /** No question, or one that nobody may ask. */
  refused: number;
}

/** What a responder is made of. */
export interface ResponderOptions {
  readonly names: Pick<MeshNames, 'ask'>;
  readonly forwarder: Pick<Forwarder, 'forward'>;
  /** The machine's servers for a name that is not the mesh's. */
  readonly servers: (host: string) => readonly HostPort[];
  /** `cluster.local`: names in it are the mesh's, also those that it does not know. */
  readonly clusterDomain: string;
  /** Where packet rules send virtual addresses to the proxy; undefined where they do not. */
  readonly virtual?: Pick<VirtualAddresses, 'addressOf' | 'hostOf'>;
  /** Whether the machine can begin connections to this address of a Service. */
  readonly isRouted: (address: string) => Promise<boolean>;
}

/** Short: what the mesh says changes, and asking again costs no more than a datagram on loopback. */
const TTL_SECONDS = 5;
/** Names that stand for names, one after the other. */
const LONGEST_CHAIN = 8;

/** What a host comes to for one type of question. */
type Verdict =
  | { readonly kind: 'records'; readonly records: readonly Answer[] }
  /** There is no such name, or (`exists`) nothing of this type. */
  | { readonly kind: 'nothing'; readonly exists: boolean }
  | { readonly kind: 'elsewhere' }
  | { readonly kind: 'failed' };

/** Answers what is asked on a machine: names of the mesh by what discovery says, all others by the machine's own servers. */
export class Responder {
  readonly counts: ResponderCounts = { mesh: 0, forwarded: 0, failed: 0, refused: 0 };
  readonly #options: ResponderOptions;

  constructor(options: ResponderOptions) {
    this.#options = options;
  }

  /** See AnswerDns. */
  readonly answer = (query: Buffer, via: DnsVia, reply: (bytes: Buffer) => void): void => {
    // What is no query gets no answer, so that nobody can make two servers talk for ever.
    if (query.length < HEADER_BYTES || (query[2]! & 0x80) !== 0) {
      this.counts.refused++;
      return;
    }
    const isQuery = (query[2]! & 0x78) === 0;
    const packet = isQuery ? decoded(query) : undefined;
    const [question] = packet?.questions ?? [];
    if (!packet || !question || packet.questions?.length !== 1) {
      this.counts.refused++;
      reply(refusal(query, isQuery ? RCODE.formatError : RCODE.notImplemented));
      return;
    }
    const failed = guarded('dns.answer', (thrown: unknown) => {
      this.counts.failed++;
      reply(refusal(query, RCODE.serverFailure));
      throw thrown;
    });
    void this.#answered(query, packet, question, via).then(reply, failed);
  };

  async #answered(query: Buffer, packet: Packet, question: Question, via: DnsVia): Promise<Buffer> {
    const host = question.name.toLowerCase().replace(/\.$/, '');
    const verdict = await this.#verdict(host, question, 0);
    switch (verdict.kind) {
      case 'elsewhere':
        return this.#forwarded(query, host, via);
      case 'failed':
        this.counts.failed++;
        return refusal(query, RCODE.serverFailure);
      case 'nothing':
        this.counts.mesh++;
        return answerBytes(packet, via, {
          rcode: verdict.exists ? RCODE.noError : RCODE.nameError,
          answers: [],
          authorities: [startOfAuthority(this.#options.clusterDomain, TTL_SECONDS)],
        });
      case 'records':
        this.counts.mesh++;
        return answerBytes(packet, via, { rcode: RCODE.noError, answers: verdict.records });
    }
  }

  async #forwarded(query: Buffer, host: string, via: DnsVia): Promise<Buffer> {
    const answer = await this.#options.forwarder.forward(query, via, this.#options.servers(host));
    this.counts[answer ? 'forwarded' : 'failed']++;
    return answer ?? refusal(query, RCODE.serverFailure);
  }

  async #verdict(host: string, question: Question, chain: number): Promise<Verdict> {
    const pointer = this.#pointer(host, question);
    if (pointer) return pointer;
    const { clusterDomain, names } = this.#options;
    const isOurs = host === clusterDomain || host.endsWith(`.${clusterDomain}`);
    if (!isAskable(host)) return isOurs ? { kind: 'nothing', exists: false } : { kind: 'elsewhere' };
    // The names above all Services are there, and have nothing: who hears that they are not looks no further (RFC 8020).
    if (isOurs && /^([^.]+\.)?(svc|pod)$|^$/.test(host.slice(0, -clusterDomain.length).replace(/\.$/, '')))
      return { kind: 'nothing', exists: true };
    const resource = await names.ask(host);
    if (resource?.found === true) return this.#records(resource, question, chain);
    if (!isOurs) return { kind: 'elsewhere' };
    return resource ? { kind: 'nothing', exists: false } : { kind: 'failed' };
  }

  async #records(resource: NameResource, question: Question, chain: number): Promise<Verdict> {
    const base = { name: question.name, ttl: TTL_SECONDS };
    if (resource.alias !== undefined) {
      const alias: Answer = { ...base, type: 'CNAME', data: resource.alias };
      if (question.type === 'CNAME') return { kind: 'records', records: [alias] };
      if (chain >= LONGEST_CHAIN) return { kind: 'failed' };
      const rest = await this.#alias({ ...question, name: resource.alias }, chain + 1);
      return rest === undefined ? { kind: 'failed' } : { kind: 'records', records: [alias, ...rest] };
    }
    const family = question.type === 'A' ? 4 : question.type === 'AAAA' ? 6 : undefined;
    if (family === undefined) return { kind: 'nothing', exists: true };
    const addresses = await this.#addresses(resource);
    if (addresses === undefined) return { kind: 'failed' };
    const records = addresses
      .filter(each => isIpv6(each) === (family === 6))
      .map((data): Answer => ({ ...base, type: family === 6 ? 'AAAA' : 'A', data }));
    return records.length > 0
      ? { kind: 'records', records: rotated(records) }
      : { kind: 'nothing', exists: true };
  }

  /** What another name has; undefined where nobody could say. */
  async #alias(question: Question, chain: number): Promise<readonly Answer[] | undefined> {
    const host = question.name.toLowerCase().replace(/\.$/, '');
    const verdict = await this.#verdict(host, question, chain);
    if (verdict.kind === 'records') return verdict.records;
    if (verdict.kind !== 'elsewhere') return verdict.kind === 'nothing' ? [] : undefined;
    const { forwarder, servers } = this.#options;
    const asked = encode({ type: 'query', id: 1, flags: 0x0100, questions: [question] });
    const answer = await forwarder.forward(asked, 'udp', servers(host));
    return answer && decoded(answer)?.answers?.filter(each => each.type !== 'OPT');
  }

  /**
   * What apps are to call. An external host whose endpoints are its only addresses gets one that the proxy balances behind, and a
   * Service one where its own leads nowhere from here.
   */
  async #addresses({ host, addresses, direct }: NameResource): Promise<readonly string[] | undefined> {
    const { virtual, isRouted, clusterDomain } = this.#options;
    if (!virtual) return addresses;
    if (direct === true && host.endsWith(`.${clusterDomain}`)) return addresses;
    const routed = direct === true ? [] : await Promise.all(addresses.map(isRouted));
    if (routed.length > 0 && routed.every(Boolean)) return addresses;
    const own = virtual.addressOf(host);
    return own === undefined ? undefined : [own];
  }

  /** The host of a virtual address, asked for by the address. */
  #pointer(host: string, question: Question): Verdict | undefined {
    const { virtual } = this.#options;
    if (!virtual || question.type !== 'PTR' || !host.endsWith('.in-addr.arpa')) return undefined;
    const address = host.slice(0, -'.in-addr.arpa'.length).split('.').toReversed().join('.');
    const data = virtual.hostOf(address);
    if (data === undefined) return undefined;
    return { kind: 'records', records: [{ type: 'PTR', name: question.name, ttl: TTL_SECONDS, data }] };
  }
}

/** Whether a mesh could know it: a host with a domain. Nobody is told of addresses' names and of what is a label alone. */
function isAskable(host: string): boolean {
  return (
    host.length <= 253 &&
    !host.endsWith('.arpa') &&
    /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?(\.[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?)+$/.test(host)
  );
}

function decoded(message: Buffer): Packet | undefined {
  try {
    return decode(message);
  } catch {
    return undefined;
  }
}

/** Begins with another one each time, so that clients that take the first do not all take the same. */
function rotated<T>(items: readonly T[]): readonly T[] {
  const start = Math.floor(Math.random() * items.length);
  return [...items.slice(start), ...items.slice(0, start)];
}
