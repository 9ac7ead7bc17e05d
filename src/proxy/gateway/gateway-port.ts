// One port of a gateway: its sockets, and which of its listeners and hosts what comes in is for.
import { type BoundListener, isIpv6 } from '../../model/index.ts';
import { type Listening, listeningAs } from '../services/listening.ts';
import type { PortPolicies } from './gateway-policies.ts';
import { HostTable } from './host-table.ts';

/** A listener, with where the routes of its hosts are. */
export interface TableListener {
  readonly bound: BoundListener;
  /** Keys of destinations. */
  readonly hosts: HostTable<string>;
  /** What is said of who comes in; undefined where nobody says anything. */
  readonly policies: PortPolicies | undefined;
}

/** The listeners of a port, as they are now. Swapped as a whole; connections ask for it anew with each request. */
export interface PortTable {
  /** What is spoken there, but for TLS: all listeners of a port agree on it. */
  readonly protocol: 'requests' | 'bytes';
  /** Whether connections begin with a ClientHello. */
  readonly isTls: boolean;
  readonly listeners: HostTable<TableListener>;
  /** The first, for what holds for the port before it is known which is meant. */
  readonly first: TableListener;
  readonly all: readonly BoundListener[];
  /** The same, in the same order. */
  readonly tables: readonly TableListener[];
  readonly listening: Listening;
  /** Connections at once; Infinity for no bound. */
  readonly maxConnections: number;
  /** Requests of one connection; Infinity for no end. */
  readonly maxRequests: number;
}

/** A listener, and what policies of its gateway say at its port. */
export interface GuardedListener {
  readonly bound: BoundListener;
  readonly policies: PortPolicies | undefined;
}

/** `guarded`: all of one port, at least one. What is said of connections is the word of the first. */
export function portTable(guarded: readonly GuardedListener[], usual: Listening): PortTable {
  const listeners = guarded.map(({ bound: each, policies }) => ({
    bound: each,
    policies,
    hosts: new HostTable(each.hosts.map(({ host, destination }) => [host, destination] as const)),
  }));
  const [first] = listeners;
  const { protocol, options = {} } = first!.bound;
  return {
    protocol: protocol === 'http' || protocol === 'https' ? 'requests' : 'bytes',
    isTls: protocol === 'https' || protocol === 'tls',
    listeners: new HostTable(listeners.map(each => [each.bound.hostname ?? '*', each] as const)),
    first: first!,
    all: guarded.map(({ bound }) => bound),
    tables: listeners,
    listening: listeningAs(usual, options),
    maxConnections: options.maxConnections || Number.POSITIVE_INFINITY,
    maxRequests: options.maxRequestsPerConnection || Number.POSITIVE_INFINITY,
  };
}

/** The addresses that a port is opened on. */
export function placesOf(all: readonly BoundListener[], everywhere: readonly string[]): readonly string[] {
  if (all.some(each => each.addresses === undefined)) return everywhere;
  const named = [...new Set(all.flatMap(each => each.addresses!))];
  return named.sort((left, right) => Number(isIpv6(left)) - Number(isIpv6(right)));
}
