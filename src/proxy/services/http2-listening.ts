import { STATELESS } from '../../hpack/index.ts';
import { LINE_TIMEOUT_MS } from '../../http1/index.ts';
import {
  AnomalyCounts,
  EDGE_LIMITS,
  type Http2Limits,
  type Http2Options,
  MESH_LIMITS,
  type QuietTimes,
} from '../../http2/index.ts';
import type { Clock, TimerWheel } from '../../time/index.ts';

/** Who is served: the pod's own app, another proxy, or anybody else whom the port lets in. */
export type Client = 'app' | 'proxy' | 'stranger';

/** How HTTP/2 is spoken with each kind of client; one object for all connections of that kind. */
export type Http2Listening = Readonly<Record<Client, Http2Options>>;

/** What both sides of a proxy have in common. Times in milliseconds. */
export interface Http2Times {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly idleTimeoutMs: number;
  readonly lingerMs: number;
}

/**
 * Clients are asked as seldom as gRPC's own servers would have it (gRFC A9 takes hours, clients minutes), and often enough that a
 * call of a node that died does not stay: with TCP alone that takes a quarter of an hour.
 */
const quietPeer: QuietTimes = { quietMs: 60_000, patienceMs: 20_000 };
/** From the start to the client's first SETTINGS. */
export const PREFACE_TIMEOUT_MS = 10_000;
/** Of header compression towards another Weft, bytes; see docs/decisions/http2.md. */
export const MESH_TABLE_BYTES = 4096;

/** What users may set of the limits for clients that come in. What is left out is as `limits.ts` has it for who they are. */
export type Http2Bounds = Partial<Pick<Http2Limits, 'maxStreams' | 'maxHeaderListBytes'>>;

/** Anomalies are counted by listener: those of proxies and strangers together. */
export function http2Listening(times: Http2Times, bounds: Http2Bounds = {}): Http2Listening {
  const own = {
    ...times,
    limits: MESH_LIMITS,
    counts: new AnomalyCounts(),
    encoder: STATELESS,
    prefaceTimeoutMs: PREFACE_TIMEOUT_MS,
    headTimeoutMs: LINE_TIMEOUT_MS,
    quietPeer,
  };
  const inbound = { ...own, counts: new AnomalyCounts(), limits: { ...MESH_LIMITS, ...bounds } };
  return {
    app: own,
    proxy: { ...inbound, encoder: { tableBytes: MESH_TABLE_BYTES, huffman: false } },
    stranger: { ...inbound, limits: { ...EDGE_LIMITS, ...bounds } },
  };
}
