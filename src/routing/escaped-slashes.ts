import { type Head, METHOD } from '../http/index.ts';
import { PathNormalizer } from './path-normalizer.ts';
import { pathStartOf } from './request-parts.ts';

const PERCENT = 0x25;
const QUESTION = 0x3f;
const decoding = PathNormalizer.of('DECODE_AND_MERGE_SLASHES');

/**
 * The head as servers see it that take `%2F` and `%5C` in a path for slashes, and resolve `..` behind them; undefined where there
 * is neither. A copy: whoever is asked about it asks about something else than what goes upstream.
 */
export function withSlashes(head: Head): Head | undefined {
  if (!hasEscapedSlash(head)) return undefined;
  const copy = head.copy();
  // The first look has refused what cannot be normalised.
  return decoding.normalize(copy) ? copy : undefined;
}

function hasEscapedSlash(head: Head): boolean {
  const { bytes, targetEnd, method } = head;
  if (method === METHOD.CONNECT) return false;
  for (let at = pathStartOf(head); at + 2 < targetEnd; at++) {
    const code = bytes[at]!;
    if (code === QUESTION) return false;
    if (code !== PERCENT) continue;
    const high = bytes[at + 1]!;
    const low = bytes[at + 2]! | 0x20;
    // 2F or 2f, 5C or 5c.
    if ((high === 0x32 && low === 0x66) || (high === 0x35 && low === 0x63)) return true;
  }
  return false;
}
