import { hashBytes } from '../http/index.ts';
import type { RunningEndpoint } from './endpoint.ts';

/**
 * What a sticky session remembers an endpoint by: the same in every proxy, and telling clients neither address nor name. 16 hex
 * digits.
 */
export function sessionToken(endpoint: RunningEndpoint): string {
  return opaqueToken(endpoint.hashText);
}

/** 16 hex digits that stand for a text. */
export function opaqueToken(text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  const half = (seed: number): string =>
    hashBytes(bytes, 0, bytes.length, seed).toString(16).padStart(8, '0');
  return half(0x77656674) + half(0x73657373);
}
