import type { AskableProxy, MachinePresence } from '../discovery/index.ts';
import { WeftError } from '../errors/index.ts';
import {
  ApiError,
  type ApiObject,
  apiVersionOf,
  type KubeClient,
  type ResourceType,
} from '../kubernetes/index.ts';
import { equal, type MachineGroup, type MachineProbe, machineEntryName } from '../model/index.ts';
import { recordOf } from '../plain/index.ts';
import { Backoff, type Cancel, type Clock } from '../time/index.ts';
import {
  type Connection,
  conditionsWith,
  entryOf,
  isRegistered,
  isSameEntry,
  MARKS,
  type MachineHealth,
  marksOf,
  tellsOf,
} from './entry.ts';

/** What a presence is made of. */
export interface PresenceOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly connection: Connection;
  /** As it is now; undefined while there is none. */
  readonly group: () => MachineGroup | undefined;
  /** Whether the machine that this entry of another connection tells of is away. */
  readonly isAway: (entry: ApiObject) => boolean;
  /** How old `seen-at` gets before it is written anew. */
  readonly heartbeatMs: number;
  /** Its machine is connected no more, or somebody else tells of it. */
  readonly over: (presence: Presence) => void;
  /** Why its entry cannot be written now; undefined once it can. */
  readonly trouble: (presence: Presence, why: ApiError | undefined) => void;
}

/** A machine that connects anew, to another replica perhaps, has not left. */
const lingerMs = 2_000;
/** A write that met another one is made on what is there then. */
const attempts = 5;
const retry = { firstMs: 500, longestMs: 30_000 };
/** Of what a machine says of its health. */
const longestMessage = 500;

/**
 * One connection of a machine, and its entry, which is brought to what it should be whenever something has changed: written one
 * change after the other, tried again where that fails, and left alone from when another connection stands in it.
 */
export class Presence implements MachinePresence {
  readonly #options: PresenceOptions;
  readonly #backoff = new Backoff(retry);
  readonly name: string;
  #state: 'here' | 'leaving' | 'over' = 'here';
  #health: MachineHealth | undefined;
  #asked: { readonly proxy: AskableProxy; probe: MachineProbe | undefined; stop: () => void } | undefined;
  #running: Promise<void> | undefined;
  #dirty = false;
  #timer: Cancel = () => {};
  #waitsToRetry = false;
  /** Whether the entry has told of this connection once: from then on another one in it is the better. */
  #claimed = false;

  constructor(options: PresenceOptions) {
    this.#options = options;
    const { connection } = options;
    this.name = machineEntryName(connection.group, connection.address);
  }

  get connection(): Connection {
    return this.#options.connection;
  }

  get isHere(): boolean {
    return this.#state === 'here';
  }

  /** Takes the entry for this connection. Errors: machine-…, api-… where the API server does not let or does not answer. */
  async claim(): Promise<WeftError | undefined> {
    return this.#bring();
  }

  /** The stream of its proxy is open: it is asked how the machine is, for as long as that lasts. */
  opened(proxy: AskableProxy): void {
    const probe = this.#options.group()?.probe;
    const stop = proxy.ask(
      { kind: 'machine-health', ...(probe && { probe }) },
      { said: items => this.#said(items), done() {} },
    );
    this.#asked = { proxy, probe, stop };
  }

  /** Its stream is over. */
  left(): void {
    this.#asked?.stop();
    this.#asked = undefined;
    if (this.#state !== 'here') return;
    this.#state = 'leaving';
    this.#timer();
    this.#timer = this.#options.clock.after(lingerMs, () => this.wake());
  }

  /** The control plane ends: its machines connect elsewhere, and their entries stay as they are. */
  abandon(): void {
    this.#timer();
    this.#state = 'over';
  }

  /** Something may have changed: the group, the entry, or it is time to say that the machine is still there. */
  wake(): void {
    this.#dirty = true;
    if (this.#asked && !equal(this.#asked.probe, this.#options.group()?.probe)) {
      const { proxy, stop } = this.#asked;
      stop();
      this.opened(proxy);
    }
    if (this.#waitsToRetry) return;
    this.#running ??= this.#work().finally(() => {
      this.#running = undefined;
    });
  }

  #said(items: readonly unknown[]): void {
    const last = recordOf(items.at(-1));
    if (typeof last.healthy !== 'boolean') return;
    const message = typeof last.message === 'string' ? last.message.slice(0, longestMessage) : '';
    this.#health = { healthy: last.healthy, message };
    this.wake();
  }

  async #work(): Promise<void> {
    while (this.#dirty && this.#state !== 'over') {
      this.#dirty = false;
      const error = await this.#bring();
      this.#options.trouble(this, error instanceof ApiError ? error : undefined);
      if (error === undefined) this.#backoff.reset();
      else this.#tryLater();
    }
  }

  #tryLater(): void {
    this.#waitsToRetry = true;
    this.#timer();
    this.#timer = this.#options.clock.after(this.#backoff.next(), () => {
      this.#waitsToRetry = false;
      this.wake();
    });
  }

  async #bring(): Promise<WeftError | undefined> {
    for (let left = attempts; ; left--) {
      const error = await this.#bringOnce();
      // Somebody has written in between: what is there now is judged.
      if (!(error instanceof ApiError && error.status === 409 && left > 1)) return error;
    }
  }

  async #bringOnce(): Promise<WeftError | undefined> {
    const { client, clock, connection, isAway } = this.#options;
    const group = this.#options.group();
    const type = typeOf(group?.apiVersion);
    const current = await client.get(type, connection.namespace, this.name);
    if (current instanceof ApiError && current.status !== 404) return current;
    const entry = current instanceof ApiError ? undefined : current;
    const isOurs = entry !== undefined && tellsOf(entry, connection);
    if (this.#state !== 'here') return this.#leave(type, isOurs ? entry : undefined);
    if (entry && !isOurs && (this.#claimed || !this.#mayTake(entry, isAway))) {
      this.#end();
      return this.#claimed ? undefined : this.#taken(entry);
    }
    // Its owner takes the entry along.
    if (!group) return undefined;
    const now = new Date(clock.now()).toISOString();
    const wanted = entryOf(group, connection, now, entry);
    const seen = Date.parse(entry ? (marksOf(entry)[MARKS.seenAt] ?? '') : '');
    const fresh = clock.now() - seen < this.#options.heartbeatMs;
    let there: ApiObject | ApiError = entry ?? wanted;
    if (!entry) there = await client.create(type, connection.namespace, wanted);
    else if (!fresh || !isSameEntry(entry, wanted))
      there = await client.replace(type, connection.namespace, this.name, wanted);
    if (there instanceof ApiError) return there;
    this.#claimed = true;
    return this.#tellHealth(type, there);
  }

  #mayTake(entry: ApiObject, isAway: PresenceOptions['isAway']): boolean {
    if (!isRegistered(entry)) return false;
    const machine = marksOf(entry)[MARKS.machine] ?? '';
    // Of one machine the connection that came last counts.
    return machine === this.connection.uid || isAway(entry);
  }

  #taken(entry: ApiObject): WeftError {
    const { namespace, address } = this.connection;
    const where = `WorkloadEntry ${namespace}/${this.name}`;
    if (!isRegistered(entry))
      return refuse(
        'machine-entry-foreign',
        `the ${where} was not made by a machine that joined; delete it, or name no WorkloadGroup (--workload-group)`,
      );
    return refuse(
      'machine-address-taken',
      `another machine is connected with the address ${address} (${where}); give each its own (--pod-ips), or stop the other`,
    );
  }

  async #leave(type: ResourceType, entry: ApiObject | undefined): Promise<WeftError | undefined> {
    const { client, clock, connection } = this.#options;
    if (entry) {
      const { resourceVersion } = recordOf(entry.metadata);
      const annotations = { [MARKS.disconnectedAt]: new Date(clock.now()).toISOString() };
      const body = { metadata: { resourceVersion, annotations } };
      const written = await client.patch(type, connection.namespace, this.name, body);
      if (written instanceof ApiError && written.status !== 404) return written;
    }
    this.#end();
    return undefined;
  }

  async #tellHealth(type: ResourceType, entry: ApiObject): Promise<WeftError | undefined> {
    const conditions = this.#health && conditionsWith(entry, this.#health, this.#options.clock.now());
    if (!conditions) return undefined;
    const { client, connection } = this.#options;
    const written = await client.call({
      method: 'PATCH',
      path: `/apis/${apiVersionOf(type)}/namespaces/${encodeURIComponent(connection.namespace)}/${type.plural}/${encodeURIComponent(this.name)}/status`,
      // Lists are replaced whole: whoever else wrote one meanwhile must not lose it.
      body: {
        metadata: { resourceVersion: recordOf(entry.metadata).resourceVersion },
        status: { conditions },
      },
    });
    return written instanceof ApiError ? written : undefined;
  }

  #end(): void {
    this.#timer();
    this.#state = 'over';
    this.#options.over(this);
  }
}

/** The kind of entries, in the version in which the group is served. */
export function typeOf(apiVersion = 'networking.istio.io/v1'): ResourceType {
  const [group = '', version = ''] = apiVersion.split('/');
  return { group, version, kind: 'WorkloadEntry', plural: 'workloadentries', namespaced: true };
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'downstream' });
}
