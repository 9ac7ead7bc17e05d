// hpack: header compression of HTTP/2 (RFC 7541). Blocks in, lists of fields with what is known of their bytes out; and the other
// way round. Knows neither frames nor messages.
export { BYTE_CLASS, classOf, NOT } from './byte-class.ts';
export { Decoder, HPACK_FAULT, hpackWords } from './decoder.ts';
export {
  BEGIN_BYTES,
  Encoder,
  type EncoderOptions,
  FIELD_OVERHEAD,
  isSecret,
  STATELESS,
} from './encoder.ts';
export { FieldList, FRONT_BYTES, idOf, NEVER_INDEXED, nameFlags, valueFlags } from './field-list.ts';
export { KNOWN_NAMES, NAME, nameId } from './static-table.ts';
