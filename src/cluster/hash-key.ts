import { randomBytes } from 'node:crypto';
import { type ByteRange, cookieValue, type Head, hashBytes, queryValue } from '../http/index.ts';
import type { HashSource } from '../model/index.ts';

const range: ByteRange = { start: 0, end: 0 };
const QUESTION = 0x3f;

/** What a request is known by for consistent hashing: the first of several sources that it has. */
export class HashKey {
  readonly #sources: readonly { readonly source: HashSource; readonly name: Buffer }[];
  #cookie: Buffer | undefined;

  constructor(sources: readonly HashSource[]) {
    this.#sources = sources.map(source => ({
      source,
      name: Buffer.from('name' in source ? source.name : '', 'latin1'),
    }));
  }

  /**
   * A hash for Balancer.pick, -1 when the request has none of the sources. `client`: its address without a port. A cookie that
   * the proxy sets and the client has not is made up; `takeCookie` then gives what the answer sets.
   */
  of(head: Head, client: string): number {
    this.#cookie = undefined;
    for (let i = 0; i < this.#sources.length; i++) {
      const { source, name } = this.#sources[i]!;
      const hash = this.#hash(source, name, head, client);
      if (hash >= 0) return hash;
    }
    return -1;
  }

  /** The same for a connection that carries no HTTP: only the client's address is known. */
  ofClient(client: string): number {
    const bySource = this.#sources.some(({ source }) => source.kind === 'source-ip');
    return bySource && client !== '' ? textKey(client) : -1;
  }

  /** The Set-Cookie value of the last `of`, once; undefined for none. */
  takeCookie(): Buffer | undefined {
    const cookie = this.#cookie;
    this.#cookie = undefined;
    return cookie;
  }

  #hash(source: HashSource, name: Buffer, head: Head, client: string): number {
    switch (source.kind) {
      case 'header': {
        const pseudo = pseudoHeader(head, source.name);
        if (pseudo) return pseudo.start < pseudo.end ? keyOf(head.bytes, pseudo.start, pseudo.end) : -1;
        const index = head.find(name);
        return index < 0 ? -1 : keyOf(head.bytes, head.valueStart(index), head.valueEnd(index));
      }
      case 'query': {
        let start = head.targetStart;
        while (start < head.targetEnd && head.bytes[start] !== QUESTION) start++;
        const has = queryValue(head.bytes, start + 1, head.targetEnd, name, range);
        return has ? keyOf(head.bytes, range.start, range.end) : -1;
      }
      case 'cookie':
        if (cookieValue(head, name, range)) return keyOf(head.bytes, range.start, range.end);
        return source.ttlSeconds === undefined ? -1 : this.#newCookie(source);
      case 'source-ip':
        return client === '' ? -1 : textKey(client);
    }
  }

  #newCookie(source: Extract<HashSource, { kind: 'cookie' }>): number {
    const value = randomBytes(8).toString('hex');
    this.#cookie = setCookieValue(source.name, value, source.path, source.ttlSeconds ?? 0);
    return textKey(value);
  }
}

/** A Set-Cookie value as Envoy writes it. `ttlSeconds` 0: until the browser is closed. `more`: further attributes. */
export function setCookieValue(
  name: string,
  value: string,
  path: string,
  ttlSeconds: number,
  more = '',
): Buffer {
  const age = ttlSeconds > 0 ? `; Max-Age=${Math.ceil(ttlSeconds)}` : '';
  const where = path === '' ? '' : `; Path=${path}`;
  return Buffer.from(`${name}="${value}"${age}${where}; HttpOnly${more}`, 'latin1');
}

/** Where what HTTP/2 sends as `:authority` and `:path` is in an HTTP/1 head; undefined for the name of a real header. */
function pseudoHeader(head: Head, name: string): { start: number; end: number } | undefined {
  if (name === ':path') return { start: head.targetStart, end: head.targetEnd };
  if (name !== ':authority') return undefined;
  return head.host < 0
    ? { start: 0, end: 0 }
    : { start: head.valueStart(head.host), end: head.valueEnd(head.host) };
}

function keyOf(bytes: Uint8Array, start: number, end: number): number {
  return hashBytes(bytes, start, end) >>> 1;
}

function textKey(text: string): number {
  const bytes = Buffer.from(text, 'latin1');
  return keyOf(bytes, 0, bytes.length);
}
