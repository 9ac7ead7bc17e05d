import { errorMessage } from '../errors/index.ts';
import { recordOf } from '../plain/index.ts';
import type { Cancel, Clock } from '../time/index.ts';
import { ApiError } from './api-error.ts';
import type { ApiObject, KubeClient } from './client.ts';
import { apiVersionOf, TYPES } from './resource-type.ts';
import { rest } from './rest.ts';

/** Who competes for which Lease. */
export interface LeaderElectionOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly namespace: string;
  readonly name: string;
  /** Unique among those who compete: the pod's name. */
  readonly identity: string;
  /** Nobody else takes over before the holder has been silent for this long; 15 s unless told. */
  readonly leaseMs?: number;
  /** The holder gives up when it could not renew for this long; 10 s unless told. Must be shorter than leaseMs. */
  readonly renewWithinMs?: number;
  /** Between attempts; 2 s unless told. */
  readonly retryMs?: number;
  /** Told of what fails, once per kind of failure. */
  readonly failed?: (message: string) => void;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** A Lease as it was last seen, and when: its own times are another machine's and are not compared with this clock. */
interface Observed {
  readonly version: string;
  readonly holder: string;
  readonly spec: Readonly<Record<string, unknown>>;
  readonly atMs: number;
}

/**
 * Competes for a Lease (coordination.k8s.io/v1) as client-go does: one of several replicas holds it, renews it, and gives it up
 * in order. `lead` runs while it is held; its signal aborts when that ends, at the latest before anybody else may take over.
 */
export class LeaderElection {
  readonly #options: LeaderElectionOptions;
  #observed: Observed | undefined;
  #renewedAtMs = 0;
  #leading: AbortController | undefined;
  #lastFailure = '';
  #cancelExpiry: Cancel = () => {};

  constructor(options: LeaderElectionOptions) {
    this.#options = options;
  }

  get isLeader(): boolean {
    return this.#leading !== undefined;
  }

  /** Who holds the Lease as far as is known; ''. */
  get holder(): string {
    return this.#observed?.holder ?? '';
  }

  /** Competes until the signal aborts, then gives up what is held. Never rejects. */
  async run(lead: (signal: AbortSignal) => void, signal: AbortSignal): Promise<void> {
    const { clock, retryMs = 2_000, renewWithinMs = 10_000, random = Math.random } = this.#options;
    while (!signal.aborted) {
      const error = await this.#attempt().catch((thrown: unknown) => errorMessage(thrown));
      if (error === undefined) this.#lastFailure = '';
      else if (error !== this.#lastFailure) {
        this.#lastFailure = error;
        this.#options.failed?.(error);
      }
      const heldMs = this.#renewedAtMs + renewWithinMs - clock.monotonic();
      const held = this.#observed?.holder === this.#options.identity && heldMs > 0;
      if (held && !signal.aborted) this.#begin(lead, heldMs);
      else this.#end();
      await rest(clock, retryMs * (1 - random() / 5), signal);
    }
    const wasLeader = this.isLeader;
    this.#end();
    if (wasLeader) await this.#release();
  }

  /** `heldMs`: however long the next attempt hangs, it ends then. */
  #begin(lead: (signal: AbortSignal) => void, heldMs: number): void {
    this.#cancelExpiry();
    this.#cancelExpiry = this.#options.clock.after(heldMs, () => this.#end());
    if (this.#leading) return;
    this.#leading = new AbortController();
    lead(this.#leading.signal);
  }

  #end(): void {
    this.#cancelExpiry();
    this.#leading?.abort();
    this.#leading = undefined;
  }

  /** Reads the Lease and takes or renews it where that is due. Returns why it could not. */
  async #attempt(): Promise<string | undefined> {
    const { client, clock, namespace, name, identity, leaseMs = 15_000 } = this.#options;
    const startMs = clock.monotonic();
    const found = await this.#read();
    if (found instanceof ApiError && found.status !== 404) return found.message;
    const mine = found instanceof ApiError ? undefined : found;
    if (mine && mine.holder !== identity && mine.holder !== '' && startMs - mine.atMs < leaseMs)
      return undefined;
    const nowText = new Date(clock.now()).toISOString().replace(/Z$/, '000Z');
    const renews = mine?.holder === identity;
    const body = {
      apiVersion: apiVersionOf(TYPES.lease),
      kind: TYPES.lease.kind,
      metadata: { name, namespace, ...(mine && { resourceVersion: mine.version }) },
      spec: {
        holderIdentity: identity,
        leaseDurationSeconds: Math.max(1, Math.round(leaseMs / 1000)),
        acquireTime: renews ? mine.spec.acquireTime : nowText,
        renewTime: nowText,
        leaseTransitions: Number(mine?.spec.leaseTransitions ?? 0) + (mine && !renews ? 1 : 0),
      },
    };
    const written = mine
      ? await client.replace(TYPES.lease, namespace, name, body)
      : await client.create(TYPES.lease, namespace, body);
    if (written instanceof ApiError) {
      // Somebody was faster: the next look shows who.
      return written.status === 409 ? undefined : written.message;
    }
    this.#observe(written);
    // Counted from before the call, because that is what the others count from at the latest.
    this.#renewedAtMs = startMs;
    return undefined;
  }

  async #read(): Promise<Observed | ApiError> {
    const { client, namespace, name } = this.#options;
    const lease = await client.get(TYPES.lease, namespace, name);
    return lease instanceof ApiError ? lease : this.#observe(lease);
  }

  #observe(lease: ApiObject): Observed {
    const metadata = recordOf(lease.metadata);
    const spec = recordOf(lease.spec);
    const version = String(metadata.resourceVersion ?? '');
    const holder = typeof spec.holderIdentity === 'string' ? spec.holderIdentity : '';
    // Only a change is a sign of life.
    if (this.#observed?.version === version) return this.#observed;
    this.#observed = { version, holder, spec, atMs: this.#options.clock.monotonic() };
    return this.#observed;
  }

  /** So that the next one need not wait. */
  async #release(): Promise<void> {
    const { client, namespace, name, identity } = this.#options;
    const found = await this.#read();
    if (found instanceof ApiError || found.holder !== identity) return;
    await client.replace(TYPES.lease, namespace, name, {
      apiVersion: apiVersionOf(TYPES.lease),
      kind: TYPES.lease.kind,
      metadata: { name, namespace, resourceVersion: found.version },
      spec: { ...found.spec, holderIdentity: '', leaseDurationSeconds: 1 },
    });
  }
}
