import { errorMessage, guarded } from '../../errors/index.ts';
import {
  type BoundListener,
  type CertificateResource,
  type DestinationResource,
  type GatewayResource,
  gatewayKey,
  parseGatewayKey,
} from '../../model/index.ts';
import { IntrusiveSet } from '../../sets/index.ts';
import { Listener, type Wire } from '../../wire/index.ts';
import type { ListenerTerms } from '../exchange/exchange-host.ts';
import { compileFilters } from '../filters/filter.interface.ts';
import { LISTENER_FILTERS } from '../filters/lists.ts';
import { GATEWAY_TRUST } from '../services/trust.ts';
import { DatagramPort } from './datagram-port.ts';
import { type ConnectionParts, GatewayConnection } from './gateway-connection.ts';
import { RunningPolicies } from './gateway-policies.ts';
import { type GuardedListener, type PortTable, placesOf, portTable } from './gateway-port.ts';
import type {
  GatewayRole,
  GatewayServices,
  ListeningPort,
  MakeGatewayRole,
} from './gateway-role.interface.ts';
import { ShownChallenges } from './shown-challenges.ts';
import { standingAnswers } from './standing-answers.ts';
import { WantedCertificates } from './wanted-certificates.ts';

/** A port that cannot be opened is tried again so often. */
const tryAgainMs = 5_000;

/** What of a gateway is the machine's. */
export interface GatewayPlace {
  /** `namespace/name` of the gateways that are served. */
  readonly gateways: readonly string[];
  /** Where a listener without addresses is opened. */
  readonly hosts: readonly string[];
  /** Added to every port, for who may not open low ones; `any`: whichever are free. 0 unless told. */
  readonly portOffset?: number | 'any';
}

/** For DataPlaneOptions.gateway. */
export function gatewayRole(place: GatewayPlace): MakeGatewayRole {
  return services => new RunningGateway(place, services);
}

interface RunningPort {
  readonly port: number;
  table: PortTable;
  places: readonly string[];
  sockets: Listener[];
  readonly connections: IntrusiveSet<'portSeat', GatewayConnection>;
  /** As many connections as there may be: more wait in the kernel. */
  full: boolean;
  trouble: string | undefined;
}

class RunningGateway implements GatewayRole {
  readonly #place: GatewayPlace;
  readonly #given: GatewayServices;
  readonly #parts: ConnectionParts;
  readonly #terms: ListenerTerms;
  readonly #certificates: WantedCertificates;
  readonly #challenges: ShownChallenges;
  readonly #resources = new Map<string, GatewayResource>();
  /** By gatewayKey. */
  readonly #policies = new Map<string, RunningPolicies>();
  #names: ReadonlySet<string> = new Set();
  readonly #ports = new Map<number, RunningPort>();
  /** Of UDP, by number. */
  readonly #datagrams = new Map<number, DatagramPort>();
  #kept: ReadonlySet<string> = new Set();
  /** Those of ports that are gone, too. */
  readonly #connections = new IntrusiveSet<'seat', GatewayConnection>('seat');
  #paused = false;
  #closed = false;
  #stopTrying: () => void = () => {};

  constructor(place: GatewayPlace, given: GatewayServices) {
    this.#place = place;
    this.#given = given;
    const { services, destinations } = given;
    this.#certificates = new WantedCertificates(given.source, services.clock, services.log);
    this.#challenges = new ShownChallenges(() => services.clock.monotonic());
    this.#parts = {
      services,
      destinations,
      certificates: this.#certificates.kept,
      challenges: this.#challenges,
      answers: standingAnswers(services.clock.monotonic()),
    };
    this.#terms = {
      trust: GATEWAY_TRUST,
      filters: compileFilters(LISTENER_FILTERS, { listener: 'gateway' }),
    };
  }

  start(): void {
    this.serve(this.#place.gateways);
    this.#stopTrying = this.#given.services.clock.every(
      tryAgainMs,
      guarded('gateway.ports', () => this.#tryAgain()),
    );
  }

  serve(names: readonly string[]): void {
    const { source } = this.#given;
    const before = this.#names;
    this.#names = new Set(names);
    for (const each of this.#names) if (!before.has(each)) source.want(gatewayKey(each));
    for (const each of before) {
      if (this.#names.has(each)) continue;
      source.forget(gatewayKey(each));
      this.#forget(gatewayKey(each));
    }
    if (before.size > 0) this.#renew();
  }

  apply(resource: CertificateResource | GatewayResource): string | undefined {
    if (resource.kind === 'certificate') return this.#certificates.apply(resource);
    // What was sent may cross a change of names on its way.
    if (!this.#names.has(parseGatewayKey(resource.key) ?? '')) return undefined;
    this.#resources.set(resource.key, resource);
    this.#policiesOf(resource.key).apply(resource.policies);
    this.#renew();
    return undefined;
  }

  heed(resource: DestinationResource): void {
    this.#certificates.heed(resource);
  }

  certificate(key: string): CertificateResource | undefined {
    return this.#certificates.kept.find(key);
  }

  #policiesOf(key: string): RunningPolicies {
    let known = this.#policies.get(key);
    if (known === undefined) {
      const { services, authentication, authorization } = this.#given;
      const { clock, address } = services;
      known = new RunningPolicies({ clock, address, authentication, authorization });
      this.#policies.set(key, known);
    }
    return known;
  }

  #forget(key: string): void {
    this.#resources.delete(key);
    this.#policies.get(key)?.close();
    this.#policies.delete(key);
  }

  get ports(): readonly ListeningPort[] {
    const streams = [...this.#ports.values()].map(({ port, sockets, table, connections, trouble }) => ({
      port,
      bound: sockets[0]?.port ?? 0,
      listeners: table.all.map(each => each.name),
      open: connections.size,
      ...(trouble !== undefined && { trouble }),
    }));
    const datagrams = [...this.#datagrams.values()].map(({ bound, port, sessions, trouble }) => ({
      ...{ port: bound.port, protocol: 'udp' as const, bound: port },
      ...{ listeners: [bound.name], open: sessions },
      ...(trouble !== undefined && { trouble }),
    }));
    return [...streams, ...datagrams];
  }

  notReady(): string | undefined {
    const missing = [...this.#names].filter(each => !this.#resources.has(gatewayKey(each)));
    if (this.#names.size === 0) return 'there is no gateway to serve';
    if (missing.length > 0) return `nobody has told of gateway ${missing.join(', ')} yet`;
    const whys = [...this.#resources.values()].flatMap(each => each.why ?? []);
    if (whys.length === this.#resources.size) return whys.join('; ');
    const ports = [...this.#ports.values()];
    const shut = ports.filter(each => each.trouble !== undefined);
    return ports.length > 0 && shut.length === ports.length ? shut[0]!.trouble : undefined;
  }

  get openStreams(): number {
    let count = 0;
    for (const each of this.#connections) if (each.carriesBytes) count++;
    return count;
  }

  pause(paused: boolean): void {
    this.#paused = paused;
    for (const each of this.#datagrams.values()) each.paused = paused;
    for (const { sockets, full } of this.#ports.values())
      for (const each of sockets) paused || full ? each.pause() : each.resume();
  }

  drain(): void {
    for (const each of this.#connections) each.drain();
  }

  relieve(hard: boolean): void {
    for (const each of this.#connections) each.relieve(hard);
  }

  close(): void {
    this.#closed = true;
    this.#stopTrying();
    this.#certificates.close();
    for (const { sockets } of this.#ports.values()) for (const each of sockets) each.close();
    for (const each of this.#datagrams.values()) each.close();
  }

  destroy(): void {
    this.close();
    for (const each of this.#connections) each.destroy();
    for (const each of this.#policies.values()) each.close();
  }

  /** Puts what all gateways say to use: first what is asked for, then where is listened. */
  #renew(): void {
    const guarded = [...this.#resources.values()].flatMap(({ key, listeners }) =>
      listeners.map(bound => ({
        bound,
        policies: this.#policies.get(key)?.at(bound.port, bound.options?.escapedSlashes === 'keep'),
      })),
    );
    this.#guard(guarded);
    this.#want(guarded.map(each => each.bound));
    this.#certificates.kept.seal(
      [...this.#resources.values()].flatMap(({ listeners, ticketSecrets: secrets = [] }) =>
        listeners.map(bound => ({ bound, secrets })),
      ),
    );
    this.#challenges.show([...this.#resources.values()].flatMap(each => each.challenges ?? []));
    const byPort = new Map<number, GuardedListener[]>();
    for (const each of guarded) {
      const { port, protocol } = each.bound;
      if (protocol === 'udp') continue;
      byPort.set(port, [...(byPort.get(port) ?? []), each]);
    }
    this.#renewDatagrams(guarded.flatMap(({ bound }) => (bound.protocol === 'udp' ? [bound] : [])));
    for (const [number, running] of this.#ports) if (!byPort.has(number)) this.#shut(running);
    for (const [number, listeners] of byPort) this.#open(number, listeners);
    for (const each of this.#connections) each.onPoliciesChanged();
  }

  /** Before anything is asked for: no destination is to be used without what guards it. */
  #guard(guarded: readonly GuardedListener[]): void {
    const { destinations } = this.#given;
    for (const { bound, policies } of guarded)
      for (const { destination } of bound.hosts) destinations.guard(destination, policies?.filters);
  }

  #want(bound: readonly BoundListener[]): void {
    const { destinations } = this.#given;
    const hosts = new Set(
      bound.flatMap(each => [
        ...each.hosts.map(({ destination }) => destination),
        ...(each.destination === undefined ? [] : [each.destination]),
      ]),
    );
    const kept = this.#kept;
    this.#kept = hosts;
    this.#certificates.listen(bound, key => hosts.has(key));
    for (const key of hosts) if (!kept.has(key)) destinations.keep(key);
    for (const key of kept) if (!hosts.has(key)) destinations.release(key);
  }

  #open(number: number, listeners: readonly GuardedListener[]): void {
    const table = portTable(listeners, this.#given.services);
    const places = placesOf(table.all, this.#place.hosts);
    const running = this.#ports.get(number);
    if (running === undefined) {
      const made: RunningPort = {
        port: number,
        table,
        places,
        sockets: [],
        connections: new IntrusiveSet('portSeat'),
        full: false,
        trouble: undefined,
      };
      this.#ports.set(number, made);
      this.#listen(made);
      return;
    }
    running.table = table;
    this.#heedRoom(running);
    if (running.places.join() === places.join()) return;
    running.places = places;
    for (const each of running.sockets) each.close();
    running.sockets = [];
    this.#listen(running);
  }

  /** Of several listeners of one port the first counts. */
  #renewDatagrams(bound: readonly BoundListener[]): void {
    for (const [number, port] of this.#datagrams) {
      if (bound.some(each => each.port === number)) continue;
      this.#datagrams.delete(number);
      port.close();
    }
    for (const each of bound) {
      const running = this.#datagrams.get(each.port);
      if (running !== undefined) running.configure(bound.find(one => one.port === each.port)!);
      else if (!this.#closed) this.#openDatagrams(each);
    }
  }

  #openDatagrams(bound: BoundListener): void {
    const { services, destinations, sharePorts } = this.#given;
    const { portOffset = 0, hosts } = this.#place;
    const port = new DatagramPort(services, destinations, bound, {
      // Sockets of their own for the two families: `::` of a datagram socket would show IPv4 clients as IPv6 ones.
      hosts: placesOf([bound], hosts).flatMap(each => (each === '::' ? ['0.0.0.0', each] : [each])),
      port: portOffset === 'any' ? 0 : bound.port + portOffset,
      shared: sharePorts,
    });
    this.#datagrams.set(bound.port, port);
    port.paused = this.#paused;
    port.open();
  }

  #listen(running: RunningPort): void {
    if (this.#closed) return;
    const { services, sharePorts } = this.#given;
    const { portOffset = 0 } = this.#place;
    let port = portOffset === 'any' ? 0 : running.port + portOffset;
    const before = running.trouble;
    try {
      for (const host of running.places.slice(running.sockets.length)) {
        const socket = new Listener({ host, port, purpose: 'gateway', shared: sharePorts }, wire =>
          this.#accept(running, wire),
        );
        if (this.#paused || running.full) socket.pause();
        running.sockets.push(socket);
        port = socket.port;
      }
      running.trouble = undefined;
      const names = running.table.all.map(each => each.name);
      services.log.info({ port, listeners: names }, before === undefined ? 'listening' : 'listening at last');
    } catch (thrown) {
      running.trouble = errorMessage(thrown);
      if (running.trouble !== before)
        services.log.error(
          { port },
          `a port of the gateway is not listened on: ${running.trouble}; the others are`,
        );
    }
  }

  #tryAgain(): void {
    for (const each of this.#ports.values()) if (each.trouble !== undefined) this.#listen(each);
    for (const each of this.#datagrams.values()) each.tryAgain();
  }

  /** Takes no new connections; those that are open end when their clients are done. */
  #shut(running: RunningPort): void {
    this.#ports.delete(running.port);
    for (const each of running.sockets) each.close();
    for (const each of running.connections) each.drain();
    this.#given.services.log.info({ port: running.port }, 'no listener has this port any more');
  }

  /** No more connections than there may be are taken. */
  #heedRoom(running: RunningPort): void {
    const full = running.connections.size >= running.table.maxConnections;
    if (full === running.full) return;
    running.full = full;
    for (const each of running.sockets) full || this.#paused ? each.pause() : each.resume();
  }

  #accept(running: RunningPort, wire: Wire): void {
    const { services, accepting } = this.#given;
    accepting();
    const { openConnections } = services.counters;
    const onClosed = (): void => {
      running.connections.delete(connection);
      this.#heedRoom(running);
      if (this.#connections.delete(connection)) openConnections.gateway = (openConnections.gateway ?? 1) - 1;
    };
    const connection = new GatewayConnection(this.#parts, running, wire, this.#terms, onClosed);
    openConnections.gateway = (openConnections.gateway ?? 0) + 1;
    running.connections.add(connection);
    this.#heedRoom(running);
    this.#connections.add(connection);
    try {
      connection.start();
    } catch (thrown) {
      onClosed();
      throw thrown;
    }
  }
}
