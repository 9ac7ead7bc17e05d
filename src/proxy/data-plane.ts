import { keyFetcher } from '../authentication/index.ts';
import type { Relief } from '../memory/index.ts';
import {
  equal,
  type InboundResource,
  isIpv6,
  type ProxyRecords,
  type RecordedState,
  type RecordQuery,
  type Resource,
  type TelemetrySettings,
  unknownKind,
} from '../model/index.ts';
import { MetricShapes } from '../telemetry/index.ts';
import {
  crowding,
  type OriginalDestination,
  originalDestination,
  saveMemory,
  type Wire,
} from '../wire/index.ts';
import { ExplicitConnection } from './accept/explicit.ts';
import { openInbound } from './accept/held.ts';
import type { InboundOptions } from './accept/inbound-options.ts';
import { NamedDestinations } from './accept/named-destinations.ts';
import { OutboundConnection } from './accept/outbound.ts';
import { Accepting } from './accepting.ts';
import { AskAuthorizer } from './calls/ask-authorizer.ts';
import { type CallServices, MeshCall } from './calls/mesh-call.ts';
import { ClusterHosts } from './cluster-hosts.ts';
import { AppSources } from './connect/app-source.ts';
import { OwnListener } from './connect/own-listener.ts';
import type { DataPlaneOptions } from './data-plane-options.ts';
import { DEFAULT_DESTINATION_TIMES, Destinations } from './destinations/destinations.ts';
import { InboundPorts } from './destinations/inbound-ports.ts';
import { PassThrough } from './destinations/pass-through.ts';
import { PortAuthentication } from './destinations/port-authentication.ts';
import type { AuthorizationHost } from './destinations/port-policies.ts';
import { TrialLog } from './destinations/trial-log.ts';
import { UpstreamCertificates } from './destinations/upstream-certificates.ts';
import { compileFilters } from './filters/filter.interface.ts';
import { LISTENER_FILTERS } from './filters/lists.ts';
import type { GatewayRole } from './gateway/gateway-role.interface.ts';
import type { ListenerPlace, ListenerRow } from './listeners.ts';
import { clientCodecs, newServices } from './new-services.ts';
import { recordsAnswer } from './record/answer.ts';
import { RequestRecorder } from './record/recorder.ts';
import type { Services } from './services/services.ts';
import { INBOUND_TRUST, OUTBOUND_TRUST } from './services/trust.ts';
import type { UnderWay } from './under-way.ts';

const housekeepingMs = 30_000;
const NO_GATEWAY = 'this proxy is no gateway';

/** The data plane of one workload: its listeners and everything between them. Built without I/O; `listen` starts it. */
export class DataPlane {
  readonly services: Services;
  readonly destinations: Destinations;
  readonly passThrough: PassThrough;
  readonly inboundPorts: InboundPorts;
  readonly authentication: PortAuthentication;
  /** Undefined where none is kept. */
  readonly record: RequestRecorder | undefined;
  /** Undefined for a sidecar. */
  readonly gateway: GatewayRole | undefined;
  readonly #options: DataPlaneOptions;
  readonly #named: NamedDestinations;
  /** Of a sidecar; gateways keep their own. */
  readonly #shown: UpstreamCertificates;
  readonly #inboundOptions: InboundOptions;
  readonly #ownPorts: Set<number>;
  readonly #accepting: Accepting;
  #stopHousekeeping: () => void = () => {};
  #outboundPort = 0;
  #inboundPort = 0;

  constructor(options: DataPlaneOptions) {
    this.#options = options;
    const own = new OwnListener({
      hosts: options.outbound.hosts,
      address: options.address,
      port: () => this.#outboundPort,
    });
    this.services = newServices(options, own, key => (this.gateway ?? this.#shown).certificate(key));
    this.#accepting = new Accepting({
      services: this.services,
      sharePorts: options.sharePorts === true,
      intercept: options.intercept,
      pauseOthers: paused => this.gateway?.pause(paused),
    });
    const codecs = clientCodecs(this.services);
    const sources = new AppSources(options.redirected, options.ownAddresses);
    const hosts = new ClusterHosts(this.services, codecs, sources, options.staleAfterMs);
    const calls: CallServices = {
      timers: this.services.timers,
      monotonic: () => options.clock.monotonic(),
      find: (key, waiter) => this.#named.find(key, waiter),
    };
    this.#shown = new UpstreamCertificates(options.source, {
      has: key => this.destinations.has(key),
      applyDestination: resource => this.destinations.applyDestination(resource),
    });
    this.destinations = new Destinations(
      this.#shown.following(),
      hosts.of('outbound'),
      options.times ?? DEFAULT_DESTINATION_TIMES,
      this.services.routes,
      this.services.limits,
      options.edge?.({
        ask: (question, onAnswer) =>
          new MeshCall(calls, { ...question, body: undefined, http2: false }, onAnswer).start(),
        now: () => options.clock.now(),
        monotonic: () => options.clock.monotonic(),
        after: (delayMs, run) => options.clock.after(delayMs, run),
        limited: outcome => this.services.counters.sharedLimits.add(`outcome="${outcome}"`),
      }),
    );
    this.passThrough = new PassThrough(hosts.of('outbound'));
    const fetchKeys = options.fetchKeys ?? keyFetcher();
    this.authentication = new PortAuthentication(options.clock, options.log, fetchKeys);
    const { counts } = this.authentication;
    const authorization: AuthorizationHost = {
      open: (policy, outcome) => this.services.authorizations.open(policy, outcome),
      trials: new TrialLog(options.log, options.clock),
      asks: authorizer => new AskAuthorizer(authorizer, calls),
      principal: () => options.tls.principal,
    };
    this.inboundPorts = new InboundPorts(
      hosts.of('inbound'),
      options.mtlsUntilKnown,
      this.services.limits,
      caller => hosts.of('inbound', caller),
      this.authentication,
      authorization,
    );
    this.#named = new NamedDestinations(this.services, this.destinations, this.passThrough, own);
    this.#ownPorts = new Set(options.ownPorts);
    this.gateway = options.gateway?.({
      services: this.services,
      destinations: this.destinations,
      source: options.source,
      authentication: () => new PortAuthentication(options.clock, options.log, fetchKeys, counts),
      authorization,
      sharePorts: options.sharePorts === true,
      accepting: () => this.#accepting.takeRoom(),
    });
    if (options.record !== undefined && options.record.maxBytes > 0) {
      this.record = new RequestRecorder(options.clock, options.record);
      this.services.observers.add(this.record);
    }
    this.#inboundOptions = {
      sources,
      appAddress: options.address,
      ownPorts: this.#ownPorts,
      awaitsDiscovery: options.awaitsInbound === true,
    };
  }

  /**
   * Opens the listeners, on other ports than the options say where they are given. Throws the WeftError of the first that cannot
   * be opened, with none left open.
   */
  listen(outboundPort?: number, inboundPort?: number): void {
    const { outbound, inbound } = this.#options;
    try {
      if (this.gateway !== undefined) this.gateway.start();
      else this.#listenAsSidecar(outboundPort ?? outbound.port, inboundPort ?? inbound.port);
    } catch (error) {
      this.close();
      throw error;
    }
    const keepHouse = (): void => {
      const nowMs = this.services.clock.monotonic();
      this.destinations.expire();
      this.services.requests.expire(nowMs);
      this.services.tcp.expire(nowMs);
      this.services.routes.expire(nowMs);
      this.services.peers.expire(nowMs);
    };
    this.#stopHousekeeping = this.services.clock.every(housekeepingMs, keepHouse);
  }

  #listenAsSidecar(outboundPort: number, inboundPort: number): void {
    const { outbound, inbound } = this.#options;
    this.#outboundPort = this.#accepting.listen(this.#outbound({ ...outbound, port: outboundPort }));
    this.#inboundPort = this.#accepting.listen(this.#inbound({ ...inbound, port: inboundPort }));
    this.#ownPorts.add(this.#outboundPort).add(this.#inboundPort);
  }

  get outboundPort(): number {
    return this.#outboundPort;
  }
  get inboundPort(): number {
    return this.#inboundPort;
  }

  /**
   * Puts a resource to use; see ResourceSink.apply. Of `trust` where Services are and who is let in: roots are the business of
   * who keeps the certificate.
   */
  apply(resource: Resource): string | undefined {
    switch (resource.kind) {
      case 'destination':
        if (this.gateway === undefined) return this.#shown.applyDestination(resource);
        this.gateway.heed(resource);
        return this.destinations.applyDestination(resource);
      case 'endpoints':
        return this.destinations.applyEndpoints(resource);
      case 'inbound':
        return this.#applyInbound(resource);
      case 'gateway':
        return this.gateway === undefined ? NO_GATEWAY : this.gateway.apply(resource);
      case 'certificate':
        if (this.gateway === undefined) return this.#shown.applyCertificate(resource);
        return this.gateway.apply(resource);
      case 'trust':
        this.services.serviceAddresses.tell(resource.serviceRanges);
        return this.services.tls.tell({
          domains: [resource.key, ...(resource.aliases ?? [])],
          ...(resource.federated && { federated: resource.federated }),
          ...(resource.revoked && { revoked: resource.revoked }),
        });
      default:
        return unknownKind(resource);
    }
  }

  /** Puts a resource of the last snapshot to use, before anybody has called its destination. */
  restore(resource: Resource): string | undefined {
    if (resource.kind === 'destination') this.destinations.adopt(resource.key);
    return this.apply(resource);
  }

  /**
   * From now on answers ask clients to go. Listeners stay open, because requests still arrive for as long as callers do not know.
   */
  drain(): void {
    this.services.draining = true;
    this.#accepting.drain();
    this.gateway?.drain();
  }

  /**
   * Memory is short, or no longer (`none`). To be called again and again while it is: each time what has become idle since is
   * closed.
   */
  relieve({ stage, room, hard }: Relief): void {
    this.services.saving = stage !== 'none';
    this.services.refusing = stage === 'refuse';
    saveMemory(this.services.saving);
    crowding.crowded = false;
    this.#accepting.allow(room);
    if (stage === 'none') return;
    this.#accepting.relieve(hard);
    this.gateway?.relieve(hard);
    for (const cluster of this.destinations.clusters) cluster.closeAllIdle();
    for (const cluster of this.passThrough.clusters) cluster.closeAllIdle();
    for (const cluster of this.inboundPorts.clusters) cluster.closeAllIdle();
  }

  /** Memory grows faster than it can be looked at: see Governed.crowd. Lasts until `relieve`. */
  crowd(crowded: boolean): void {
    saveMemory(true);
    crowding.crowded = crowded;
    this.#accepting.allow(0);
  }

  /**
   * Whether connections are accepted here: not while another process of this proxy does, which has the same sockets. Where they
   * are again, nothing is told any more to go.
   */
  accept(on: boolean): void {
    this.#accepting.accept(on);
    if (on) this.services.draining = false;
  }

  /** Closes connections from clients without a request under way. */
  closeIdle(): void {
    this.#accepting.relieve(false);
  }

  /** Breaks off what is open from clients. */
  cutOff(): void {
    this.#accepting.cutOff();
  }

  /** Accepts no more. */
  close(): void {
    this.#accepting.close();
    this.gateway?.close();
    this.#stopHousekeeping();
  }

  /** Breaks off everything that is open; for when there is no more time, and for tests. */
  destroy(): void {
    this.close();
    this.#accepting.cutOff();
    this.gateway?.destroy();
    this.destinations.close();
    this.passThrough.close();
    this.inboundPorts.close();
    this.authentication.close();
  }

  /** What is listened on: the rows of the table, with what is open on this core. */
  get listening(): Accepting['listening'] {
    return this.#accepting.listening;
  }

  /** What this core's record says; `state`: how the proxy is. */
  recorded(query: RecordQuery, state?: RecordedState): ProxyRecords {
    const { self, address, clock } = this.services;
    return recordsAnswer(this.record, query, { self, address, nowMs: clock.now(), ...(state && { state }) });
  }

  /** What goes on on this core. */
  get underWay(): UnderWay {
    const { active, tunnels, counters } = this.services;
    const { inbound, outbound, gateway = 0 } = counters.openConnections;
    const bytes = this.gateway?.openStreams ?? 0;
    return { exchanges: active, tunnels, inbound: inbound + gateway, outbound: outbound + bytes };
  }

  #applyInbound(resource: InboundResource): string | undefined {
    const reason = this.inboundPorts.apply(resource);
    if (reason !== undefined) return reason;
    this.passThrough.normalizePaths(resource.pathNormalization);
    this.services.self = {
      ...resource.self,
      principal: this.services.tls.principal || resource.self.principal,
    };
    this.#applyTelemetry(resource.telemetry);
    for (const cluster of this.destinations.clusters) cluster.renewMetrics();
    for (const cluster of this.passThrough.clusters) cluster.renewMetrics();
    return undefined;
  }

  #applyTelemetry(telemetry: TelemetrySettings | undefined): void {
    const { services } = this;
    if (equal(telemetry, services.telemetry)) return;
    services.telemetry = telemetry;
    const shapes = MetricShapes.of(telemetry);
    services.requests.shapes = shapes;
    services.tcp.shapes = shapes;
    this.#options.onTelemetry?.(telemetry);
  }

  /** From the app: to where packet rules found it going, or where it names the proxy, to what it asks for. */
  #outbound({ hosts, port, filters = LISTENER_FILTERS }: ListenerPlace): ListenerRow {
    const { services, destinations, passThrough } = this;
    return {
      name: 'outbound',
      hosts,
      port,
      wanted: (wire, own) => this.#options.fixedDestination ?? this.#called(this.#redirectedFrom(wire, own)),
      trust: OUTBOUND_TRUST,
      filters: compileFilters(filters, { listener: 'outbound' }),
      open: (wire, wanted, terms, onClosed) =>
        wanted === undefined
          ? new ExplicitConnection(services, this.#named, wire, terms, onClosed)
          : new OutboundConnection(services, destinations, passThrough, wire, wanted, terms, onClosed),
    };
  }

  /** To the app: at the port that packet rules found called, or that the peer names. */
  #inbound({ hosts, port, filters = LISTENER_FILTERS }: ListenerPlace): ListenerRow {
    const { services, inboundPorts } = this;
    const options = this.#inboundOptions;
    return {
      name: 'inbound',
      hosts,
      port,
      wanted: (wire, own) => this.#redirectedFrom(wire, own),
      trust: INBOUND_TRUST,
      filters: compileFilters(filters, { listener: 'inbound' }),
      open: (wire, wanted, terms, onClosed) =>
        openInbound(services, inboundPorts, options, wire, wanted, terms, onClosed),
    };
  }

  /** A virtual address of this machine's own is the host that it stands for. */
  #called(wanted: OriginalDestination | undefined): OriginalDestination | undefined {
    const host = wanted && this.#options.hostOf?.(wanted.address);
    return host === undefined ? wanted : { ...wanted!, address: host };
  }

  /** The destination before redirection; undefined when the client called our listener itself. */
  #redirectedFrom(wire: Wire, listenerPort: number): OriginalDestination | undefined {
    if (!this.#options.redirected) return undefined;
    const local = wire.localAddress();
    const wanted = originalDestination(wire.native.fd, isIpv6(local?.address ?? '') ? 6 : 4);
    // A connection that was not redirected names our own port: answering it by connecting to it again would be a loop.
    if (wanted === undefined || wanted.port === listenerPort) return undefined;
    return wanted;
  }
}
