import type { Denial } from '../../authorization/index.ts';
import type { Head, LocalReply } from '../../http/index.ts';
import { parseHostPort } from '../../model/index.ts';
import { IntrusiveSet, NO_SEAT } from '../../sets/index.ts';
import type { PeerLabels } from '../../telemetry/index.ts';
import { enterEvent, leaveEvent, type Wire } from '../../wire/index.ts';
import type { AppSources } from '../connect/app-source.ts';
import type { InboundPorts, PortsWatcher, RunningPort } from '../destinations/inbound-ports.ts';
import type { ExchangeHost } from '../exchange/exchange-host.ts';
import { newRequestId } from '../exchange/request-id.ts';
import { malformedReply } from '../replies/local-replies.ts';
import type { Services } from '../services/services.ts';
import { ConnectionLife, type LivingConnection } from '../serving/connection-life.ts';
import { noteMalformed } from '../serving/malformed.ts';
import type { MalformedFault, Serving } from '../serving/serving.interface.ts';
import type { DownstreamStream } from '../streams/downstream-stream.ts';
import { authorityOf, SESSION_STATUS } from '../streams/session-status.ts';
import { StreamCarrier, type StreamCarrierHost } from '../streams/stream-carrier.ts';
import type { TcpSessionOptions } from '../tcp/session-options.ts';
import { TcpSession } from '../tcp/tcp-session.ts';
import { askSafely } from './bytes-permit.ts';
import type { CalledPort } from './called-port.ts';
import { detailOf, noteRefusal, tellDenial } from './denied-bytes.ts';
import { type RefusedToTell, refuseSession } from './refusal.ts';

/** Whose connection carries the sessions. */
export interface SessionsCaller extends ExchangeHost {
  readonly clientPort: number;
  readonly called: CalledPort;
  labels(protocol: 'tcp'): PeerLabels;
}

const nothingRead = { bytesRead: 0 } as const;

/**
 * Connections of apps that another proxy sends on one of its own, as streams. Each is judged as a connection is that comes by
 * itself, when it comes and whenever policies change: who calls is the same for all, what it may do need not be.
 */
export class InboundSessions implements Serving, StreamCarrierHost, LivingConnection, PortsWatcher {
  watcherSeat = NO_SEAT;
  readonly #services: Services;
  readonly #caller: SessionsCaller;
  readonly #sources: AppSources;
  readonly #carrier: StreamCarrier;
  readonly #ports: InboundPorts;
  readonly #onClosed: () => void;
  readonly #life: ConnectionLife;
  readonly #open = new IntrusiveSet<'seat', TcpSession>('seat');

  constructor(
    services: Services,
    caller: SessionsCaller,
    ports: InboundPorts,
    sources: AppSources,
    wire: Wire,
    onClosed: () => void,
  ) {
    this.#services = services;
    this.#caller = caller;
    this.#sources = sources;
    this.#ports = ports;
    this.#onClosed = onClosed;
    this.#carrier = new StreamCarrier(wire, services.sessions.listening, this);
    this.#life = new ConnectionLife(services.timers, services.lives, services.random, this);
  }

  start(first: Buffer | undefined): void {
    this.#carrier.start(first);
    if (this.#carrier.over) return;
    this.#life.begin();
    if (this.#services.draining) this.drain();
  }

  /** New sessions go elsewhere; those that are open live until they end, or the proxy does. */
  drain(): void {
    this.#life.stop();
    this.#carrier.drain();
  }

  retire(): void {
    this.#carrier.drain();
  }

  /** Nobody could tell from outside when an app is done with its connection. */
  endStreams(): void {}

  /** What is open is as little to be cut as connections that come by themselves. */
  relieve(): void {
    this.#carrier.closeIfIdle();
  }

  onFault(): void {
    this.#carrier.onFault();
  }

  onMalformed(fault: MalformedFault): LocalReply {
    const id = newRequestId().toString('latin1');
    noteMalformed(this.#services, this.#caller, 'HTTP/2', undefined, fault, 'DPE', id);
    return { ...malformedReply(fault, 'DPE', [['x-request-id', id]]), close: false };
  }

  onClosed(): void {
    this.#life.stop();
    this.#onClosed();
  }

  onPortsChanged(): void {
    const { called } = this.#caller;
    called.renewed();
    const { denial } = called;
    const asked = denial === undefined ? called.port?.entry.asksAbout(this.#caller) : undefined;
    if (asked !== undefined)
      askSafely(asked, this.#caller, this, refused => refused !== undefined && this.#forbid(refused));
    if (denial === undefined) return;
    enterEvent();
    this.#forbid(denial);
    leaveEvent();
  }

  #forbid(denial: Denial): void {
    for (const session of this.#open) {
      noteRefusal(this.#services, this.#start, denial);
      session.forbid(detailOf(denial));
    }
  }

  onStream(head: Head, bytes: DownstreamStream): void {
    const port = this.#caller.called.renewed();
    const authority = authorityOf(head);
    if (authority === undefined || parseHostPort(authority)?.port !== port.number) {
      refuseSession(this.#services, this.#start, `${head.methodText} ${head.targetText}`);
      bytes.refuse(SESSION_STATUS.BAD);
      return;
    }
    // What the port speaks is not for the peer to say, and is found out elsewhere.
    if (port.destination.speech.kind !== 'bytes') {
      bytes.refuse(SESSION_STATUS.ALONE);
      return;
    }
    const denial = port.entry.judgeBytes(this.#caller);
    const asked = denial === undefined ? port.entry.asksAbout(this.#caller) : undefined;
    if (denial !== undefined) this.#deny(bytes, denial);
    else if (asked === undefined) this.#accept(bytes, port);
    else
      askSafely(asked, this.#caller, this, refused => {
        if (bytes.closed) return;
        if (refused === undefined) this.#accept(bytes, port);
        else this.#deny(bytes, refused);
      });
  }

  #deny(bytes: DownstreamStream, denial: Denial): void {
    tellDenial(this.#services, this.#start, denial, 0);
    bytes.refuse(SESSION_STATUS.DENIED);
  }

  #accept(bytes: DownstreamStream, port: RunningPort): void {
    this.#services.counters.accepted.add('direction="inbound",protocol="tcp",mtls="true"');
    this.#carry(bytes, port);
  }

  #carry(bytes: DownstreamStream, port: RunningPort): void {
    const caller = this.#caller;
    const cluster = port.destination.tcp.pick()!;
    const { address } = [...cluster.endpoints][0]!.config;
    const options: TcpSessionOptions = {
      direction: 'inbound',
      downstream: caller.downstream,
      principal: caller.principal,
      ...this.#sources.of(port.caller, caller.clientPort, address),
      labels: () => caller.labels('tcp'),
      answers: { opened: () => bytes.open(), failed: () => bytes.refuse(SESSION_STATUS.NO_APP) },
      onEnd: () => this.#ended(session),
    };
    const session = new TcpSession(this.#services, options, cluster, bytes, false);
    this.#open.add(session);
    this.#ports.watchers.add(this);
    session.start(undefined);
  }

  #ended(session: TcpSession): void {
    this.#open.delete(session);
    if (this.#open.size === 0) this.#ports.watchers.delete(this);
  }

  /** As a connection that is refused when it begins. */
  get #start(): RefusedToTell {
    const { downstream: client, principal, called } = this.#caller;
    const port = called.port?.number ?? 0;
    return { wire: nothingRead, direction: 'inbound', kind: 'tcp', client, principal, port };
  }
}
