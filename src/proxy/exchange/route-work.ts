import {
  type RunningCluster,
  type RunningEndpoint,
  sessionToken,
  setCookieValue,
} from '../../cluster/index.ts';
import { type ByteRange, cookieValue, type Field, type Head, METHOD, NO_FIELDS } from '../../http/index.ts';
import type { StickySession, VerifiedToken } from '../../model/index.ts';
import {
  CORS,
  type CompiledShare,
  chance,
  type PathNormalizer,
  type PathRewrite,
  type Random,
  type Redirect,
  RequestParts,
} from '../../routing/index.ts';
import type { RunningMirror, RunningRoute } from '../destinations/running-route.ts';
import {
  type Caller,
  type FilteredRequest,
  filterName,
  type Instead,
  type MakeAnswerStream,
  PASS,
  type RequestFilter,
  type Verdict,
  WAIT,
} from '../filters/filter.interface.ts';
import type { FilterVerdict } from '../observation/observer.interface.ts';
import type { RequestSoFar } from './request-so-far.ts';

const noFilters: readonly RequestFilter[] = [];
const hostName = Buffer.from('host', 'latin1');
const setCookie = Buffer.from('set-cookie', 'latin1');
const range: ByteRange = { start: 0, end: 0 };
const parts = new RequestParts();

/** Whose request it is, and how it goes on after a filter that waited. */
export interface RouteWorkOwner {
  resume(turn: number, verdict: Instead | undefined): void;
  resumeAfter(delayMs: number): void;
  /** As far as it has come. */
  readonly requestSoFar: RequestSoFar;
  /** See FilteredRequest. */
  limitBody(maxBytes: number): boolean;
  answerThrough(make: MakeAnswerStream): void;
}

/**
 * One request as its filters see it (filters/lists.ts has them in their order), and what its route does to its head and its
 * answer's once it goes on. An exchange makes one when a route or port first has something to do, and keeps it.
 */
export class RouteWork implements FilteredRequest {
  readonly caller: Caller;
  readonly random: Random;
  clusterName = '';
  nowMs = 0;
  cors: number = CORS.NONE;
  token: VerifiedToken | undefined = undefined;
  answerFields: Field[] = [];
  onBody: (() => void) | undefined = undefined;
  turn = 0;
  /** Who wants to know when the request is over; most often nobody. */
  #atEnd: (() => void)[] | undefined;
  readonly #owner: RouteWorkOwner;
  /** The port's filters once the route's are asked. */
  #passed: readonly RequestFilter[] = noFilters;
  /** The filters that are being asked, and which is next. */
  #filters: readonly RequestFilter[] = noFilters;
  #next = 0;
  /** Whether the last that was asked has not decided yet. */
  #undecided = false;
  /** Undefined as long as only the port's filters are asked. */
  #route: RunningRoute | undefined;
  #head!: Head;
  #cookie: Buffer | undefined;
  /** Defined once the share of the request is known and has something of its own. */
  /** Which of the route's clusters it goes to. */
  #choice = 0;
  #share: CompiledShare | undefined;
  /** The session's token that the client brought; '' when it brought none. */
  #token = '';

  constructor(caller: Caller, random: Random, owner: RouteWorkOwner) {
    this.caller = caller;
    this.random = random;
    this.#owner = owner;
  }

  get head(): Head {
    return this.#head;
  }

  get downstream(): string {
    return this.caller.downstream;
  }

  get protocol(): string {
    return this.#head.protocol;
  }

  get clientAddress(): string {
    return this.caller.clientAddressOf?.(this.#head) ?? this.caller.address;
  }

  get secure(): boolean {
    return this.caller.isSecure?.(this.#head) === true;
  }

  limitBody(maxBytes: number): boolean {
    return this.#owner.limitBody(maxBytes);
  }

  answerThrough(make: MakeAnswerStream): void {
    this.#owner.answerThrough(make);
  }

  onOver(done: () => void): void {
    this.#atEnd ??= [];
    this.#atEnd.push(done);
  }

  /** The request is over. */
  over(): void {
    const waiting = this.#atEnd;
    if (waiting === undefined) return;
    this.#atEnd = undefined;
    for (const done of waiting) done();
  }

  get parts(): RequestParts {
    parts.read(this.#head);
    return parts;
  }

  requestHeader(name: string): string {
    switch (name) {
      case ':authority':
        return this.#head.authority;
      case ':method':
        return this.#head.methodText;
      case ':path':
        return this.#head.targetText;
      default:
        return this.#head.text(this.#head.find(Buffer.from(name, 'latin1')));
    }
  }

  /** Begins with a request, before it is edited. `turn`: see FilteredRequest. */
  begin(head: Head, nowMs: number, turn: number): void {
    this.#route = undefined;
    this.#passed = noFilters;
    this.#filters = noFilters;
    this.#next = 0;
    this.#head = head;
    this.nowMs = nowMs;
    this.turn = turn;
    this.cors = CORS.NONE;
    this.token = undefined;
    if (this.answerFields.length > 0) this.answerFields = [];
    this.onBody = undefined;
    this.#cookie = undefined;
    this.#token = '';
    this.#share = undefined;
    this.clusterName = '';
  }

  /** Its route is known. */
  follow(route: RunningRoute): void {
    this.#route = route;
  }

  /** What these filters say. WAIT: `askOn` goes on where they stopped, once the filter has resumed. */
  ask(filters: readonly RequestFilter[]): Verdict {
    this.#passed = this.#filters;
    this.#filters = filters;
    this.#next = 0;
    return this.askOn();
  }

  askOn(): Verdict {
    this.#undecided = false;
    while (this.#next < this.#filters.length) {
      const verdict = this.#filters[this.#next++]!.judge(this);
      if (verdict === PASS) continue;
      this.#undecided = verdict === WAIT;
      return verdict;
    }
    return PASS;
  }

  /** What those said that were asked; `instead`: the answer that the request got in place of the upstream's. */
  verdicts(instead: Instead | undefined): readonly FilterVerdict[] {
    const asked = [...this.#passed, ...this.#filters.slice(0, this.#next)];
    const said = asked.map((each): FilterVerdict => ({ filter: filterName(each), verdict: 'passed' }));
    const last = said.at(-1);
    if (last === undefined || (instead === undefined && !this.#undecided)) return said;
    const from = instead?.from;
    const verdict = instead === undefined ? 'waited' : 'answered';
    said[said.length - 1] = { ...last, verdict, ...(from && { from }) };
    return said;
  }

  resume(turn: number, verdict: Instead | undefined): void {
    this.#owner.resume(turn, verdict);
  }

  resumeAfter(delayMs: number): typeof WAIT {
    this.#owner.resumeAfter(delayMs);
    return WAIT;
  }

  bodySoFar(maxBytes: number): { readonly bytes: Buffer; readonly isPartial: boolean } | undefined {
    const { body, ended } = this.#owner.requestSoFar;
    const bytes = body.pieces.length === 1 ? body.pieces[0]! : Buffer.concat(body.pieces);
    if (!ended && bytes.length <= maxBytes && !body.full) return undefined;
    return { bytes: bytes.subarray(0, maxBytes), isPartial: bytes.length > maxBytes || !ended };
  }

  /** The endpoint that the client's session belongs to, if it takes requests, and the choice that it is of. */
  bySession(): { readonly choice: number; readonly endpoint: RunningEndpoint } | undefined {
    const { sessionCookie, clusters } = this.#route!;
    if (sessionCookie === undefined || !cookieValue(this.#head, sessionCookie, range)) return undefined;
    this.#token = this.#head.bytes.toString('latin1', range.start, range.end);
    for (const [choice, cluster] of clusters.clusters.entries()) {
      if (!this.#knowsSession(choice)) continue;
      const endpoint = cluster.bySession(this.#token);
      if (endpoint !== undefined) return { choice, endpoint };
    }
    return undefined;
  }

  /** Edits the request, once it is known which of the route's clusters it goes to. Once per request, not per try. */
  prepare(choice: number, cluster: RunningCluster): void {
    const route = this.#route!;
    const { paths, requestEdits } = route;
    const head = this.#head;
    this.#choice = choice;
    this.#share = this.#shareOf(choice);
    this.clusterName = cluster.config.name;
    const { path, authority } = this.#share ?? route;
    if (path !== undefined) {
      parts.read(head);
      // Nothing but a path can be rewritten: not `*`, and not the authority that CONNECT asks for.
      if (head.method !== METHOD.CONNECT) head.newTarget = rewritten(path, paths);
    }
    // Envoy's order: the narrower first, so that the route has the last word.
    this.#share?.request?.apply(head, this);
    requestEdits?.apply(head, this);
    if (authority !== undefined) head.set(hostName, authority);
  }

  /** The answer that the share of `choice` gets instead of being forwarded. */
  redirect(choice: number, to: Redirect): Instead {
    this.#share = this.#shareOf(choice);
    parts.read(this.#head);
    return { reply: to.reply(parts, this.routeFields), flag: '', detail: '' };
  }

  /** A cookie that consistent hashing made up for the client. */
  addCookie(value: Buffer): void {
    this.#cookie = value;
  }

  /** Edits the upstream's answer. */
  decorate(response: Head, endpoint: RunningEndpoint): void {
    const { cors, responseEdits, route } = this.#route!;
    for (const [name, value] of this.answerFields)
      response.add(Buffer.from(name, 'latin1'), Buffer.from(value, 'latin1'));
    this.#share?.response?.apply(response, this);
    responseEdits?.apply(response, this);
    if (this.cors === CORS.ALLOWED) cors!.decorate(response, this.#head);
    if (this.#cookie !== undefined) response.add(setCookie, this.#cookie);
    const { session } = route;
    if (session === undefined || !this.#knowsSession(this.#choice)) return;
    const token = sessionToken(endpoint);
    if (token !== this.#token)
      response.add(
        setCookie,
        setCookieValue(
          session.cookie,
          token,
          session.path,
          session.ttlSeconds,
          sessionFlags(session, this.secure),
        ),
      );
  }

  /** Fields that answers of Weft's own get, so that browsers let pages read why they failed. */
  get localFields(): readonly Field[] {
    return this.cors === CORS.ALLOWED ? this.#route!.cors!.fields(this.#head) : NO_FIELDS;
  }

  /** The shadows that this request gets where it goes to `choice`, by the dice. */
  mirrors(choice: number): readonly RunningMirror[] {
    return this.#route!.mirrors[choice]!.filter(({ percent }) => chance(percent, this.random));
  }

  /** Whether what goes to `choice` belongs to the session of the route. */
  #knowsSession(choice: number): boolean {
    const { route, clusters } = this.#route!;
    const targets = route.session?.targets;
    return targets === undefined || (clusters.given[choice] ?? 0) < targets;
  }

  #shareOf(choice: number): CompiledShare | undefined {
    const { shares, clusters } = this.#route!;
    return shares.length === 0 ? undefined : shares[clusters.given[choice] ?? 0];
  }

  get routeFields(): readonly Field[] {
    const own = this.#share?.response?.fields(this) ?? NO_FIELDS;
    return [...own, ...(this.#route?.responseEdits?.fields(this) ?? NO_FIELDS), ...this.localFields];
  }
}

/** What else the cookie of a session says. */
function sessionFlags({ domain, sameSite, secure }: StickySession, byTls: boolean): string {
  const where = domain === undefined ? '' : `; Domain=${domain}`;
  const only = secure === true || (secure === 'by-tls' && byTls) ? '; Secure' : '';
  return `${where}${only}${sameSite === undefined ? '' : `; SameSite=${sameSite}`}`;
}

/** Normalised once more: `/public..` may climb out of what stands for `/public`, and whoever is next must see where to. */
function rewritten(path: PathRewrite, paths: PathNormalizer): Buffer {
  const target = path.target(parts);
  return paths.normalizeTarget(Buffer.from(target, 'latin1')) ?? Buffer.from(target, 'latin1');
}
