import type { Denial } from '../../authorization/index.ts';
import { INTERNAL_ERROR } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import type { Peer } from '../../model/index.ts';
import { type PeerLabels, PeerRequests, UNKNOWN_PEER } from '../../telemetry/index.ts';
import { ALPN, type Secured } from '../../tls/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { InboundPorts } from '../destinations/inbound-ports.ts';
import { Detection, type DetectionWaiter, MESHED_QUIET_MS, QUIET_MS } from '../detection/detection.ts';
import { verdictOf } from '../detection/port-speech.ts';
import { mayBeOther, mayBeRequest, type Sniffed } from '../detection/sniff.ts';
import type { ListenerTerms, TargetWaiter } from '../exchange/exchange-host.ts';
import type { Services } from '../services/services.ts';
import type { Served } from '../serving/serving.interface.ts';
import { CalledPort } from './called-port.ts';
import { refuseBytes } from './denied-bytes.ts';
import { Downstream, labelOf } from './downstream.ts';
import { type AcceptWaiter, acceptFederated, type FederatedAccept } from './federated-accept.ts';
import { type BytesOwner, InboundBytes } from './inbound-bytes.ts';
import { InboundCaller } from './inbound-caller.ts';
import { inboundLabels } from './inbound-metrics.ts';
import type { InboundOptions } from './inbound-options.ts';
import { InboundSessions, type SessionsCaller } from './inbound-sessions.ts';
import { HANDSHAKE_TIMEOUT_MS, MeshAccept, type MeshPeer, type MeshRefusal } from './mesh-accept.ts';
import {
  type RefusedKind,
  type RefusedStart,
  refuseNotHttp,
  refuseOwnPort,
  refusePeer,
  refusePlaintext,
  refuseSlow,
} from './refusal.ts';

/** The first byte of a ClientHello (RFC 8446 section 5.1). */
const HANDSHAKE_RECORD = 0x16;

/** A connection to this workload: from another proxy over mesh TLS, or in plaintext where that is allowed. */
export class InboundConnection
  extends Downstream
  implements DetectionWaiter, AcceptWaiter, SessionsCaller, BytesOwner
{
  readonly direction = 'inbound';
  readonly #ports: InboundPorts;
  readonly #options: InboundOptions;
  readonly #onClosed: () => void;
  serverName = '';
  readonly #caller: InboundCaller;
  readonly sinceMs: number;
  protected detection: Detection;
  /** What the client connected to before it was redirected; undefined when it called our listener itself. */
  readonly #wanted: { readonly address: string; readonly port: number } | undefined;
  readonly called: CalledPort;
  #accepting: MeshAccept | FederatedAccept | undefined;
  /** Where it may carry bytes that nobody reads, or does. */
  #bytes: InboundBytes | undefined;
  #metrics: PeerRequests | undefined;

  constructor(
    services: Services,
    ports: InboundPorts,
    options: InboundOptions,
    wire: Wire,
    wanted: { readonly address: string; readonly port: number } | undefined,
    terms: ListenerTerms,
    onClosed: () => void,
  ) {
    super(services, wire, terms);
    this.#ports = ports;
    this.#options = options;
    this.#wanted = wanted;
    this.#onClosed = onClosed;
    this.#caller = new InboundCaller(this.address);
    this.detection = new Detection(wire, services.timers, this);
    this.sinceMs = services.clock.monotonic();
    this.called = new CalledPort(services, ports, options.sources, this);
    if (wanted !== undefined) this.called.settle(wanted.address, wanted.port);
  }

  get principal(): string {
    return this.#caller.peer.principal;
  }
  get mutualTls(): boolean {
    return this.#caller.mutualTls;
  }
  get isForeign(): boolean {
    return this.#caller.isForeign;
  }

  get isDecided(): boolean {
    return this.#closed || this.serving !== undefined;
  }
  get stream(): Wire {
    return this.wire;
  }
  get read(): Buffer | undefined {
    return this.detection.taken;
  }
  stopDetection(): void {
    this.detection.stop();
  }

  start(): void {
    if (this.#wanted !== undefined && this.#options.ownPorts.has(this.#wanted.port)) {
      this.#refuseOwnPort(this.#wanted.port);
      return;
    }
    // Where only mesh TLS is taken, or requests, the client always speaks first; otherwise the app may.
    const mayBeQuiet =
      this.called.open !== undefined && !this.called.isHttp && this.called.denial === undefined;
    const { meshedCallers, clock } = this.services;
    const isMeshed =
      mayBeQuiet && meshedCallers.has(this.address, this.called.port?.number ?? 0, clock.monotonic());
    this.detection.start(this.called.times(mayBeQuiet ? (isMeshed ? MESHED_QUIET_MS : QUIET_MS) : 0));
    if (mayBeQuiet && !isMeshed && this.called.port?.destination.tcp.pick()?.speaksFirst === true)
      this.onQuiet();
  }

  override destroy(): void {
    this.#accepting?.stop();
    this.wire.destroy();
    this.over();
  }

  onDetected(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    if (kind === 'tls' && !this.mutualTls) this.#acceptMesh(first);
    else this.#settle(kind, first);
  }

  onQuiet(): void {
    this.#asBytes().speculate();
  }

  onUndecided(first: Buffer): void {
    const port = this.called.open;
    // Only a ClientHello can help, and it has its own time.
    if (port === undefined) return;
    const denial = port.destination.speech.kind === 'bytes' ? this.called.denial : undefined;
    // Of a port of bytes nothing but a ClientHello may change who calls.
    if (denial !== undefined && first[0] !== HANDSHAKE_RECORD) this.refuseBytes('tcp', denial);
    else if (!this.called.isHttp) this.#asBytes().speculate(first);
    else if (port.destination.speech.kind === 'http' && !mayBeOther(first)) {
      // It can become nothing but a request or a mistake: the codec waits for the rest, and has words for both.
      this.detection.stop();
      this.#serve('http1', first);
    }
  }

  onSilent(): void {
    const speech = this.called.open?.destination.speech;
    const denial = this.called.isHttp ? undefined : this.called.denial;
    if (speech === undefined) this.#refuse('nothing');
    else if (denial !== undefined) this.refuseBytes('nothing', denial);
    else if (speech.declared) this.wire.destroy();
    else refuseNotHttp(this.services, this.refused('nothing'), speech);
    this.over();
  }

  onUnclear(first: Buffer): void {
    const isRequest = mayBeRequest(first);
    const kind = isRequest ? 'http1' : 'tcp';
    if (this.called.open === undefined) this.#refuse(kind);
    else if (this.called.isHttp || isRequest) {
      refuseSlow(this.services, this.refused(kind));
      this.#bytes?.drop();
      this.over();
    } else this.#settle('tcp', first);
  }

  onGone(): void {
    this.#bytes?.drop();
    this.wire.destroy();
    this.over();
  }

  /** Also of a handshake: the wire that it was made of is no more. */
  onFault(): void {
    this.#accepting?.stop();
    this.wire.reset(INTERNAL_ERROR);
    this.over();
  }

  onPeer({ wire, protocol, preface, rest }: MeshPeer): void {
    this.#accepting = undefined;
    this.wire = wire;
    this.#proved(preface.source, preface.address);
    this.calledByMesh();
    if (this.#wanted === undefined) {
      if (this.#options.ownPorts.has(preface.port)) {
        this.#refuseOwnPort(preface.port);
        return;
      }
      this.called.settle(this.#options.appAddress, preface.port);
    }
    // Requests are read and judged, whatever the port speaks.
    if (protocol === ALPN.h2) this.#serve('http2', rest);
    else if (protocol === ALPN.h1) this.#serve('http1', rest);
    else if (protocol === ALPN.streams) this.#carry(rest);
    else this.#carriesBytes(rest);
  }

  /** The peer says that it carries bytes, or nothing. What the port speaks is not for the peer to say. */
  #carriesBytes(rest: Buffer | undefined): void {
    if (this.called.port!.destination.speech.kind === 'bytes') {
      this.#asBytes().tunnel('tcp', rest);
      return;
    }
    this.detection = new Detection(this.wire, this.services.timers, this);
    if (!this.called.isHttp) this.#asBytes().speculate();
    this.detection.start(this.called.times(0), rest);
  }

  /** `address`: of its pod; '' where it says none. */
  #proved(peer: Peer, address: string): void {
    const { peers, clock, tls } = this.services;
    const isForeign = tls.peers.isFederated(peer.principal);
    this.#caller.proved(peers.admit(peer, clock.monotonic()), address, isForeign);
  }

  onNoPeer(isTls: boolean, bytes: Buffer): void {
    this.#accepting = isTls ? acceptFederated(this.services, this.wire, this.called, bytes, this) : undefined;
    if (this.#accepting === undefined) this.#settle(isTls ? 'tls' : 'tcp', bytes);
  }

  onFederated({ wire, principal, protocol }: Secured): void {
    this.#accepting = undefined;
    this.wire = wire;
    this.#proved({ ...UNKNOWN_PEER, principal }, '');
    if (protocol === 'h2') this.#serve('http2', undefined);
    else if (protocol === 'http/1.1') this.#serve('http1', undefined);
    else this.#carriesBytes(undefined);
  }

  onRefused(reason: MeshRefusal | 'handshake', words: string, wire: Wire, principal: string): void {
    this.#accepting = undefined;
    const { downstream: client } = this;
    refusePeer(this.services, { wire, client, principal, port: this.called.port?.number, reason, words });
    this.over();
  }

  /**
   * Connections live long: what the port does with requests may have changed since. Whether it takes plaintext holds for the next
   * connection.
   */
  target(_head: Head, _waiter: TargetWaiter): RunningDestination | undefined {
    return this.called.renewed().destination;
  }

  prepare(head: Head): void {
    this.#caller.introduce(head, this.services.tls.principal, this.called.port!.destination.resource.key);
  }

  metrics(): PeerRequests {
    this.#metrics ??= new PeerRequests(this.services.requests, this.labels('http'));
    return this.#metrics;
  }

  /** TLS: the mesh's if its ClientHello says so, otherwise the app's own, which is opaque to us. */
  #acceptMesh(first: Buffer): void {
    // An app that speaks now must not be heard by somebody in the middle of a handshake.
    this.#bytes?.drop();
    // Who must speak mesh TLS has had time since it connected.
    const spentMs = this.called.open === undefined ? this.services.clock.monotonic() - this.sinceMs : 0;
    this.#accepting = new MeshAccept(this.services, this.wire, this);
    this.#accepting.start(
      first,
      this.called.port?.entry.answersMesh !== false,
      Math.max(1, HANDSHAKE_TIMEOUT_MS - spentMs),
    );
  }

  /** What the client speaks is clear; does with it what the port says. `first`: what it has sent. */
  #settle(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    const port = this.called.open;
    if (port === undefined) {
      this.#refuse(kind);
      return;
    }
    const { speech } = port.destination;
    const verdict = verdictOf(speech.kind, kind);
    if (verdict === 'http1' || verdict === 'http2') this.#serve(verdict, first);
    else if (verdict === 'tunnel') this.#asBytes().tunnel(kind, first);
    else {
      refuseNotHttp(this.services, this.refused(kind), speech);
      this.over();
    }
  }

  #asBytes(): InboundBytes {
    this.#bytes ??= new InboundBytes(this.services, this.#ports, this.#options, this);
    return this.#bytes;
  }

  #serve(kind: Served, first: Buffer | undefined): void {
    this.countAccepted(labelOf(kind));
    this.#bytes?.drop();
    const isProxy = this.mutualTls && !this.isForeign;
    this.serveTo(this, kind, isProxy ? 'proxy' : 'stranger', first, () => this.over());
  }

  #carry(first: Buffer | undefined): void {
    const { services, wire } = this;
    const over = (): void => this.over();
    this.serving = new InboundSessions(services, this, this.#ports, this.#options.sources, wire, over);
    this.serving.start(first);
  }

  countAccepted(protocol: 'http' | 'http2' | 'tls' | 'tcp'): void {
    const labels = `direction="inbound",protocol="${protocol}",mtls="${this.mutualTls}"`;
    this.services.counters.accepted.add(labels);
  }

  /** Mesh TLS came from this address, or began to: its next connection may be as late, and is not to hear the app before. */
  calledByMesh(): void {
    const { meshedCallers, clock } = this.services;
    // Elsewhere the app is never heard before the client.
    if (this.called.port?.entry.takesBoth !== true) return;
    meshedCallers.add(this.address, this.called.port.number, clock.monotonic());
  }

  labels(protocol: 'http' | 'tcp'): PeerLabels {
    return inboundLabels(this.services, this.#caller, this.called.port, protocol);
  }

  /** Plaintext where only mesh TLS is taken. */
  #refuse(kind: RefusedKind): void {
    this.detection.stop();
    const { port } = this.called;
    const { policy = '', from } = port?.entry ?? {};
    refusePlaintext(this.services, {
      ...{ wire: this.wire, kind, client: this.downstream, port: port?.number ?? 0, policy, from },
      ...{ silentMs: HANDSHAKE_TIMEOUT_MS, metrics: () => this.metrics() },
    });
    this.over();
  }

  refused(kind: RefusedKind, port = this.called.port?.number ?? 0): RefusedStart {
    const { direction, downstream: client, principal } = this;
    return { wire: this.wire, direction, kind, client, principal, port };
  }

  refuseBytes(kind: RefusedKind, denial: Denial): void {
    this.detection.stop();
    this.#bytes?.drop();
    const durationMs = this.services.clock.monotonic() - this.sinceMs;
    refuseBytes(this.services, this.refused(kind), denial, durationMs);
    this.over();
  }

  #refuseOwnPort(port: number): void {
    refuseOwnPort(this.services, this.refused('tcp', port));
    this.over();
  }

  #closed = false;
  over(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#bytes?.close();
    this.#onClosed();
  }
}
