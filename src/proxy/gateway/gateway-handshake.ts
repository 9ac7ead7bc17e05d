// TLS at a listener of a gateway: from a ClientHello to a connection whose clear side is here, or one that is passed on as it is.
import type { SecureContext } from 'node:tls';
import type { ShownCertificate } from '../../model/index.ts';
import { Deadline } from '../../time/index.ts';
import {
  ALPN,
  acceptFederatedTls,
  acceptServerTls,
  type Handshake,
  isMeshHello,
  readClientHello,
} from '../../tls/index.ts';
import type { Wire } from '../../wire/index.ts';
import { MeshAccept, type MeshAcceptWaiter } from '../accept/mesh-accept.ts';
import type { RefusedKind } from '../accept/refusal.ts';
import { HelloReader } from '../detection/hello-reader.ts';
import { mayBeRequest } from '../detection/sniff.ts';
import type { Services } from '../services/services.ts';
import type { Served } from '../serving/serving.interface.ts';
import type { GatewayCertificates } from './certificates.ts';
import { shownBy } from './client-certificate.ts';
import type { PortTable, TableListener } from './gateway-port.ts';
import { hostOf } from './host-table.ts';
import { ACME_TLS, type ShownChallenges } from './shown-challenges.ts';

/** For a ClientHello and the handshake, unless the listener says otherwise. */
const HANDSHAKE_TIMEOUT_MS = 10_000;
const alpnNames = ['h2', 'http/1.1'] as const;
const alpnWithoutHttp2 = ['http/1.1'] as const;
/** What proxies of the mesh may speak, by what the listener carries. */
const meshNames = { requests: [ALPN.h2, ALPN.h1], bytes: [ALPN.tcp] } as const;
/** The first byte of a ClientHello (RFC 8446 section 5.1). */
const HANDSHAKE_RECORD = 0x16;

/** What a handshake needs. */
export interface HandshakeParts {
  readonly services: Services;
  readonly certificates: GatewayCertificates;
  readonly challenges: ShownChallenges;
}

/** A connection whose TLS has ended here. */
export interface EndedTls {
  readonly listener: TableListener;
  /** Of the server name, '' for none. */
  readonly host: string;
  /** The clear side; it does not read yet. */
  readonly wire: Wire;
  readonly carries: Served | 'bytes';
  readonly first: Buffer | undefined;
  readonly client: ShownCertificate | undefined;
  /** The SPIFFE id of the client at a listener with the mesh's own TLS; '' at others. */
  readonly principal: string;
}

/** Learns how it went; but for `onServerName`, exactly one of them is called, once. */
export interface EndedTlsWaiter {
  /** What the client asked for, lower case; before anything else. */
  onServerName(serverName: string): void;
  onEnded(ended: EndedTls): void;
  /** TLS that is the upstream's own. */
  onPassed(listener: TableListener, host: string, hello: Buffer): void;
  /** No handshake was begun: the client has yet to be told. */
  onRefused(kind: RefusedKind, why: string): void;
  /** A handshake came to nothing, and the connection with it. */
  onFailed(why: string): void;
  onGone(): void;
  /** An error of Weft's own, or no time left: the connection is to be broken off. */
  onBroken(why: string | undefined): void;
}

/** One connection's way through TLS. Nothing happens before `start`. */
export class GatewayHandshake {
  readonly #parts: HandshakeParts;
  readonly #wire: Wire;
  readonly #port: number;
  readonly #table: PortTable;
  readonly #waiter: EndedTlsWaiter;
  readonly #deadline: Deadline;
  #step: { stop(): void } | undefined;

  constructor(
    parts: HandshakeParts,
    wire: Wire,
    { port, table }: { readonly port: number; readonly table: PortTable },
    waiter: EndedTlsWaiter,
  ) {
    this.#parts = parts;
    this.#wire = wire;
    this.#port = port;
    this.#table = table;
    this.#waiter = waiter;
    this.#deadline = new Deadline(() => this.#broken('no complete TLS handshake in time'), {
      onFault: () => this.#broken(undefined),
    });
  }

  /** `first`: what has been read. */
  start(first: Buffer): void {
    const { timers } = this.#parts.services;
    timers.schedule(this.#deadline, this.#patienceMs);
    const reader = new HelloReader(this.#wire, timers, first, {
      onServerName: (name, bytes) => {
        this.#step = undefined;
        this.#named(name, bytes);
      },
      onGone: () => this.#over(() => this.#waiter.onGone()),
    });
    this.#step = reader;
    reader.start();
  }

  /** Nobody is told any more. */
  stop(): void {
    this.#parts.services.timers.cancel(this.#deadline);
    this.#step?.stop();
    this.#step = undefined;
  }

  get #patienceMs(): number {
    return this.#table.first.bound.options?.handshakeTimeoutMs ?? HANDSHAKE_TIMEOUT_MS;
  }

  #over(tell: () => void): void {
    this.#parts.services.timers.cancel(this.#deadline);
    this.#step = undefined;
    tell();
  }

  #broken(why: string | undefined): void {
    this.stop();
    this.#waiter.onBroken(why);
  }

  #named(name: string, hello: Buffer): void {
    if (hello.length === 0) {
      this.#over(() => {
        this.#wire.destroy();
        this.#waiter.onGone();
      });
      return;
    }
    if (hello[0] !== HANDSHAKE_RECORD) {
      const words = `port ${this.#port} speaks TLS, and what came is not; write https://`;
      this.#over(() => this.#waiter.onRefused(mayBeRequest(hello) ? 'http1' : 'tcp', words));
      return;
    }
    const serverName = name.toLowerCase();
    this.#waiter.onServerName(serverName);
    const host = hostOf(serverName);
    const { challenges } = this.#parts;
    const shown = challenges.any ? challenges.contextFor(host, hello) : undefined;
    if (shown !== undefined) {
      this.#showChallenge(shown, hello);
      return;
    }
    const listener = this.#table.listeners.find(host) ?? (host === '' ? this.#table.first : undefined);
    if (listener === undefined) this.#refuse(`no listener of port ${this.#port} is for ${serverName}`);
    else if (listener.bound.tls?.mode === 'passthrough')
      this.#over(() => this.#waiter.onPassed(listener, host, hello));
    else if (listener.bound.tls?.identity === 'mesh') this.#shakeAsPeer(listener, host, hello);
    else this.#shake(listener, host, hello);
  }

  #shake(listener: TableListener, host: string, hello: Buffer): void {
    const { tls } = listener.bound;
    const chosen = this.#parts.certificates.choose(listener.bound, host);
    if ('why' in chosen) {
      this.#refuse(chosen.why);
      return;
    }
    const { clients, admitted } = tls!;
    const terms = {
      context: chosen.context,
      alpn: namesAt(listener),
      ...(clients && { clients: clients.mode, shownBy }),
      ...(admitted && { admitted }),
    };
    this.#follow(
      acceptServerTls(this.#wire, hello, terms, {
        onSecured: ({ wire, protocol, client }) =>
          this.#ended({
            listener,
            host,
            wire,
            carries: carriedAt(listener, protocol),
            first: undefined,
            client,
            principal: '',
          }),
        ...this.#failing,
      }),
    );
  }

  /** With the proxy's own certificate, for clients that the mesh knows. Proxies of Weft's say first what they want. */
  #shakeAsPeer(listener: TableListener, host: string, hello: Buffer): void {
    const { services } = this.#parts;
    const { tls } = services;
    if (!tls.ready) {
      this.#refuse('this gateway has no certificate of the mesh yet; see its log for why');
      return;
    }
    const read = readClientHello(hello);
    if (read.kind !== 'hello' || !isMeshHello(read.protocols)) {
      this.#follow(
        acceptFederatedTls(this.#wire, hello, tls, namesAt(listener), {
          onSecured: ({ wire, protocol, principal }) => {
            const carries = carriedAt(listener, protocol);
            this.#admit({ listener, host, wire, carries, first: undefined, client: undefined, principal });
          },
          ...this.#failing,
        }),
      );
      return;
    }
    const waiter: MeshAcceptWaiter = {
      onPeer: ({ wire, protocol, preface, rest }) => {
        const { principal } = preface.source;
        const carries = carriedAt(listener, protocol === ALPN.h2 ? 'h2' : protocol);
        this.#admit({ listener, host, wire, carries, first: rest, client: undefined, principal });
      },
      onNoPeer: () => this.#broken(undefined),
      onRefused: (_, words, wire) => {
        wire.destroy();
        this.#failed(words);
      },
      onGone: () => this.#over(() => this.#waiter.onGone()),
    };
    const accept = new MeshAccept(services, this.#wire, waiter, meshNames[this.#table.protocol]);
    this.#step = accept;
    accept.start(hello, true, this.#patienceMs);
  }

  /** A client of the mesh, if it is one of those that the listener lets in. */
  #admit(ended: EndedTls): void {
    const { names } = ended.listener.bound.tls?.admitted ?? {};
    const { peers } = this.#parts.services.tls;
    if (names === undefined || names.some(each => peers.isExpected(ended.principal, each))) {
      this.#ended(ended);
      return;
    }
    ended.wire.destroy();
    this.#failed(`the client is ${ended.principal}, and let in are ${names.join(', ')}`);
  }

  /** To an ACME server, which looks at the certificate and goes. */
  #showChallenge(context: SecureContext, hello: Buffer): void {
    this.#follow(
      acceptServerTls(
        this.#wire,
        hello,
        { context, alpn: [ACME_TLS] },
        {
          onSecured: ({ wire }) =>
            this.#over(() => {
              wire.destroy();
              this.#waiter.onGone();
            }),
          ...this.#failing,
        },
      ),
    );
  }

  get #failing(): { onHandshakeError(reason: string): void; onFault(): void } {
    return { onHandshakeError: reason => this.#failed(reason), onFault: () => this.#broken(undefined) };
  }

  #follow(handshake: Handshake): void {
    this.#step = { stop: () => handshake.cancel() };
  }

  #ended(ended: EndedTls): void {
    this.#over(() => this.#waiter.onEnded(ended));
  }

  #failed(why: string): void {
    this.#parts.services.counters.handshakeFailures.add('direction="gateway"');
    this.#over(() => this.#waiter.onFailed(why));
  }

  /** A handshake that cannot be made: the client sees its connection reset. */
  #refuse(why: string): void {
    this.#parts.services.counters.handshakeFailures.add('direction="gateway"');
    this.#over(() => this.#waiter.onRefused('tls', why));
  }
}

function namesAt({ bound: { protocol, tls, options } }: TableListener): readonly string[] {
  if (protocol !== 'https') return [];
  return tls?.alpn ?? (options?.http2 === false ? alpnWithoutHttp2 : alpnNames);
}

function carriedAt({ bound }: TableListener, agreed: string): EndedTls['carries'] {
  if (bound.protocol !== 'https') return 'bytes';
  return agreed === 'h2' ? 'http2' : 'http1';
}
