/** What goes on in a data plane at one moment. */
export interface UnderWay {
  /** Requests without the end of their answer. */
  readonly exchanges: number;
  /** Those of them that have become tunnels. */
  readonly tunnels: number;
  /** Open connections from others to this workload. */
  readonly inbound: number;
  /** Open connections of this workload's app. */
  readonly outbound: number;
}

/** Nothing. */
export const IDLE: UnderWay = { exchanges: 0, tunnels: 0, inbound: 0, outbound: 0 };

/** What goes on in several data planes together. */
export function sumUnderWay(all: readonly UnderWay[]): UnderWay {
  return all.reduce(
    (sum, each) => ({
      exchanges: sum.exchanges + each.exchanges,
      tunnels: sum.tunnels + each.tunnels,
      inbound: sum.inbound + each.inbound,
      outbound: sum.outbound + each.outbound,
    }),
    IDLE,
  );
}
