import { INTERNAL_ERROR } from '../errors/index.ts';
import type { Head } from '../http/index.ts';
import { formatAddress, type Peer } from '../model/index.ts';
import { type PeerLabels, PeerRequests, UNKNOWN_PEER } from '../telemetry/index.ts';
import { Deadline } from '../time/index.ts';
import {
  ALPN,
  acceptMeshTls,
  type Handshake,
  isMeshHello,
  readClientHello,
  type Secured,
} from '../tls/index.ts';
import type { Wire, WireHandler } from '../wire/index.ts';
import { passThroughAddress } from './connector.ts';
import type { RunningDestination } from './destination.ts';
import { Detection, type DetectionWaiter, QUIET_MS } from './detection.ts';
import type { ExchangeHost, TargetWaiter } from './exchange-host.ts';
import { HttpServing } from './http-serving.ts';
import type { InboundPorts, RunningPort } from './inbound-ports.ts';
import { type Preface, readPreface } from './preface.ts';
import { refusePlaintext } from './refusal.ts';
import type { Services } from './services.ts';
import type { Sniffed } from './sniff.ts';
import { TcpSession, type TcpSessionOptions } from './tcp-session.ts';

const handshakeTimeoutMs = 10_000;
const alpn = [ALPN.h1, ALPN.tcp];

/** How inbound connections find the app. */
export interface InboundOptions {
  /** Whether packet rules redirect traffic here; then the app is called from the address that they let through. */
  readonly redirected: boolean;
  /** The app's address for connections that were not redirected. */
  readonly appAddress: string;
}

/** A connection to this workload: from another proxy over mesh TLS, or in plaintext where that is allowed. */
export class InboundConnection implements DetectionWaiter, ExchangeHost, WireHandler {
  readonly direction = 'inbound';
  readonly downstream: string;
  readonly #services: Services;
  readonly #ports: InboundPorts;
  readonly #options: InboundOptions;
  readonly #onClosed: () => void;
  readonly #detection: Detection;
  readonly #deadline: Deadline;
  readonly #clientAddress: string;
  #wire: Wire;
  /** What the client connected to before it was redirected; undefined when it called our listener itself. */
  readonly #wanted: { readonly address: string; readonly port: number } | undefined;
  #port: RunningPort | undefined;
  #portVersion: number;
  #source: Peer = UNKNOWN_PEER;
  #sourceAddress: string;
  #mutualTls = false;
  #handshake: Handshake | undefined;
  #protocol = '';
  #collected: Buffer | undefined;
  #session: TcpSession | undefined;
  #serving: HttpServing | undefined;
  #metrics: PeerRequests | undefined;
  #forwardedFor: Buffer | undefined;
  #certificate: Buffer | undefined;

  constructor(
    services: Services,
    ports: InboundPorts,
    options: InboundOptions,
    wire: Wire,
    wanted: { readonly address: string; readonly port: number } | undefined,
    onClosed: () => void,
  ) {
    this.#services = services;
    this.#ports = ports;
    this.#options = options;
    this.#wire = wire;
    this.#wanted = wanted;
    this.#onClosed = onClosed;
    const from = wire.remoteAddress();
    this.#clientAddress = (from?.address ?? '').replace(/^::ffff:/, '');
    this.#sourceAddress = this.#clientAddress;
    this.downstream = from?.address === undefined ? '' : formatAddress(this.#clientAddress, from.port ?? 0);
    this.#detection = new Detection(wire, services.timers, this);
    this.#deadline = new Deadline(() => this.#tooSlow(), this);
    this.#portVersion = ports.version;
    if (wanted !== undefined) this.#port = ports.find(wanted.address, wanted.port);
  }

  get principal(): string {
    return this.#source.principal;
  }

  start(): void {
    // Where only mesh TLS is taken the client always speaks first; otherwise the app may.
    const mayBeQuiet =
      this.#port !== undefined && this.#port.mtls !== 'strict' && this.#port.protocol !== 'http';
    this.#detection.start(mayBeQuiet ? QUIET_MS : 0);
    if (mayBeQuiet && this.#port?.destination.tcp.pick()?.speaksFirst === true) this.onQuiet();
  }

  drain(): void {
    this.#serving?.drain();
  }

  /** Breaks the connection off. */
  destroy(): void {
    this.#wire.destroy();
  }

  onDetected(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    if (kind === 'tls') {
      this.#readHello(first);
      return;
    }
    const port = this.#port;
    if (port === undefined || port.mtls === 'strict') {
      this.#refuse(kind, first);
      return;
    }
    this.#acceptPlaintext(kind, first, port);
  }

  onQuiet(): void {
    if (this.#session === undefined) this.#openSession(this.#port!, true, undefined);
  }

  onGone(): void {
    this.#session?.cancel();
    this.#wire.destroy();
    this.#over();
  }

  /** Also of a handshake: the wire that it was made of is no more. */
  onFault(): void {
    this.#handshake?.cancel();
    this.#wire.reset(INTERNAL_ERROR);
    this.#over();
  }

  /** Only while a ClientHello or a preface is being collected. */
  onData(bytes: Buffer, start: number, end: number): void {
    const more = Buffer.from(bytes.subarray(start, end));
    this.#collected = this.#collected === undefined ? more : Buffer.concat([this.#collected, more]);
    if (this.#mutualTls) this.#readPreface();
    else this.#readHello(this.#collected);
  }

  onEnd(): void {
    this.#wire.destroy();
  }

  onDrain(): void {}

  onClose(): void {
    this.#over();
  }

  /** Connections live long: what the port does with requests may have changed since. Whether it takes plaintext holds for the next connection. */
  target(_head: Head, _waiter: TargetWaiter): RunningDestination | undefined {
    const ports = this.#ports;
    if (ports.version !== this.#portVersion) {
      this.#portVersion = ports.version;
      this.#port = ports.find(this.#port!.address, this.#port!.number);
    }
    return this.#port!.destination;
  }

  prepare(head: Head): void {
    if (head.forwardedFor < 0) {
      this.#forwardedFor ??= Buffer.from(`x-forwarded-for: ${this.#sourceAddress}\r\n`, 'latin1');
      head.addLine(this.#forwardedFor);
    }
    // Only we may say who the client is: what it says itself is taken out.
    if (head.clientCertificate >= 0) head.remove(head.clientCertificate);
    if (this.#mutualTls) {
      this.#certificate ??= Buffer.from(
        `x-forwarded-client-cert: By=${this.#services.tls.principal};URI=${this.#source.principal}\r\n`,
        'latin1',
      );
      head.addLine(this.#certificate);
    }
    if (head.host < 0)
      head.addLine(Buffer.from(`host: ${this.#port!.destination.resource.key}\r\n`, 'latin1'));
  }

  metrics(): PeerRequests {
    this.#metrics ??= new PeerRequests(this.#services.requests, this.#labels('http'));
    return this.#metrics;
  }

  /** TLS: the mesh's if its ClientHello says so, otherwise the app's own, which is opaque to us. */
  #readHello(bytes: Buffer): void {
    const hello = readClientHello(bytes);
    if (hello.kind === 'more') {
      this.#collected = bytes;
      this.#wire.handler = this;
      this.#services.timers.schedule(this.#deadline, handshakeTimeoutMs);
      this.#wire.resume();
      return;
    }
    this.#collected = undefined;
    this.#services.timers.cancel(this.#deadline);
    const port = this.#port;
    if (hello.kind === 'hello' && isMeshHello(hello.protocols) && port?.mtls !== 'disable') {
      this.#session?.cancel();
      this.#session = undefined;
      this.#acceptMesh(bytes);
    } else if (port === undefined || port.mtls === 'strict') this.#refuse('tls', bytes);
    else this.#acceptPlaintext('tls', bytes, port);
  }

  #acceptMesh(first: Buffer): void {
    const { tls, timers } = this.#services;
    if (!tls.ready) {
      this.#reject('no-certificate', 'this proxy has no certificate yet; see its log for why');
      return;
    }
    timers.schedule(this.#deadline, handshakeTimeoutMs);
    this.#handshake = acceptMeshTls(this.#wire, first, tls, alpn, {
      onSecured: secured => this.#secured(secured),
      onHandshakeError: reason => this.#handshakeFailed(reason),
      onFault: () => this.onFault(),
    });
  }

  #secured(secured: Secured): void {
    this.#handshake = undefined;
    this.#wire = secured.wire;
    this.#mutualTls = true;
    this.#protocol = secured.protocol;
    this.#source = { ...UNKNOWN_PEER, principal: secured.principal };
    this.#wire.handler = this;
    if (secured.first !== undefined) this.onData(secured.first, 0, secured.first.length);
    if (this.#wire.handler === this) this.#wire.resume();
  }

  #readPreface(): void {
    const bytes = this.#collected!;
    const result = readPreface(bytes, this.#source.principal);
    if (result.kind === 'more') return;
    this.#services.timers.cancel(this.#deadline);
    if (result.kind === 'bad') {
      this.#reject('bad-preface', result.reason);
      return;
    }
    this.#collected = undefined;
    this.#acceptPeer(result.preface, result.end < bytes.length ? bytes.subarray(result.end) : undefined);
  }

  #acceptPeer(preface: Preface, rest: Buffer | undefined): void {
    const { peers, clock } = this.#services;
    this.#source = peers.admit(preface.source, clock.monotonic());
    if (preface.address !== '') this.#sourceAddress = preface.address;
    const wanted = this.#wanted;
    const port =
      wanted === undefined ? this.#ports.find(this.#options.appAddress, preface.port) : this.#port!;
    this.#port = port;
    const http = this.#protocol === ALPN.h1;
    this.#services.counters.accepted.add(
      `direction="inbound",protocol="${http ? 'http' : 'tcp'}",mtls="true"`,
    );
    if (http) this.#serveHttp(rest);
    else this.#openSession(port, false, rest);
  }

  #acceptPlaintext(kind: Exclude<Sniffed, 'more'>, first: Buffer, port: RunningPort): void {
    const http = kind === 'http1' && port.protocol !== 'tcp' && port.protocol !== 'tls';
    this.#services.counters.accepted.add(
      `direction="inbound",protocol="${http ? 'http' : kind === 'tls' ? 'tls' : 'tcp'}",mtls="false"`,
    );
    if (http) {
      this.#session?.cancel();
      this.#session = undefined;
      this.#serveHttp(first);
    } else if (this.#session !== undefined) this.#session.commit(first);
    else this.#openSession(port, false, first);
  }

  #serveHttp(first: Buffer | undefined): void {
    this.#serving = new HttpServing(this.#services, this, this.#wire, () => this.#over());
    this.#serving.start(first);
  }

  #openSession(port: RunningPort, speculative: boolean, first: Buffer | undefined): void {
    const cluster = port.destination.tcp.pick()!;
    const { address } = [...cluster.endpoints][0]!.config;
    const options: TcpSessionOptions = {
      direction: 'inbound',
      downstream: this.downstream,
      principal: this.#source.principal,
      localAddress: this.#options.redirected ? passThroughAddress(address) : '',
      labels: () => this.#labels('tcp'),
      undecided: () => {
        this.#detection.stop();
        return this.#detection.taken;
      },
      onEnd: () => {
        this.#detection.stop();
        this.#over();
      },
    };
    this.#session = new TcpSession(this.#services, options, cluster, this.#wire, speculative);
    this.#session.start(first);
  }

  #labels(protocol: 'http' | 'tcp'): PeerLabels {
    return {
      reporter: 'destination',
      source: this.#source,
      destination: this.#services.self,
      service: this.#port?.service ?? { host: '', name: '', namespace: '' },
      protocol,
      mutualTls: this.#mutualTls,
    };
  }

  #refuse(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    this.#detection.stop();
    const port = this.#port;
    refusePlaintext(this.#services, {
      wire: this.#wire,
      kind,
      first,
      client: this.downstream,
      port: port?.number ?? 0,
      policy: port === undefined ? '' : port.policy,
      metrics: () => this.metrics(),
    });
    this.#over();
  }

  #handshakeFailed(reason: string): void {
    this.#handshake = undefined;
    this.#services.counters.handshakeFailures.add('direction="inbound"');
    this.#services.log.warn(
      { client: this.downstream, port: this.#port?.number },
      `refused a client: ${reason}`,
    );
    this.#over();
  }

  #reject(reason: string, words: string): void {
    this.#services.counters.refused.add(`port="${this.#port?.number ?? 0}",reason="${reason}"`);
    this.#services.log.warn(
      { client: this.downstream, port: this.#port?.number, principal: this.#source.principal },
      `refused a client: ${words}`,
    );
    this.#wire.reset();
    this.#over();
  }

  #tooSlow(): void {
    this.#handshake?.cancel();
    this.#reject('handshake-timeout', `no complete mesh TLS handshake within ${handshakeTimeoutMs} ms`);
  }

  #closed = false;
  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#services.timers.cancel(this.#deadline);
    this.#onClosed();
  }
}
