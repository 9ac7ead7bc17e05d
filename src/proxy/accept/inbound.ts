import type { Denial } from '../../authorization/index.ts';
import { INTERNAL_ERROR } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import { formatAddress, type Peer } from '../../model/index.ts';
import { type PeerLabels, PeerRequests, UNKNOWN_PEER } from '../../telemetry/index.ts';
import { ALPN, isMeshHello, readClientHello } from '../../tls/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { AppSources } from '../connect/app-source.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { InboundPorts, PortsWatcher, RunningPort } from '../destinations/inbound-ports.ts';
import type { ConnectionCaller } from '../destinations/port-entry.ts';
import {
  Detection,
  type DetectionTimes,
  type DetectionWaiter,
  MESHED_QUIET_MS,
  QUIET_MS,
  SILENCE_MS,
} from '../detection/detection.ts';
import { verdictOf } from '../detection/port-speech.ts';
import { mayBeOther, mayBeRequest, type Sniffed } from '../detection/sniff.ts';
import type { ExchangeHost, ListenerTerms, TargetWaiter } from '../exchange/exchange-host.ts';
import { newRequestId, REQUEST_ID } from '../exchange/request-id.ts';
import type { Services } from '../services/services.ts';
import { servingOf } from '../serving/serve.ts';
import type { Served, Serving } from '../serving/serving.interface.ts';
import { TcpSession, type TcpSessionOptions } from '../tcp/tcp-session.ts';
import { detailOf, noteRefusal, refuseBytes } from './denied-bytes.ts';
import {
  HANDSHAKE_TIMEOUT_MS,
  MeshAccept,
  type MeshAcceptWaiter,
  type MeshPeer,
  type MeshRefusal,
} from './mesh-accept.ts';
import {
  type RefusedKind,
  type RefusedStart,
  refuseNotHttp,
  refusePlaintext,
  refuseSlow,
  refuseStart,
} from './refusal.ts';

const forwardedFor = Buffer.from('x-forwarded-for', 'latin1');
const clientCertificate = Buffer.from('x-forwarded-client-cert', 'latin1');
/** The first byte of a ClientHello (RFC 8446 section 5.1). */
const HANDSHAKE_RECORD = 0x16;
const hostName = Buffer.from('host', 'latin1');

/** How inbound connections find the app. */
export interface InboundOptions {
  /** From where the app is called. */
  readonly sources: AppSources;
  /** The app's address for connections that were not redirected. */
  readonly appAddress: string;
  /**
   * Ports of the proxy itself, which nobody reaches through it: beside them it is an open proxy, or an admin port without its
   * loopback.
   */
  readonly ownPorts: ReadonlySet<number>;
}

/** A connection to this workload: from another proxy over mesh TLS, or in plaintext where that is allowed. */
export class InboundConnection
  implements DetectionWaiter, MeshAcceptWaiter, ExchangeHost, ConnectionCaller, PortsWatcher
{
  readonly direction = 'inbound';
  readonly terms: ListenerTerms;
  readonly downstream: string;
  readonly #services: Services;
  readonly #ports: InboundPorts;
  readonly #options: InboundOptions;
  readonly #onClosed: () => void;
  readonly address: string;
  serverName = '';
  readonly #clientPort: number;
  readonly #sinceMs: number;
  #detection: Detection;
  #wire: Wire;
  /** What the client connected to before it was redirected; undefined when it called our listener itself. */
  readonly #wanted: { readonly address: string; readonly port: number } | undefined;
  #port: RunningPort | undefined;
  #portVersion: number;
  #source: Peer = UNKNOWN_PEER;
  #sourceAddress: string;
  /** Whether the client has shown a certificate of the mesh. */
  mutualTls = false;
  #accepting: MeshAccept | undefined;
  #session: TcpSession | undefined;
  #serving: Serving | undefined;
  #metrics: PeerRequests | undefined;
  #forwardedFor: Buffer | undefined;
  #certificate: Buffer | undefined;

  constructor(
    services: Services,
    ports: InboundPorts,
    options: InboundOptions,
    wire: Wire,
    wanted: { readonly address: string; readonly port: number } | undefined,
    terms: ListenerTerms,
    onClosed: () => void,
  ) {
    this.terms = terms;
    this.#services = services;
    this.#ports = ports;
    this.#options = options;
    this.#wire = wire;
    this.#wanted = wanted;
    this.#onClosed = onClosed;
    const from = wire.remoteAddress();
    this.address = (from?.address ?? '').replace(/^::ffff:/, '');
    this.#clientPort = from?.port ?? 0;
    this.#sourceAddress = this.address;
    this.downstream = from?.address === undefined ? '' : formatAddress(this.address, from.port ?? 0);
    this.#detection = new Detection(wire, services.timers, this);
    this.#sinceMs = services.clock.monotonic();
    this.#portVersion = ports.version;
    if (wanted !== undefined) this.#port = this.#portOf(wanted.address, wanted.port);
  }

  /** The address that the kernel names counts, and not what a peer says of itself. */
  #portOf(address: string, number: number): RunningPort {
    return this.#ports.find(address, number, this.#options.sources.callerOf(this.address, address));
  }

  get principal(): string {
    return this.#source.principal;
  }

  start(): void {
    if (this.#wanted !== undefined && this.#options.ownPorts.has(this.#wanted.port)) {
      this.#refuseOwnPort(this.#wanted.port);
      return;
    }
    // Where only mesh TLS is taken, or requests, the client always speaks first; otherwise the app may.
    const mayBeQuiet = this.#openPort !== undefined && !this.#isHttp && this.#denial === undefined;
    const { meshedCallers, clock } = this.#services;
    const isMeshed =
      mayBeQuiet && meshedCallers.has(this.address, this.#port?.number ?? 0, clock.monotonic());
    this.#detection.start(this.#times(mayBeQuiet ? (isMeshed ? MESHED_QUIET_MS : QUIET_MS) : 0));
    if (mayBeQuiet && !isMeshed && this.#port?.destination.tcp.pick()?.speaksFirst === true) this.onQuiet();
  }

  drain(): void {
    this.#serving?.drain();
  }

  /** Memory is short: see Serving.relieve. `hard`: what has not even said what it wants goes too. */
  relieve(hard: boolean): void {
    if (this.#serving !== undefined) this.#serving.relieve(hard);
    else if (hard) this.#detection.shed();
  }

  /** Breaks the connection off. */
  destroy(): void {
    this.#accepting?.stop();
    this.#wire.destroy();
    this.#over();
  }

  onDetected(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    if (kind === 'tls' && !this.mutualTls) this.#acceptMesh(first);
    else this.#settle(kind, first);
  }

  onQuiet(): void {
    this.#speculate();
  }

  onUndecided(first: Buffer): void {
    const port = this.#openPort;
    // Only a ClientHello can help, and it has its own time.
    if (port === undefined) return;
    const denial = port.destination.speech.kind === 'bytes' ? this.#denial : undefined;
    // Of a port of bytes nothing but a ClientHello may change who calls.
    if (denial !== undefined && first[0] !== HANDSHAKE_RECORD) this.#refuseBytes('tcp', denial);
    else if (!this.#isHttp) this.#speculate()?.lend(first);
    else if (port.destination.speech.kind === 'http' && !mayBeOther(first)) {
      // It can become nothing but a request or a mistake: the codec waits for the rest, and has words for both.
      this.#detection.stop();
      this.#serve('http1', first);
    }
  }

  onSilent(): void {
    const speech = this.#openPort?.destination.speech;
    const denial = this.#isHttp ? undefined : this.#denial;
    if (speech === undefined) this.#refuse('nothing');
    else if (denial !== undefined) this.#refuseBytes('nothing', denial);
    else if (speech.declared) this.#wire.destroy();
    else refuseNotHttp(this.#services, this.#refused('nothing'), speech);
    this.#over();
  }

  onUnclear(first: Buffer): void {
    const isRequest = mayBeRequest(first);
    const kind = isRequest ? 'http1' : 'tcp';
    if (this.#openPort === undefined) this.#refuse(kind);
    else if (this.#isHttp || isRequest) {
      refuseSlow(this.#services, this.#refused(kind));
      this.#session?.cancel();
      this.#over();
    } else this.#settle('tcp', first);
  }

  onGone(): void {
    this.#session?.cancel();
    this.#wire.destroy();
    this.#over();
  }

  /** Also of a handshake: the wire that it was made of is no more. */
  onFault(): void {
    this.#accepting?.stop();
    this.#wire.reset(INTERNAL_ERROR);
    this.#over();
  }

  onPeer({ wire, protocol, preface, rest }: MeshPeer): void {
    this.#accepting = undefined;
    this.#wire = wire;
    this.mutualTls = true;
    const { peers, clock } = this.#services;
    this.#source = peers.admit(preface.source, clock.monotonic());
    this.#calledByMesh();
    if (preface.address !== '') this.#sourceAddress = preface.address;
    if (this.#wanted === undefined) {
      if (this.#options.ownPorts.has(preface.port)) {
        this.#refuseOwnPort(preface.port);
        return;
      }
      this.#port = this.#portOf(this.#options.appAddress, preface.port);
    }
    // Requests are read and judged, whatever the port speaks.
    if (protocol === ALPN.h2) this.#serve('http2', rest);
    else if (protocol === ALPN.h1) this.#serve('http1', rest);
    else if (this.#port!.destination.speech.kind === 'bytes') this.#tunnel('tcp', rest);
    else {
      // The peer says that it carries bytes. What the port speaks is not for the peer to say.
      this.#detection = new Detection(wire, this.#services.timers, this);
      if (!this.#isHttp) this.#speculate();
      this.#detection.start(this.#times(0), rest);
    }
  }

  onNoPeer(isTls: boolean, bytes: Buffer): void {
    this.#accepting = undefined;
    this.#settle(isTls ? 'tls' : 'tcp', bytes);
  }

  onRefused(reason: MeshRefusal | 'handshake', words: string, wire: Wire, principal: string): void {
    this.#accepting = undefined;
    const { counters, log, observers, clock } = this.#services;
    const number = this.#port?.number ?? 0;
    if (reason === 'handshake') counters.handshakeFailures.add('direction="inbound"');
    else counters.refused.add(`port="${number}",reason="${reason}"`);
    log.warn({ client: this.downstream, port: this.#port?.number, principal }, `refused a client: ${words}`);
    if (observers.watching)
      observers.refusal({
        direction: 'inbound',
        downstream: this.downstream,
        principal,
        port: number,
        wanted: '',
        reason,
        flag: reason === 'handshake' ? 'UAEX' : 'DPE',
        detail: words,
        status: 0,
        id: '',
        atMs: clock.monotonic(),
      });
    if (reason !== 'handshake') wire.reset();
    this.#over();
  }

  /**
   * Connections live long: what the port does with requests may have changed since. Whether it takes plaintext holds for the next
   * connection.
   */
  target(_head: Head, _waiter: TargetWaiter): RunningDestination | undefined {
    const ports = this.#ports;
    if (ports.version !== this.#portVersion) {
      this.#portVersion = ports.version;
      this.#port = this.#portOf(this.#port!.address, this.#port!.number);
    }
    return this.#port!.destination;
  }

  prepare(head: Head): void {
    if (head.forwardedFor < 0) {
      this.#forwardedFor ??= Buffer.from(this.#sourceAddress, 'latin1');
      head.add(forwardedFor, this.#forwardedFor);
    }
    // Only we may say who the client is: what it says itself is taken out.
    if (head.clientCertificate >= 0) head.remove(head.clientCertificate);
    if (this.mutualTls) {
      this.#certificate ??= Buffer.from(
        `By=${this.#services.tls.principal};URI=${this.#source.principal}`,
        'latin1',
      );
      head.add(clientCertificate, this.#certificate);
    }
    if (head.requestId < 0) head.add(REQUEST_ID, newRequestId());
    if (head.host < 0) head.add(hostName, Buffer.from(this.#port!.destination.resource.key, 'latin1'));
  }

  metrics(): PeerRequests {
    this.#metrics ??= new PeerRequests(this.#services.requests, this.#labels('http'));
    return this.#metrics;
  }

  /** The port where it lets this client in as it is by now; undefined where it must show a certificate first. */
  get #openPort(): RunningPort | undefined {
    return this.#port?.entry.judge(this) === true ? this.#port : undefined;
  }

  /** Why the port takes no bytes of this client that nobody reads; undefined where it does. */
  get #denial(): Denial | undefined {
    return this.#port?.entry.peekBytes(this);
  }

  /** Whether the client must speak first, because the port takes requests. */
  get #isHttp(): boolean {
    const kind = this.#port?.destination.speech.kind;
    return kind === 'http' || kind === 'http2';
  }

  #times(quietMs: number): DetectionTimes {
    const { headTimeoutMs, idleTimeoutMs } = this.#services.http1;
    if (this.#openPort === undefined)
      return { quietMs, silentMs: HANDSHAKE_TIMEOUT_MS, unclearMs: HANDSHAKE_TIMEOUT_MS };
    // Where the app may speak first it is being asked, and its own patience counts.
    if (!this.#isHttp) {
      const silentMs = this.#denial === undefined ? 0 : HANDSHAKE_TIMEOUT_MS;
      return { quietMs, silentMs, unclearMs: headTimeoutMs };
    }
    const { declared } = this.#openPort.destination.speech;
    return { quietMs, silentMs: declared ? idleTimeoutMs : SILENCE_MS, unclearMs: headTimeoutMs };
  }

  /** TLS: the mesh's if its ClientHello says so, otherwise the app's own, which is opaque to us. */
  #acceptMesh(first: Buffer): void {
    // An app that speaks now must not be heard by somebody in the middle of a handshake.
    this.#session?.cancel();
    this.#session = undefined;
    const { clock } = this.#services;
    // Who must speak mesh TLS has had time since it connected.
    const spentMs = this.#openPort === undefined ? clock.monotonic() - this.#sinceMs : 0;
    this.#accepting = new MeshAccept(this.#services, this.#wire, this);
    this.#accepting.start(
      first,
      this.#port?.entry.answersMesh !== false,
      Math.max(1, HANDSHAKE_TIMEOUT_MS - spentMs),
    );
  }

  /** What the client speaks is clear; does with it what the port says. `first`: what it has sent. */
  #settle(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    const port = this.#openPort;
    if (port === undefined) {
      this.#refuse(kind);
      return;
    }
    const { speech } = port.destination;
    const verdict = verdictOf(speech.kind, kind);
    if (verdict === 'http1' || verdict === 'http2') this.#serve(verdict, first);
    else if (verdict === 'tunnel') this.#tunnel(kind, first);
    else {
      refuseNotHttp(this.#services, this.#refused(kind), speech);
      this.#over();
    }
  }

  #serve(kind: Served, first: Buffer | undefined): void {
    this.#countAccepted(kind === 'http2' ? 'http2' : 'http');
    this.#session?.cancel();
    this.#session = undefined;
    const client = this.mutualTls ? 'proxy' : 'stranger';
    this.#serving = servingOf(kind, this.#services, this, client, this.#wire, () => this.#over());
    this.#serving.start(first);
  }

  #tunnel(kind: Exclude<Sniffed, 'more'>, first: Buffer | undefined): void {
    const hello = kind === 'tls' && first !== undefined ? readClientHello(first) : undefined;
    if (hello?.kind === 'hello') this.serverName = hello.serverName;
    const denial = this.#port!.entry.judgeBytes(this);
    if (denial !== undefined) {
      this.#refuseBytes(kind, denial);
      return;
    }
    this.#countAccepted(kind === 'tls' ? 'tls' : 'tcp');
    if (this.#session !== undefined && first !== undefined) this.#session.commit(first);
    else this.#openSession(this.#port!, false, first);
  }

  #countAccepted(protocol: 'http' | 'http2' | 'tls' | 'tcp'): void {
    const labels = `direction="inbound",protocol="${protocol}",mtls="${this.mutualTls}"`;
    this.#services.counters.accepted.add(labels);
  }

  /** Asks the app while it is open still who speaks first. */
  #speculate(): TcpSession | undefined {
    // Nothing of the app is heard before its client may be; a client that turns out to send requests is judged by those.
    if (this.#denial !== undefined) return undefined;
    if (this.#session === undefined) this.#openSession(this.#port!, true, undefined);
    return this.#session;
  }

  #openSession(port: RunningPort, speculative: boolean, first: Buffer | undefined): void {
    const cluster = port.destination.tcp.pick()!;
    const { address } = [...cluster.endpoints][0]!.config;
    const options: TcpSessionOptions = {
      direction: 'inbound',
      downstream: this.downstream,
      principal: this.#source.principal,
      ...this.#options.sources.of(port.caller, this.#clientPort, address),
      labels: () => this.#labels('tcp'),
      ...(speculative && { overtook: (bytes: Buffer) => this.#overtook(bytes) }),
      undecided: () => {
        this.#services.meshedCallers.remove(this.address, port.number, this.#sinceMs);
        this.#detection.stop();
        return this.#detection.taken;
      },
      onEnd: () => {
        this.#detection.stop();
        this.#over();
      },
    };
    this.#ports.watchers.add(this);
    this.#session = new TcpSession(this.#services, options, cluster, this.#wire, speculative);
    this.#session.start(first);
  }

  /** The app has spoken before the client. If that was a proxy in its handshake, it will try again and be waited for. */
  #overtook(bytes: Buffer): void {
    const hello = readClientHello(bytes);
    if (hello.kind === 'hello' && isMeshHello(hello.protocols)) this.#calledByMesh();
  }

  /** Mesh TLS came from this address, or began to: its next connection may be as late, and is not to hear the app before. */
  #calledByMesh(): void {
    const { meshedCallers, clock } = this.#services;
    // Elsewhere the app is never heard before the client.
    if (this.#port?.entry.takesBoth !== true) return;
    meshedCallers.add(this.address, this.#port.number, clock.monotonic());
  }

  #labels(protocol: 'http' | 'tcp'): PeerLabels {
    return {
      reporter: 'destination',
      source: this.#source,
      destination: this.#services.self,
      service: this.#port?.service ?? { host: '', name: '', namespace: '' },
      protocol,
      mutualTls: this.mutualTls,
    };
  }

  /** Plaintext where only mesh TLS is taken. */
  #refuse(kind: RefusedKind): void {
    this.#detection.stop();
    const port = this.#port;
    refusePlaintext(this.#services, {
      wire: this.#wire,
      kind,
      client: this.downstream,
      port: port?.number ?? 0,
      policy: port === undefined ? '' : port.entry.policy,
      from: port?.entry.from,
      silentMs: HANDSHAKE_TIMEOUT_MS,
      metrics: () => this.metrics(),
    });
    this.#over();
  }

  #refused(kind: RefusedKind, port = this.#port?.number ?? 0): RefusedStart {
    const { direction, downstream: client, principal } = this;
    return { wire: this.#wire, direction, kind, client, principal, port };
  }

  #refuseBytes(kind: RefusedKind, denial: Denial): void {
    this.#detection.stop();
    this.#session?.cancel();
    const durationMs = this.#services.clock.monotonic() - this.#sinceMs;
    refuseBytes(this.#services, this.#refused(kind), denial, durationMs);
    this.#over();
  }

  /** What it may do holds for bytes that are under way, too: who may not send them any more is cut off. */
  onPortsChanged(): void {
    if (this.#session === undefined || this.#closed) return;
    this.#port = this.#portOf(this.#port!.address, this.#port!.number);
    const denial = this.#denial;
    if (denial === undefined) return;
    noteRefusal(this.#services, this.#refused('tcp'), denial);
    this.#session.forbid(detailOf(denial));
  }

  #refuseOwnPort(port: number): void {
    const words = `port ${port} is the proxy's own and nobody reaches it through the mesh; call a port of the app`;
    refuseStart(this.#services, this.#refused('tcp', port), 'own-port', words);
    this.#over();
  }

  #closed = false;
  #over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#ports.watchers.delete(this);
    this.#onClosed();
  }
}
