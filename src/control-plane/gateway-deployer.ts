import {
  ApiError,
  type ApiObject,
  type KubeClient,
  objectPath,
  Reflector,
  type ResourceType,
  rest,
} from '../kubernetes/index.ts';
import { type Problem, problem } from '../model/index.ts';
import { recordOf, recordsOf } from '../plain/index.ts';
import { Backoff, type BackoffTimes, type Clock } from '../time/index.ts';
import { deployedTypes, digestOf, FIELD_MANAGER, withDigest } from './deployed-objects.ts';

/** A gateway whose objects are kept. */
export interface WantedGateway {
  /** `namespace/name` */
  readonly gateway: string;
  /** Of the Gateway, which owns its objects. */
  readonly uid: string;
  /** What it is to have. Undefined: as it stands nothing can be made of it, and what is there stays. */
  readonly objects?: readonly WantedObject[];
}

/** An object as it is applied, but for its digest. */
export type WantedObject = ApiObject & {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: { readonly namespace: string; readonly name: string; readonly [field: string]: unknown };
};

/** What a deployer works with. */
export interface GatewayDeployerOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  /** In which namespaces, `all`, or these. */
  readonly namespaces: 'all' | readonly string[];
  /** The server is Kubernetes 1.`minor`. */
  readonly minor: number;
  readonly wanted: () => Iterable<WantedGateway>;
  /** Changes are gathered for this long; 200 ms unless told. */
  readonly debounceMs?: number;
  readonly backoff?: BackoffTimes;
}

interface Found {
  readonly object: ApiObject;
  readonly type: ResourceType;
}

interface Failure {
  readonly backoff: Backoff;
  readonly retryAtMs: number;
  readonly message: string;
}

/** How often everything is applied anew: what others changed where no generation shows it. */
const resyncMs = 600_000;

/**
 * Keeps Deployment, Service and what else a Gateway is to have, by server-side apply, and takes away what it is to have no
 * longer. For the replica that leads. An object of the same name that the Gateway does not own is somebody's own and left alone;
 * where that is the Deployment, proxies are deployed by hand and nothing else is made. Deleted Gateways take theirs with them
 * (owner references).
 */
export class GatewayDeployer {
  readonly #options: GatewayDeployerOptions;
  readonly #types: readonly ResourceType[];
  /** What is there, by kind and `namespace/name`; of all of these namespaces. */
  readonly #found = new Map<string, Found>();
  readonly #failed = new Map<string, Failure>();
  /** metadata.generation after it was applied from here; every round of `resyncMs` begins without. */
  readonly #applied = new Map<string, unknown>();
  /** Gateway to what of others stands in its way. */
  readonly #foreign = new Map<string, string>();
  #wake: () => void = () => {};
  #dirty = true;

  constructor(options: GatewayDeployerOptions) {
    this.#options = options;
    this.#types = deployedTypes(options.minor);
  }

  /** Which gateways are not deployed as they should be, and why. */
  problems(): readonly Problem[] {
    const failed = [...this.#failed.values()].map(each => each.message);
    return [...new Set([...failed, ...this.#foreign.values()])].map(message =>
      problem('gateway-not-deployed', message),
    );
  }

  /** Something may have changed: Gateways, their settings, how Weft is installed. */
  changed(): void {
    this.#dirty = true;
    this.#wake();
  }

  /** Keeps every gateway right until the signal aborts. */
  async lead(signal: AbortSignal): Promise<void> {
    const { clock, debounceMs = 200 } = this.#options;
    const reflectors = this.#follow(signal);
    let resyncAtMs = clock.monotonic() + resyncMs;
    while (!signal.aborted) {
      if (clock.monotonic() >= resyncAtMs) {
        this.#applied.clear();
        resyncAtMs = clock.monotonic() + resyncMs;
      }
      if (this.#dirty) await rest(clock, debounceMs, signal);
      this.#dirty = false;
      // What is not known to be there would be taken for missing.
      if (reflectors.every(each => each.synced)) await this.#round(signal);
      else this.#unread(reflectors);
      await this.#pause(resyncAtMs, signal);
    }
    this.#found.clear();
    this.#applied.clear();
    this.#failed.clear();
    this.#foreign.clear();
  }

  #follow(signal: AbortSignal): readonly Reflector[] {
    const { client, clock, namespaces, backoff } = this.#options;
    const where = namespaces === 'all' ? [undefined] : namespaces;
    return this.#types.flatMap(type =>
      where.map(namespace => {
        const reflector = new Reflector({
          ...{ client, clock, type },
          ...(namespace !== undefined && { namespace }),
          labelSelector: 'app.kubernetes.io/part-of=weft',
          put: (object, key) => {
            this.#found.set(`${type.kind} ${key}`, { object, type });
            this.changed();
          },
          gone: key => {
            this.#found.delete(`${type.kind} ${key}`);
            this.changed();
          },
          changed: () => this.changed(),
          ...(backoff && { backoff }),
        });
        void reflector.run(signal);
        return reflector;
      }),
    );
  }

  async #round(signal: AbortSignal): Promise<void> {
    const wanted = [...this.#options.wanted()];
    const known = new Set(wanted.map(each => each.gateway));
    for (const map of [this.#failed, this.#foreign])
      for (const gateway of map.keys()) if (!known.has(gateway)) map.delete(gateway);
    for (const each of wanted) {
      if (signal.aborted) return;
      const failure = this.#failed.get(each.gateway);
      if (failure && failure.retryAtMs > this.#options.clock.monotonic()) continue;
      const error = each.objects === undefined ? undefined : await this.#bring(each, each.objects);
      if (error === undefined) this.#failed.delete(each.gateway);
      else this.#fail(each.gateway, error);
    }
  }

  /** Undefined where everything is as it should be, or not for us to change. */
  async #bring(wanted: WantedGateway, objects: readonly WantedObject[]): Promise<ApiError | undefined> {
    const { gateway, uid } = wanted;
    this.#foreign.delete(gateway);
    const known = objects.flatMap(object => {
      const type = this.#types.find(each => each.kind === object.kind);
      return type === undefined ? [] : [{ object, type }];
    });
    const deployment = known.find(each => each.object.kind === 'Deployment');
    const running = deployment && (await this.#there(deployment.type, deployment.object));
    if (running instanceof ApiError) return running;
    // Proxies are deployed by hand.
    if (running !== undefined && !isOwned(running, uid)) return undefined;
    for (const { object, type } of known) {
      const there = await this.#there(type, object);
      if (there instanceof ApiError) return there;
      const { namespace, name } = object.metadata;
      if (there !== undefined && !isOwned(there, uid)) {
        const what = `${object.kind} ${namespace}/${name} is not of the Gateway's making and left alone`;
        const remedy = 'rename it, or deploy this gateway by hand (docs/gateway.md)';
        this.#foreign.set(gateway, `gateway ${gateway}: ${what}; ${remedy}`);
        continue;
      }
      const error = this.#isRight(there, object) ? undefined : await this.#apply(type, object);
      if (error !== undefined) return error;
    }
    return this.#prune(uid, objects);
  }

  /** What is there of this kind and name; undefined for nothing. */
  async #there(type: ResourceType, object: WantedObject): Promise<ApiObject | ApiError | undefined> {
    const { namespace, name } = object.metadata;
    const found = this.#found.get(idOf(object))?.object;
    if (found !== undefined) return found;
    const answer = await this.#options.client.call({ path: objectPath(type, namespace, name) });
    return answer instanceof ApiError && answer.status === 404 ? undefined : answer;
  }

  /** Whether it was applied as it stands, and nobody has changed its spec since. */
  #isRight(there: ApiObject | undefined, object: WantedObject): boolean {
    if (there === undefined || digestOf(there) !== digestOf(withDigest(object))) return false;
    const id = idOf(object);
    return this.#applied.has(id) && this.#applied.get(id) === recordOf(there.metadata).generation;
  }

  async #apply(type: ResourceType, object: WantedObject): Promise<ApiError | undefined> {
    const { namespace, name } = object.metadata;
    const answer = await this.#options.client.call({
      method: 'PATCH',
      path: objectPath(type, namespace, name),
      query: { fieldManager: FIELD_MANAGER, force: true },
      contentType: 'application/apply-patch+yaml',
      body: withDigest(object),
    });
    if (answer instanceof ApiError) return answer;
    this.#found.set(idOf(object), { object: answer, type });
    this.#applied.set(idOf(object), recordOf(answer.metadata).generation);
    return undefined;
  }

  /** Takes away what the Gateway owns of ours and is to have no longer: another class, no autoscaler any more. */
  async #prune(uid: string, objects: readonly WantedObject[]): Promise<ApiError | undefined> {
    const wanted = new Set(objects.map(idOf));
    for (const [id, { object, type }] of this.#found) {
      if (wanted.has(id) || !isOwned(object, uid) || digestOf(object) === undefined) continue;
      const { namespace, name } = recordOf(object.metadata);
      const path = objectPath(type, String(namespace), String(name));
      const answer = await this.#options.client.call({ method: 'DELETE', path });
      if (answer instanceof ApiError && answer.status !== 404) return answer;
      this.#found.delete(id);
    }
    return undefined;
  }

  #unread(reflectors: readonly Reflector[]): void {
    for (const { state, type } of reflectors) {
      this.#failed.delete(type.kind);
      if (state.phase !== 'waiting' || state.error.passing) continue;
      this.#failed.set(type.kind, {
        backoff: new Backoff({ firstMs: 1_000, longestMs: 60_000 }),
        retryAtMs: this.#options.clock.monotonic() + 1_000,
        message: `gateways are not deployed: ${state.error.message}; install with --deploy-gateways (docs/rights.md)`,
      });
    }
  }

  #fail(gateway: string, error: ApiError): void {
    const { clock, backoff: times = { firstMs: 500, longestMs: 60_000 } } = this.#options;
    const backoff = this.#failed.get(gateway)?.backoff ?? new Backoff(times);
    const message = `gateway ${gateway} is not deployed as it should be: ${error.message}`;
    this.#failed.set(gateway, { backoff, message, retryAtMs: clock.monotonic() + backoff.next() });
  }

  /** Until something changes, a failure is to be tried again, or everything looked at. */
  async #pause(resyncAtMs: number, signal: AbortSignal): Promise<void> {
    if (this.#dirty) return;
    const { clock } = this.#options;
    const nowMs = clock.monotonic();
    const nextMs = Math.min(resyncAtMs, ...[...this.#failed.values()].map(each => each.retryAtMs));
    const wake = new AbortController();
    this.#wake = () => wake.abort();
    await rest(clock, Math.max(50, nextMs - nowMs), AbortSignal.any([signal, wake.signal]));
    this.#wake = () => {};
  }
}

function isOwned(object: ApiObject, uid: string): boolean {
  return recordsOf(recordOf(object.metadata).ownerReferences).some(each => each.uid === uid);
}

function idOf({ kind, metadata }: WantedObject): string {
  return `${kind} ${metadata.namespace}/${metadata.name}`;
}
