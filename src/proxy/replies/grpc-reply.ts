// Answers of Weft's own to gRPC calls. Their clients read neither status nor body: success and failure are a field at the
// answer's end, which comes with the head where there is no body ("Trailers-Only",
// https://github.com/grpc/grpc/blob/master/doc/PROTOCOL-HTTP2.md).
import { encodeMessage, ownStatus } from '../../grpc/index.ts';
import type { LocalReply } from '../../http/index.ts';

/** The same answer for a gRPC client: its words become the call's message, with the flag that weft explain shows. */
export function grpcReply(reply: LocalReply): LocalReply {
  const { status, body, fields, close, grpcStatus = ownStatus(status) } = reply;
  const flag = fields.find(([name]) => name === 'x-weft-flag');
  const words = body.trimEnd();
  return {
    status: 200,
    contentType: 'application/grpc',
    body: '',
    fields: [
      ['grpc-status', String(grpcStatus)],
      ['grpc-message', encodeMessage(flag === undefined ? words : `${words} (${flag[1]})`)],
      ...fields,
    ],
    close,
  };
}
