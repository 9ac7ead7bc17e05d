import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { decode, encode, type Packet } from 'dns-packet';
import { answer } from './answer.ts';
import type { Zone } from './zone.ts';

/** Without EDNS a UDP answer has at most this many bytes (RFC 1035 section 4.2.1); we never say that we can do more. */
const udpLimit = 512;
const truncated = 1 << 9;

/** The cluster's DNS server, over UDP and TCP at one address. */
export class DnsServer {
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  #zone: () => Zone;

  /** `zone` is asked at every query, so that answers follow the cluster. */
  constructor(zone: () => Zone) {
    this.#zone = zone;
    this.#udp = createSocket('udp4');
    this.#tcp = createServer(socket => this.#serveTcp(socket));
    this.#udp.on('message', (message, from) => {
      const response = this.#answer(message, udpLimit);
      if (response) this.#udp.send(response, from.port, from.address);
    });
    // A client that went away makes the kernel report an error on the socket; the server stays.
    this.#udp.on('error', () => {});
  }

  /** Starts to listen. Rejects when the address or port cannot be used. Port 0 picks one, the same for both. */
  async listen(address: string, port: number): Promise<number> {
    this.#tcp.listen(port, address);
    await once(this.#tcp, 'listening');
    const bound = (this.#tcp.address() as { port: number }).port;
    this.#udp.bind(bound, address);
    await once(this.#udp, 'listening');
    return bound;
  }

  /** Stops at once. */
  close(): void {
    this.#udp.close();
    this.#tcp.close();
  }

  #serveTcp(socket: Socket): void {
    let pending = Buffer.alloc(0);
    socket.on('error', () => socket.destroy());
    socket.setTimeout(30_000, () => socket.destroy());
    socket.on('data', chunk => {
      pending = Buffer.concat([pending, chunk]);
      while (pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        const response = this.#answer(pending.subarray(2, end), 65_535);
        pending = pending.subarray(end);
        if (!response) continue;
        const length = Buffer.alloc(2);
        length.writeUInt16BE(response.length);
        socket.write(Buffer.concat([length, response]));
      }
    });
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
