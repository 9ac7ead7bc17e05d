import type { Denial } from '../../authorization/index.ts';
import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import { guarded } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import type { ListenerOptions, ShownCertificate } from '../../model/index.ts';
import { NO_SEAT } from '../../sets/index.ts';
import type { PeerRequests } from '../../telemetry/index.ts';
import type { Wire } from '../../wire/index.ts';
import { askSafely, holdBytes } from '../accept/bytes-permit.ts';
import { refuseBytes } from '../accept/denied-bytes.ts';
import { Downstream, labelOf } from '../accept/downstream.ts';
import { UnplacedRequests } from '../accept/outbound-metrics.ts';
import { mayLog, type RefusedKind, type RefusedStart, refuseStart, withoutPort } from '../accept/refusal.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { DestinationAnswer, Destinations } from '../destinations/destinations.ts';
import { Detection, type DetectionWaiter } from '../detection/detection.ts';
import { mayBeRequest, type Sniffed } from '../detection/sniff.ts';
import {
  type ExchangeHost,
  type ListenerTerms,
  type TargetWaiter,
  tellTarget,
} from '../exchange/exchange-host.ts';
import { newRequestId, REQUEST_ID } from '../exchange/request-id.ts';
import { mustAsk } from '../filters/external-bytes.ts';
import type { Services } from '../services/services.ts';
import type { Served } from '../serving/serving.interface.ts';
import { CarriedBytes } from './carried-bytes.ts';
import type { GatewayCertificates } from './certificates.ts';
import { dropProofs, Forwarded } from './forwarded.ts';
import { type EndedTls, GatewayHandshake } from './gateway-handshake.ts';
import type { PortTable, TableListener } from './gateway-port.ts';
import { hostOf } from './host-table.ts';
import { ProxyHeaderReader } from './proxy-header-reader.ts';
import { authorityOf, originForm, targetFault } from './request-target.ts';
import type { ShownChallenges } from './shown-challenges.ts';
import type { StandingAnswers } from './standing-answers.ts';

/** The port that a connection came in by, as it is at any moment. */
export interface ConnectionPort {
  readonly port: number;
  readonly table: PortTable;
}

/** What connections of a gateway share. */
export interface ConnectionParts {
  readonly services: Services;
  readonly destinations: Destinations;
  readonly certificates: GatewayCertificates;
  readonly challenges: ShownChallenges;
  readonly answers: StandingAnswers;
}

/** A connection of a client outside of the mesh. */
export class GatewayConnection extends Downstream implements DetectionWaiter, ExchangeHost {
  /** Its seat among those of its port. */
  portSeat = NO_SEAT;
  readonly direction = 'outbound';
  /** Of a client that has shown a certificate of the mesh. */
  principal = '';
  mutualTls = false;
  serverName = '';
  clientCertificate: ShownCertificate | undefined = undefined;
  protected readonly detection: Detection;
  readonly #parts: ConnectionParts;
  readonly #port: ConnectionPort;
  readonly #onClosed: () => void;
  #forwarded: Forwarded | undefined;
  /** BoundListener.name of the one whose TLS it is; '' in clear. */
  #listener = '';
  #reading: { stop(): void } | undefined;
  /** Where nobody reads what it carries. */
  #bytes: CarriedBytes | undefined;
  /** BoundListener.name of the one that took them. */
  #carriedBy = '';
  #requests = 0;
  #over = false;
  #unplaced: UnplacedRequests | undefined;
  /** The authority that was asked for last, and its host: mostly all requests of a connection have the same. */
  #authority = '';
  #host = '';

  constructor(
    parts: ConnectionParts,
    port: ConnectionPort,
    wire: Wire,
    terms: ListenerTerms,
    onClosed: () => void,
  ) {
    super(parts.services, wire, terms);
    this.#parts = parts;
    this.#port = port;
    this.#onClosed = onClosed;
    this.detection = new Detection(wire, parts.services.timers, this);
  }

  start(): void {
    const options = this.#options;
    const how = options.proxyProtocol;
    if (how === undefined) {
      this.#begin(undefined);
      return;
    }
    if (!new Forwarded(this.address, false, 0, options.trusted ?? {}).believes) {
      if (how === 'accept') this.#begin(undefined);
      else this.#refuse('nothing', 'PROXY headers are taken from trusted addresses only, and this is none');
      return;
    }
    const reader = new ProxyHeaderReader(this.wire, this.services.timers, how === 'require', {
      onHeader: (address, port, rest) => {
        this.#reading = undefined;
        if (address !== '') this.standFor(address, port);
        this.#begin(rest);
      },
      onBad: why => this.#refuse('nothing', `the PROXY header is no good: ${why}`),
      onGone: () => this.#end(),
    });
    this.#reading = reader;
    reader.start();
  }

  override destroy(): void {
    this.#reading?.stop();
    this.detection.stop();
    this.wire.destroy();
    this.#end();
  }

  override relieve(hard: boolean): void {
    if (this.serving === undefined && hard && this.#reading !== undefined) this.destroy();
    else super.relieve(hard);
  }

  /** Whether nobody reads what it carries. */
  get carriesBytes(): boolean {
    return this.#bytes !== undefined;
  }

  /** Who may not send bytes any more is cut off; requests are judged one by one. */
  onPoliciesChanged(): void {
    if (this.#bytes === undefined || this.#over) return;
    const listener = this.#port.table.tables.find(({ bound }) => bound.name === this.#carriedBy);
    const { connections, asked } = listener?.policies ?? {};
    const denial = connections?.judgeConnection(this);
    const forbid = (refused: Denial | undefined): void => {
      if (refused !== undefined && !this.#over) this.#bytes!.forbid(refused);
    };
    if (denial !== undefined || asked === undefined || !mustAsk(asked, this)) forbid(denial);
    else askSafely(asked, this, this, forbid);
  }

  /** Whose request it is; see TrustedHops. */
  clientAddressOf(head: Head): string {
    return this.#whence.clientOf(head);
  }

  isSecure(head: Head): boolean {
    return this.#whence.isSecure(head);
  }

  target(head: Head, waiter: TargetWaiter): RunningDestination | undefined {
    const { answers, challenges, destinations } = this.#parts;
    dropProofs(head);
    const fault = targetFault(head);
    if (fault !== undefined) {
      setImmediate(tellTarget, waiter, undefined, 'DPE', fault);
      return undefined;
    }
    // The answer to the last one says so.
    if (++this.#requests >= this.#port.table.maxRequests) this.drain();
    if (challenges.any) {
      const shown = challenges.answerTo(head);
      if (shown !== undefined) return shown;
    }
    const host = this.#hostOf(head);
    const listener = this.#port.table.listeners.find(host);
    if (listener === undefined) return answers.notFound;
    if (this.#listener !== '' && listener.bound.name !== this.#listener) return answers.misdirected;
    const key = listener.hosts.find(host);
    if (key === undefined) return answers.notFound;
    const ready = destinations.ready(key);
    if (ready !== undefined) return ready;
    return destinations.find(key, answer => tellFound(waiter, answer, host));
  }

  prepare(head: Head): void {
    if (head.requestId < 0) head.add(REQUEST_ID, newRequestId());
    if (head.major === 1) originForm(head);
    this.#whence.tell(head, this.#authority);
  }

  metrics(
    endpoint: RunningEndpoint | undefined,
    cluster: RunningCluster | undefined,
    target: RunningDestination | undefined,
  ): PeerRequests {
    if (endpoint !== undefined) return endpoint.metrics;
    this.#unplaced ??= new UnplacedRequests(this.services);
    return this.#unplaced.of(cluster?.config.service ?? target?.service);
  }

  onDetected(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    if (kind === 'http1' || (kind === 'http2' && this.#options.http2 !== false)) this.#serve(kind, first);
    else if (kind === 'tls')
      this.#refuse(
        'http1',
        `port ${this.#port.port} speaks HTTP in clear, and what came is TLS; write http://`,
      );
    else this.#refuse(kind, `port ${this.#port.port} speaks HTTP, and what came is not`);
  }

  onQuiet(): void {}

  onUndecided(): void {}

  onSilent(): void {
    this.onGone();
  }

  onUnclear(first: Buffer): void {
    const { headTimeoutMs } = this.#port.table.listening.http1;
    this.#refuse(
      mayBeRequest(first) ? 'http1' : 'tcp',
      `the first line was not complete ${headTimeoutMs} ms after its first byte; send it whole`,
      'slow-start',
    );
  }

  onGone(): void {
    this.wire.destroy();
    this.#end();
  }

  /** Of what it reads before it is known what it carries. */
  onFault(): void {
    this.destroy();
  }

  get #options(): ListenerOptions {
    return this.#port.table.first.bound.options ?? {};
  }

  get #whence(): Forwarded {
    this.#forwarded ??= new Forwarded(
      this.address,
      this.#listener !== '',
      this.#port.port,
      this.#options.trusted,
    );
    return this.#forwarded;
  }

  /** What is behind the PROXY header, where there is one, begins. `first`: what of it has been read. */
  #begin(first: Buffer | undefined): void {
    const { table } = this.#port;
    if (table.isTls) this.#endTls(first ?? Buffer.alloc(0));
    else if (table.protocol === 'bytes') this.#carry(table.first, '', first);
    else {
      const { headTimeoutMs, idleTimeoutMs } = table.listening.http1;
      this.detection.start({ quietMs: 0, silentMs: idleTimeoutMs, unclearMs: headTimeoutMs }, first);
    }
  }

  #endTls(first: Buffer): void {
    const handshake = new GatewayHandshake(this.#parts, this.wire, this.#port, {
      onServerName: serverName => {
        this.serverName = serverName;
      },
      onEnded: ended => {
        this.#reading = undefined;
        this.#ended(ended);
      },
      onPassed: (listener, host, hello) => {
        this.#reading = undefined;
        this.#carry(listener, host, hello);
      },
      onRefused: (kind, why) => this.#refuse(kind, why),
      onFailed: why => {
        this.#note(why);
        this.#end();
      },
      onGone: () => this.#end(),
      onBroken: why => {
        if (why !== undefined) this.#note(why);
        this.destroy();
      },
    });
    this.#reading = handshake;
    handshake.start(first);
  }

  #ended({ listener, host, wire, carries, first, client, principal }: EndedTls): void {
    this.wire = wire;
    this.clientCertificate = client;
    this.principal = principal;
    this.mutualTls = principal !== '';
    this.#listener = listener.bound.name;
    if (carries === 'bytes') this.#carry(listener, host, first);
    else this.#serve(carries, first);
  }

  #serve(kind: Served, first: Buffer | undefined): void {
    this.services.counters.accepted.add(`direction="gateway",protocol="${labelOf(kind)}"`);
    this.serveTo(this, kind, 'stranger', first, () => this.#end(), this.#port.table.listening);
  }

  /** Bytes that nobody reads. */
  #carry(listener: TableListener, host: string, first: Buffer | undefined): void {
    const { connections, asked } = listener.policies ?? {};
    const judge = (denial: Denial | undefined): void => {
      if (this.wire.closed || this.#over) return;
      if (denial === undefined) {
        this.#carryOn(listener, host, first);
        return;
      }
      refuseBytes(this.services, this.#refused('tcp'), denial, 0);
      this.#end();
    };
    const denial = connections?.judgeConnection(this);
    if (denial !== undefined || asked === undefined || !mustAsk(asked, this)) judge(denial);
    else {
      holdBytes(this.wire, () => this.#end());
      askSafely(asked, this, this, judge);
    }
  }

  #carryOn({ bound }: TableListener, host: string, first: Buffer | undefined): void {
    const key = bound.destination ?? '';
    const go = (answer: DestinationAnswer): void => {
      if (this.wire.closed) return;
      const destination = answer === 'timeout' ? undefined : answer;
      const cluster = destination?.routesByServerName
        ? destination.forServerName(host).pick()
        : destination?.tcp.pick();
      if (cluster === undefined)
        this.#refuse('nothing', `no route of listener ${bound.name} is for this connection`);
      else {
        const start = this.#refused('tcp');
        this.#bytes = new CarriedBytes(this.services, destination!, cluster, this.wire, start, () =>
          this.#end(),
        );
        this.#carriedBy = bound.name;
        this.#bytes.begin(first);
      }
    };
    const known = this.#parts.destinations.find(key, guarded('destination', go, this.wire));
    if (known !== undefined) go(known);
  }

  #hostOf(head: Head): string {
    const authority = authorityOf(head);
    if (authority !== this.#authority) {
      this.#authority = authority;
      this.#host = hostOf(authority);
    }
    return this.#host;
  }

  #refuse(kind: RefusedKind, why: string, reason: 'not-http' | 'slow-start' = 'not-http'): void {
    this.#reading?.stop();
    refuseStart(this.services, this.#refused(kind), reason, why);
    this.#end();
  }

  #refused(kind: RefusedKind): RefusedStart {
    const { wire, downstream: client } = this;
    return { wire, direction: 'outbound', kind, client, principal: '', port: this.#port.port };
  }

  #note(why: string): void {
    const { port } = this.#port;
    if (mayLog(this.services, `${withoutPort(this.downstream)} ${port} tls`))
      this.services.log.info(
        { client: this.downstream, port, serverName: this.serverName },
        `TLS failed: ${why}`,
      );
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#onClosed();
  }
}

function tellFound(waiter: TargetWaiter, answer: DestinationAnswer, host: string): void {
  if (answer !== 'timeout') tellTarget(waiter, answer, 'NR', '');
  else
    tellTarget(
      waiter,
      undefined,
      'NFCF',
      `nobody has told this gateway the routes of ${host} yet; come again`,
    );
}
