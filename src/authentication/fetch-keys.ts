import { type LookupAddress, lookup } from 'node:dns';
import type { LookupFunction } from 'node:net';
import type { Agent } from 'undici';
import { errorMessage, guarded, INTERNAL_ERROR } from '../errors/index.ts';
import { forbiddenAddress, forbiddenHost } from '../model/index.ts';
import type { FetchedKeys, FetchKeys } from './remote-keys.ts';

/** Sets of keys have some kilobytes. */
export const MAX_KEYS_BYTES = 1024 * 1024;

/** What may differ in tests. */
export interface FetchOptions {
  /** What is at an address that nothing may be fetched from. */
  readonly forbidden?: (address: string) => string | undefined;
  /** dns.lookup for all addresses. */
  readonly lookUp?: typeof lookup;
}

/**
 * Fetches keys over HTTP, directly: no redirect is followed, no more than MAX_KEYS_BYTES are read, and the addresses that names
 * lead to are looked at before they are connected to, so that a name server cannot lead to what is forbidden.
 */
export function keyFetcher({ forbidden = forbiddenAddress, lookUp = lookup }: FetchOptions = {}): FetchKeys {
  const connect = { lookup: allowedLookUp(forbidden, lookUp) };
  let agent: Agent | undefined;
  return async (uri, timeoutMs) => {
    const { hostname } = new URL(uri);
    // A literal is not looked up.
    const what = forbidden === forbiddenAddress ? forbiddenHost(hostname) : forbidden(hostname);
    if (what !== undefined) throw new Error(`${hostname} is ${what}, where no keys are fetched`);
    try {
      // Loaded when it is needed: most proxies fetch nothing.
      const undici = await import('undici');
      agent ??= new undici.Agent({ connections: 1, keepAliveTimeout: 1, connect });
      return await fetched(undici.request, uri, agent, timeoutMs);
    } catch (thrown) {
      throw new Error(wordsOf(thrown, timeoutMs));
    }
  };
}

/** As net.connect wants it: one address, or all where it asks for all. */
function allowedLookUp(
  forbidden: (address: string) => string | undefined,
  lookUp: typeof lookup,
): LookupFunction {
  return (host, options, callback) => {
    const fail = (error: Error): void => callback(error, '');
    const found = (error: Error | null, addresses: readonly LookupAddress[]): void => {
      const allowed =
        error === null ? addresses.filter(({ address }) => forbidden(address) === undefined) : [];
      const [first] = allowed;
      if (error !== null) fail(error);
      else if (first === undefined) {
        const what = addresses.map(({ address }) => forbidden(address)).find(each => each !== undefined);
        fail(new Error(`${host} leads to ${what ?? 'no address'}`));
      } else if (options.all === true) callback(null, allowed);
      else callback(null, first.address, first.family);
    };
    lookUp(
      host,
      { ...options, all: true },
      guarded('jwks', found, () => fail(new Error(INTERNAL_ERROR))),
    );
  };
}

async function fetched(
  request: typeof import('undici').request,
  uri: string,
  dispatcher: Agent,
  timeoutMs: number,
): Promise<FetchedKeys> {
  const signal = AbortSignal.timeout(timeoutMs);
  const headers = { accept: 'application/jwk-set+json, application/json' };
  const { statusCode, headers: answer, body } = await request(uri, { dispatcher, signal, headers });
  const location = answer.location;
  // Who breaks it off is told of that, too, and knows it already.
  body.on('error', () => {});
  if (statusCode !== 200) {
    body.destroy();
    const where = typeof location === 'string' ? ` to ${location.slice(0, 256)}` : '';
    const hint =
      statusCode >= 300 && statusCode < 400 ? `, a redirect${where}: write the last address in jwksUri` : '';
    throw new Error(`the answer is ${statusCode}${hint}`);
  }
  const pieces: Buffer[] = [];
  let bytes = 0;
  for await (const piece of body as AsyncIterable<Buffer>) {
    bytes += piece.length;
    if (bytes > MAX_KEYS_BYTES) {
      body.destroy();
      throw new Error(`the answer is longer than ${MAX_KEYS_BYTES} bytes`);
    }
    pieces.push(piece);
  }
  const control = answer['cache-control'];
  const age = /(?:^|[\s,])max-age=(\d{1,9})/.exec(typeof control === 'string' ? control : '')?.[1];
  return {
    text: Buffer.concat(pieces).toString('utf8'),
    maxAgeMs: age === undefined ? undefined : Number(age) * 1000,
  };
}

function wordsOf(thrown: unknown, timeoutMs: number): string {
  if (thrown instanceof Error && (thrown.name === 'TimeoutError' || thrown.name === 'AbortError'))
    return `no complete answer within ${timeoutMs} ms`;
  return errorMessage(thrown);
}
