import type { ClientConnections, ClientKey, ClientLimit, EdgePolicy, ObjectRef } from '../../model/index.ts';
import {
  type FilteredRequest,
  type Instead,
  PASS,
  type RequestFilter,
  type Verdict,
} from '../filters/filter.interface.ts';
import { localReply } from '../replies/local-replies.ts';
import { LeakyBucket } from './leaky-bucket.ts';
import { Ranges } from './ranges.ts';

/** Clients that a zone remembers; nginx's 5 MB hold about as many. Of more the one is forgotten that was longest idle. */
const maxClients = 65_536;

/** Limits for each client of an edge. Zones are shared by all routes that name them, and outlive changes of routes. */
export class ClientLimits {
  readonly #zones = new Map<string, WeakRef<Zone>>();

  /** Undefined where the policy limits nobody. */
  filter({ clientLimits = [], clientConnections, from }: EdgePolicy): RequestFilter | undefined {
    if (clientLimits.length === 0 && clientConnections === undefined) return undefined;
    const rates = clientLimits.map(limit => new RunningRate(limit, this.#zone(limit.zone), from));
    const connections =
      clientConnections &&
      new RunningConnections(clientConnections, this.#zone(clientConnections.zone), from);
    return {
      judge(request) {
        const verdict = judgeRates(rates, request);
        if (verdict !== PASS || connections === undefined) return verdict;
        return connections.judge(request);
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

  bucket(key: string, nowMs: number): LeakyBucket {
    const bucket = this.buckets.get(key) ?? new LeakyBucket(nowMs);
    // The last in the map is the one that was asked for last.
    this.buckets.delete(key);
    this.buckets.set(key, bucket);
    if (this.buckets.size > maxClients) this.buckets.delete(this.buckets.keys().next().value!);
    return bucket;
  }
}

/** All rates are asked before any counts the request, as in nginx: what one of them refuses, no other has seen. */
function judgeRates(rates: readonly RunningRate[], request: FilteredRequest): Verdict {
  let delayMs = 0;
  for (let i = 0; i < rates.length; i++) {
    const waitMs = rates[i]!.look(request);
    if (waitMs < 0) return rates[i]!.refusal(request);
    delayMs = Math.max(delayMs, waitMs);
  }
  for (let i = 0; i < rates.length; i++) rates[i]!.take(request);
  return delayMs > 0 ? request.resumeAfter(Math.ceil(delayMs)) : PASS;
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
    const { key: by, perSecond, burst, delay } = this.#limit;
    const key = keyOf(by, request);
    if (key === '' || this.#except?.has(request.clientAddress) === true) return 0;
    this.#bucket = this.#zone.bucket(key, request.nowMs);
    this.#excess = this.#bucket.with(perSecond, request.nowMs);
    if (this.#excess > burst) return -1;
    return delay ? (this.#excess / perSecond) * 1000 : 0;
  }

  take({ nowMs }: FilteredRequest): void {
    this.#bucket?.take(this.#excess, nowMs);
  }

  refusal(request: FilteredRequest): Instead {
    const { perSecond, burst, status = 503 } = this.#limit;
    const rate = perSecond >= 1 ? `${perSecond} requests a second` : `${perSecond * 60} requests a minute`;
    return refusal(request, status, `more than ${rate} and ${burst} at once from one client`, this.#from);
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
    const { key: by, max, status = 503 } = this.#limit;
    const key = keyOf(by, request);
    if (key === '' || this.#except?.has(request.clientAddress) === true) return PASS;
    const { underWay } = this.#zone;
    const count = underWay.get(key) ?? 0;
    if (count >= max)
      return refusal(request, status, `more than ${max} requests under way of one client`, this.#from);
    underWay.set(key, count + 1);
    request.onOver(() => {
      const left = underWay.get(key)! - 1;
      if (left === 0) underWay.delete(key);
      else underWay.set(key, left);
    });
    return PASS;
  }
}

function keyOf(key: ClientKey, request: FilteredRequest): string {
  return key.kind === 'address' ? request.clientAddress : request.requestHeader(key.name);
}

function refusal(
  request: FilteredRequest,
  status: number,
  detail: string,
  from: ObjectRef | undefined,
): Instead {
  const reply = localReply('RL', detail, { status, fields: request.localFields });
  return { reply, flag: 'RL', detail, ...(from && { from }) };
}
