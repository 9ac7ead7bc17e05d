// Answers of Weft's own to gRPC calls. Their clients read neither status nor body: success and failure are a field at the
// answer's end, which comes with the head where there is no body ("Trailers-Only",
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
import type { Head, LocalReply } from '../../http/index.ts';

const contentType = Buffer.from('content-type', 'latin1');

/**
 * What a status of HTTP says in gRPC. Clients map it so themselves (doc/http-grpc-status-mapping.md), but for two of which we
 * know more than they: 429 is a limit that was reached, 504 the time that was up.
 */
const grpcStatusOf: Readonly<Record<number, number>> = {
  400: 13,
  401: 16,
  403: 7,
  404: 12,
  408: 4,
  429: 8,
  502: 14,
  503: 14,
  504: 4,
};
const UNKNOWN = 2;

/** Whether the request is a gRPC call: `application/grpc` and what it may be followed by. gRPC-Web and Connect are others. */
export function isGrpc(request: Head): boolean {
  const index = request.find(contentType);
  return index >= 0 && /^application\/grpc(?:[+;]|$)/i.test(request.text(index));
}

/** The same answer for a gRPC client: its words become the call's message. */
export function grpcReply(reply: LocalReply): LocalReply {
  const { status, body, fields, close } = reply;
  return {
    status: 200,
    contentType: 'application/grpc',
    body: '',
    fields: [
      ['grpc-status', String(grpcStatusOf[status] ?? UNKNOWN)],
      ['grpc-message', percentEncoded(body.trimEnd())],
      ...fields,
    ],
    close,
  };
}

/** As the protocol wants it: every byte of UTF-8 that is no visible ASCII or space, and the percent sign itself. */
function percentEncoded(text: string): string {
  let encoded = '';
  for (const byte of Buffer.from(text, 'utf8'))
    encoded +=
      byte < 0x20 || byte > 0x7e || byte === 0x25
        ? `%${byte.toString(16).toUpperCase().padStart(2, '0')}`
        : String.fromCharCode(byte);
  return encoded;
}
