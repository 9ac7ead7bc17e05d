// Answers of Weft's own to a request under way: in the protocol that it speaks, and with its id, so that it can be asked about.
import type { Flag } from '../../errors/index.ts';
import { ownStatus } from '../../grpc/index.ts';
import { type Field, Fields, type Head, type LocalReply, NO_FIELDS } from '../../http/index.ts';
import type { Instead } from '../filters/filter.interface.ts';
import { grpcReply } from '../replies/grpc-reply.ts';
import { inItsProtocol, localReply } from '../replies/local-replies.ts';
import { giveRequestId, REQUEST_ID, requestIdOf } from './request-id.ts';
import type { RouteWork } from './route-work.ts';

const requestIdField = REQUEST_ID.toString('latin1');

/** The answer that says what failed. `untouched`: tells the caller's proxy that no app has seen a byte of the request. */
export function failureReply(
  request: Head,
  flag: Flag,
  words: string,
  untouched: boolean,
  work: RouteWork | undefined,
): LocalReply {
  const fields = work?.localFields ?? NO_FIELDS;
  return inItsProtocol(request, localReply(flag, words, { untouched, fields }));
}

/** The answer that a policy asks for. */
export function policyReply(request: Head, { reply, flag }: Instead): LocalReply {
  // What a route says in its own name is for whom it was written; what is in place of an answer is in words that the client
  // knows.
  return flag === '' ? reply : inItsProtocol(request, reply);
}

/** The status that an answer tells a gRPC client: in a field, or by what its status of HTTP says. */
export function toldStatus({ status, fields }: LocalReply): number {
  const told = fields.find(([name]) => name === 'grpc-status');
  return told === undefined ? ownStatus(status) : Number(told[1]);
}

/** The end of a gRPC call whose answer has begun. */
export function lastWords(request: Head, flag: Flag, words: string): Fields {
  const { status, fields } = grpcReply(localReply(flag, words));
  const trailers = Fields.none();
  for (const [name, value] of named(request, { status, fields, contentType: '', body: '', close: false })
    .fields)
    trailers.add(Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1'));
  return trailers;
}

/** The same answer with the request's id: weft explain. */
export function named(request: Head, reply: LocalReply): LocalReply {
  giveRequestId(request);
  const fields: readonly Field[] = [...reply.fields, [requestIdField, requestIdOf(request)]];
  return { ...reply, fields };
}

/** A failed answer of an app names its request, too, where it does not do so itself. */
export function nameRequest(request: Head, response: Head): void {
  const id = requestIdOf(request);
  if (id !== '') response.add(REQUEST_ID, Buffer.from(id, 'latin1'));
}
