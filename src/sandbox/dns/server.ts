import { decode, encode, type Packet } from 'dns-packet';
import { DnsListener } from '../../dns/index.ts';
import { answer } from './answer.ts';
import type { Zone } from './zone.ts';

/** Without EDNS a UDP answer has at most this many bytes (RFC 1035 section 4.2.1); we never say that we can do more. */
const udpLimit = 512;
const tcpLimit = 65_535;
const truncated = 1 << 9;

/** The cluster's DNS server, over UDP and TCP at one address. */
export class DnsServer {
  #listener: DnsListener | undefined;
  readonly #zone: () => Zone;

  /** `zone` is asked at every query, so that answers follow the cluster. */
  constructor(zone: () => Zone) {
    this.#zone = zone;
  }

  /** Starts to listen. Rejects when the address or port cannot be used. Port 0 picks one, the same for both. */
  async listen(address: string, port: number): Promise<number> {
    this.#listener = new DnsListener((query, via, reply) => {
      const response = this.#answer(query, via === 'udp' ? udpLimit : tcpLimit);
      if (response) reply(response);
    }, address);
    return this.#listener.listen(address, port);
  }

  /** Stops at once. */
  close(): void {
    this.#listener?.close();
  }

  /** Undefined for what is no query: such packets get no answer, so that nobody can make two servers talk for ever. */
  #answer(message: Buffer, limit: number): Buffer | undefined {
    let query: Packet;
    try {
      query = decode(message);
    } catch {
      return undefined;
    }
    if (query.type !== 'query') return undefined;
    const response = answer(query, this.#zone(), shuffled);
    const bytes = encode(response);
    if (bytes.length <= limit) return bytes;
    return encode({ ...response, flags: (response.flags ?? 0) | truncated, answers: [], authorities: [] });
  }
}

function shuffled<T>(items: readonly T[]): readonly T[] {
  if (items.length < 2) return items;
  const turned = [...items];
  for (let index = turned.length - 1; index > 0; index--) {
    const other = Math.floor(Math.random() * (index + 1));
    [turned[index], turned[other]] = [turned[other]!, turned[index]!];
  }
  return turned;
}
