// Whom a request comes from, and what its upstream is told of that: X-Forwarded-For, -Proto, -Host, -Port and X-Real-IP.
import { CERTIFICATE_FIELDS, equalsIgnoreCase, type Head, mergesWith } from '../../http/index.ts';
import { isInRange, isIpAddress, type TrustedHops } from '../../model/index.ts';

const forwardedFor = Buffer.from('x-forwarded-for', 'latin1');
const forwardedProto = Buffer.from('x-forwarded-proto', 'latin1');
const forwardedHost = Buffer.from('x-forwarded-host', 'latin1');
const forwardedPort = Buffer.from('x-forwarded-port', 'latin1');
const forwarded = Buffer.from('forwarded', 'latin1');
const realIp = Buffer.from('x-real-ip', 'latin1');
/** What clients may not say of where they come from: of these nothing is put in their place. */
const others = [
  'x-weft-hops',
  'x-weft-translated',
  'x-weft-untouched',
  'forwarded',
  'x-forwarded-client-cert',
  'x-envoy-external-address',
  'x-original-forwarded-for',
].map(name => (name === 'forwarded' ? forwarded : Buffer.from(name, 'latin1')));
/** All that says where a request comes from, by the length of its name. */
const claims = new Map<number, Buffer[]>();
for (const name of [forwardedFor, forwardedProto, forwardedHost, forwardedPort, realIp, ...others])
  claims.set(name.length, [...(claims.get(name.length) ?? []), name]);
const proofs = Object.values(CERTIFICATE_FIELDS);
const https = Buffer.from('https', 'latin1');
const http = Buffer.from('http', 'latin1');
/** More entries than this in a list of addresses nobody believes. */
const maxEntries = 50;

/** What holds for one connection: who is at its other end, how it came, and whether that one's word counts. */
export class Forwarded {
  readonly #peer: string;
  readonly #peerBytes: Buffer;
  readonly #secure: boolean;
  readonly #port: Buffer;
  readonly #trusted: TrustedHops | undefined;
  readonly #header: Buffer;
  /** Whether what it says of others is believed. */
  readonly believes: boolean;

  /** `peer`: the address at the other end, of a PROXY header where one was believed. */
  constructor(peer: string, secure: boolean, port: number, trusted: TrustedHops | undefined) {
    this.#peer = peer;
    this.#peerBytes = Buffer.from(peer, 'latin1');
    this.#secure = secure;
    this.#port = Buffer.from(String(port), 'latin1');
    this.#trusted = trusted;
    this.#header = trusted?.header === undefined ? forwardedFor : Buffer.from(trusted.header, 'latin1');
    this.believes = trusted !== undefined && this.#isTrusted(peer);
  }

  /** The address of whoever made the request, as far as those say it who are believed. */
  clientOf(head: Head): string {
    if (!this.believes) return this.#peer;
    const entries = listOf(head, this.#header);
    const { hops, ranges } = this.#trusted!;
    if (ranges === undefined) {
      const entry = entries.at(-(hops ?? 1)) ?? '';
      return isIpAddress(entry) ? entry : this.#peer;
    }
    let client = this.#peer;
    for (const entry of entries.reverse()) {
      if (!isIpAddress(entry)) return client;
      client = entry;
      if (!this.#isTrusted(entry)) return client;
    }
    return client;
  }

  /** Whether the client's own connection was over TLS. */
  isSecure(head: Head): boolean {
    if (this.#secure || !this.believes) return this.#secure;
    return head.text(head.find(forwardedProto)).toLowerCase() === 'https';
  }

  /** Tells the upstream. What a client that is not believed says of it goes out first. `authority`: as it was asked for. */
  tell(head: Head, authority: string): void {
    dropLookalikes(head);
    if (!this.believes) {
      for (const name of others) head.removeAll(name);
      head.set(forwardedFor, this.#peerBytes);
      head.set(forwardedProto, this.#secure ? https : http);
      head.set(forwardedHost, Buffer.from(authority, 'latin1'));
      head.set(forwardedPort, this.#port);
      head.set(realIp, this.#peerBytes);
      return;
    }
    const client = this.clientOf(head);
    const before = listOf(head, forwardedFor);
    head.set(forwardedFor, Buffer.from([...before, this.#peer].join(', '), 'latin1'));
    if (!head.has(forwardedProto)) head.add(forwardedProto, this.#secure ? https : http);
    if (!head.has(forwardedHost)) head.add(forwardedHost, Buffer.from(authority, 'latin1'));
    if (!head.has(forwardedPort)) head.add(forwardedPort, this.#port);
    head.set(realIp, Buffer.from(client, 'latin1'));
    for (const name of others) if (name !== forwarded) head.removeAll(name);
  }

  #isTrusted(address: string): boolean {
    const { ranges } = this.#trusted!;
    return ranges === undefined || ranges.some(range => isInRange(address, range));
  }
}

/** Any other spelling is the same field to servers that merge them (`X_Forwarded_For`), and nobody's but an attacker's. */
function dropLookalikes(head: Head): void {
  for (let i = 0; i < head.count; i++) {
    const start = head.nameStart(i);
    const end = head.nameEnd(i);
    const names = claims.get(end - start);
    if (names === undefined) continue;
    for (const name of names)
      if (mergesWith(head.bytes, start, end, name) && !equalsIgnoreCase(head.bytes, start, end, name))
        head.remove(i);
  }
}

/**
 * What clients say of their certificates goes out before anybody is asked about the request, whoever they are: only listeners
 * that have seen one speak of it.
 */
export function dropProofs(head: Head): void {
  for (const name of proofs) head.removeSpellings(name);
}

/** The entries of all fields of the name, in order. */
function listOf(head: Head, name: Buffer): string[] {
  const entries: string[] = [];
  head.eachValue(name, (bytes, start, end) => {
    for (const each of bytes.toString('latin1', start, end).split(',')) {
      const entry = each.trim();
      if (entry !== '') entries.push(entry);
    }
    return true;
  });
  return entries.slice(-maxEntries);
}
