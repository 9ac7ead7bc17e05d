// For tests: a proxy that says what the test wants, right or wrong.
import { once } from 'node:events';
import type { TestContext } from 'node:test';
import { connect, type TLSSocket } from 'node:tls';
import type { Credentials } from '../../identity/index.ts';
import { LineReader } from '../line-reader.ts';
import { DISCOVERY_ALPN, MAX_LINE_BYTES, type ProxyMessage, type ServerMessage } from '../protocol.ts';
import { frontId, type SecureMesh } from './secure-mesh.ts';

/** A message of one type. */
type Message<T extends ServerMessage['type']> = Extract<ServerMessage, { type: T }>;

/** One connection to a SecureMesh. Reads only when asked for the next message. */
export class RawProxy {
  readonly socket: TLSSocket;
  readonly #messages: ServerMessage[] = [];
  #arrived: () => void = () => {};
  #ended = false;

  private constructor(socket: TLSSocket) {
    this.socket = socket;
    const reader = new LineReader(MAX_LINE_BYTES);
    socket.on('data', chunk => {
      reader.push(chunk, line => this.#messages.push(JSON.parse(line) as ServerMessage) > 0);
      this.#arrived();
    });
    socket.on('error', () => {});
    socket.on('close', () => {
      this.#ended = true;
      this.#arrived();
    });
  }

  /** Connects, with a certificate if one is given. */
  static async connect(
    context: TestContext,
    mesh: SecureMesh,
    credentials?: Credentials,
    alpn: readonly string[] = [DISCOVERY_ALPN],
  ): Promise<RawProxy> {
    const socket = connect({
      host: '127.0.0.1',
      port: mesh.port,
      ALPNProtocols: [...alpn],
      ca: [...mesh.authority.roots],
      checkServerIdentity: () => undefined,
      ...(credentials && { key: credentials.keyPem, cert: credentials.chainPem }),
    });
    context.after(() => socket.destroy());
    await once(socket, 'secureConnect');
    return new RawProxy(socket);
  }

  /** Connects as the pod shop/front-0 and says hello. */
  static async greeted(context: TestContext, mesh: SecureMesh): Promise<RawProxy> {
    const proxy = await RawProxy.connect(context, mesh, mesh.issue(frontId));
    proxy.send({ type: 'hello', namespace: 'shop', pod: 'front-0', proxyVersion: 'raw' });
    return proxy;
  }

  send(message: ProxyMessage): void {
    this.write(`${JSON.stringify(message)}\n`);
  }

  write(text: string): void {
    this.socket.write(text);
  }

  /** The next message of this type; others before it are dropped. Throws when the connection ends first. */
  async next<T extends ServerMessage['type']>(type: T): Promise<Message<T>> {
    for (;;) {
      for (let message = this.#messages.shift(); message; message = this.#messages.shift()) {
        if (message.type === type) return message as Message<T>;
      }
      if (this.#ended) throw new Error(`the connection ended before a message of type ${type}`);
      await this.#change();
    }
  }

  /** The next resource of this kind, acknowledged as all before it. */
  async resource(kind: string): Promise<Message<'resource'>> {
    for (;;) {
      const message = await this.next('resource');
      this.send({ type: 'ack', version: message.version });
      if (message.resource.kind === kind) return message;
    }
  }

  /** Resolves when the connection has ended; what was received before can still be taken. */
  async ended(): Promise<void> {
    while (!this.#ended) await this.#change();
  }

  #change(): Promise<void> {
    const alive = setInterval(() => {}, 1000);
    return new Promise(resolve => {
      this.#arrived = () => {
        clearInterval(alive);
        resolve();
      };
    });
  }
}
