import type { RunningCluster, RunningEndpoint } from '../../cluster/index.ts';
import { guarded } from '../../errors/index.ts';
import type { Head } from '../../http/index.ts';
import { formatAddress, isIpAddress, parseHostPort } from '../../model/index.ts';
import type { PeerRequests } from '../../telemetry/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { DestinationAnswer, Destinations } from '../destinations/destinations.ts';
import type { PassThrough } from '../destinations/pass-through.ts';
import {
  Detection,
  type DetectionTimes,
  type DetectionWaiter,
  QUIET_MS,
  SILENCE_MS,
} from '../detection/detection.ts';
import { HelloReader } from '../detection/hello-reader.ts';
import { verdictOf } from '../detection/port-speech.ts';
import { mayBeOther, mayBeRequest, type Sniffed } from '../detection/sniff.ts';
import {
  type ExchangeHost,
  type ListenerTerms,
  type TargetWaiter,
  tellTarget,
} from '../exchange/exchange-host.ts';
import { newRequestId, REQUEST_ID } from '../exchange/request-id.ts';
import type { Services } from '../services/services.ts';
import type { Served } from '../serving/serving.interface.ts';
import type { TcpSessionOptions } from '../tcp/session-options.ts';
import { TcpSession } from '../tcp/tcp-session.ts';
import { Downstream, labelOf } from './downstream.ts';
import { outboundLabels, UnplacedRequests } from './outbound-metrics.ts';
import { type RefusedKind, type RefusedStart, refuseNotHttp, refuseSlow, refuseStart } from './refusal.ts';

/** An address that the mesh does not know, but has something to say about. */
function isJudged({ resource }: RunningDestination): boolean {
  const { found, askByName, refused } = resource;
  return found === 'unknown' && (askByName === true || refused !== undefined);
}

const hostName = Buffer.from('host', 'latin1');

/** A connection of the app that was redirected to us: it goes where the app wanted it to go. */
export class OutboundConnection extends Downstream implements DetectionWaiter, ExchangeHost {
  readonly direction = 'outbound';
  readonly principal = '';
  readonly mutualTls = false;
  readonly serverName = '';
  readonly key: string;
  readonly #destinations: Destinations;
  readonly #passThrough: PassThrough;
  readonly #onClosed: () => void;
  protected readonly detection: Detection;
  #destination: RunningDestination | undefined;
  #refusal: RunningDestination | undefined;
  #session: TcpSession | undefined;
  #unplaced: UnplacedRequests | undefined;

  constructor(
    services: Services,
    destinations: Destinations,
    passThrough: PassThrough,
    wire: Wire,
    wanted: { readonly address: string; readonly port: number },
    terms: ListenerTerms,
    onClosed: () => void,
  ) {
    super(services, wire, terms);
    this.#destinations = destinations;
    this.#passThrough = passThrough;
    this.#onClosed = onClosed;
    this.key = formatAddress(wanted.address, wanted.port);
    this.detection = new Detection(wire, services.timers, this);
  }

  start(): void {
    const known = this.#destinations.find(
      this.key,
      guarded('destination', (answer: DestinationAnswer) => this.#found(answer), this.wire),
    );
    this.detection.hold();
    this.detection.start({ quietMs: QUIET_MS, silentMs: 0, unclearMs: 0 });
    if (known !== undefined) this.#found(known);
  }

  onDetected(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    const destination = this.#destination!;
    if (kind === 'tls' && (destination.routesByServerName || destination.resource.askByName === true)) {
      this.#readHello(first);
      return;
    }
    const verdict = verdictOf(destination.speech.kind, kind);
    switch (verdict) {
      case 'http1':
      case 'http2':
        this.#serve(verdict, first);
        break;
      case 'tunnel':
        this.#tunnel(kind, first);
        break;
      default:
        refuseNotHttp(this.services, this.#refused(kind), destination.speech);
        this.#onClosed();
    }
  }

  onQuiet(): void {
    if (this.#mayBeServerFirst) this.#speculate();
  }

  onUndecided(first: Buffer): void {
    const { speech, resource } = this.#destination!;
    if (this.#mayBeServerFirst && resource.askByName !== true) this.#speculate()?.lend(first);
    else if (mayBeOther(first)) return;
    else if (speech.kind === 'http') {
      // It can become nothing but a request or a mistake: the codec waits for the rest, and has words for both.
      this.detection.stop();
      this.#serve('http1', first);
    } else if (resource.askByName === true && !mayBeRequest(first)) {
      this.detection.stop();
      this.#tunnel('tcp', first);
    }
  }

  onSilent(): void {
    const { speech, resource } = this.#destination!;
    if (resource.refused !== undefined) {
      refuseStart(this.services, this.#refused('nothing'), 'silent-client', resource.refused);
    } else if (speech.kind === 'http' && !speech.declared) {
      refuseNotHttp(this.services, this.#refused('nothing'), speech);
    } else this.wire.destroy();
    this.#session?.cancel();
    this.#onClosed();
  }

  onUnclear(first: Buffer): void {
    const isRequest = mayBeRequest(first);
    if (
      isRequest ||
      this.#destination!.speech.kind === 'http2' ||
      this.#destination!.speech.kind === 'http'
    ) {
      refuseSlow(this.services, this.#refused(isRequest ? 'http1' : 'tcp'));
      this.#session?.cancel();
      this.#onClosed();
    } else this.#tunnel('tcp', first);
  }

  onGone(): void {
    this.#session?.cancel();
    this.wire.destroy();
    this.#onClosed();
  }

  target(head: Head, waiter: TargetWaiter): RunningDestination | undefined {
    // Looked up for each request: long-lived connections follow changes of their routes.
    const current = this.#destinations.current(this.key);
    if (current !== undefined && isJudged(current)) return this.#byAuthority(current, head, waiter);
    if (current !== undefined && current.resource.found !== 'unknown') return current;
    // The first request has waited already; those after it ask again.
    const refusal = this.#refusal;
    this.#refusal = undefined;
    if (current === undefined && refusal !== undefined) return refusal;
    const passedThrough = this.#destination!.resource.found === 'unknown';
    if (current !== undefined || passedThrough) return this.#passThrough.destination(this.key, true);
    // Forgotten while the connection was idle: its clusters are closed, so it is asked for again.
    const known = this.#destinations.find(this.key, answer =>
      tellTarget(waiter, this.#resolve(answer), 'NR', ''),
    );
    return known === undefined ? undefined : this.#resolve(known);
  }

  prepare(head: Head): void {
    if (head.requestId < 0) head.add(REQUEST_ID, newRequestId());
    if (head.host < 0) head.add(hostName, Buffer.from(this.key, 'latin1'));
  }

  metrics(
    endpoint: RunningEndpoint | undefined,
    cluster: RunningCluster | undefined,
    target: RunningDestination | undefined,
  ): PeerRequests {
    if (endpoint !== undefined) return endpoint.metrics;
    this.#unplaced ??= new UnplacedRequests(this.services);
    return this.#unplaced.of(cluster?.config.service ?? (target ?? this.#destination)?.service);
  }

  #found(answer: DestinationAnswer): void {
    if (this.wire.closed) return;
    this.#destination = this.#resolve(answer);
    if (this.#destination.unusable) this.#refusal = this.#destination;
    const { protocol } = this.#destination.resource;
    if (protocol === 'tcp' || (protocol === 'tls' && !this.#destination.routesByServerName)) {
      this.detection.stop();
      this.services.counters.accepted.add('direction="outbound",protocol="tcp"');
      this.#openSession(false, this.detection.taken);
      return;
    }
    this.detection.release(this.#times());
    // A server that spoke first the last time is not waited for.
    const undecided = this.serving === undefined && this.#session === undefined;
    if (undecided && this.#destination.tcp.pick()?.speaksFirst === true) this.onQuiet();
  }

  /** An address that says nothing: the request is asked about by the name that it wants. */
  #byAuthority(
    current: RunningDestination,
    head: Head,
    waiter: TargetWaiter,
  ): RunningDestination | undefined {
    const { refused, askByName } = current.resource;
    const settle = (answer: DestinationAnswer): RunningDestination | undefined => {
      if (answer !== 'timeout' && answer.resource.found !== 'unknown') return answer;
      return refused === undefined ? this.#passThrough.destination(this.key, true) : undefined;
    };
    const name = askByName === true ? parseHostPort(head.authority, 80)?.host.toLowerCase() : undefined;
    const known =
      name === undefined || isIpAddress(name)
        ? current
        : this.#destinations.find(formatAddress(name, current.resource.port), answer =>
            tellTarget(waiter, settle(answer), 'NR', refused ?? ''),
          );
    if (known === undefined) return undefined;
    const settled = settle(known);
    if (settled === undefined) setImmediate(tellTarget, waiter, undefined, 'NR', refused!);
    return settled;
  }

  /** The server name decides where the connection goes. */
  #readHello(first: Buffer): void {
    this.#session?.cancel();
    this.#session = undefined;
    const reader = new HelloReader(this.wire, this.services.timers, first, {
      onServerName: (serverName, bytes) => this.#named(serverName, bytes),
      onGone: () => this.#onClosed(),
    });
    reader.start();
  }

  #named(serverName: string, first: Buffer): void {
    const own = this.#destination!;
    this.services.counters.accepted.add('direction="outbound",protocol="tls"');
    const { askByName, port } = own.resource;
    if (askByName !== true || serverName === '') {
      this.#openSession(
        false,
        first,
        own.routesByServerName ? own.forServerName(serverName).pick() : undefined,
      );
      return;
    }
    const go = (answer: DestinationAnswer): void => {
      if (this.wire.closed) return;
      const isKnown = answer !== 'timeout' && answer.resource.found !== 'unknown';
      this.#openSession(false, first, isKnown ? answer.forServerName(serverName).pick() : undefined);
    };
    const known = this.#destinations.find(
      formatAddress(serverName, port),
      guarded('destination', go, this.wire),
    );
    if (known !== undefined) go(known);
  }

  /** What nobody knows is passed through; what nobody has told of may be HTTP all the same, and no Service. */
  #resolve(answer: DestinationAnswer): RunningDestination {
    if (answer !== 'timeout' && isJudged(answer)) return answer;
    if (answer !== 'timeout' && answer.resource.found !== 'unknown') return answer;
    if (answer === 'timeout') {
      this.services.counters.discoveryTimeouts++;
      const why = this.services.serviceAddresses.whyNot(this.key);
      if (why !== undefined) return this.#passThrough.refusal(this.key, why);
    }
    return this.#passThrough.destination(this.key, answer === 'timeout' || this.serving !== undefined);
  }

  /** For bytes whose server name says nothing; undefined where that is refused. */
  #ownCluster(): RunningCluster | undefined {
    const own = this.#destination!;
    if (!isJudged(own)) return own.tcp.pick();
    return own.resource.refused === undefined
      ? this.#passThrough.destination(this.key, false).tcp.pick()
      : undefined;
  }

  /** Whether the server may be the one to speak first, and may be asked before the client has said anything. */
  get #mayBeServerFirst(): boolean {
    const { speech, resource } = this.#destination!;
    if (speech.kind === 'http' || speech.kind === 'http2' || resource.protocol === 'tls') return false;
    // Only the client's first bytes can tell whether this may go anywhere.
    return resource.askByName !== true || resource.refused === undefined;
  }

  #times(): DetectionTimes {
    const { headTimeoutMs, idleTimeoutMs } = this.services.http1;
    const { speech, resource } = this.#destination!;
    const isDeclared = speech.declared || resource.protocol === 'tls';
    const silentMs = this.#mayBeServerFirst ? 0 : isDeclared ? idleTimeoutMs : SILENCE_MS;
    return { quietMs: QUIET_MS, silentMs, unclearMs: headTimeoutMs };
  }

  #refused(kind: RefusedKind): RefusedStart {
    const { direction, downstream: client, principal } = this;
    const { port } = this.#destination!.resource;
    return { wire: this.wire, direction, kind, client, principal, port };
  }

  #speculate(): TcpSession | undefined {
    if (this.#session === undefined) this.#openSession(true, undefined);
    return this.#session;
  }

  #tunnel(kind: Exclude<Sniffed, 'more'>, first: Buffer): void {
    this.services.counters.accepted.add(`direction="outbound",protocol="${kind === 'tls' ? 'tls' : 'tcp'}"`);
    if (this.#session !== undefined) this.#session.commit(first);
    else this.#openSession(false, first);
  }

  #serve(kind: Served, first: Buffer): void {
    this.#session?.cancel();
    this.#session = undefined;
    this.services.counters.accepted.add(`direction="outbound",protocol="${labelOf(kind)}"`);
    this.serveTo(this, kind, 'app', first, this.#onClosed);
  }

  #openSession(speculative: boolean, first: Buffer | undefined, chosen?: RunningCluster): void {
    const refused = this.#destination!.resource.refused ?? this.#destination!.refused;
    const cluster = chosen ?? this.#ownCluster();
    if (cluster === undefined) {
      this.detection.stop();
      if (refused !== undefined)
        this.services.log.warn({ client: this.downstream, to: this.key }, `refused a connection: ${refused}`);
      const { observers, clock } = this.services;
      if (observers.watching)
        observers.refusal({
          direction: 'outbound',
          downstream: this.downstream,
          principal: '',
          port: this.#destination!.resource.port,
          wanted: this.key,
          reason: 'no-destination',
          flag: 'NR',
          detail: refused ?? `${this.#destination!.resource.host} has no cluster for TCP`,
          status: 0,
          id: '',
          atMs: clock.monotonic(),
        });
      this.wire.reset();
      this.#onClosed();
      return;
    }
    const options: TcpSessionOptions = {
      direction: 'outbound',
      downstream: this.downstream,
      principal: '',
      localAddress: '',
      labels: (endpoint, of) =>
        outboundLabels(this.services, endpoint, of?.config.service ?? this.#destination?.service, 'tcp'),
      undecided: () => {
        this.detection.stop();
        return this.detection.taken;
      },
      onEnd: () => {
        this.detection.stop();
        this.#onClosed();
      },
    };
    this.#session = new TcpSession(this.services, options, cluster, this.wire, speculative);
    this.#session.start(first);
  }
}
