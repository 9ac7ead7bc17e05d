import { type Cluster, type RunningEndpoint, sessionToken, setCookieValue } from '../../cluster/index.ts';
import type { Flag } from '../../errors/index.ts';
import {
  type ByteRange,
  cookieValue,
  type Field,
  type Head,
  type LocalReply,
  METHOD,
  NO_FIELDS,
} from '../../http/index.ts';
import { formatRef, NO_ROUTE } from '../../model/index.ts';
import {
  CORS,
  type CompiledShare,
  chance,
  LIMIT,
  type PathNormalizer,
  type PathRewrite,
  type Random,
  type Redirect,
  RequestParts,
  type VariableSource,
} from '../../routing/index.ts';
import type { RunningRoute } from '../destinations/running-route.ts';
import { localReply } from './local-replies.ts';

/** An answer that takes the upstream's place. */
export interface Instead {
  readonly reply: LocalReply;
  readonly flag: Flag | '';
  readonly detail: string;
}
const hostName = Buffer.from('host', 'latin1');
const setCookie = Buffer.from('set-cookie', 'latin1');
const range: ByteRange = { start: 0, end: 0 };
const parts = new RequestParts();

/**
 * What a route that is not plain does to one request and its answer. An exchange makes one when it first needs it and keeps it.
 *
 * The order of the filters, and why: CORS first, since browsers ask before they ask; rate limits next, so that refused requests cost
 * nothing more and faults do not eat tokens; then faults, which stand for the upstream's own; then redirects, answers and forwarding.
 */
export class RouteWork implements VariableSource {
  readonly protocol = 'HTTP/1.1';
  readonly downstream: string;
  clusterName = '';
  readonly #random: Random;
  #route!: RunningRoute;
  #head!: Head;
  #cors: number = CORS.NONE;
  #cookie: Buffer | undefined;
  /** Defined once the share of the request is known and has something of its own. */
  #share: CompiledShare | undefined;
  /** The session's token that the client brought; '' when it brought none. */
  #token = '';

  constructor(downstream: string, random: Random) {
    this.downstream = downstream;
    this.#random = random;
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

  /** Begins with a request, before it is edited. The answer that it gets instead of being forwarded, if any. */
  begin(route: RunningRoute, head: Head, nowMs: number): Instead | undefined {
    this.#route = route;
    this.#head = head;
    this.#cors = CORS.NONE;
    this.#cookie = undefined;
    this.#token = '';
    this.#share = undefined;
    this.clusterName = '';
    return this.#judgeOrigin() ?? this.#limit(nowMs);
  }

  /** How long to hold the request on purpose, milliseconds; 0 for not at all. Throws the dice: ask once. */
  delayMs(): number {
    const delay = this.#route.route.fault?.delay;
    return delay !== undefined && chance(delay.percent, this.#random) ? delay.ms : 0;
  }

  /** After the delay: the answer of a fault, a redirect or the route itself, if any. Throws the dice: ask once. */
  answer(): Instead | undefined {
    const { route, redirect, respond } = this.#route;
    const abort = route.fault?.abort;
    if (abort !== undefined && chance(abort.percent, this.#random)) {
      const detail = `route ${route.name} asks for ${abort.status} on ${abort.percent} % of its requests`;
      return { reply: localReply('FI', detail, { status: abort.status }), flag: 'FI', detail };
    }
    const { unusable } = this.#route;
    if (unusable !== undefined)
      return { reply: localReply('NFCF', unusable), flag: 'NFCF', detail: unusable };
    if (route.name === NO_ROUTE) {
      const { from } = route;
      const who = from === undefined ? '' : `; ${formatRef(from)} has no rule for it`;
      const detail = `${this.#head.methodText} ${this.#head.targetText}${who}`;
      return { reply: localReply('NR', detail), flag: 'NR', detail };
    }
    if (redirect !== undefined) {
      parts.read(this.#head);
      return this.#instead(redirect.reply(parts, this.#ownFields()));
    }
    return respond && this.#instead({ ...respond, fields: this.#ownFields() });
  }

  /** The endpoint that the client's session belongs to, if it takes requests, and the choice that it is of. */
  bySession(): { readonly choice: number; readonly endpoint: RunningEndpoint } | undefined {
    const { sessionCookie, clusters } = this.#route;
    if (sessionCookie === undefined || !cookieValue(this.#head, sessionCookie, range)) return undefined;
    this.#token = this.#head.bytes.toString('latin1', range.start, range.end);
    for (const [choice, cluster] of clusters.clusters.entries()) {
      const endpoint = cluster.bySession(this.#token);
      if (endpoint !== undefined) return { choice, endpoint };
    }
    return undefined;
  }

  /** Edits the request, once it is known which of the route's clusters it goes to. Once per request, not per try. */
  prepare(choice: number, cluster: Cluster): void {
    const route = this.#route;
    const { paths, requestEdits } = route;
    const head = this.#head;
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
    return this.#instead(to.reply(parts, this.#ownFields()));
  }

  /** A cookie that consistent hashing made up for the client. */
  addCookie(value: Buffer): void {
    this.#cookie = value;
  }

  /** Edits the upstream's answer. */
  decorate(response: Head, endpoint: RunningEndpoint): void {
    const { cors, responseEdits, route } = this.#route;
    this.#share?.response?.apply(response, this);
    responseEdits?.apply(response, this);
    if (this.#cors === CORS.ALLOWED) cors!.decorate(response, this.#head);
    if (this.#cookie !== undefined) response.add(setCookie, this.#cookie);
    const { session } = route;
    if (session === undefined) return;
    const token = sessionToken(endpoint);
    if (token !== this.#token)
      response.add(setCookie, setCookieValue(session.cookie, token, session.path, session.ttlSeconds));
  }

  /** Fields that answers of Weft's own get, so that browsers let pages read why they failed. */
  get localFields(): readonly Field[] {
    return this.#cors === CORS.ALLOWED ? this.#route.cors!.fields(this.#head) : NO_FIELDS;
  }

  /** The shadows that this request gets where it goes to `choice`, by the dice. */
  mirrors(choice: number): readonly Cluster[] {
    return this.#route.mirrors[choice]!.filter(({ percent }) => chance(percent, this.#random)).map(
      ({ cluster }) => cluster,
    );
  }

  #judgeOrigin(): Instead | undefined {
    const { cors } = this.#route;
    if (cors === undefined) return undefined;
    this.#cors = cors.judge(this.#head);
    if (this.#cors !== CORS.PREFLIGHT && this.#cors !== CORS.REFUSED_PREFLIGHT) return undefined;
    return this.#instead(cors.reply(this.#head, this.#cors));
  }

  #limit(nowMs: number): Instead | undefined {
    const { limits } = this.#route;
    if (limits.length === 0) return undefined;
    parts.read(this.#head);
    for (const limit of limits) {
      if (limit.judge(parts, nowMs) !== LIMIT.REFUSE) continue;
      const { bucket, status, from } = limit.limit;
      const who = from === undefined ? '' : ` (${from.kind} ${from.name}.${from.namespace})`;
      const detail = `${bucket.perFill} per ${bucket.fillIntervalMs} ms${who}`;
      const fields = [...limit.fields(this, nowMs), ...this.localFields];
      return { reply: localReply('RL', detail, { status, fields }), flag: 'RL', detail };
    }
    return undefined;
  }

  #shareOf(choice: number): CompiledShare | undefined {
    const { shares, clusters } = this.#route;
    return shares.length === 0 ? undefined : shares[clusters.given[choice] ?? 0];
  }

  #ownFields(): readonly Field[] {
    const own = this.#share?.response?.fields(this) ?? NO_FIELDS;
    return [...own, ...(this.#route.responseEdits?.fields(this) ?? NO_FIELDS), ...this.localFields];
  }

  #instead(reply: LocalReply): Instead {
    return { reply, flag: '', detail: '' };
  }
}

/** Normalised once more: `/public..` may climb out of what stands for `/public`, and whoever is next must see where to. */
function rewritten(path: PathRewrite, paths: PathNormalizer): Buffer {
  const target = path.target(parts);
  return paths.normalizeTarget(Buffer.from(target, 'latin1')) ?? Buffer.from(target, 'latin1');
}
