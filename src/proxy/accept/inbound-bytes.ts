import type { Denial } from '../../authorization/index.ts';
import type { Guarded } from '../../errors/index.ts';
import { NO_SEAT } from '../../sets/index.ts';
import type { PeerLabels } from '../../telemetry/index.ts';
import { Deadline } from '../../time/index.ts';
import { beginsMeshHello, readClientHello } from '../../tls/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { InboundPorts, PortsWatcher } from '../destinations/inbound-ports.ts';
import type { ConnectionCaller } from '../destinations/port-entry.ts';
import type { Sniffed } from '../detection/sniff.ts';
import type { BytesCaller } from '../filters/external-bytes.ts';
import type { Services } from '../services/services.ts';
import type { TcpSessionOptions } from '../tcp/session-options.ts';
import { TcpSession } from '../tcp/tcp-session.ts';
import { askSafely, BytesPermit, holdBytes } from './bytes-permit.ts';
import type { CalledPort } from './called-port.ts';
import { detailOf, noteRefusal } from './denied-bytes.ts';
import type { InboundOptions } from './inbound-options.ts';
import { HANDSHAKE_TIMEOUT_MS } from './mesh-accept.ts';
import type { RefusedKind, RefusedStart } from './refusal.ts';

/** The inbound connection whose bytes they are. */
export interface BytesOwner extends BytesCaller, ConnectionCaller, Guarded {
  readonly called: CalledPort;
  /** Without a port; '' where it is not known. */
  readonly address: string;
  readonly clientPort: number;
  serverName: string;
  /** The clear side of it, as it is now. */
  readonly stream: Wire;
  /** It has ended, or carries requests. */
  readonly isDecided: boolean;
  /** When it came, on the monotonic clock, ms. */
  readonly sinceMs: number;
  /** What its detection has read; undefined once somebody else reads. */
  readonly read: Buffer | undefined;
  stopDetection(): void;
  labels(protocol: 'tcp'): PeerLabels;
  countAccepted(protocol: 'tls' | 'tcp'): void;
  /** It shows to be a proxy of the mesh, which begins its handshake late. */
  calledByMesh(): void;
  refused(kind: RefusedKind): RefusedStart;
  refuseBytes(kind: RefusedKind, denial: Denial): void;
  over(): void;
}

/**
 * The bytes of an inbound connection that nobody reads, and of one of which it is not known yet whether somebody will: the app
 * may be the one that speaks first, so it is asked while the client is waited for. Made for connections that come so far.
 */
export class InboundBytes implements PortsWatcher {
  watcherSeat = NO_SEAT;
  readonly #services: Services;
  readonly #ports: InboundPorts;
  readonly #options: InboundOptions;
  readonly #owner: BytesOwner;
  readonly #permit: BytesPermit;
  #session: TcpSession | undefined;

  constructor(services: Services, ports: InboundPorts, options: InboundOptions, owner: BytesOwner) {
    this.#services = services;
    this.#ports = ports;
    this.#options = options;
    this.#owner = owner;
    this.#permit = new BytesPermit(owner);
  }

  /** Asks the app while it is open still who speaks first. `lent`: what the client has sent, which goes on should it be bytes. */
  speculate(lent?: Buffer): void {
    const { called } = this.#owner;
    // Nothing of the app is heard before its client may be; a client that turns out to send requests is judged by those.
    called.renewed();
    if (called.denial !== undefined) return;
    const asked = called.port!.entry.asksAbout(this.#owner);
    if (asked !== undefined && this.#session === undefined)
      this.#permit.ask(asked, refused => this.#onAsked(refused));
    else if (this.#session === undefined) this.#open(true, undefined);
    if (lent !== undefined) this.#session?.lend(lent);
  }

  /** It is bytes, if who calls may send them. `first`: what was read of them. */
  tunnel(kind: Exclude<Sniffed, 'more'>, first: Buffer | undefined): void {
    const owner = this.#owner;
    const hello = kind === 'tls' && first !== undefined ? readClientHello(first) : undefined;
    if (hello?.kind === 'hello') owner.serverName = hello.serverName;
    const { entry } = owner.called.renewed();
    const denial = entry.judgeBytes(owner);
    const asked = denial === undefined ? entry.asksAbout(owner) : undefined;
    if (denial !== undefined) owner.refuseBytes(kind, denial);
    else if (asked === undefined) this.#carryOn(kind, first);
    else {
      if (this.#session === undefined) holdBytes(owner.stream, () => owner.over());
      this.#permit.ask(asked, refused => {
        if (owner.isDecided) return;
        if (refused === undefined) this.#carryOn(kind, first);
        else owner.refuseBytes(kind, refused);
      });
    }
  }

  /** The app is not to be heard, or no more: it is something else. */
  drop(): void {
    this.#session?.cancel();
    this.#session = undefined;
  }

  /** The connection is over. */
  close(): void {
    this.#permit.withdraw();
    this.#services.timers.cancel(this.#unheard);
    this.#ports.watchers.delete(this);
  }

  /** What it may do holds for bytes that are under way, too: who may not send them any more is cut off. */
  onPortsChanged(): void {
    const owner = this.#owner;
    if (this.#session === undefined || owner.isDecided) return;
    owner.called.renewed();
    const { denial } = owner.called;
    const asked = denial === undefined ? owner.called.port!.entry.asksAbout(owner) : undefined;
    if (denial !== undefined) this.#forbid(denial);
    else if (asked !== undefined)
      askSafely(asked, owner, owner, refused => refused !== undefined && this.#forbid(refused));
  }

  #carryOn(kind: Exclude<Sniffed, 'more'>, first: Buffer | undefined): void {
    this.#owner.countAccepted(kind === 'tls' ? 'tls' : 'tcp');
    if (this.#session !== undefined && first !== undefined) this.#session.commit(first);
    else this.#open(false, first);
  }

  /** While it is still open what the client speaks. */
  #onAsked(refused: Denial | undefined): void {
    const owner = this.#owner;
    if (owner.isDecided || this.#session !== undefined) return;
    if (refused !== undefined) {
      // It may still send requests, which are judged by themselves; a client that waits for the app is not left waiting.
      this.#services.timers.schedule(this.#unheard, HANDSHAKE_TIMEOUT_MS);
      return;
    }
    this.#open(true, undefined);
    const { read } = owner;
    if (read !== undefined && read.length > 0) this.#session!.lend(read);
  }

  readonly #unheard = new Deadline(() => {
    const owner = this.#owner;
    if (owner.isDecided || this.#session !== undefined) return;
    const asked = owner.called.port?.entry.asksAbout(owner);
    if (asked !== undefined)
      this.#permit.ask(asked, refused => refused !== undefined && owner.refuseBytes('nothing', refused));
  });

  #open(speculative: boolean, first: Buffer | undefined): void {
    const owner = this.#owner;
    const port = owner.called.port!;
    const cluster = port.destination.tcp.pick()!;
    const { address } = [...cluster.endpoints][0]!.config;
    const options: TcpSessionOptions = {
      direction: 'inbound',
      downstream: owner.downstream,
      principal: owner.principal,
      ...this.#options.sources.of(port.caller, owner.clientPort, address),
      labels: () => owner.labels('tcp'),
      // Of a peer whose handshake is done nothing is open any more.
      ...(speculative && !owner.mutualTls && { overtook: (bytes: Buffer) => this.#overtook(bytes) }),
      undecided: () => {
        this.#services.meshedCallers.remove(owner.address, port.number, owner.sinceMs);
        owner.stopDetection();
        return owner.read;
      },
      onEnd: () => {
        owner.stopDetection();
        owner.over();
      },
    };
    this.#ports.watchers.add(this);
    this.#session = new TcpSession(this.#services, options, cluster, owner.stream, speculative);
    this.#session.start(first);
  }

  /** The app has spoken before the client. If that was a proxy in its handshake, it will try again and be waited for. */
  #overtook(bytes: Buffer): boolean {
    // Half of one, too: nobody else begins TLS with an app that has greeted it in plaintext.
    const isMesh = beginsMeshHello(bytes);
    if (isMesh) this.#owner.calledByMesh();
    return isMesh;
  }

  #forbid(denial: Denial): void {
    if (this.#session === undefined || this.#owner.isDecided) return;
    noteRefusal(this.#services, this.#owner.refused('tcp'), denial);
    this.#session.forbid(detailOf(denial));
  }
}
