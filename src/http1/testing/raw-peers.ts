// Peers that speak bytes: a client and an upstream on plain sockets, for tests that must see exactly what was sent.
import { once } from 'node:events';
import { connect, createServer, type Server, type Socket } from 'node:net';

/** Bytes that arrive, and waiting for them. Text is latin1. */
class Received {
  #chunks: Buffer[] = [];
  #watchers: (() => void)[] = [];

  add(chunk: Buffer): void {
    this.#chunks.push(chunk);
    this.wake();
  }

  clear(): void {
    this.#chunks = [];
  }

  get text(): string {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)];
    return this.#chunks[0]?.toString('latin1') ?? '';
  }

  wake(): void {
    const watchers = this.#watchers;
    this.#watchers = [];
    for (const watcher of watchers) watcher();
  }

  async until(condition: () => boolean): Promise<void> {
    while (!condition()) await new Promise<void>(resolve => this.#watchers.push(resolve));
  }
}

/** A client on a plain socket that stays open for reading when it has ended. */
export class RawClient {
  readonly socket: Socket;
  readonly #received = new Received();
  /** How the server's side went: '' while open, `end`, or an errno name. */
  over = '';

  private constructor(socket: Socket) {
    this.socket = socket;
    socket.on('data', chunk => this.#received.add(chunk));
    socket.on('end', () => this.#finish('end'));
    socket.on('error', (error: NodeJS.ErrnoException) => this.#finish(error.code ?? 'error'));
    socket.on('close', () => this.#finish('close'));
  }

  static async connect(port: number): Promise<RawClient> {
    const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true });
    socket.setNoDelay(true);
    const client = new RawClient(socket);
    await once(socket, 'connect');
    return client;
  }

  #finish(how: string): void {
    if (this.over === '') this.over = how;
    this.#received.wake();
  }

  get text(): string {
    return this.#received.text;
  }

  send(text: string | Buffer): void {
    this.socket.write(typeof text === 'string' ? Buffer.from(text, 'latin1') : text);
  }

  /** Sends nothing more, and goes on reading. */
  end(): void {
    this.socket.end();
  }

  destroy(): void {
    this.socket.destroy();
  }

  /** Waits until what arrived fulfils `condition`; fails when the server ends before. */
  async until(condition: (text: string) => boolean): Promise<string> {
    await this.#received.until(() => condition(this.text) || this.over !== '');
    if (!condition(this.text))
      throw new Error(`the connection is over (${this.over}) after: ${this.text.slice(0, 500)}`);
    return this.text;
  }

  /** Waits until the server ended, ends too, and returns all that arrived. */
  async untilEnd(): Promise<string> {
    await this.#received.until(() => this.over !== '');
    this.socket.destroy();
    return this.text;
  }

  /** Sends and waits for one answer with Content-Length; takes it out of what arrived. */
  async exchange(request: string): Promise<string> {
    this.send(request);
    await this.until(text => answerLength(text) >= 0);
    const { text } = this;
    const length = answerLength(text);
    this.#received.clear();
    if (length < text.length) this.#received.add(Buffer.from(text.slice(length), 'latin1'));
    return text.slice(0, length);
  }
}

/** The length of the first answer in `text`, which has Content-Length; -1 while it is not complete. */
function answerLength(text: string): number {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return -1;
  const body = Number(/\r\ncontent-length: *(\d+)/i.exec(text.slice(0, end + 2))?.[1] ?? 0);
  return text.length >= end + 4 + body ? end + 4 + body : -1;
}

/** What an upstream does with what arrives on one of its connections. */
export type BackendScript = (socket: Socket, text: string) => void;

/** An upstream on plain sockets that writes down what it gets and answers as it is told. */
export class RawBackend {
  readonly #server: Server;
  readonly #received = new Received();
  readonly sockets = new Set<Socket>();
  /** Connections so far. */
  accepted = 0;
  #script: BackendScript = answerWith('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok');

  private constructor(server: Server) {
    this.#server = server;
  }

  static async listen(): Promise<RawBackend> {
    const server = createServer({ allowHalfOpen: true, noDelay: true });
    const backend = new RawBackend(server);
    server.on('connection', socket => backend.#accept(socket));
    server.listen(0, '127.0.0.1');
    await once(server, 'listening');
    return backend;
  }

  get port(): number {
    return (this.#server.address() as { port: number }).port;
  }

  /** What arrived on all connections, in the order in which it came. */
  get text(): string {
    return this.#received.text;
  }

  /** Forgets what arrived. From now on answers with these bytes, as the script says, or 200 with `ok`. */
  reset(answer: string | BackendScript = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'): void {
    this.#received.clear();
    this.#script = typeof answer === 'string' ? answerWith(answer) : answer;
  }

  /** Breaks its connections off and waits until they are gone: what has come on them and is not read yet is for nobody. */
  async drop(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await this.until(() => this.sockets.size === 0);
    this.reset();
  }

  async until(condition: () => boolean): Promise<void> {
    await this.#received.until(condition);
  }

  async close(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    this.#server.close();
    await once(this.#server, 'close');
  }

  #accept(socket: Socket): void {
    this.accepted++;
    this.sockets.add(socket);
    let text = '';
    socket.on('data', chunk => {
      text += chunk.toString('latin1');
      this.#received.add(chunk);
      const before = text;
      text = '';
      text = this.#run(socket, before);
    });
    socket.on('end', () => {
      if (!socket.destroyed) socket.end();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.sockets.delete(socket);
      this.#received.wake();
    });
  }

  /** Calls the script with what has arrived since its last answer; returns what is left for the next call. */
  #run(socket: Socket, text: string): string {
    const written = socket.bytesWritten;
    this.#script(socket, text);
    return socket.bytesWritten === written ? text : '';
  }
}

/** Answers every complete request: one without a body, with Content-Length, or chunked. */
export function answerWith(answer: string): BackendScript {
  return (socket, text) => {
    if (isComplete(text)) socket.write(Buffer.from(answer, 'latin1'));
  };
}

/** Whether `text` is a whole request, its framing being plain. */
export function isComplete(text: string): boolean {
  const end = text.indexOf('\r\n\r\n');
  if (end < 0) return false;
  const head = text.slice(0, end + 2);
  if (/\r\ntransfer-encoding:/i.test(head)) return /\r\n0\r\n(.*\r\n)*\r\n$/.test(text.slice(end + 2));
  return text.length >= end + 4 + Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0);
}
