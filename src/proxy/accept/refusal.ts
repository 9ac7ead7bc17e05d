import { type Flag, flagWords } from '../../errors/index.ts';
import type { Field } from '../../http/index.ts';
import { localReplyBytes } from '../../http1/index.ts';
import type { ObjectRef } from '../../model/index.ts';
import type { PeerRequests } from '../../telemetry/index.ts';
import type { Wire } from '../../wire/index.ts';
import type { PortSpeech } from '../detection/port-speech.ts';
import type { Sniffed } from '../detection/sniff.ts';
import { newRequestId } from '../exchange/request-id.ts';
import { localReply, statusFor } from '../replies/local-replies.ts';
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
  if (kind === 'http2') answerAndLinger(services, wire, goAway(`${why}; ${remedy}`, INADEQUATE_SECURITY));
  else if (kind !== 'http1') wire.reset();
  if (kind !== 'http1') return;
  const series = refused.metrics().series(403, 'UAEX');
  series.requests++;
  series.touchedMs = services.clock.monotonic();
  const fields: readonly Field[] = [['x-request-id', id]];
  const reply = localReply('UAEX', '', { text: `${why}; ${remedy}`, fields, close: true });
  answerAndLinger(services, wire, localReplyBytes(reply));
}

/** A mesh peer whose handshake or preface is no good. */
export interface RefusedPeer {
  readonly wire: Wire;
  readonly client: string;
  /** As far as it is known. */
  readonly principal: string;
  /** Undefined when the client called our listener itself. */
  readonly port: number | undefined;
  readonly reason: string;
  readonly words: string;
}

/** Refuses the peer: TLS that failed has told it already, anything else is a reset. */
export function refusePeer(services: Services, refused: RefusedPeer): void {
  const { wire, client, principal, port, reason, words } = refused;
  const { counters, log, observers, clock } = services;
  const isHandshake = reason === 'handshake';
  if (isHandshake) counters.handshakeFailures.add('direction="inbound"');
  else counters.refused.add(`port="${port ?? 0}",reason="${reason}"`);
  log.warn({ client, port, principal }, `refused a client: ${words}`);
  if (observers.watching)
    observers.refusal({
      direction: 'inbound',
      downstream: client,
      principal,
      port: port ?? 0,
      wanted: '',
      reason,
      flag: isHandshake ? 'UAEX' : 'DPE',
      detail: words,
      status: 0,
      id: '',
      atMs: clock.monotonic(),
    });
  if (!isHandshake) wire.reset();
}

/** A connection that is refused for how it begins, whoever makes it. */
export interface RefusedStart {
  readonly wire: Wire;
  readonly direction: 'inbound' | 'outbound';
  readonly kind: RefusedKind;
  readonly client: string;
  readonly principal: string;
  readonly port: number;
  /** Whether its port is declared to speak HTTP/2: then that is what it is told in. */
  readonly atHttp2?: boolean;
}

/** The same where nothing more is to be said to it. */
export interface RefusedToTell extends Omit<RefusedStart, 'wire'> {
  readonly wire: { readonly bytesRead: number };
}

/** Why a connection is refused for how it begins; see docs/errors.md. */
export type StartRefusal = 'not-http' | 'silent-client' | 'slow-start' | 'own-port' | 'not-configured';

const flagOf: Readonly<Record<StartRefusal, Flag>> = {
  'not-http': 'DPE',
  'silent-client': 'DPE',
  'slow-start': 'DPE',
  'own-port': 'UAEX',
  'not-configured': 'NFCF',
};

/** Refuses what is no HTTP at a port that is known to be HTTP, and tells the client in whatever words it may understand. */
export function refuseNotHttp(services: Services, refused: RefusedStart, speech: PortSpeech): void {
  const came: Record<RefusedKind, string> = {
    http1: 'what came is not',
    http2: 'what came is not',
    tls: "what came is the client's own TLS",
    tcp: 'what came is not',
    nothing: 'nothing came',
  };
  const remedy = speech.judged
    ? 'send HTTP/1.1 or HTTP/2, take the policy off this port, or declare it as bytes (appProtocol tcp, or a name that begins with tcp): then it passes, and no policy about requests holds there'
    : 'if it speaks something else, declare that (appProtocol tcp or tls, or a name that begins with tcp or tls) and it passes, unread';
  const words = `port ${refused.port} speaks HTTP (${speech.why}) and ${came[refused.kind]}; ${remedy}`;
  const start = speech.kind === 'http2' ? { ...refused, atHttp2: true } : refused;
  refuseStart(services, start, refused.kind === 'nothing' ? 'silent-client' : 'not-http', words);
}

/** Refuses a client whose first bytes did not become clear in time. */
export function refuseSlow(services: Services, refused: RefusedStart): void {
  const words = `port ${refused.port}: the first line or ClientHello was not complete ${services.http1.headTimeoutMs} ms after its first byte; send it whole`;
  refuseStart(services, refused, 'slow-start', words);
}

/** How a connection was refused, as the access log and observers have it. */
export interface ToldRefusal {
  readonly reason: string;
  readonly flag: Flag;
  /** For the access log, and for everybody else. */
  readonly logged: string;
  readonly detail: string;
  readonly durationMs: number;
  /** Of the answer; 0 and '' where the client hears nothing that has them. */
  readonly status: number;
  readonly id: string;
  /** The object that asks for it, where one does. */
  readonly from?: ObjectRef;
}

/** Writes a refused connection into the access log, and tells whoever watches. */
export function tellRefusal(
  { accessLog, observers, clock }: Services,
  { wire, direction, client: downstream, principal, port }: RefusedToTell,
  { logged, durationMs, flag, ...told }: ToldRefusal,
): void {
  if (accessLog.wants(0, flag))
    accessLog.write({
      direction,
      protocol: 'TCP',
      flag,
      detail: logged,
      durationMs,
      receivedBytes: wire.bytesRead,
      sentBytes: 0,
      downstream,
      upstream: '',
      cluster: '',
      peer: principal,
      attempts: 0,
    });
  if (observers.watching)
    observers.refusal({
      ...{ direction, downstream, principal, port, wanted: '', flag },
      ...told,
      atMs: clock.monotonic(),
    });
}

/** Refuses a connection for how it begins: counted, logged, and where the client may understand it, told. */
export function refuseStart(
  services: Services,
  refused: RefusedStart,
  reason: StartRefusal,
  words: string,
): void {
  const { wire, direction, kind, client, principal, port } = refused;
  const { counters, log } = services;
  const counter = direction === 'inbound' ? counters.refused : counters.refusedOutbound;
  counter.add(`port="${port}",reason="${reason}"`);
  if (mayLog(services, `${withoutPort(client)} ${port} ${reason}`))
    log.warn({ client, port, principal, protocol: kind }, `refused a connection: ${words}`);
  const flag = flagOf[reason];
  const id = newRequestId().toString('latin1');
  const inHttp2 = kind === 'http2' || (refused.atHttp2 === true && kind === 'tcp');
  const answer = answerTo(kind, reason, words, id, inHttp2);
  tellRefusal(services, refused, {
    ...{ reason, flag, durationMs: 0 },
    logged: `${reason}: ${words}`,
    detail: words,
    status: answer === undefined || inHttp2 ? 0 : statusFor(flag),
    id: answer === undefined ? '' : id,
  });
  if (answer === undefined) wire.reset();
  else answerAndLinger(services, wire, answer);
}

/** Refuses a request on a connection that carries sessions: none for a session with the port that the connection is for. */
export function refuseSession(services: Services, refused: RefusedToTell, asked: string): void {
  const code = 'bad-session';
  const { client, principal, port } = refused;
  const words = `a connection that carries sessions with port ${port} had '${asked.slice(0, 128)}' on it; see that the peer is a proxy of Weft`;
  services.counters.refused.add(`port="${port}",reason="${code}"`);
  if (mayLog(services, `${withoutPort(client)} ${port} ${code}`))
    services.log.warn({ client, port, principal }, `refused a connection: ${words}`);
  tellRefusal(services, refused, {
    ...{
      reason: code,
      flag: 'DPE',
      logged: `${code}: ${words}`,
      detail: words,
      durationMs: 0,
      status: 0,
      id: '',
    },
  });
}

/** Nothing for clients that are silent, speak TLS, or ask for what is none of their business. */
function answerTo(
  kind: RefusedKind,
  reason: StartRefusal,
  words: string,
  id: string,
  inHttp2: boolean,
): Buffer | undefined {
  if (reason === 'own-port' || kind === 'nothing' || kind === 'tls') return undefined;
  const isOurs = reason === 'not-configured';
  // Who speaks no HTTP has done nothing wrong.
  if (isOurs && kind === 'tcp') return undefined;
  const flag = flagOf[reason];
  if (inHttp2) return goAway(`${flagWords(flag)}: ${words}`, isOurs ? NO_ERROR : PROTOCOL_ERROR);
  return localReplyBytes(localReply(flag, words, { fields: [['x-request-id', id]], close: true }));
}

/** RFC 9113 section 7. With this one the client may send its requests again elsewhere. */
const NO_ERROR = 0x0;
const INADEQUATE_SECURITY = 0xc;
const PROTOCOL_ERROR = 0x1;

/** RFC 9113 section 3.4 wants SETTINGS first; GOAWAY (section 6.8) carries the words. */
function goAway(words: string, code: number): Buffer {
  const text = Buffer.from(`weft: ${words}`);
  const frame = Buffer.alloc(26);
  frame[3] = 4;
  frame.writeUIntBE(8 + text.length, 9, 3);
  frame[12] = 7;
  frame.writeUInt32BE(code, 22);
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

/** A port of the proxy itself. */
export function refuseOwnPort(services: Services, refused: RefusedStart): void {
  const words = `port ${refused.port} is the proxy's own and nobody reaches it through the mesh; call a port of the app`;
  refuseStart(services, refused, 'own-port', words);
}
