import { isIpAddress } from '../model/index.ts';
import type { AskDns, DnsRecord } from './dns-client.ts';
import { candidates, type DnsSettings } from './dns-settings.ts';

/** Addresses of a name and how long they hold; `none` where it has none, `failed` where nobody could say. */
export type Looked =
  | { readonly kind: 'found'; readonly addresses: readonly string[]; readonly ttlMs: number }
  | { readonly kind: 'none'; readonly ttlMs: number }
  | { readonly kind: 'failed'; readonly why: string };

/** Names without a TTL of their own: those of /etc/hosts, and addresses. */
const LASTING_MS = 60_000;

/** Looks names up: A and AAAA, search domains, /etc/hosts. */
export class NameLookup {
  readonly #ask: AskDns;
  readonly #settings: DnsSettings;

  constructor(ask: AskDns, settings: DnsSettings) {
    this.#ask = ask;
    this.#settings = settings;
  }

  async addresses(name: string): Promise<Looked> {
    if (isIpAddress(name)) return { kind: 'found', addresses: [name], ttlMs: LASTING_MS };
    const known = this.#settings.hosts.get(name.toLowerCase().replace(/\.$/, ''));
    if (known) return { kind: 'found', addresses: known, ttlMs: LASTING_MS };
    return this.#first(name, each => this.#both(each));
  }

  /** Records of a service, those of the best priority alone: the others are for when those are gone. */
  async services(name: string): Promise<
    | {
        readonly kind: 'found';
        readonly records: readonly Extract<DnsRecord, { type: 'SRV' }>[];
        readonly ttlMs: number;
      }
    | { readonly kind: 'none'; readonly ttlMs: number }
    | { readonly kind: 'failed'; readonly why: string }
  > {
    const reply = await this.#first(name, each => this.#ask(each, 'SRV'));
    if (reply.kind !== 'records') return reply;
    const records = reply.records.filter(each => each.type === 'SRV');
    const best = Math.min(...records.map(each => each.priority));
    return { kind: 'found', records: records.filter(each => each.priority === best), ttlMs: reply.ttlMs };
  }

  /** The first of the names to ask for that there is something of; a failure ends it, since the next could be another's. */
  async #first<T extends { readonly kind: string }>(
    name: string,
    ask: (name: string) => Promise<T>,
  ): Promise<T> {
    let last: T | undefined;
    for (const each of candidates(name, this.#settings)) {
      last = await ask(each);
      if (last.kind !== 'none') return last;
    }
    return last!;
  }

  async #both(name: string): Promise<Looked> {
    const replies = await Promise.all([this.#ask(name, 'A'), this.#ask(name, 'AAAA')]);
    const found = replies.filter(each => each.kind === 'records');
    if (found.length > 0) {
      const addresses = found
        .flatMap(each => each.records)
        .flatMap(each => (each.type === 'SRV' ? [] : [each.address]));
      return { kind: 'found', addresses, ttlMs: Math.min(...found.map(each => each.ttlMs)) };
    }
    // Servers that know nothing of IPv6 fail for it; the other family counts then.
    const none = replies.find(each => each.kind === 'none');
    const failed = replies[0]!.kind === 'failed' ? replies[0] : undefined;
    return failed ?? none ?? (replies[0]! as Looked);
  }
}
