// The discovery protocol, version 1: newline-delimited JSON in both directions over one TLS connection to port 15012 with
// ALPN `weft/discovery/1`. A line is one message. Small enough to read with `openssl s_client`, and light enough for a
// sidecar: no HTTP stack is loaded for it. Lines are at most MAX_LINE_BYTES; a longer one ends the connection.
//
// A proxy without a certificate connects without one, sends `sign` and disconnects. With a certificate it connects with
// mutual TLS, sends `hello`, and then subscribes and unsubscribes as its app calls. The server answers with `resource`
// (the full one first, endpoint sets then as changes) and the proxy answers each with `ack` or `nack`. A nacked change still
// counts as sent: the next change builds on it. A key that cannot be followed is answered with a destination that is `refused`
// and never changes; the others of its message are followed. Who sends more than the limits is read more slowly, not cut off.
//
// Whether the other side is there: a proxy that has said nothing for PING_MS is sent `ping`, which is answered with `pong`, and
// between other messages `beat`, which is not. A proxy that misses a beat for BEAT_GRACE_MS connects to the control plane
// anew, beside the connection it has, and changes over where that succeeds before anything is heard. See
// docs/decisions/discovery.md.
//
// The control plane may also ask (`ask`), about what only the proxy knows: its live requests, its record of failures. The proxy
// says what there is in any number of messages (`said`), and when that is all (`done`); `unask` ends a question before. Which
// kinds of questions it can answer stands in its `hello`. See docs/decisions/live.md.
import type { ClusterEndpoint, MachineClaim, Resource } from '../model/index.ts';

/** ALPN protocol name. */
export const DISCOVERY_ALPN = 'weft/discovery/1';

/** 16 MiB: room for one cluster with some 50,000 endpoints. */
export const MAX_LINE_BYTES = 16 << 20;

/** Lines from proxies are small: a subscription to SUBSCRIBE_BATCH keys, or a certificate request. */
export const MAX_PROXY_LINE_BYTES = 1 << 20;

/**
 * The same from who has proven nothing, which can only be a certificate request: a token of at most 16 KB and a CSR of as many.
 */
export const MAX_NEWCOMER_LINE_BYTES = 48 << 10;

/** Proxies name at most this many keys in one message. */
export const SUBSCRIBE_BATCH = 500;

/** The longest key: a DNS name and a port, with room. A longer one is refused alone, with a resource that says so. */
export const MAX_KEY_LENGTH = 300;

/** The same of gateways, whose keys hold names of objects and two hosts. */
export const MAX_GATEWAY_KEY_LENGTH = 1_200;

/** What is kept of a refusal's reason. */
export const MAX_REASON_LENGTH = 1_000;

/** The control plane looks at each proxy this often, and sends `ping` to one that has said nothing since the last time. */
export const PING_MS = 15_000;

/** A side that has heard nothing for this long takes the other for dead and ends the connection. */
export const SILENCE_MS = 45_000;

/** A proxy hears of its control plane at most this often when nothing else is to be told, and all of one replica together. */
export const LEAST_BEAT_MS = 500;
export const BEATS_PER_SECOND = 5_000;

/** A proxy that has heard nothing for so long after a beat was due looks for another replica. */
export const BEAT_GRACE_MS = 750;

/** So many questions a proxy has open at once; another one is answered with `done` and the reason. */
export const MAX_QUESTIONS = 16;

/** The longest question, as JSON. */
export const MAX_QUESTION_LENGTH = 16 << 10;

/** A `said` has at most so many items. */
export const MAX_SAID_ITEMS = 1_000;

/** What proxies send. */
export type ProxyMessage =
  | SignMessage
  | HelloMessage
  | SubscribeMessage
  | UnsubscribeMessage
  | AckMessage
  | NackMessage
  | PongMessage
  | SaidMessage
  | DoneMessage
  | FetchMessage;

/** What the control plane sends. */
export type ServerMessage =
  | SignedMessage
  | ResourceMessage
  | EndpointsChangeMessage
  | PingMessage
  | BeatMessage
  | ErrorMessage
  | AskMessage
  | UnaskMessage
  | ProgramMessage;

/** Asks for a certificate. The token proves the workload's identity, for a renewal too; see docs/decisions/certificates.md. */
export interface SignMessage {
  readonly type: 'sign';
  /** PEM. Its subject and names are ignored: the identity comes from the proof. */
  readonly csr: string;
  readonly token?: string;
  /** The proxy's clock, milliseconds since the epoch, so that the control plane can warn of skew by name. */
  readonly nowMs: number;
}

/** The answer to `sign`. */
export interface SignedMessage {
  readonly type: 'signed';
  /** PEM, leaf first, then intermediates. */
  readonly chain: string;
  /** PEM of every root that is good now. */
  readonly roots: readonly string[];
  readonly nowMs: number;
}

/** Who subscribes; checked against the certificate's identity. */
export interface HelloMessage {
  readonly type: 'hello';
  readonly proxyVersion: string;
  readonly namespace: string;
  readonly pod: string;
  /** Kinds of questions that it can answer; undefined: it is of a version before there were any. */
  readonly answers?: readonly string[];
  /** Of a machine outside of the cluster that joins a WorkloadGroup: `pod` is then the name that follows from it. */
  readonly machine?: MachineClaim;
}

/**
 * Asks for destinations, by key (see DestinationResource), what gateways need (model/gateway-keys.ts), or what names are
 * (model/name-key.ts). `inbound`, `trust` and
 * the endpoint sets that a destination names come without being asked for.
 */
export interface SubscribeMessage {
  readonly type: 'subscribe';
  readonly keys: readonly string[];
}

/** The proxy forgot these destinations. Endpoint sets that nothing else names are forgotten with them. */
export interface UnsubscribeMessage {
  readonly type: 'unsubscribe';
  readonly keys: readonly string[];
}

/** A resource as it is now. `version` counts up per stream; ack and nack name it. */
export interface ResourceMessage {
  readonly type: 'resource';
  readonly version: number;
  readonly resource: Resource;
  /** When the control plane learned of the change that caused this push; undefined for the answer to a subscription. */
  readonly changedAtMs?: number;
}

/** What changed in an endpoint set since the last one sent on this stream. Endpoints are identified by address and port. */
export interface EndpointsChangeMessage {
  readonly type: 'endpoints-change';
  readonly version: number;
  /** ClusterConfig.name */
  readonly key: string;
  readonly put: readonly ClusterEndpoint[];
  /** `address:port` as formatAddress writes it. */
  readonly remove: readonly string[];
  readonly total: number;
  readonly changedAtMs?: number;
}

/** The resource is in use. */
export interface AckMessage {
  readonly type: 'ack';
  readonly version: number;
}

/** The resource was refused and the last good one stays in use. */
export interface NackMessage {
  readonly type: 'nack';
  readonly version: number;
  /** A word that the proxy does not know, where it is why. */
  readonly kind: string;
  readonly key: string;
  readonly reason: string;
}

/**
 * Asks whether the proxy is there. A type of message that a side does not know it passes over, so that versions can differ; a
 * kind of resource that a proxy does not know it nacks, because what it says will not hold there.
 */
export interface PingMessage {
  readonly type: 'ping';
}

/**
 * The control plane is there, and will be heard of at least every `everyMs` milliseconds from now on, by this message or by any
 * other. It is not answered. A proxy that never got one waits for SILENCE_MS, as for a control plane of before there were any.
 */
export interface BeatMessage {
  readonly type: 'beat';
  readonly everyMs: number;
}

/** It is. */
export interface PongMessage {
  readonly type: 'pong';
}

/** The request before it failed for good; `code` as in WeftError. */
export interface ErrorMessage {
  readonly type: 'error';
  readonly code: string;
  readonly message: string;
}

/** Asks for the program of a proxy that this control plane has; see docs/decisions/upgrades.md. */
export interface FetchMessage {
  readonly type: 'fetch';
  /** SHA-256 in hexadecimal, as the question said that led to this. */
  readonly digest: string;
}

/** The program, Base64, or why there is none. */
export interface ProgramMessage {
  readonly type: 'program';
  readonly digest: string;
  readonly bytes?: string;
  readonly error?: string;
}

/** What is asked of a proxy: the kind, and whatever that kind needs. JSON of at most MAX_QUESTION_LENGTH characters. */
export interface Question {
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** Asks the proxy something. `id` is new on this stream. */
export interface AskMessage {
  readonly type: 'ask';
  readonly id: number;
  readonly question: Question;
}

/** Nobody wants the answer any more. */
export interface UnaskMessage {
  readonly type: 'unask';
  readonly id: number;
}

/** Some of the answer. */
export interface SaidMessage {
  readonly type: 'said';
  readonly id: number;
  readonly items: readonly unknown[];
  /** So many items were left out since the message before, because they were too many for the bounds. */
  readonly left?: number;
}

/** The answer is complete, or there is none, with the reason. */
export interface DoneMessage {
  readonly type: 'done';
  readonly id: number;
  readonly error?: string;
  readonly left?: number;
}
