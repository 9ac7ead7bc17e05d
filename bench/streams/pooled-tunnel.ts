// TCP connections as CONNECT streams of one connection between two proxies, as small as it can be: what was measured for
// docs/decisions/tcp-on-streams.md. Identity is checked as in the mesh; policies, metrics and logs are not there.
import { STATELESS } from '../../src/hpack/index.ts';
import {
  type ClientStream,
  type ClientStreamHandler,
  Head,
  METHOD,
  type ServerStream,
  type ServerStreamHandler,
  type StreamFailure,
  UNKNOWN_LENGTH,
} from '../../src/http/index.ts';
import { ClientConnection, ServerConnection } from '../../src/http2/index.ts';
import { answerHead, bareOptions, refusal } from '../../src/http2/testing/bare-server.ts';
import type { MeshTls } from '../../src/tls/index.ts';
import { acceptMeshTls, connectMeshTls } from '../../src/tls/index.ts';
import { dial, Listener, type Wire, type WireHandler } from '../../src/wire/index.ts';

const name = ['weft/h2'];
const opened = Buffer.from('HTTP/1.1 200 OK\r\n\r\n', 'latin1');
const ok = answerHead(200, []);

/** The head of `CONNECT app:1`. */
function connectHead(): Head {
  const text = Buffer.from('CONNECT app:1 HTTP/1.1\r\n\r\n', 'latin1');
  const head = new Head();
  head.reset(text, 0);
  head.method = METHOD.CONNECT;
  head.methodEnd = 7;
  head.targetStart = 8;
  head.targetEnd = 13;
  head.headersStart = 24;
  head.end = 26;
  head.bodyLength = UNKNOWN_LENGTH;
  return head;
}

const wanted = connectHead();

/** What an app's connection says goes on a stream, and back. */
class Near implements WireHandler, ClientStreamHandler {
  readonly #wire: Wire;
  readonly #upstream: () => ClientConnection;
  #stream: ClientStream | undefined;
  #isOpen = false;

  constructor(wire: Wire, upstream: () => ClientConnection) {
    this.#wire = wire;
    this.#upstream = upstream;
    wire.handler = this;
    wire.resume();
  }

  onData(bytes: Buffer, start: number, end: number): void {
    if (this.#stream === undefined) {
      // The client's own CONNECT, in one piece.
      this.#stream = this.#upstream().open(this);
      this.#stream.request(wanted, false);
    } else if (!this.#stream.data(bytes, start, end)) this.#wire.pause();
  }
  onEnd(): void {
    this.#stream?.end(undefined);
  }
  onDrain(): void {
    this.#stream?.resumeResponse();
  }
  onClose(): void {
    this.#stream?.cancel('client-gone');
  }
  onInformational(): void {}
  onResponse(): void {
    this.#isOpen = true;
    this.#wire.write(opened, 0, opened.length);
  }
  onResponseData(bytes: Buffer, start: number, end: number): void {
    if (!this.#wire.write(bytes, start, end)) this.#stream?.pauseResponse();
  }
  onResponseEnd(): void {
    this.#wire.end();
  }
  onResponseAbort({ detail }: StreamFailure): void {
    if (!this.#isOpen) console.error(detail);
    this.#wire.reset();
  }
  onRequestWritable(): void {
    this.#wire.resume();
  }
}

/** A stream becomes a connection to the app. */
class Far implements WireHandler, ServerStreamHandler {
  readonly #stream: ServerStream;
  readonly #appPort: number;
  #wire: Wire | undefined;

  constructor(stream: ServerStream, appPort: number) {
    this.#stream = stream;
    this.#appPort = appPort;
  }

  onRequest(): void {
    dial('127.0.0.1', this.#appPort, '', {
      onConnect: wire => {
        this.#wire = wire;
        wire.handler = this;
        this.#stream.respond(ok, false);
        wire.resume();
      },
      onConnectError: () => this.#stream.abort('UF'),
      onFault: () => this.#stream.abort('LR'),
    });
  }
  onRequestData(bytes: Buffer, start: number, end: number): void {
    if (this.#wire?.write(bytes, start, end) === false) this.#stream.pauseRequest();
  }
  onRequestEnd(): void {
    this.#wire?.end();
  }
  onRequestAbort(): void {
    this.#wire?.reset();
  }
  onResponseWritable(): void {
    this.#wire?.resume();
  }
  onData(bytes: Buffer, start: number, end: number): void {
    if (!this.#stream.data(bytes, start, end)) this.#wire!.pause();
  }
  onEnd(): void {
    this.#stream.end(undefined);
  }
  onDrain(): void {
    this.#stream.resumeRequest();
  }
  onClose(): void {}
}

/** Listens for apps' connections, and carries them over one connection of mesh TLS; its port, once it is there. */
export function pooledTunnel(
  near: { readonly tls: MeshTls },
  far: { readonly tls: MeshTls; readonly principal: string },
  appPort: number,
): Promise<number> {
  const options = bareOptions({ encoder: STATELESS });
  const inbound = new Listener({ host: '127.0.0.1', port: 0, purpose: 'bench' }, wire => {
    acceptMeshTls(wire, Buffer.alloc(0), far.tls, name, {
      onSecured: ({ wire: clear, first }) => {
        const connection = new ServerConnection(clear, options);
        const host = { accept: (stream: ServerStream) => new Far(stream, appPort), onMalformed: refusal };
        connection.start({ ...host, onConnectionClosed() {} }, first);
      },
      onHandshakeError: reason => console.error(reason),
      onFault() {},
    });
  });
  return new Promise((resolve, reject) => {
    const failed = (reason: string): void => reject(new Error(reason));
    dial('127.0.0.1', inbound.port, '', {
      onConnect: wire =>
        void connectMeshTls(wire, near.tls, name, 'app', far.principal, {
          onSecured: ({ wire: clear }) => {
            const host = {
              onRoom() {},
              onDraining() {},
              onGone: () => failed('the pooled connection is gone'),
            };
            const shared = new ClientConnection(
              clear,
              { ...options, secure: false, peerIsProxy: true },
              host,
            );
            const outbound = new Listener(
              { host: '127.0.0.1', port: 0, purpose: 'bench' },
              wire => void new Near(wire, () => shared),
            );
            resolve(outbound.port);
          },
          onHandshakeError: failed,
          onFault: () => failed('a fault'),
        }),
      onConnectError: failed,
      onFault: () => failed('a fault'),
    });
  });
}
