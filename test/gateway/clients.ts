// Clients of a gateway that note whatever goes wrong: connections that were upgraded, and requests at a rate.
import { Agent, type RequestOptions, request } from 'node:http';
import { request as requestTls, Agent as TlsAgent } from 'node:https';
import { connect, type Socket } from 'node:net';
import { connect as connectTls } from 'node:tls';

const UPGRADE =
  'GET /ws HTTP/1.1\r\nHost: edge.example\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n';

/** A connection that was upgraded, over TLS or in clear; what is said comes back. */
export class Upgraded {
  /** Why it is no more; '' while it is well. */
  cut = '';
  readonly #socket: Socket;
  #open = false;
  #head = '';
  #sent = 0;
  #echoed = 0;

  constructor(port: number, tls: boolean) {
    const place = { host: '127.0.0.1', port };
    this.#socket = tls
      ? connectTls({ ...place, servername: 'edge.example', rejectUnauthorized: false })
      : connect(place);
    this.#socket.once(tls ? 'secureConnect' : 'connect', () => this.#socket.write(UPGRADE));
    this.#socket.on('data', chunk => this.#heard(chunk));
    this.#socket.on('error', error => {
      this.cut ||= error.message;
    });
    this.#socket.on('close', () => {
      this.cut ||= this.#open ? 'closed' : `not upgraded: ${this.#head.slice(0, 80)}`;
    });
  }

  get open(): boolean {
    return this.#open;
  }

  /** Bytes that have not come back. */
  get missing(): number {
    return this.#sent - this.#echoed;
  }

  say(): void {
    if (!this.#open || this.cut !== '') return;
    this.#sent += 16;
    this.#socket.write('0123456789abcdef');
  }

  end(): void {
    this.#socket.removeAllListeners('close');
    this.#socket.destroy();
  }

  #heard(chunk: Buffer): void {
    if (this.#open) {
      this.#echoed += chunk.length;
      return;
    }
    this.#head += chunk.toString('latin1');
    if (this.#head.startsWith('HTTP/1.1 101') && this.#head.includes('\r\n\r\n')) this.#open = true;
  }
}

/** Requests, a share of them over TLS, some of those on connections of their own. */
export class Requests {
  done = 0;
  readonly failures: string[] = [];
  readonly versions = new Set<string>();
  readonly backends = new Set<string>();
  readonly certificates = new Set<string>();
  #asked = 0;
  readonly #ports: { readonly http: number; readonly https: number };
  readonly #plain = new Agent({ keepAlive: true, maxSockets: 64 });
  readonly #secured = new TlsAgent({ keepAlive: true, maxSockets: 32 });

  constructor(ports: { readonly http: number; readonly https: number }) {
    this.#ports = ports;
  }

  get underWay(): number {
    return this.#asked - this.done;
  }

  ask(): void {
    const n = this.#asked++;
    const [tls, alone] = [n % 3 === 0, n % 9 === 0];
    const options: RequestOptions = {
      ...{ host: '127.0.0.1', path: `/${n}`, headers: { host: 'edge.example' } },
      ...(tls ? { port: this.#ports.https } : { port: this.#ports.http }),
    };
    const agent = alone ? (false as const) : tls ? this.#secured : this.#plain;
    const asked = tls
      ? requestTls({ ...options, agent, servername: 'edge.example', rejectUnauthorized: false })
      : request({ ...options, agent });
    const ended = (failure: string): void => {
      this.done++;
      if (failure !== '') this.failures.push(`${n}: ${failure}`);
    };
    asked.once('error', error => ended(error.message));
    asked.once('response', answer => {
      answer.resume();
      answer.once('error', error => ended(error.message));
      this.versions.add(String(answer.headers['x-version']));
      this.backends.add(String(answer.headers['x-backend']));
      const { socket } = answer;
      if (tls && 'getPeerX509Certificate' in socket && typeof socket.getPeerX509Certificate === 'function')
        this.certificates.add(String(socket.getPeerX509Certificate()?.fingerprint256));
      answer.once('end', () => ended(answer.statusCode === 200 ? '' : `answered ${answer.statusCode}`));
    });
    asked.end();
  }

  end(): void {
    this.#plain.destroy();
    this.#secured.destroy();
  }
}
