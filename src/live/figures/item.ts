// What a proxy says of its figures: what was counted since it said them last.
import type { UsedByProxies } from '../../model/index.ts';

/** One combination of what tells edges apart. */
export interface EdgeItem {
  /** Which side counted: this proxy's pod called (`source`) or was called (`destination`). */
  readonly reporter: 'source' | 'destination';
  /** The other end: `namespace/workload`, '' where it is not known. */
  readonly peer: string;
  /** The version of who was called. */
  readonly version: string;
  /** What was called: `namespace/name` of the Service, or a host. */
  readonly service: string;
  readonly protocol: 'http' | 'tcp';
  readonly mtls: boolean;
  readonly requests?: number;
  /** Answered 5xx, or not at all. */
  readonly failed?: number;
  /** Requests by bucket of telemetry's BUCKETS: its index and how many. */
  readonly buckets?: readonly (readonly [bucket: number, count: number])[];
  /** Bytes of bodies or connections, to the callee and back. */
  readonly sent?: number;
  readonly received?: number;
  /** TCP connections: opened since, and open now. */
  readonly opened?: number;
  readonly open?: number;
  /** By response flag, where there was one. */
  readonly flags?: Readonly<Record<string, number>>;
}

/** One thread of the proxy: how full it is. Said last, each time. */
export interface ProxyItem {
  /** Milliseconds of the event loop since it was said last. */
  readonly activeMs: number;
  readonly idleMs: number;
  /** Of the whole process. */
  readonly memoryBytes: number;
  readonly retries: number;
  readonly ejected: number;
  readonly waiting: number;
  /** What the process used at most; said by one of its threads. */
  readonly used?: UsedByProxies;
}

/** An item of an answer to a question of the kind `figures`. */
export type FiguresItem = { readonly edge: EdgeItem } | { readonly proxy: ProxyItem };

/** How often a proxy says its figures. */
export const FIGURES_EVERY_MS = 2_500;
