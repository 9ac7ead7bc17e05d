import { randomInt } from 'node:crypto';
import type { HostPort } from '../model/index.ts';
import { overTcp, overUdp } from './carry.ts';
import type { DnsVia } from './listener.ts';

/** Questions that are passed on at once; one more is not, so that a flood costs a bounded number of sockets. */
const mostAtOnce = 512;
/** A resolver of the C library waits five seconds: an answer after that is for nobody. */
const serverMs = 2_000;

/**
 * Passes questions on to other servers, byte for byte, so that whatever a client asks for (EDNS, DNSSEC, types that nobody here
 * has heard of) is between the two. Only the identity is another one: nobody who sees the client's question can guess it.
 */
export class Forwarder {
  #underWay = 0;

  /** The first answer of these servers, one after the other; undefined where none answers. */
  async forward(query: Buffer, via: DnsVia, servers: readonly HostPort[]): Promise<Buffer | undefined> {
    if (this.#underWay >= mostAtOnce) return undefined;
    this.#underWay++;
    try {
      const sent = Buffer.from(query);
      for (const server of servers.slice(0, 3)) {
        sent.writeUInt16BE(randomInt(1, 65_536), 0);
        const answer = await (via === 'udp' ? overUdp : overTcp)(server, sent, serverMs);
        if (typeof answer === 'string') continue;
        const own = Buffer.from(answer);
        query.copy(own, 0, 0, 2);
        return own;
      }
      return undefined;
    } finally {
      this.#underWay--;
    }
  }
}
