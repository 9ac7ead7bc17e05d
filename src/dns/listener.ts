import { createSocket, type Socket as UdpSocket } from 'node:dgram';
import { once } from 'node:events';
import { createServer, type Server, type Socket } from 'node:net';
import { guarded } from '../errors/index.ts';
import { isIpv6 } from '../model/index.ts';
import { framed } from './carry.ts';

/** How a question came. */
export type DnsVia = 'udp' | 'tcp';

/** Answers one message of a client, now or later, once; never calls `reply` for what deserves no answer. */
export type AnswerDns = (query: Buffer, via: DnsVia, reply: (bytes: Buffer) => void) => void;

/** So many clients keep connections at once; one more is closed. */
const mostConnections = 128;
/** Questions of one connection that wait for their answers; it is read no further while there are as many. */
const mostWaiting = 32;
/** A connection that says nothing is kept for so long: RFC 7766 section 6.2.3 asks for seconds. */
const idleMs = 30_000;

/** Takes questions at one address, over UDP and TCP. */
export class DnsListener {
  readonly #udp: UdpSocket;
  readonly #tcp: Server;
  readonly #answer: AnswerDns;
  readonly #sockets = new Set<Socket>();
  readonly #shared: boolean;

  /** `shared`: another process may listen at the same address, as while one of them takes over. */
  constructor(answer: AnswerDns, address: string, { shared = false } = {}) {
    this.#answer = answer;
    this.#shared = shared;
    this.#udp = createSocket({ type: isIpv6(address) ? 'udp6' : 'udp4', reusePort: shared });
    this.#tcp = createServer(guarded('dns.tcp', (socket: Socket) => this.#serve(socket)));
    this.#tcp.maxConnections = mostConnections;
    this.#udp.on(
      'message',
      guarded('dns.udp', (message: Buffer, from: { readonly port: number; readonly address: string }) =>
        this.#answer(message, 'udp', bytes => this.#send(bytes, from)),
      ),
    );
    // A client that went away makes the kernel report an error on the socket; the server stays.
    this.#udp.on('error', () => {});
  }

  /** Starts to listen. Rejects when the address or port cannot be used. Port 0 picks one, the same for both. */
  async listen(address: string, port: number): Promise<number> {
    this.#tcp.listen({ port, host: address, reusePort: this.#shared });
    await once(this.#tcp, 'listening');
    const bound = (this.#tcp.address() as { port: number }).port;
    // Its errors are not events of interest but here.
    const refused = once(this.#udp, 'error').then(([error]) => Promise.reject(error as Error));
    this.#udp.bind(bound, address);
    try {
      await Promise.race([once(this.#udp, 'listening'), refused]);
    } catch (error) {
      this.#tcp.close();
      throw error;
    }
    refused.catch(() => {});
    return bound;
  }

  /** Stops at once. */
  close(): void {
    this.#udp.removeAllListeners('message');
    this.#udp.close();
    this.#tcp.close();
    for (const socket of this.#sockets) socket.destroy();
  }

  #send(bytes: Buffer, { port, address }: { readonly port: number; readonly address: string }): void {
    try {
      this.#udp.send(bytes, port, address);
    } catch {
      // Closed since it was asked.
    }
  }

  #serve(socket: Socket): void {
    let pending: Buffer = Buffer.alloc(0);
    let waiting = 0;
    this.#sockets.add(socket);
    socket.on('close', () => this.#sockets.delete(socket));
    socket.on('error', () => socket.destroy());
    socket.setTimeout(idleMs, () => socket.destroy());
    const take = (): void => {
      while (waiting < mostWaiting && pending.length >= 2 && pending.length >= 2 + pending.readUInt16BE(0)) {
        const end = 2 + pending.readUInt16BE(0);
        const query = pending.subarray(2, end);
        pending = pending.subarray(end);
        waiting++;
        let replied = false;
        this.#answer(query, 'tcp', bytes => {
          if (replied) return;
          replied = true;
          waiting--;
          if (socket.destroyed) return;
          socket.write(framed(bytes));
          if (socket.isPaused()) {
            socket.resume();
            take();
          }
        });
      }
      if (waiting >= mostWaiting) socket.pause();
    };
    socket.on(
      'data',
      guarded('dns.data', (chunk: Buffer) => {
        pending = pending.length === 0 ? chunk : Buffer.concat([pending, chunk]);
        take();
      }),
    );
  }
}
