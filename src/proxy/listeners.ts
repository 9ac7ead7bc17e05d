import type { OriginalDestination, Wire } from '../wire/index.ts';
import type { Trust } from './services/trust.ts';

/** A connection that a listener accepted. */
export interface Accepted {
  start(): void;
  drain(): void;
  relieve(hard: boolean): void;
  destroy(): void;
}

/** One row of the table of listeners (DataPlane): everything that tells one listener from another. */
export interface ListenerRow {
  /** For metrics and messages. */
  readonly name: 'inbound' | 'outbound';
  readonly hosts: readonly string[];
  /** 0: any that is free. */
  readonly port: number;
  /** Where a connection was going when it came here; undefined where only what it says can tell. `port`: the one listened on. */
  readonly wanted: (wire: Wire, port: number) => OriginalDestination | undefined;
  /** Whose word counts on its connections: nothing else decides that. */
  readonly trust: Trust;
  /** Takes a connection on; `onClosed` is to be called once. */
  readonly open: (
    wire: Wire,
    wanted: OriginalDestination | undefined,
    trust: Trust,
    onClosed: () => void,
  ) => Accepted;
}
