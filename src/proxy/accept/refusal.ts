import { type Flag, flagWords } from '../../errors/index.ts';
import type { Field } from '../../http/index.ts';
import { localReplyBytes } from '../../http1/index.ts';
import type { ObjectRef } from '../../model/index.ts';
import type { PeerRequests } from '../../telemetry/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { PortSpeech } from '../detection/port-speech.ts';
import type { Sniffed } from '../detection/sniff.ts';
import { newRequestId } from '../exchange/request-id.ts';
import { localReply } from '../replies/local-replies.ts';
import { answerAndLinger } from '../services/lingering.ts';
import type { Services } from '../services/services.ts';

/** What the first bytes of a refused client were; `nothing`: it sent none. */
export type RefusedKind = Exclude<Sniffed, 'more'> | 'nothing';

/** A plaintext client at a port that takes mesh TLS only. */
export interface RefusedClient {
  readonly wire: Wire;
  readonly kind: RefusedKind;
  readonly client: string;
  /** 0 when the client called our listener itself. */
  readonly port: number;
  readonly policy: string;
  /** The policy's object, where one decided. */
  readonly from: ObjectRef | undefined;
  /** How long the client was silent, milliseconds; for `nothing`. */
  readonly silentMs: number;
  metrics(): PeerRequests;
}

const logEveryMs = 10_000;
const lastLogged = new Map<string, number>();
const maxLogged = 1000;

/** Refuses the client and says why, in the log and, where it speaks HTTP, to itself. */
export function refusePlaintext(services: Services, refused: RefusedClient): void {
  const { wire, kind, client, port, policy, from } = refused;
  services.counters.refused.add(
    `port="${port}",reason="${kind === 'nothing' ? 'silent-client' : 'plaintext'}"`,
  );
  const why =
    port === 0
      ? 'this port belongs to the mesh and takes mutual TLS from other proxies only'
      : `port ${port} takes mutual TLS only (${policy})`;
  const what =
    kind === 'nothing'
      ? `refused a client that sent nothing for ${refused.silentMs} ms, as clients of servers that speak first do`
      : 'refused a plaintext client';
  const remedy =
    'call it from a pod in the mesh (label its namespace weft.dev/inject=enabled and restart it), or allow plaintext on this port with portLevelMtls PERMISSIVE';
  if (mayLog(services, `${withoutPort(client)} ${port}`))
    services.log.warn({ client, port, policy, protocol: kind }, `${what}: ${why}; ${remedy}`);
  const status = kind === 'http1' ? 403 : 0;
  const id = kind === 'http1' ? newRequestId().toString('latin1') : '';
  if (services.observers.watching)
    services.observers.refusal({
      direction: 'inbound',
      downstream: client,
      principal: '',
      port,
      wanted: '',
      reason: kind === 'nothing' ? 'silent-client' : 'plaintext',
      flag: 'UAEX',
      detail: why,
      status,
      id,
      ...(from && { from }),
      atMs: services.clock.monotonic(),
    });
  if (kind !== 'http1') {
    wire.reset();
    return;
  }
  const series = refused.metrics().series(403, 'UAEX');
  series.requests++;
  series.touchedMs = services.clock.monotonic();
  const fields: readonly Field[] = [['x-request-id', id]];
  const reply = localReply('UAEX', '', { text: `${why}; ${remedy}`, fields, close: true });
  answerAndLinger(services, wire, localReplyBytes(reply));
}

/** A connection that is refused for how it begins, whoever makes it. */
export interface RefusedStart {
  readonly wire: Wire;
  readonly direction: 'inbound' | 'outbound';
  readonly kind: RefusedKind;
  readonly client: string;
  readonly principal: string;
  readonly port: number;
}

/** Why a connection is refused for how it begins; see docs/errors.md. */
export type StartRefusal = 'not-http' | 'silent-client' | 'slow-start' | 'own-port';

/** Refuses what is no HTTP/1 at a port that is known to be HTTP, and tells the client in whatever words it may understand. */
export function refuseNotHttp(services: Services, refused: RefusedStart, speech: PortSpeech): void {
  const read = speech.kind === 'http2' ? 'HTTP' : 'HTTP/1.1';
  const came: Record<RefusedKind, string> = {
    http1: 'what came is not',
    http2: 'what came is HTTP/2 without TLS, which is not read here',
    tls: "what came is the client's own TLS",
    tcp: 'what came is not',
    nothing: 'nothing came',
  };
  const remedy = speech.judged
    ? 'send HTTP/1.1, take the policy off this port, or declare it as bytes (appProtocol tcp, or a name that begins with tcp): then it passes, and no policy about requests holds there'
    : refused.kind === 'http2'
      ? 'declare the port as gRPC or HTTP/2 (appProtocol grpc or kubernetes.io/h2c, or a name that begins with grpc or http2) and it passes, unread'
      : 'if it speaks something else, declare that (appProtocol tcp or tls, or a name that begins with tcp or tls) and it passes, unread';
  const words = `port ${refused.port} speaks ${read} (${speech.why}) and ${came[refused.kind]}; ${remedy}`;
  refuseStart(services, refused, refused.kind === 'nothing' ? 'silent-client' : 'not-http', words);
}

/** Refuses a client whose first bytes did not become clear in time. */
export function refuseSlow(services: Services, refused: RefusedStart): void {
  const words = `port ${refused.port}: the first line or ClientHello was not complete ${services.http1.headTimeoutMs} ms after its first byte; send it whole`;
  refuseStart(services, refused, 'slow-start', words);
}

/** Refuses a connection for how it begins: counted, logged, and where the client may understand it, told. */
export function refuseStart(
  services: Services,
  refused: RefusedStart,
  reason: StartRefusal,
  words: string,
): void {
  const { wire, direction, kind, client, principal, port } = refused;
  const { counters, log, accessLog } = services;
  const counter = direction === 'inbound' ? counters.refused : counters.refusedOutbound;
  counter.add(`port="${port}",reason="${reason}"`);
  if (mayLog(services, `${withoutPort(client)} ${port} ${reason}`))
    log.warn({ client, port, principal, protocol: kind }, `refused a connection: ${words}`);
  const flag: Flag = reason === 'own-port' ? 'UAEX' : 'DPE';
  if (accessLog.wants(0, flag)) {
    accessLog.write({
      direction,
      protocol: 'TCP',
      flag,
      detail: `${reason}: ${words}`,
      durationMs: 0,
      receivedBytes: wire.bytesRead,
      sentBytes: 0,
      downstream: client,
      upstream: '',
      cluster: '',
      peer: principal,
      attempts: 0,
    });
  }
  const id = newRequestId().toString('latin1');
  const answer = answerTo(kind, reason, words, id);
  if (services.observers.watching)
    services.observers.refusal({
      direction,
      downstream: client,
      principal,
      port,
      wanted: '',
      reason,
      flag,
      detail: words,
      status: answer === undefined || kind === 'http2' ? 0 : 400,
      id: answer === undefined ? '' : id,
      atMs: services.clock.monotonic(),
    });
  if (answer === undefined) wire.reset();
  else answerAndLinger(services, wire, answer);
}

/** Nothing for clients that are silent, speak TLS, or ask for what is none of their business. */
function answerTo(kind: RefusedKind, reason: StartRefusal, words: string, id: string): Buffer | undefined {
  if (reason === 'own-port' || kind === 'nothing' || kind === 'tls') return undefined;
  if (kind === 'http2') return goAway(words);
  return localReplyBytes(localReply('DPE', words, { fields: [['x-request-id', id]], close: true }));
}

/**
 * RFC 9113 section 3.4 wants SETTINGS first; GOAWAY (section 6.8) carries the words, and HTTP_1_1_REQUIRED (section 7) says what
 * to do.
 */
function goAway(words: string): Buffer {
  const text = Buffer.from(`weft: ${flagWords('DPE')}: ${words}`);
  const frame = Buffer.alloc(26);
  frame[3] = 4;
  frame.writeUIntBE(8 + text.length, 9, 3);
  frame[12] = 7;
  frame.writeUInt32BE(0xd, 22);
  return Buffer.concat([frame, text]);
}

export function withoutPort(client: string): string {
  return client.replace(/:\d+$/, '');
}

/** At most one line per client, port and reason in ten seconds. */
export function mayLog(services: Services, key: string): boolean {
  const nowMs = services.clock.monotonic();
  const last = lastLogged.get(key);
  if (last !== undefined && nowMs - last < logEveryMs) return false;
  if (lastLogged.size >= maxLogged) lastLogged.clear();
  lastLogged.set(key, nowMs);
  return true;
}
