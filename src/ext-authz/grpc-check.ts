// ext_authz v3 over gRPC: envoy.service.auth.v3.Authorization/Check. Numbers of fields are those of Envoy's
// attribute_context.proto, external_auth.proto, base.proto and address.proto.
import type { Field } from '../http/index.ts';
import type { ConnectionQuestion, Decision, Question } from './decision.ts';
import { maySet } from './header-patterns.ts';
import { MessageWriter, readMessage } from './protobuf.ts';

/** The path of the call. */
export const CHECK_PATH = '/envoy.service.auth.v3.Authorization/Check';

/** HeaderValueOption.append_action. */
const APPEND_IF_EXISTS_OR_ADD = 0;
const ADD_IF_ABSENT = 1;

/** CheckRequest, without the five bytes before a message of gRPC. */
export function checkRequest(question: Question, asBytes: boolean): Buffer {
  const { method, target, authority, fields, body, isPartial, source, destination } = question;
  const { protocol, scheme, atMs, id } = question;
  const headers = new Map<string, string>();
  // As in Envoy, where a map has one value for each name.
  for (const [name, value] of fields)
    headers.set(name, headers.has(name) ? `${headers.get(name)},${value}` : value);
  headers.set(':method', method).set(':path', target).set(':authority', authority).set(':scheme', scheme);
  if (body !== undefined) headers.set('x-envoy-auth-partial-body', String(isPartial));
  const http = new MessageWriter().text(1, id).text(2, method);
  for (const [name, value] of headers) http.message(3, new MessageWriter().text(1, name).text(2, value));
  http
    .text(4, target)
    .text(5, authority)
    .text(6, scheme)
    .number(9, body?.length ?? 0)
    .text(10, protocol);
  if (body !== undefined && asBytes) http.bytes(12, body);
  else if (body !== undefined) http.text(11, body.toString('latin1'));
  const request = new MessageWriter().message(1, time(atMs)).message(2, http);
  const attributes = new MessageWriter()
    .message(1, peer(source))
    .message(2, peer(destination))
    .message(4, request);
  return new MessageWriter().message(1, attributes).finish();
}

/** The same of a connection, which has no request: Envoy's TCP filter, createTcpCheck. */
export function connectionCheck({ source, destination, serverName, atMs }: ConnectionQuestion): Buffer {
  const attributes = new MessageWriter()
    .message(1, peer(source))
    .message(2, peer(destination))
    .message(4, new MessageWriter().message(1, time(atMs)));
  // TLSSession.sni
  if (serverName !== '') attributes.message(12, new MessageWriter().text(1, serverName));
  return new MessageWriter().message(1, attributes).finish();
}

function time(atMs: number): MessageWriter {
  return new MessageWriter().number(1, Math.floor(atMs / 1000)).number(2, (atMs % 1000) * 1_000_000);
}

function peer({ address, port, principal }: Question['source']): MessageWriter {
  const socket = new MessageWriter().text(2, address).number(3, port);
  return new MessageWriter().message(1, new MessageWriter().message(1, socket)).text(4, principal);
}

/** What a CheckResponse means; without a body of the denial its status' words are for whoever answers. */
export function readCheckResponse(message: Buffer): Decision {
  let code: number | undefined = 0;
  let denied: Buffer = none;
  let allowed: Buffer = none;
  const isRead = readMessage(message, (field, value) => {
    if (!Buffer.isBuffer(value)) return;
    if (field === 1) code = codeOf(value, 0);
    else if (field === 2) denied = value;
    else if (field === 3) allowed = value;
  });
  // All of it has to make sense: half of an answer allows nothing.
  const outcomes = [readAllowed(allowed), readDenied(denied)] as const;
  if (!isRead || code === undefined || outcomes.some(({ kind }) => kind === 'failed')) return malformed;
  return outcomes[code === 0 ? 0 : 1];
}

/** Field 1 of a Status or HttpStatus; `otherwise` where it is not there, undefined where the message is malformed. */
function codeOf(message: Buffer, otherwise: number): number | undefined {
  let code = otherwise;
  const isRead = readMessage(message, (field, value) => {
    if (field === 1 && typeof value === 'number') code = value;
  });
  return isRead ? code : undefined;
}

const none = Buffer.alloc(0);
const malformed: Decision = { kind: 'failed', why: 'its answer is no CheckResponse' };

function readAllowed(message: Buffer): Decision {
  const set: Field[] = [];
  const append: Field[] = [];
  const remove: string[] = [];
  const toClient: Field[] = [];
  const isRead = readMessage(message, (field, value) => {
    if (!Buffer.isBuffer(value)) return;
    if (field === 2) {
      const { header, appends } = readOption(value);
      if (header !== undefined) (appends ? append : set).push(header);
    } else if (field === 5) {
      const name = value.toString('latin1').toLowerCase();
      if (maySet(name, '')) remove.push(name);
    } else if (field === 6) {
      const { header } = readOption(value);
      if (header !== undefined) toClient.push(header);
    }
  });
  return isRead ? { kind: 'allowed', set, append, remove, toClient } : malformed;
}

function readDenied(message: Buffer): Decision {
  let status = 403;
  let body = '';
  const fields: Field[] = [];
  const isRead = readMessage(message, (field, value) => {
    if (!Buffer.isBuffer(value)) return;
    if (field === 1) {
      const code = codeOf(value, 403) ?? 403;
      if (code >= 200 && code <= 599) status = code;
    } else if (field === 2) {
      const { header } = readOption(value);
      if (header !== undefined) fields.push(header);
    } else if (field === 3) body = value.toString('utf8');
  });
  return isRead ? { kind: 'denied', status, fields, body } : malformed;
}

/** A HeaderValueOption; without a header where it may not be set. */
function readOption(message: Buffer): { readonly header: Field | undefined; readonly appends: boolean } {
  let name = '';
  let value = '';
  let appends = false;
  readMessage(message, (field, read) => {
    if (field === 1 && Buffer.isBuffer(read))
      readMessage(read, (inner, text) => {
        if (!Buffer.isBuffer(text)) return;
        if (inner === 1) name = text.toString('latin1').toLowerCase();
        else if (inner === 2 || inner === 3) value = text.toString('latin1');
      });
    // BoolValue `append`, which is false where it is not said.
    else if (field === 2 && Buffer.isBuffer(read)) appends = read.length > 1 && read[1] === 1;
    else if (field === 3 && typeof read === 'number')
      appends = read === ADD_IF_ABSENT || (read === APPEND_IF_EXISTS_OR_ADD && appends);
  });
  return { header: maySet(name, value) ? [name, value] : undefined, appends };
}
