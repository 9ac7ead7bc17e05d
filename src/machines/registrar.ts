import type { ArrivingMachine, MachineArrivals, MachinePresence } from '../discovery/index.ts';
import { WeftError } from '../errors/index.ts';
import { ApiError, type ApiObject, type KubeClient, objectPath } from '../kubernetes/index.ts';
import {
  canonicalAddress,
  isInRange,
  type MachineGroup,
  machineClaimFault,
  machineEntryName,
  type Problem,
  problem,
} from '../model/index.ts';
import { recordOf } from '../plain/index.ts';
import type { KubeObject } from '../registry/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import { isRegistered, MARKS, marksOf } from './entry.ts';
import { Presence, typeOf } from './presence.ts';

/** What a registrar works with. */
export interface RegistrarOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** The name of this replica among all. */
  readonly instance: string;
  /** The group `namespace/name`, as its object says it or last said it well. */
  readonly group: (key: string) => MachineGroup | undefined;
  /** Every WorkloadEntry, and one by `namespace/name`, as they were read. */
  readonly entries: () => Iterable<KubeObject>;
  readonly entry: (key: string) => KubeObject | undefined;
  /** Whether this replica is the one that removes entries. */
  readonly leads: () => boolean;
  /** How long a machine may be away before its entry goes; 1 min unless told. */
  readonly graceMs?: number;
}

const defaultGraceMs = 60_000;
/** How often it is written that a machine is still there, and after which silence neither it nor its replica is. */
const heartbeatMs = 300_000;
const lostMs = 3 * heartbeatMs;
/** How often entries are looked at. */
const lookMs = 5_000;

/**
 * Writes down which machines are there. A machine that connects under a WorkloadGroup gets an entry; the replica that it is
 * connected to keeps it right; the one that leads removes those whose machines have been away. How long that is every replica
 * judges by its own clock, from when it has seen the entry change last: clocks that differ, and a control plane that was away
 * itself, remove nothing.
 */
export class MachineRegistrar implements MachineArrivals {
  readonly #options: RegistrarOptions;
  readonly #presences = new Map<string, Presence>();
  /** Of entries, by key: what they said last of their machine's connection, and since when, by the clock of this replica. */
  readonly #seen = new Map<string, { readonly marks: string; readonly sinceMs: number }>();
  readonly #troubles = new Map<string, string>();
  #lastConnectedMs = 0;
  #over = false;

  constructor(options: RegistrarOptions) {
    this.#options = options;
  }

  /** Looks after entries until the signal aborts; then nothing is written any more. */
  start(signal: AbortSignal): void {
    const stop = this.#options.clock.every(lookMs, () => this.#look());
    const end = (): void => {
      stop();
      this.#over = true;
      for (const presence of this.#presences.values()) presence.abandon();
    };
    if (signal.aborted) end();
    else signal.addEventListener('abort', end, { once: true });
  }

  /** How many machines are connected to this replica. */
  get size(): number {
    return [...this.#presences.values()].filter(each => each.isHere).length;
  }

  /** Why entries are not written now, each reason once. */
  problems(): readonly Problem[] {
    const words = new Set(this.#troubles.values());
    return [...words].map(why => problem('machine-entry-not-written', why, { severity: 'warning' }));
  }

  /** Groups or entries have changed. */
  changed(): void {
    for (const presence of this.#presences.values()) presence.wake();
  }

  /** See MachineArrivals. Errors: machine-…, join-…-like codes of docs/errors.md. */
  async arrive(machine: ArrivingMachine): Promise<MachinePresence | WeftError> {
    const { namespace, claim } = machine;
    const fault = machineClaimFault(claim);
    if (fault !== undefined)
      return refuse('machine-claim-invalid', `what the machine says of itself is wrong: ${fault}`);
    const address = canonicalAddress(claim.address);
    const refused = this.#judge({ ...machine, claim: { ...claim, address } });
    if (refused) return refused;
    const key = `${namespace}/${machineEntryName(claim.group, address)}`;
    const presence = this.#presenceOf({ ...machine, claim: { ...claim, address } }, key);
    const error = await presence.claim();
    if (error && !this.#mayGoOn(error, machine, key)) return wordsFor(error, namespace);
    // A connection of this machine before is over, or about to be; what it would still write is none of its business.
    this.#presences.set(key, presence);
    if (error) presence.wake();
    if (this.#over) presence.abandon();
    return presence;
  }

  #judge({ namespace, serviceAccount, claim }: ArrivingMachine): WeftError | undefined {
    const group = this.#options.group(`${namespace}/${claim.group}`);
    if (!group)
      return refuse(
        'machine-group-unknown',
        `there is no WorkloadGroup ${namespace}/${claim.group}; create it, or see its status for what is wrong with it`,
      );
    if (group.template.serviceAccount !== serviceAccount)
      return refuse(
        'machine-group-identity',
        `the WorkloadGroup ${namespace}/${claim.group} is for the ServiceAccount ${group.template.serviceAccount} and the machine's certificate for ${serviceAccount}; create a token for that of the group`,
      );
    if (group.addresses && !group.addresses.some(range => isInRange(claim.address, range)))
      return refuse(
        'machine-address-refused',
        `the WorkloadGroup ${namespace}/${claim.group} takes machines in ${group.addresses.join(', ')}, and this one is ${claim.address}; change its annotation weft.dev/machine-addresses, or --pod-ips`,
      );
    return undefined;
  }

  #presenceOf({ namespace, uid, claim }: ArrivingMachine, key: string): Presence {
    const { client, clock, instance, group } = this.#options;
    this.#lastConnectedMs = Math.max(this.#lastConnectedMs + 1, clock.now());
    const connectedAt = new Date(this.#lastConnectedMs).toISOString();
    return new Presence({
      ...{ client, clock, heartbeatMs },
      connection: { namespace, ...claim, uid, controller: instance, connectedAt },
      group: () => group(`${namespace}/${claim.group}`),
      isAway: entry => this.#isAway(key, entry),
      over: presence => {
        if (this.#presences.get(key) === presence) this.#presences.delete(key);
        this.#troubles.delete(key);
      },
      trouble: (_, why) => {
        if (why) this.#troubles.set(key, wordsFor(why, namespace).message);
        else this.#troubles.delete(key);
      },
    });
  }

  /** An API server that is away costs no machine its stream that has an entry already. */
  #mayGoOn(error: WeftError, { uid }: ArrivingMachine, key: string): boolean {
    if (!(error instanceof ApiError && error.passing)) return false;
    const known = this.#options.entry(key);
    return known !== undefined && isRegistered(known) && (marksOf(known)[MARKS.machine] ?? '') === uid;
  }

  /** Whether the machine that an entry tells of is away, so that another may have its address. */
  #isAway(key: string, entry: ApiObject): boolean {
    const marks = marksOf(entry);
    if (marks[MARKS.disconnectedAt] !== undefined) return true;
    if (marks[MARKS.controller] === this.#options.instance) {
      const presence = this.#presences.get(key);
      return !presence?.isHere || presence.connection.connectedAt !== marks[MARKS.connectedAt];
    }
    const seen = this.#seen.get(key);
    return seen !== undefined && seen.marks === essenceOf(marks) && this.#isLost(seen.sinceMs);
  }

  #isLost(sinceMs: number): boolean {
    return this.#options.clock.monotonic() - sinceMs > lostMs;
  }

  #look(): void {
    const { clock, entries, leads, graceMs = defaultGraceMs } = this.#options;
    const nowMs = clock.monotonic();
    const keys = new Set<string>();
    for (const entry of entries()) {
      if (!isRegistered(entry)) continue;
      const key = `${entry.metadata.namespace ?? ''}/${entry.metadata.name}`;
      keys.add(key);
      const marks = essenceOf(marksOf(entry));
      const before = this.#seen.get(key);
      if (before?.marks !== marks) this.#seen.set(key, { marks, sinceMs: nowMs });
      const { sinceMs } = this.#seen.get(key)!;
      const isDisconnected = marksOf(entry)[MARKS.disconnectedAt] !== undefined;
      const isOver = isDisconnected ? nowMs - sinceMs > graceMs : this.#isLost(sinceMs);
      if (isOver && leads()) void this.#remove(entry, marks);
    }
    for (const key of this.#seen.keys()) if (!keys.has(key)) this.#seen.delete(key);
    this.changed();
  }

  /** Unless it tells of another connection by now. */
  async #remove({ apiVersion, metadata }: KubeObject, marks: string): Promise<void> {
    const { client, log } = this.#options;
    const { namespace = '', name } = metadata;
    const type = typeOf(apiVersion);
    const current = await client.get(type, namespace, name);
    if (current instanceof ApiError || essenceOf(marksOf(current)) !== marks || this.#over) return;
    const { uid, resourceVersion } = recordOf(current.metadata);
    const removed = await client.call({
      ...{ method: 'DELETE', path: objectPath(type, namespace, name) },
      body: { apiVersion: 'v1', kind: 'DeleteOptions', preconditions: { uid, resourceVersion } },
    });
    const key = `${namespace}/${name}`;
    if (!(removed instanceof ApiError)) {
      this.#troubles.delete(key);
      log.info({ entry: key }, 'removed the WorkloadEntry of a machine that has been away');
    } else if (![404, 409].includes(removed.status))
      this.#troubles.set(key, wordsFor(removed, namespace).message);
  }
}

/** What an entry says of its machine's connection. */
function essenceOf(marks: Readonly<Record<string, string>>): string {
  const { controller, connectedAt, disconnectedAt, seenAt } = MARKS;
  return [controller, connectedAt, disconnectedAt, seenAt].map(each => marks[each] ?? '').join(' ');
}

function wordsFor(error: WeftError, namespace: string): WeftError {
  if (!(error instanceof ApiError)) return error;
  const remedy =
    error.status === 403 ? 'install with --machines, which gives the right' : 'it is tried again';
  const why = `WorkloadEntries of namespace ${namespace} cannot be written (${error.message}); ${remedy}`;
  return new WeftError('machine-entry-not-written', why, { source: 'internal', cause: error });
}

function refuse(code: string, message: string): WeftError {
  return new WeftError(code, message, { source: 'downstream' });
}
