// The connections of open-loop.ts for HTTP/1: each carries one request at a time.
import { connect, type Socket } from 'node:net';
import type { Ended, LoadClient } from './load-client.ts';

/** Opens them and waits until all are open. */
export async function http1Client(
  url: URL,
  host: string,
  connections: number,
  ended: Ended,
): Promise<LoadClient> {
  const request = Buffer.from(`GET ${url.pathname} HTTP/1.1\r\nhost: ${host}\r\n\r\n`);
  const idle: Connection[] = [];
  await new Promise<void>(resolve => {
    let open = 0;
    const ready = (): void => {
      if (++open === connections) resolve();
    };
    for (let each = 0; each < connections; each++)
      idle.push(new Connection(url, request, ready, idle, ended));
  });
  return {
    send(fromMs) {
      // Last used first: like a client's pool, and the generator's own lateness is not counted against the proxy.
      const connection = idle.pop();
      connection?.send(fromMs);
      return connection !== undefined;
    },
    close() {
      for (const connection of idle) connection.close();
    },
  };
}

class Connection {
  readonly #socket: Socket;
  readonly #request: Buffer;
  readonly #idle: Connection[];
  readonly #ended: Ended;
  #sentMs = 0;
  #text = '';
  #missing = -1;
  #ok = true;

  constructor(url: URL, request: Buffer, ready: () => void, idle: Connection[], ended: Ended) {
    this.#request = request;
    this.#idle = idle;
    this.#ended = ended;
    this.#socket = connect({ host: url.hostname, port: Number(url.port), noDelay: true });
    this.#socket.on('connect', ready);
    this.#socket.on('data', (data: Buffer) => this.#received(data));
    this.#socket.on('error', () => {});
    this.#socket.on('close', () => {
      if (this.#sentMs !== 0) this.#ended(this.#sentMs, 'failed');
    });
  }

  send(fromMs: number): void {
    this.#sentMs = fromMs;
    this.#socket.write(this.#request);
  }

  close(): void {
    this.#sentMs = 0;
    this.#socket.destroy();
  }

  #received(data: Buffer): void {
    if (this.#missing < 0) {
      this.#text += data.toString('latin1');
      const end = this.#text.indexOf('\r\n\r\n');
      if (end < 0) return;
      const length = Number(/^content-length: *(\d+)/im.exec(this.#text)?.[1] ?? 0);
      this.#missing = length - (this.#text.length - end - 4);
      this.#ok = this.#text.charCodeAt(9) === 0x32;
    } else this.#missing -= data.length;
    if (this.#missing > 0) return;
    const fromMs = this.#sentMs;
    this.#text = '';
    this.#missing = -1;
    this.#sentMs = 0;
    this.#idle.push(this);
    this.#ended(fromMs, this.#ok ? 'ok' : 'not-ok');
  }
}
