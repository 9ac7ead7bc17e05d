import type { TapItem } from '../../live/tap/index.ts';
import type { Cancel, Clock } from '../../time/index.ts';

/** A request as both of its proxies saw it, or the one of them that is tapped. At least one is there. */
export interface TappedRequest {
  /** By the caller's proxy. */
  readonly client?: TapItem;
  /** By the callee's. */
  readonly server?: TapItem;
}

/** The other half comes within this time: proxies gather what they say. */
const waitMs = 400;
/** So many halves wait; what comes beyond them is shown as it is. */
const maxWaiting = 5_000;

/** Joins what the two proxies of a hop say of one request, by its id and who was called. */
export class HopJoiner {
  readonly #clock: Clock;
  readonly #joined: (request: TappedRequest) => void;
  readonly #waiting = new Map<string, { readonly item: TapItem; readonly cancel: Cancel }>();

  /** `joined` hears of each request once. */
  constructor(clock: Clock, joined: (request: TappedRequest) => void) {
    this.#clock = clock;
    this.#joined = joined;
  }

  add(item: TapItem): void {
    // An app that passes the id on has one id for many hops; the pod that is called tells them apart.
    const key =
      item.what !== undefined || item.destination.pod === undefined || item.id === ''
        ? undefined
        : keyOf(item);
    const other = key === undefined ? undefined : this.#waiting.get(key);
    if (key === undefined || (!other && this.#waiting.size >= maxWaiting)) this.#joined(side(item));
    else if (other && other.item.direction !== item.direction) {
      other.cancel();
      this.#waiting.delete(key);
      this.#joined({ ...side(other.item), ...side(item) });
    } else {
      if (other) this.#letGo(key);
      this.#waiting.set(key, { item, cancel: this.#clock.after(waitMs, () => this.#letGo(key)) });
    }
  }

  /** Everything that still waits, as it is. */
  flush(): void {
    for (const key of [...this.#waiting.keys()]) this.#letGo(key);
  }

  #letGo(key: string): void {
    const waiting = this.#waiting.get(key);
    if (!waiting) return;
    waiting.cancel();
    this.#waiting.delete(key);
    this.#joined(side(waiting.item));
  }
}

function keyOf({ id, destination, method, path }: TapItem): string {
  return JSON.stringify([id, destination.pod, method, path]);
}

function side(item: TapItem): TappedRequest {
  return item.direction === 'outbound' ? { client: item } : { server: item };
}
