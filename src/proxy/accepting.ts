import { IntrusiveSet } from '../sets/index.ts';
import { Listener, type OriginalDestination, type Wire } from '../wire/index.ts';
import type { Accepted, ListenerRow } from './listeners.ts';
import type { Services } from './services/services.ts';

/** What listeners are opened with. */
export interface AcceptingOptions {
  readonly services: Services;
  /** Other cores listen on the same ports. */
  readonly sharePorts: boolean;
  /** Takes a connection away before it is opened; see DataPlaneOptions.intercept. */
  readonly intercept?: ((wire: Wire, wanted: OriginalDestination | undefined) => boolean) | undefined;
  /** Whoever else accepts connections here, by listeners of its own, is to stop or to go on. */
  readonly pauseOthers: (paused: boolean) => void;
}

/**
 * The listeners of a sidecar, what they have accepted that is still open, and whether more may come: not while memory is short,
 * nor while another process of this proxy accepts.
 */
export class Accepting {
  readonly #options: AcceptingOptions;
  readonly #connections = new IntrusiveSet<'seat', Accepted>('seat');
  #listeners: Listener[] = [];
  /** Those that are listened on. */
  #rows: ListenerRow[] = [];
  /** Another process of this proxy accepts. */
  #handedOver = false;
  /** Connections that may be accepted before memory is looked at again. */
  #room = Number.POSITIVE_INFINITY;

  constructor(options: AcceptingOptions) {
    this.#options = options;
  }

  /** Opens the row's listeners, one for each host, and returns their port. Throws the WeftError of one that cannot be opened. */
  listen(row: ListenerRow): number {
    let { port } = row;
    for (const host of row.hosts) {
      const counting = (wire: Wire): void => {
        this.takeRoom();
        this.#accept(row, wire, port);
      };
      const listener = new Listener(
        { host, port, purpose: row.name, shared: this.#options.sharePorts },
        counting,
      );
      this.#listeners.push(listener);
      port = listener.port;
    }
    this.#rows.push({ ...row, port });
    return port;
  }

  /** The rows of the table, with what is open on this core. */
  get listening(): readonly (Pick<ListenerRow, 'name' | 'hosts' | 'port' | 'trust'> & { open: number })[] {
    const { openConnections } = this.#options.services.counters;
    return this.#rows.map(row => ({ ...row, open: openConnections[row.name] }));
  }

  /** So many connections may be accepted before memory is looked at again; none: nobody accepts until then. */
  allow(room: number): void {
    this.#room = room;
    this.#open();
  }

  /** A connection is accepted, here or by others: memory is looked at again after so many. */
  takeRoom(): void {
    if (--this.#room > 0) return;
    this.#pause(true);
  }

  /** Whether connections are accepted in this process. */
  accept(on: boolean): void {
    this.#handedOver = !on;
    this.#open();
  }

  drain(): void {
    for (const connection of this.#connections) connection.drain();
  }

  /** As Accepted.relieve, of each that is open. */
  relieve(hard: boolean): void {
    for (const connection of this.#connections) connection.relieve(hard);
  }

  /** Breaks off what is open. */
  cutOff(): void {
    for (const connection of this.#connections) connection.destroy();
  }

  /** Accepts no more. */
  close(): void {
    for (const listener of this.#listeners) listener.close();
    this.#listeners = [];
  }

  #open(): void {
    this.#pause(this.#room <= 0 || this.#handedOver);
  }

  #pause(paused: boolean): void {
    for (const listener of this.#listeners) paused ? listener.pause() : listener.resume();
    this.#options.pauseOthers(paused);
  }

  #accept(row: ListenerRow, wire: Wire, port: number): void {
    const { name, wanted: find, open } = row;
    const { openConnections } = this.#options.services.counters;
    const wanted = find(wire, port);
    if (this.#options.intercept?.(wire, wanted) === true) return;
    openConnections[name]++;
    const onClosed = (): void => {
      if (this.#connections.delete(connection)) openConnections[name]--;
    };
    const connection = open(wire, wanted, row, onClosed);
    this.#connections.add(connection);
    try {
      connection.start();
    } catch (thrown) {
      onClosed();
      throw thrown;
    }
  }
}
