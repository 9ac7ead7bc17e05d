import { internalError } from '../../errors/index.ts';
import type { ClientConnections, ClientKey, ClientLimit, EdgePolicy, ObjectRef } from '../../model/index.ts';
import { RequestParts } from '../../routing/index.ts';
import {
  type FilteredRequest,
  type Instead,
  PASS,
  type RequestFilter,
  type Verdict,
  WAIT,
} from '../filters/filter.interface.ts';
import { localReply, saying } from '../replies/local-replies.ts';
import { LeakyBucket } from './leaky-bucket.ts';
import { Ranges } from './ranges.ts';
import type { RateQuestion, SharedCounts } from './shared-counts.interface.ts';

/** Whose counts have judged a request: those of all replicas, or where nobody could be asked this replica's. */
export type LimitOutcome = 'shared' | 'local';

/** Clients that a zone remembers unless told; nginx's 5 MB hold about as many. */
const usualClients = 65_536;

/** Limits for each client of an edge. Zones are shared by all routes that name them, and outlive changes of routes. */
export class ClientLimits {
  readonly #shared: SharedCounts | undefined;
  readonly #counted: (outcome: LimitOutcome) => void;
  readonly #zones = new Map<string, WeakRef<Zone>>();

  /** `shared`: what all replicas count together; `counted` is told what each request was judged by. */
  constructor(shared?: SharedCounts, counted: (outcome: LimitOutcome) => void = () => {}) {
    this.#shared = shared;
    this.#counted = counted;
  }

  /** Undefined where the policy limits nobody. */
  filter({ clientLimits = [], clientConnections = [], from }: EdgePolicy): RequestFilter | undefined {
    if (clientLimits.length === 0 && clientConnections.length === 0) return undefined;
    const rates = clientLimits.map(limit => new RunningRate(limit, this.#zone(limit.zone), from));
    const connections = clientConnections.map(
      each => new RunningConnections(each, this.#zone(each.zone), from),
    );
    const [shared, counted] = [this.#shared, this.#counted];
    return {
      judge(request) {
        if (shared?.usable === true) {
          judgeTogether(shared, rates, connections, request, counted);
          return WAIT;
        }
        if (shared !== undefined) counted('local');
        const waitMs = judgeRates(rates, request);
        if (typeof waitMs !== 'number') return waitMs;
        for (let i = 0; i < connections.length; i++) {
          const refused = connections[i]!.judge(request);
          if (refused !== PASS) return refused;
        }
        return settle(PASS, waitMs, request);
      },
    };
  }

  #zone(name: string): Zone {
    const known = this.#zones.get(name)?.deref();
    if (known !== undefined) return known;
    for (const [each, zone] of this.#zones) if (zone.deref() === undefined) this.#zones.delete(each);
    const made = new Zone();
    this.#zones.set(name, new WeakRef(made));
    return made;
  }
}

/** What is remembered of clients under one name. */
class Zone {
  readonly buckets = new Map<string, LeakyBucket>();
  readonly underWay = new Map<string, number>();

  bucket(key: string, nowMs: number, maxClients: number): LeakyBucket {
    const bucket = this.buckets.get(key) ?? new LeakyBucket(nowMs);
    // The last in the map is the one that was asked for last.
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    while (this.buckets.size > maxClients) this.buckets.delete(this.buckets.keys().next().value!);
    return bucket;
  }
}

/** All rates are asked before any counts the request, as in nginx: what one of them refuses, no other has seen. */
function judgeRates(rates: readonly RunningRate[], request: FilteredRequest): Instead | number {
  let delayMs = 0;
  for (let i = 0; i < rates.length; i++) {
    const waitMs = rates[i]!.look(request);
    if (waitMs < 0) return rates[i]!.refusal(request);
    delayMs = Math.max(delayMs, waitMs);
  }
  for (let i = 0; i < rates.length; i++) rates[i]!.take(request);
  return delayMs;
}

/** `waitMs`: for how long the request is delayed that nothing refuses. */
function settle(refused: Verdict, waitMs: Instead | number, request: FilteredRequest): Verdict {
  if (refused !== PASS) return refused;
  return typeof waitMs === 'number' && waitMs > 0 ? request.resumeAfter(Math.ceil(waitMs)) : PASS;
}

/** Asks what all replicas have counted; where nobody answers in time this replica's own counts decide. */
function judgeTogether(
  shared: SharedCounts,
  rates: readonly RunningRate[],
  connections: readonly RunningConnections[],
  request: FilteredRequest,
  counted: (outcome: LimitOutcome) => void,
): void {
  const { turn } = request;
  const judge = async (): Promise<void> => {
    const waitMs = await ratesTogether(shared, rates, request, counted);
    // What is under way by now may be another request.
    if (request.turn !== turn) return;
    let refused: Verdict = typeof waitMs === 'number' ? PASS : waitMs;
    for (const each of connections) {
      if (refused !== PASS) break;
      refused = await each.judgeTogether(shared, request, counted);
      if (request.turn !== turn) return;
    }
    const verdict = settle(refused, waitMs, request);
    if (verdict !== WAIT) request.resume(turn, verdict);
  };
  judge().catch((thrown: unknown) => {
    internalError('client-limits', thrown);
    if (request.turn === turn) request.resume(turn, PASS);
  });
}

async function ratesTogether(
  shared: SharedCounts,
  rates: readonly RunningRate[],
  request: FilteredRequest,
  counted: (outcome: LimitOutcome) => void,
): Promise<Instead | number> {
  const { turn } = request;
  // What this replica alone knows to be too much needs no question.
  for (let i = 0; i < rates.length; i++)
    if (rates[i]!.look(request) < 0) {
      counted('local');
      return rates[i]!.refusal(request);
    }
  const asked = rates.filter(each => each.concerns);
  if (asked.length === 0) return 0;
  const answer = await shared.take(asked.map(each => each.question(request)));
  if (request.turn !== turn) return 0;
  counted(answer === undefined ? 'local' : 'shared');
  if (answer === undefined) return judgeRates(rates, request);
  if ('refused' in answer) return asked[answer.refused]!.refusal(request);
  // Counted here as well: from the moment that nobody answers these counts decide.
  for (const each of rates) {
    each.look(request);
    each.take(request);
  }
  return Math.max(...asked.map((each, index) => each.delayMs(answer.excesses[index] ?? 0)));
}

class RunningRate {
  readonly #limit: ClientLimit;
  readonly #zone: Zone;
  readonly #from: ObjectRef | undefined;
  readonly #except: Ranges | undefined;
  /** Of the request that was looked at last. */
  #bucket: LeakyBucket | undefined;
  #excess = 0;

  constructor(limit: ClientLimit, zone: Zone, from: ObjectRef | undefined) {
    this.#limit = limit;
    this.#zone = zone;
    this.#from = from;
    this.#except = limit.except && new Ranges(limit.except);
  }

  /** How long the request has to wait, milliseconds; -1 where it is too much. */
  look(request: FilteredRequest): number {
    this.#bucket = undefined;
    const { key: by, perSecond, burst, maxClients = usualClients } = this.#limit;
    const key = keyOf(by, request);
    if (key === '' || this.#except?.has(request.clientAddress) === true) return 0;
    this.#bucket = this.#zone.bucket(key, request.nowMs, maxClients);
    this.#excess = this.#bucket.with(perSecond, request.nowMs);
    if (this.#excess > burst) return -1;
    return this.delayMs(this.#excess);
  }

  /** Whether it is for the request that was looked at last. */
  get concerns(): boolean {
    return this.#bucket !== undefined;
  }

  question(request: FilteredRequest): RateQuestion {
    const { zone, key, perSecond, burst } = this.#limit;
    return { key: `${zone} ${keyOf(key, request)}`, perSecond, burst };
  }

  delayMs(excess: number): number {
    const { perSecond, delay } = this.#limit;
    return delay ? (excess / perSecond) * 1000 : 0;
  }

  take({ nowMs }: FilteredRequest): void {
    this.#bucket?.take(this.#excess, nowMs);
  }

  refusal(request: FilteredRequest): Instead {
    const { perSecond, burst, status = 503, message } = this.#limit;
    const rate = perSecond >= 1 ? `${perSecond} requests a second` : `${perSecond * 60} requests a minute`;
    return refusal(
      request,
      status,
      `more than ${rate} and ${burst} at once ${whose(this.#limit.key)}`,
      this.#from,
      message,
    );
  }
}

class RunningConnections {
  readonly #limit: ClientConnections;
  readonly #zone: Zone;
  readonly #from: ObjectRef | undefined;
  readonly #except: Ranges | undefined;

  constructor(limit: ClientConnections, zone: Zone, from: ObjectRef | undefined) {
    this.#limit = limit;
    this.#zone = zone;
    this.#from = from;
    this.#except = limit.except && new Ranges(limit.except);
  }

  judge(request: FilteredRequest): Verdict {
    const { key: by, max } = this.#limit;
    const key = keyOf(by, request);
    if (key === '' || this.#except?.has(request.clientAddress) === true) return PASS;
    const { underWay } = this.#zone;
    const count = underWay.get(key) ?? 0;
    if (count >= max) return this.#refusal(request);
    underWay.set(key, count + 1);
    request.onOver(() => this.#leave(key));
    return PASS;
  }

  async judgeTogether(
    shared: SharedCounts,
    request: FilteredRequest,
    counted: (outcome: LimitOutcome) => void,
  ): Promise<Verdict> {
    const { key: by, max, zone } = this.#limit;
    const refused = this.judge(request);
    const key = keyOf(by, request);
    if (refused !== PASS || key === '' || this.#except?.has(request.clientAddress) === true) return refused;
    const { turn } = request;
    const name = `${zone} connections ${key}`;
    const { underWay } = this.#zone;
    request.onOver(() => shared.left(name, underWay.get(key) ?? 0));
    const entered = await shared.enter(name, underWay.get(key) ?? 0, max);
    // Over meanwhile: what was told just now is put right.
    if (request.turn !== turn) shared.left(name, underWay.get(key) ?? 0);
    counted(entered === undefined ? 'local' : 'shared');
    if (entered !== false) return PASS;
    return this.#refusal(request);
  }

  #refusal(request: FilteredRequest): Instead {
    const { key, max, status = 503 } = this.#limit;
    const all = key.kind === 'all';
    const detail = `more than ${max} requests under way ${all ? 'at once' : 'of one client'}`;
    const refused = refusal(request, status, detail, this.#from);
    if (!all) return refused;
    const { reply } = refused;
    return { ...refused, reply: { ...reply, fields: [...reply.fields, ['retry-after', '1']] } };
  }

  #leave(key: string): void {
    const { underWay } = this.#zone;
    const left = underWay.get(key)! - 1;
    if (left === 0) underWay.delete(key);
    else underWay.set(key, left);
  }
}

/** Of what a client says itself, so that its zone stays as small as it is said to be. */
const maxKeyLength = 256;

/** Read anew for each question: what a request's own parts are of is another one once it has waited. */
const parts = new RequestParts();

/** '' for a request that no limit holds for. */
function keyOf(key: ClientKey, request: FilteredRequest): string {
  switch (key.kind) {
    case 'address':
      return request.clientAddress;
    case 'header':
      return bounded(request.requestHeader(key.name));
    case 'path':
      return pathOf(request);
    case 'address-and-path':
      return `${request.clientAddress} ${pathOf(request)}`;
    case 'all':
      return 'all';
  }
}

function pathOf({ head }: FilteredRequest): string {
  parts.read(head);
  const { pathBytes, pathStart, pathEnd } = parts;
  return pathBytes.toString('latin1', pathStart, Math.min(pathEnd, pathStart + maxKeyLength));
}

/** A part of a text would keep all of it. */
function bounded(text: string): string {
  return text.length <= maxKeyLength ? text : Buffer.from(text.slice(0, maxKeyLength)).toString();
}

function whose({ kind }: ClientKey): string {
  if (kind === 'all') return 'at all';
  return kind === 'path' ? 'for one path' : 'from one client';
}

function refusal(
  request: FilteredRequest,
  status: number,
  detail: string,
  from: ObjectRef | undefined,
  message?: string,
): Instead {
  const reply = saying(localReply('RL', detail, { status, fields: request.localFields }), message);
  return { reply, flag: 'RL', detail, ...(from && { from }) };
}
