import { type ByteRange, cookieValue, type Head, queryValue } from '../http/index.ts';
import type { JwtRule } from '../model/index.ts';
import { removeCookie, removeParameter } from './removal.ts';
import type { TokenSpot } from './repeated-tokens.ts';

/** Somewhere in a request that a token may stand. */
interface Place {
  /** Every token that stands there, each character a byte, is put into `found`. */
  find(head: Head, query: ByteRange, found: string[]): void;
  /** How many values may hold one, 2 for more; of the only one the range in the head's bytes is put into `spot`. */
  count(head: Head, query: ByteRange, spot: ByteRange): number;
  /** Takes the tokens out of the request. */
  remove(head: Head): void;
}

const range: ByteRange = { start: 0, end: 0 };
const authorization = { name: 'authorization', prefix: 'Bearer ' };

/**
 * Where the tokens of one rule may stand, as Envoy's extractor looks for them: in every field of a header's name, behind the
 * first occurrence of the prefix; in the first parameter and in the first cookie of a name. A value without the prefix is none.
 */
export class TokenPlaces {
  readonly #places: readonly Place[];

  constructor({ fromHeaders = [], fromParams = [], fromCookies = [] }: JwtRule) {
    const isSaid = fromHeaders.length + fromParams.length + fromCookies.length > 0;
    const headers = isSaid ? fromHeaders : [authorization];
    const params = isSaid ? fromParams : ['access_token'];
    this.#places = [
      ...headers.map(each => new HeaderPlace(each.name, each.prefix)),
      ...params.map(each => new ParameterPlace(each)),
      ...fromCookies.map(each => new CookiePlace(each)),
    ];
  }

  /** The tokens of a request in the order of the places; `query` is where its query is in the head's bytes. */
  find(head: Head, query: ByteRange): readonly string[] {
    const found: string[] = [];
    for (let i = 0; i < this.#places.length; i++) this.#places[i]!.find(head, query, found);
    return found.length === 0 ? none : found;
  }

  /**
   * How many values there are that may hold a token, 2 for more or where they are not in the head's bytes. Of the only one it
   * says where it is. Makes nothing.
   */
  count(head: Head, query: ByteRange, spot: TokenSpot): number {
    let count = 0;
    for (let i = 0; i < this.#places.length; i++) {
      const here = this.#places[i]!.count(head, query, range);
      if (here === 0) continue;
      count += here;
      if (count > 1) return 2;
      spot.place = i;
      spot.start = range.start;
      spot.end = range.end;
    }
    return count;
  }

  /** Takes them out of what is sent on. The head's bytes must be its own (Head.retain). */
  remove(head: Head): void {
    for (const place of this.#places) place.remove(head);
  }
}

const none: readonly string[] = [];

class HeaderPlace implements Place {
  readonly #name: Buffer;
  readonly #prefix: string;

  constructor(name: string, prefix: string) {
    this.#name = Buffer.from(name.toLowerCase(), 'latin1');
    this.#prefix = prefix;
  }

  find(head: Head, _query: ByteRange, found: string[]): void {
    // What is absent costs no closure.
    if (!head.has(this.#name)) return;
    head.eachValue(this.#name, (bytes, start, end) => {
      const value = bytes.toString('latin1', start, end);
      const at = value.indexOf(this.#prefix);
      if (at >= 0) found.push(value.slice(at + this.#prefix.length).trim());
      return true;
    });
  }

  count(head: Head, _query: ByteRange, spot: ByteRange): number {
    const index = head.find(this.#name);
    // What a filter has added is not in the head's bytes.
    if (head.addedCount > 0 && head.addedText(this.#name) !== '') return 2;
    if (index < 0) return 0;
    if (head.find(this.#name, index + 1) >= 0) return 2;
    spot.start = head.valueStart(index);
    spot.end = head.valueEnd(index);
    return 1;
  }

  remove(head: Head): void {
    head.removeAll(this.#name);
  }
}

class ParameterPlace implements Place {
  readonly #name: Buffer;

  constructor(name: string) {
    this.#name = Buffer.from(name, 'utf8');
  }

  find(head: Head, query: ByteRange, found: string[]): void {
    if (query.start === query.end || !queryValue(head.bytes, query.start, query.end, this.#name, range))
      return;
    found.push(head.bytes.toString('latin1', range.start, range.end));
  }

  count(head: Head, query: ByteRange, spot: ByteRange): number {
    if (query.start === query.end) return 0;
    return queryValue(head.bytes, query.start, query.end, this.#name, spot) ? 1 : 0;
  }

  remove(head: Head): void {
    removeParameter(head, this.#name);
  }
}

class CookiePlace implements Place {
  readonly #name: Buffer;

  constructor(name: string) {
    this.#name = Buffer.from(name, 'utf8');
  }

  find(head: Head, _query: ByteRange, found: string[]): void {
    if (cookieValue(head, this.#name, range))
      found.push(head.bytes.toString('latin1', range.start, range.end));
  }

  count(head: Head, _query: ByteRange, spot: ByteRange): number {
    return cookieValue(head, this.#name, spot) ? 1 : 0;
  }

  remove(head: Head): void {
    removeCookie(head, this.#name);
  }
}
