// Connections as packet rules would redirect them, without packet rules: the test says where they were meant to go.

import { Listener, type Wire } from '../../wire/index.ts';
import { openInbound } from '../accept/held.ts';
import { OutboundConnection } from '../accept/outbound.ts';
import { AppSources } from '../connect/app-source.ts';
import type { DataPlane } from '../data-plane.ts';
import { INBOUND_TRUST, OUTBOUND_TRUST } from '../services/trust.ts';

/** A listener whose connections are all meant for one place. */
export interface Redirected {
  readonly port: number;
  /** The wires so far, for seeing what the proxy has read. */
  readonly wires: readonly Wire[];
  /** How many connections are over. */
  readonly closed: () => number;
  /** What the data plane does with its own connections when it drains. */
  drain(): void;
  close(): void;
}

interface Connection {
  start(): void;
  drain(): void;
  destroy(): void;
}

function listen(make: (wire: Wire, onClosed: () => void) => Connection): Redirected {
  const wires: Wire[] = [];
  const open = new Set<Connection>();
  let closed = 0;
  const listener = new Listener({ host: '127.0.0.1', port: 0, purpose: 'test' }, wire => {
    wires.push(wire);
    const connection = make(wire, () => {
      if (open.delete(connection)) closed++;
    });
    open.add(connection);
    connection.start();
  });
  return {
    port: listener.port,
    wires,
    closed: () => closed,
    drain() {
      for (const connection of open) connection.drain();
    },
    close() {
      listener.close();
      for (const connection of open) connection.destroy();
    },
  };
}

/** Connections to this workload's `127.0.0.1:port`, plaintext or mesh TLS. `awaitsDiscovery`: see InboundOptions. */
export function redirectedInbound(plane: DataPlane, port: number, awaitsDiscovery = false): Redirected {
  return listen((wire, onClosed) =>
    openInbound(
      plane.services,
      plane.inboundPorts,
      {
        sources: new AppSources(false, undefined),
        ...{ appAddress: '127.0.0.1', ownPorts: new Set(), awaitsDiscovery },
      },
      wire,
      { address: '127.0.0.1', port },
      { trust: INBOUND_TRUST, filters: [] },
      onClosed,
    ),
  );
}

/** Connections of this workload's app to `address:port`. */
export function redirectedOutbound(plane: DataPlane, address: string, port: number): Redirected {
  return listen(
    (wire, onClosed) =>
      new OutboundConnection(
        plane.services,
        plane.destinations,
        plane.passThrough,
        wire,
        { address, port },
        { trust: OUTBOUND_TRUST, filters: [] },
        onClosed,
      ),
  );
}

/**
 * Waits until `condition` holds, looking after each turn of the event loop; the test's own time limit ends a wait that never
 * does.
 */
export async function eventually(condition: () => boolean): Promise<void> {
  while (!condition()) await new Promise(resolve => setTimeout(resolve, 1));
}
