import { Agent, request } from 'undici';
import { errorMessage } from '../errors/index.ts';
import { fieldAt, isRecord, recordsOf } from '../plain/index.ts';
import type { AccountKey, Signer } from './account-key.ts';
import { readText } from './answer-text.ts';
import { AcmeFailure } from './failure.ts';

/** Where a server has what (RFC 8555 section 7.1.1, RFC 9773 section 4). */
export interface Directory {
  readonly newNonce: string;
  readonly newAccount: string;
  readonly newOrder: string;
  readonly renewalInfo?: string;
  readonly externalAccountRequired: boolean;
}

/** An answer of 2xx. */
export interface AcmeAnswer {
  readonly status: number;
  /** Undefined where it is no JSON. */
  readonly body: unknown;
  readonly text: string;
  /** Of the thing that was made; ''. */
  readonly location: string;
  /** Links of relation `alternate`. */
  readonly alternates: readonly string[];
  readonly retryAfterMs: number | undefined;
}

/** More than any chain of certificates. */
const maxAnswerBytes = 1 << 20;
const answerTimeoutMs = 30_000;
/** A nonce may be too old as often as a server likes (section 6.5); one that takes none at all is broken. */
const maxNonces = 12;
/** The directory is asked for again after this. */
const directoryAgeMs = 3_600_000;

interface RawAnswer extends AcmeAnswer {
  readonly nonce: string | undefined;
}

/**
 * Messages to one ACME server: signed, with nonces, which are kept for the next message. Failures are returned. `ca`: PEM of who
 * vouches for the server, undefined for the system's roots.
 */
export class AcmeConnection {
  readonly #url: string;
  readonly #agent: Agent;
  readonly #now: () => number;
  #directory: { readonly value: Directory; readonly atMs: number } | undefined;
  #nonces: string[] = [];

  constructor(url: string, ca: string | undefined, now: () => number) {
    this.#url = url;
    this.#now = now;
    this.#agent = new Agent({
      ...(ca !== undefined && { connect: { ca } }),
      ...{ headersTimeout: answerTimeoutMs, bodyTimeout: answerTimeoutMs, keepAliveTimeout: 5_000 },
    });
  }

  close(): void {
    void this.#agent.destroy();
  }

  async directory(): Promise<Directory | AcmeFailure> {
    const known = this.#directory;
    if (known !== undefined && this.#now() - known.atMs < directoryAgeMs) return known.value;
    const answer = await this.#send('GET', this.#url);
    if (answer instanceof AcmeFailure) return answer;
    const text = (name: string): string => {
      const value = fieldAt(answer.body, name);
      return typeof value === 'string' ? value : '';
    };
    const [newNonce, newAccount, newOrder] = [text('newNonce'), text('newAccount'), text('newOrder')];
    if (newNonce === '' || newAccount === '' || newOrder === '')
      return new AcmeFailure(
        'acme-refused',
        `${this.#url} is no directory of an ACME server; give the URL of its directory`,
        { concernsAll: true },
      );
    const renewalInfo = text('renewalInfo');
    const value: Directory = {
      ...{ newNonce, newAccount, newOrder },
      ...(renewalInfo !== '' && { renewalInfo }),
      externalAccountRequired: fieldAt(answer.body, 'meta', 'externalAccountRequired') === true,
    };
    this.#directory = { value, atMs: this.#now() };
    return value;
  }

  /** Without a signature; for what everybody may know. */
  get(url: string): Promise<AcmeAnswer | AcmeFailure> {
    return this.#send('GET', url);
  }

  /** A signed message; see AccountKey.sign. */
  async post(
    url: string,
    key: AccountKey,
    signer: Signer,
    payload: unknown,
  ): Promise<AcmeAnswer | AcmeFailure> {
    let last: AcmeFailure | undefined;
    for (let tries = 0; tries < maxNonces; tries++) {
      const nonce = await this.#nonce();
      if (nonce instanceof AcmeFailure) return nonce;
      const answer = await this.#send('POST', url, key.sign(signer, url, nonce, payload));
      if (!(answer instanceof AcmeFailure) || answer.type !== 'badNonce') return answer;
      last = answer;
    }
    return last!;
  }

  async #nonce(): Promise<string | AcmeFailure> {
    const kept = this.#nonces.pop();
    if (kept !== undefined) return kept;
    const directory = await this.directory();
    if (directory instanceof AcmeFailure) return directory;
    const answer = await this.#send('HEAD', directory.newNonce);
    if (answer instanceof AcmeFailure) return answer;
    const nonce = this.#nonces.pop();
    return (
      nonce ??
      new AcmeFailure('acme-refused', `${directory.newNonce} gives no nonce; the server is broken`, {
        concernsAll: true,
      })
    );
  }

  async #send(
    method: 'GET' | 'HEAD' | 'POST',
    url: string,
    body?: unknown,
  ): Promise<AcmeAnswer | AcmeFailure> {
    let answer: RawAnswer;
    try {
      answer = await this.#exchange(method, url, body);
    } catch (thrown) {
      // What was kept belongs to a server that may be another one when it is back.
      this.#nonces = [];
      const why = errorMessage(thrown instanceof AggregateError ? thrown.errors[0] : thrown);
      return new AcmeFailure('acme-unreachable', `the ACME server at ${url} does not answer: ${why}`, {
        concernsAll: true,
      });
    }
    if (answer.nonce !== undefined && this.#nonces.length < 8) this.#nonces.push(answer.nonce);
    return answer.status >= 200 && answer.status < 300 ? answer : failureOf(url, answer);
  }

  async #exchange(method: 'GET' | 'HEAD' | 'POST', url: string, body: unknown): Promise<RawAnswer> {
    const {
      statusCode,
      headers,
      body: stream,
    } = await request(url, {
      method,
      dispatcher: this.#agent,
      headers: {
        'user-agent': 'weft',
        ...(body !== undefined && { 'content-type': 'application/jose+json' }),
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(answerTimeoutMs),
    });
    const text = await readText(stream as AsyncIterable<Buffer>, maxAnswerBytes);
    const one = (name: string): string | undefined => [headers[name] ?? []].flat()[0];
    const links = [headers.link ?? []].flat().flatMap(each => each.split(/,(?=\s*<)/));
    return {
      status: statusCode,
      text,
      body: parsed(text),
      location: absolute(one('location'), url),
      alternates: links.flatMap(each => {
        const [, target] = /<([^>]+)>\s*;.*rel="?alternate"?/i.exec(each) ?? [];
        return target === undefined ? [] : [absolute(target, url)];
      }),
      retryAfterMs: retryAfter(one('retry-after'), this.#now()),
      nonce: one('replay-nonce'),
    };
  }
}

function absolute(target: string | undefined, base: string): string {
  return target !== undefined && URL.canParse(target, base) ? new URL(target, base).href : '';
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

/** The longest that limits of servers last. Who asks for more is mistaken, and nobody would come back in his lifetime. */
const longestAfterMs = 7 * 86_400_000;

/** Seconds or a date (RFC 9110 section 10.2.3); a week at most. */
export function retryAfter(text: string | undefined, nowMs: number): number | undefined {
  if (text === undefined) return undefined;
  const afterMs = /^\d+$/.test(text) ? Number(text) * 1000 : Date.parse(text) - nowMs;
  return Number.isNaN(afterMs) ? undefined : Math.min(longestAfterMs, Math.max(0, afterMs));
}

/** Kinds of problems that are about the account or the server, and not about what was asked for. */
const aboutAll = new Set([
  'accountDoesNotExist',
  'unauthorized',
  'externalAccountRequired',
  'invalidContact',
  'unsupportedContact',
  'userActionRequired',
  'serverInternal',
  'badNonce',
]);

function failureOf(url: string, { status, body, text, retryAfterMs }: RawAnswer): AcmeFailure {
  const named = fieldAt(body, 'type');
  const type = typeof named === 'string' ? named.replace(/^urn:ietf:params:acme:error:/, '') : '';
  const limited = status === 429 || type === 'rateLimited';
  const words = problemWords(body) || text.slice(0, 200) || `status ${status}`;
  const code = limited ? 'acme-rate-limited' : 'acme-refused';
  return new AcmeFailure(
    code,
    `the ACME server says${type === '' ? '' : ` ${type}`}: ${words} (${new URL(url).host}, status ${status})`,
    {
      ...(retryAfterMs !== undefined && { retryAfterMs }),
      type,
      concernsAll: aboutAll.has(type) || status >= 500 || (limited && type === ''),
    },
  );
}

/** What a problem document says, with what it says of single names. */
export function problemWords(problem: unknown): string {
  const own = fieldAt(problem, 'detail');
  const parts = recordsOf(fieldAt(problem, 'subproblems')).map(each => {
    const name = fieldAt(each, 'identifier', 'value');
    return `${typeof name === 'string' ? `${name}: ` : ''}${String(each.detail ?? '')}`;
  });
  const said = typeof own === 'string' ? own : '';
  return isRecord(problem) ? [said, ...parts].filter(each => each !== '').join('; ') : '';
}
