import { BEGIN_BYTES, type Encoder, FIELD_OVERHEAD, nameId } from '../hpack/index.ts';
import type { LocalReply } from '../http/index.ts';
import type { Wire } from '../wire/index.ts';
import { type BlockTarget, beginBlock, endBlock } from './write-frames.ts';

/** HEADERS of an answer of Weft's own; `body` follows in DATA, none ends the stream; undefined: a tunnel opens. */
export function writeLocalReply(
  wire: Wire,
  encoder: Encoder,
  reply: LocalReply,
  streamId: number,
  body: Buffer | undefined,
): void {
  const { status, contentType, fields } = reply;
  let bound = BEGIN_BYTES + contentType.length + 128;
  for (const [name, value] of fields) bound += name.length + value.length + FIELD_OVERHEAD;
  const target = beginBlock(wire, bound);
  target.at = encoder.status(target.out, encoder.begin(target.out, target.at), status);
  let typed = contentType === '';
  for (const [name, value] of fields) {
    const lower = name.toLowerCase();
    if (isOfConnection(lower)) continue;
    // What a policy sets goes over what the answer is by itself.
    typed ||= lower === 'content-type';
    put(encoder, target, lower, value);
  }
  if (body !== undefined && status !== 204 && status !== 304) {
    if (!typed) put(encoder, target, 'content-type', contentType);
    put(encoder, target, 'content-length', `${Buffer.byteLength(reply.body)}`);
  }
  endBlock(wire, streamId, body !== undefined && body.length === 0);
}

function isOfConnection(lower: string): boolean {
  return (
    lower === 'connection' || lower === 'keep-alive' || lower === 'transfer-encoding' || lower === 'upgrade'
  );
}

function put(encoder: Encoder, target: BlockTarget, name: string, value: string): void {
  const ofName = Buffer.from(name, 'latin1');
  const ofValue = Buffer.from(value, 'latin1');
  const id = nameId(ofName, 0, ofName.length);
  target.at = encoder.field(
    target.out,
    target.at,
    id,
    ofName,
    0,
    ofName.length,
    ofValue,
    0,
    ofValue.length,
    false,
  );
}
