import { errorMessage } from '../errors/index.ts';
import { askedKind, type EndpointsResource, equal, type Resource, unknownKind } from '../model/index.ts';
import type { ResourceSink } from './client.interface.ts';
import { applyEndpointsChange } from './endpoints-change.ts';
import {
  type AckMessage,
  type EndpointsChangeMessage,
  MAX_REASON_LENGTH,
  type NackMessage,
  type ResourceMessage,
} from './protocol.ts';

interface Known {
  readonly resource: Resource;
  /** Why the sink refused it; the last good one is in use then. */
  readonly refused?: string;
  /** The connection it came over: changes build on what this connection has sent. */
  readonly connection: number;
  /** Of a destination: the clusters it names, and while it is refused those of the last good one too, which is in use. */
  readonly clusters: readonly string[];
}

/** What is wrong with a resource is its own affair: one that the sink cannot even read is refused like any other. */
export function applied(sink: ResourceSink, resource: Resource): string | undefined {
  const unknown = unknownKind(resource);
  if (unknown !== undefined) return unknown;
  try {
    return sink.apply(resource);
  } catch (thrown) {
    return `it cannot be put to use: ${errorMessage(thrown)}`;
  }
}

/**
 * What a proxy has been sent, across connections. Changes become whole endpoint sets here, and what is known already is
 * acknowledged without troubling the sink, so that a new connection to the same mesh changes nothing.
 */
export class Received {
  readonly #sink: ResourceSink;
  readonly #known = new Map<string, Known>();
  readonly #wanted = new Set<string>();
  /** How many destinations name a cluster. */
  readonly #users = new Map<string, number>();
  #connection = 0;

  constructor(sink: ResourceSink) {
    this.#sink = sink;
  }

  /** Destinations to subscribe to. */
  get wanted(): ReadonlySet<string> {
    return this.#wanted;
  }

  /** From here on another connection speaks. */
  begin(): void {
    this.#connection++;
  }

  /** False when it is wanted already. */
  want(key: string): boolean {
    if (this.#wanted.has(key)) return false;
    this.#wanted.add(key);
    return true;
  }

  /** Forgets the destination, and endpoint sets that no other one names. False when it was not wanted. */
  forget(key: string): boolean {
    if (!this.#wanted.delete(key)) return false;
    const id = `${askedKind(key)} ${key}`;
    const known = this.#known.get(id);
    this.#known.delete(id);
    this.#release(known?.clusters ?? []);
    return true;
  }

  /** Puts a message to use. Undefined when the two sides disagree on what was sent, so that only a new connection helps. */
  apply(message: ResourceMessage | EndpointsChangeMessage): AckMessage | NackMessage | undefined {
    const { version } = message;
    if (message.type === 'resource') {
      const unknown = unknownKind(message.resource);
      if (unknown !== undefined) return nack(version, message.resource, unknown);
    }
    const named =
      message.type === 'resource' ? message.resource : { kind: 'endpoints' as const, key: message.key };
    const { kind, key } = named;
    // What was sent may cross a `forget` on its way.
    if (isAskedFor(kind) && !this.#wanted.has(key)) return { type: 'ack', version };
    if (kind === 'endpoints' && !this.#users.has(key)) return { type: 'ack', version };
    const resource = message.type === 'resource' ? message.resource : this.#changed(message);
    if (!resource) return undefined;
    const reason = this.#use(resource);
    if (reason === undefined) return { type: 'ack', version };
    return nack(version, named, reason);
  }

  /** Why the sink refuses the resource, if it does. */
  #use(resource: Resource): string | undefined {
    const id = `${resource.kind} ${resource.key}`;
    const known = this.#known.get(id);
    const connection = this.#connection;
    if (known && equal(known.resource, resource)) {
      this.#known.set(id, { ...known, resource, connection });
      return known.refused;
    }
    // Before the sink is called, because that may want or forget something.
    const held = known?.clusters ?? [];
    const named = resource.kind === 'destination' ? resource.clusters.map(each => each.name) : [];
    this.#hold(named);
    this.#known.set(id, { resource, connection, clusters: [...held, ...named] });
    const refused = applied(this.#sink, resource);
    const now = this.#known.get(id);
    if (now?.resource !== resource) return refused;
    if (refused !== undefined) {
      this.#known.set(id, { ...now, refused });
    } else {
      this.#known.set(id, { ...now, clusters: named });
      this.#release(held);
    }
    return refused;
  }

  #changed(message: EndpointsChangeMessage): EndpointsResource | undefined {
    const known = this.#known.get(`endpoints ${message.key}`);
    if (known?.resource.kind !== 'endpoints' || known.connection !== this.#connection) return undefined;
    return applyEndpointsChange(known.resource, message);
  }

  #hold(clusters: readonly string[]): void {
    for (const name of clusters) this.#users.set(name, (this.#users.get(name) ?? 0) + 1);
  }

  /** Endpoint sets that no destination names any more are forgotten. */
  #release(clusters: readonly string[]): void {
    for (const name of clusters) {
      const left = (this.#users.get(name) ?? 0) - 1;
      if (left > 0) this.#users.set(name, left);
      else {
        this.#users.delete(name);
        this.#known.delete(`endpoints ${name}`);
      }
    }
  }
}

/** Kinds that come only to who asks for them. */
function isAskedFor(kind: string): boolean {
  return kind === 'destination' || kind === 'gateway' || kind === 'certificate' || kind === 'name';
}

/** Whatever the resource is: one that has no name is refused too. */
function nack(
  version: number,
  resource: { readonly kind: string; readonly key: string } | null | undefined,
  reason: string,
): NackMessage {
  const { kind = '', key = '' } = resource ?? {};
  return {
    type: 'nack',
    version,
    kind: String(kind),
    key: String(key),
    reason: reason.slice(0, MAX_REASON_LENGTH),
  };
}
