import { Head } from '../../http/index.ts';
import { DEFAULT_LIMITS, faultOf, parseRequestHead, parseResponseHead } from '../index.ts';

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

/** What the header lines would be when sent on, edits applied; without the codec's own additions. */
export function sentLines(head: Head): string[] {
  const lines: string[] = [];
  for (let index = 0; index < head.count; index++) {
    if (head.isRemoved(index)) continue;
    lines.push(head.bytes.toString('latin1', head.nameStart(index), head.lineEnd(index) - 2));
  }
  for (let i = 0; i < head.addedCount; i++)
    lines.push(`${head.addedNames[i]!.toString('latin1')}: ${head.addedValues[i]!.toString('latin1')}`);
  return lines;
}
