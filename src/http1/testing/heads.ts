import { Fields, Head, UNKNOWN_LENGTH } from '../../http/index.ts';
import { BodyReader, DEFAULT_LIMITS, faultOf, parseRequestHead, parseResponseHead } from '../index.ts';

/** The parsed head of a request that is written out, final empty line included. Throws when the codec refuses it. */
export function requestHead(text: string): Head {
  const head = new Head();
  const bytes = Buffer.from(text, 'latin1');
  return checked(head, parseRequestHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS), bytes);
}

/** The parsed head of a response, as requestHead. */
export function responseHead(text: string, toHead = false): Head {
  const head = new Head();
  const bytes = Buffer.from(text, 'latin1');
  return checked(head, parseResponseHead(head, bytes, 0, bytes.length, DEFAULT_LIMITS, toHead), bytes);
}

function checked(head: Head, result: number, bytes: Buffer): Head {
  if (result !== bytes.length)
    throw new Error(result < 0 ? faultOf(result).code : `the head is ${result} of ${bytes.length} bytes`);
  return head;
}

/** What the lines would be when sent on, edits applied; without the codec's own additions. */
export function sentLines(head: Fields): string[] {
  const lines: string[] = [];
  for (let index = 0; index < head.count; index++) {
    if (head.isRemoved(index)) continue;
    lines.push(head.bytes.toString('latin1', head.nameStart(index), head.lineEnd(index) - 2));
  }
  for (let i = 0; i < head.addedCount; i++)
    lines.push(`${head.addedNames[i]!.toString('latin1')}: ${head.addedValues[i]!.toString('latin1')}`);
  return lines;
}

/** Trailers that are written out, each line with its CRLF. Throws when the codec refuses them. */
export function trailers(text: string): Fields {
  let read = new Fields();
  const onBodyEnd = (fields = read): void => {
    read = fields;
  };
  const reader = new BodyReader({ onBodyData: () => {}, onBodyEnd }, DEFAULT_LIMITS);
  const head = new Head();
  head.bodyLength = UNKNOWN_LENGTH;
  head.chunked = true;
  reader.begin(head);
  const bytes = Buffer.from(`0\r\n${text}\r\n`, 'latin1');
  const result = reader.read(bytes, 0, bytes.length);
  if (result < 0) throw new Error(faultOf(result).code);
  return read;
}

/** Trailers as they are sent on, without the empty line; '' for none. */
export function trailerText(trailers: Fields | undefined): string {
  return trailers === undefined
    ? ''
    : sentLines(trailers)
        .map(each => `${each}\r\n`)
        .join('');
}
