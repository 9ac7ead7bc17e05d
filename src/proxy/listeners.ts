import type { OriginalDestination, Wire } from '../wire/index.ts';
import type { ListenerTerms } from './exchange/exchange-host.ts';
import type { FilterKind } from './filters/filter.interface.ts';
import type { ListenerRules } from './filters/lists.ts';

/** A connection that a listener accepted. */
export interface Accepted {
  /** Its seat among the open ones; for the data plane alone. */
  seat: number;
  start(): void;
  drain(): void;
  relieve(hard: boolean): void;
  destroy(): void;
}

/** Where a listener is opened. */
export interface ListenerPlace {
  readonly hosts: readonly string[];
  /** 0: any that is free. */
  readonly port: number;
  /** Filters of its own; those of LISTENER_FILTERS unless told. */
  readonly filters?: readonly FilterKind<ListenerRules>[];
}

/** One row of the table of listeners (DataPlane): everything that tells one listener from another. Made once. */
export interface ListenerRow extends ListenerTerms {
  /** For metrics and messages. */
  readonly name: 'inbound' | 'outbound';
  readonly hosts: readonly string[];
  /** 0: any that is free. */
  readonly port: number;
  /** Where a connection was going when it came here; undefined where only what it says can tell. `port`: the one listened on. */
  readonly wanted: (wire: Wire, port: number) => OriginalDestination | undefined;
  /** Takes a connection on; `onClosed` is to be called once. */
  readonly open: (
    wire: Wire,
    wanted: OriginalDestination | undefined,
    terms: ListenerTerms,
    onClosed: () => void,
  ) => Accepted;
}
