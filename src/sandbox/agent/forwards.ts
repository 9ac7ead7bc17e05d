import { connect, type Server, type Socket } from 'node:net';
import { errorMessage } from '../../errors/index.ts';
import type { EventLog, ObjectStore, Service } from '../kube/index.ts';
import type { Gate } from './gate.ts';
import { resolveTarget, type TargetName } from './targets.ts';

/** The annotation by which a Service asks for an address on the machine: `true`, or the port. */
export const OPEN = 'sandbox.weft.dev/open';

/** An address of the machine behind which a Service or pod answers. */
export interface Forward {
  readonly target: TargetName;
  readonly host: string;
  readonly port: number;
}

/** Listeners on the machine's loopback that lead into the sandbox. */
export class Forwards {
  readonly #store: ObjectStore;
  readonly #events: EventLog;
  readonly #gate: Gate;
  readonly #open = new Map<string, { forward: Forward; server: Server }>();
  readonly #opening = new Set<string>();
  #turn = 0;
  #stop: () => void = () => {};

  constructor(store: ObjectStore, events: EventLog, gate: Gate) {
    this.#store = store;
    this.#events = events;
    this.#gate = gate;
  }

  /** Opens addresses for the Services that ask for one, now and later, until `stop`. */
  start(): void {
    this.#stop = this.#store.onChange(({ type, object }) => {
      if (object.kind !== 'Service') return;
      if (type === 'put') this.#follow(object as Service);
      else this.#closeFor('svc', object.metadata.namespace ?? '', object.metadata.name);
    });
    for (const service of this.#store.list('Service')) this.#follow(service);
  }

  /** Closes all of them. */
  stop(): void {
    this.#stop();
    for (const { server } of this.#open.values()) server.close();
    this.#open.clear();
  }

  /** Every open address. */
  list(): Forward[] {
    return [...this.#open.values()].map(({ forward }) => forward);
  }

  /** Opens an address for a target, or gives the one it has. `port` 0 picks one. Rejects when the port is in use. */
  async open(target: TargetName, port = 0): Promise<Forward> {
    const key = JSON.stringify([target.kind, target.namespace, target.name, target.port]);
    const known = this.#open.get(key);
    if (known && (port === 0 || known.forward.port === port)) return known.forward;
    const host = '127.0.0.1';
    const server = await this.#gate.listen(host, port);
    server.on('connection', socket => this.#join(socket, target));
    const forward = { target, host, port: (server.address() as { port: number }).port };
    known?.server.close();
    this.#open.set(key, { forward, server });
    return forward;
  }

  /** Connects a stream to a target; it is ended with nothing said when that is not possible. */
  #join(socket: Socket, target: TargetName): void {
    const found = resolveTarget(this.#store, target, this.#turn++);
    if ('problem' in found) {
      this.#events.add('Warning', 'ForwardFailed', undefined, found.problem);
      socket.destroy();
      return;
    }
    joinStreams(socket, connect({ host: found.host, port: found.port, allowHalfOpen: true }));
  }

  #follow(service: Service): void {
    const wish = service.metadata.annotations?.[OPEN];
    const asks =
      service.spec.type === 'LoadBalancer' || service.spec.type === 'NodePort' || wish !== undefined;
    if (!asks || wish === 'false') return;
    const { name, namespace = 'default' } = service.metadata;
    for (const [index, { port, nodePort }] of (service.spec.ports ?? []).entries()) {
      const fixed = index === 0 && Number(wish) > 0 ? Number(wish) : nodePort;
      const key = `${namespace}/${name}:${port}`;
      if (this.#opening.has(key)) continue;
      this.#opening.add(key);
      this.#openOrAny({ kind: 'svc', namespace, name, port }, fixed ?? port).catch((error: unknown) => {
        this.#events.add('Warning', 'ForwardFailed', service, errorMessage(error));
      });
    }
  }

  /** The wanted port where it is free and needs no privilege, else one that the kernel picks. */
  async #openOrAny(target: TargetName, port: number): Promise<void> {
    try {
      await this.open(target, port < 1024 ? port + 8000 : port);
    } catch {
      await this.open(target, 0);
    }
  }

  #closeFor(kind: TargetName['kind'], namespace: string, name: string): void {
    for (const [key, { forward, server }] of this.#open) {
      const { target } = forward;
      if (target.kind !== kind || target.namespace !== namespace || target.name !== name) continue;
      server.close();
      this.#open.delete(key);
      this.#opening.delete(`${namespace}/${name}:${target.port}`);
    }
  }
}

/** Copies both ways until both are done; when one breaks the other is broken too. */
export function joinStreams(one: Socket, other: Socket): void {
  one.allowHalfOpen = true;
  one.on('error', () => other.destroy());
  other.on('error', () => one.destroy());
  one.on('close', () => other.destroy());
  other.on('close', () => one.destroy());
  one.pipe(other);
  other.pipe(one);
}
