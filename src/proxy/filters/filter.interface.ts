// What a filter is: something that looks at a request before it goes on, and lets it pass, answers it, or has it wait.
import type { Flag } from '../../errors/index.ts';
import type { AnswerStream, Field, Head, LocalReply, ServerStream } from '../../http/index.ts';
import type { ObjectRef, ShownCertificate, VerifiedToken } from '../../model/index.ts';
import type { Random, RequestParts, VariableSource } from '../../routing/index.ts';

/** An answer that takes the upstream's place. */
export interface Instead {
  readonly reply: LocalReply;
  /** '' for what a route says in its own name; such an answer is no failure. */
  readonly flag: Flag | '';
  readonly detail: string;
  /** Not even an answer: the stream is reset with this code of HTTP/2, and a connection of HTTP/1 closed. */
  readonly reset?: number;
  /** The object that asks for it, where one does. */
  readonly from?: ObjectRef;
}

/** Whom an answer comes from, for a stream that it goes through. */
export interface AnsweringUpstream {
  /** More of the answer is taken. */
  readonly writable: () => void;
  /** It is no idleness of the upstream that nothing comes: it was told to wait. */
  readonly moved: () => void;
}

/** Makes the stream that an answer goes through; what it writes goes to `client`. */
export type MakeAnswerStream = (client: ServerStream, upstream: AnsweringUpstream) => AnswerStream;

/** On to the next filter. */
export const PASS = undefined;
/** The filter has to find something out first. It says later how it goes on: `FilteredRequest.resume`. */
export const WAIT = 'wait';
export type Verdict = Instead | typeof PASS | typeof WAIT;

/** Who calls; the same for all requests of a connection. */
export interface Caller {
  /** Address and port, for the log. */
  readonly downstream: string;
  /** The SPIFFE id of its certificate; '' for plaintext. */
  readonly principal: string;
  /** The address that it connects from, without the port; '' where it is not known. */
  readonly address: string;
  /** Whether it has shown a certificate of the mesh. */
  readonly mutualTls: boolean;
  /** The name that its ClientHello asked for; '' for none. */
  readonly serverName: string;
  /** At an edge: see FilteredRequest.clientAddress. Elsewhere it is `address`. */
  clientAddressOf?(head: Head): string;
  /** At an edge: see FilteredRequest.secure. */
  isSecure?(head: Head): boolean;
  /** At an edge: what it has shown where it was asked for a certificate. */
  readonly clientCertificate?: ShownCertificate | undefined;
}

/**
 * A request as its filters see it, before the proxy has edited it. One object serves the requests of a stream's connection, one
 * after the other.
 */
export interface FilteredRequest extends VariableSource {
  readonly head: Head;
  readonly caller: Caller;
  /** When this request reached its filters, monotonic. */
  readonly nowMs: number;
  readonly random: Random;
  /** Where path, query and authority are. One for all: not to be kept. */
  readonly parts: RequestParts;
  /** What CORS says of it, one of CORS; the filter of that name sets it, and answers are opened to the origin accordingly. */
  cors: number;
  /** What its token says, once the filter `tokens` has verified it; undefined where it brings none, and before. */
  token: VerifiedToken | undefined;
  /** Fields that filters want its answer to have, whoever gives it. */
  readonly answerFields: Field[];
  /** Whether and as what it came, for who is told of it: `HTTP/1.1`. */
  readonly protocol: string;
  /**
   * The first bytes of its body, up to `maxBytes`, once so many have come or all of it has; undefined before. For a filter that
   * has the request wait: `onBody` is called whenever more may have come.
   */
  bodySoFar(maxBytes: number): { readonly bytes: Buffer; readonly isPartial: boolean } | undefined;
  onBody: (() => void) | undefined;
  /** The address of who sent it: where proxies before this one are trusted, what they say of it. */
  readonly clientAddress: string;
  /** Whether its client came by TLS, to this proxy or to a trusted one before it. */
  readonly secure: boolean;
  /** Its body may have so many bytes; it ends with 413 when more come. False: more have come already. */
  limitBody(maxBytes: number): boolean;
  /** `done` is called once when it is over, however it ends. For filters that count what is under way. */
  onOver(done: () => void): void;
  /** Puts a stream between it and its client, that all of its answer goes through. */
  answerThrough(make: MakeAnswerStream): void;
  /** What answers to it get that Weft gives by itself. */
  readonly localFields: readonly Field[];
  /** What answers to it get that its route gives: the edits of answers as well. */
  readonly routeFields: readonly Field[];
  /** Which request of its connection it is; to be handed back to `resume`. */
  readonly turn: number;
  /**
   * How a request goes on whose filter said WAIT: on to the next filter, or with an answer. Never before `judge` has returned.
   * May be called from anywhere; too late for a request that is over, it does nothing.
   */
  resume(turn: number, verdict: Instead | typeof PASS): void;
  /** WAIT for this long, on purpose: the request is marked as delayed. */
  resumeAfter(delayMs: number): typeof WAIT;
}

/**
 * Compiled when configuration arrives; one object for all requests, so what it knows of one of them it keeps in FilteredRequest.
 */
export interface RequestFilter {
  /**
   * Once for each request. Must not edit the head: the next filter and the route see what the client sent. Those that say who it
   * is do (`external-authorization`, `tokens`), because whoever is asked behind them must see what the app will see.
   */
  judge(request: FilteredRequest): Verdict;
}

/** One line of a list of filters. `Source`: what it is compiled from. */
export interface FilterKind<Source> {
  readonly name: string;
  /** Undefined where the source asks for nothing: requests then do not meet the filter at all. */
  compile(source: Source): RequestFilter | undefined;
}

const none: readonly RequestFilter[] = [];

/** The filters of a list that have something to do, in its order. */
export function compileFilters<Source>(
  kinds: readonly FilterKind<Source>[],
  source: Source,
): readonly RequestFilter[] {
  const filters = kinds.flatMap(kind => {
    const filter = kind.compile(source);
    if (filter === undefined) return [];
    names.set(filter, kind.name);
    return [filter];
  });
  return filters.length === 0 ? none : filters;
}

/** Beside them and not in them: only who watches asks. */
const names = new WeakMap<RequestFilter, string>();

/** What the filter is called in the lists. */
export function filterName(filter: RequestFilter): string {
  return names.get(filter) ?? 'filter';
}
