// The one place where errors of Weft's own become answers. What they say is decided here; how that is written on a connection is
// its codec's.
import { type Flag, flagWords } from '../../errors/index.ts';
import { isGrpc } from '../../grpc/index.ts';
import type { Field, Head, LocalReply } from '../../http/index.ts';
import type { Fault } from '../../http1/index.ts';
import { grpcReply } from './grpc-reply.ts';
import { UNTOUCHED } from './untouched.ts';

const statusOf: Partial<Record<Flag, number>> = {
  NR: 404,
  NC: 503,
  NFCF: 503,
  UH: 503,
  UF: 503,
  UC: 503,
  UR: 503,
  UO: 503,
  UPE: 502,
  DF: 503,
  UT: 504,
  SI: 504,
  RL: 429,
  UAEX: 403,
  DPE: 400,
  OM: 503,
};

/** With OM. */
export const OUT_OF_MEMORY =
  'it is short of memory and takes no new requests until that is over; raise weft.dev/proxy-memory-limit of this pod if it lasts';

const RETRY_AFTER: Field = ['retry-after', '1'];
const plainText = 'text/plain; charset=utf-8';

/** What of an answer is not as its flag has it. */
export interface ReplyOptions {
  readonly status?: number;
  /** The whole text, in place of the flag's words and the detail. */
  readonly text?: string;
  /** Tells the caller's proxy that the app has not seen the request. */
  readonly untouched?: boolean;
  /** Further ones. */
  readonly fields?: readonly Field[];
  /** Whether the connection ends after it. */
  readonly close?: boolean;
  /** What it is to a gRPC client, where that is otherwise than its status says. */
  readonly grpcStatus?: number;
}

const asUsual: ReplyOptions = {};

/** The status that a flag is answered with. */
export function statusFor(flag: Flag): number {
  return statusOf[flag] ?? 503;
}

/**
 * An answer that says what happened: the flag as a field for machines (`x-weft-flag: UH`), the words as text for people. `detail`
 * is lowercase and may be ''.
 */
export function localReply(flag: Flag, detail: string, options: ReplyOptions = asUsual): LocalReply {
  const { status, text, untouched = false, fields = [], close = false, grpcStatus } = options;
  const words = text ?? `${flagWords(flag)}${detail === '' ? '' : `: ${detail}`}`;
  const all: Field[] = [['x-weft-flag', flag]];
  if (untouched) all.push(UNTOUCHED);
  // A rate limit knows itself when to come again.
  if (flag === 'UO' || flag === 'OM') all.push(RETRY_AFTER);
  all.push(...fields);
  return {
    status: status ?? statusFor(flag),
    contentType: plainText,
    body: `weft: ${words}\n`,
    fields: all,
    close,
    ...(grpcStatus !== undefined && { grpcStatus }),
  };
}

/** The same answer with another text, where somebody wants one. */
export function saying(reply: LocalReply, message: string | undefined): LocalReply {
  return message === undefined ? reply : { ...reply, body: `${message}\n` };
}

/** The answer to what is no request: which rule of HTTP it breaks, or why it was not read to its end. `fields`: further ones. */
export function malformedReply(
  { code, status, words }: Fault,
  flag: Flag,
  fields: readonly Field[],
): LocalReply {
  return {
    status,
    contentType: plainText,
    body: `${words} (weft: ${code})\n`,
    fields: [['x-weft-flag', flag], ...fields],
    close: true,
  };
}

/**
 * The answer in the protocol that the request speaks. One that says `untouched` stays as it is: it is for the caller's proxy,
 * which reads its status and asks another endpoint; a client that gets it in the end takes 503 for UNAVAILABLE all the same.
 */
export function inItsProtocol(request: Head, reply: LocalReply): LocalReply {
  return !reply.fields.includes(UNTOUCHED) && isGrpc(request) ? grpcReply(reply) : reply;
}
