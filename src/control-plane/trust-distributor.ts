import { ApiError, type ApiObject, type KubeClient, Reflector, rest, TYPES } from '../kubernetes/index.ts';
import { type Problem, problem } from '../model/index.ts';
import { Backoff, type BackoffTimes, type Clock } from '../time/index.ts';
import { nextBundle, readBundle, TRUST_CONFIG_MAP, writeBundle } from './trust-bundle.ts';

/** What a distributor works with. */
export interface TrustDistributorOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly systemNamespace: string;
  /** Never written to. */
  readonly ignoredNamespaces: readonly string[];
  /** Namespaces that exist and are not being deleted. */
  readonly namespaces: () => Iterable<string>;
  /** The authority's own roots and those about to be used. */
  readonly roots: () => readonly string[];
  /** Fingerprints of roots that are not to be kept any longer. */
  readonly distrusted?: () => readonly string[];
  /** How long a root that is no longer the authority's stays trusted. */
  readonly keepRetiredMs: number;
  readonly backoff?: BackoffTimes;
}

/** A namespace that could not be written to, and when to try again. */
interface Failure {
  readonly reason: string;
  readonly backoff: Backoff;
  readonly retryAtMs: number;
}

const labels = { 'app.kubernetes.io/part-of': 'weft', 'app.kubernetes.io/managed-by': 'weft-injector' };
const atOnce = 8;
/** Without any sign of change, for what was missed, and for roots whose time is over. */
const everyMs = 60_000;

/**
 * Keeps the ConfigMap `weft-trust` with the trusted roots in every namespace, so that it is there before any pod is: pods mount
 * it, and start only when it exists. For the replica that leads.
 */
export class TrustDistributor {
  readonly #options: TrustDistributorOptions;
  /** What the ConfigMaps say now, by namespace. */
  readonly #found = new Map<string, ApiObject>();
  readonly #failed = new Map<string, Failure>();
  #wake: () => void = () => {};
  #dirty = false;

  constructor(options: TrustDistributorOptions) {
    this.#options = options;
  }

  /** Which namespaces have no ConfigMap, or an old one, and why. */
  problems(): readonly Problem[] {
    const reasons = new Map<string, string[]>();
    for (const [namespace, { reason }] of this.#failed) {
      reasons.set(reason, [...(reasons.get(reason) ?? []), namespace]);
    }
    return [...reasons].map(([reason, namespaces]) => {
      const some = `${namespaces.slice(0, 5).join(', ')}${namespaces.length > 5 ? ', …' : ''}`;
      const why = `the ConfigMap ${TRUST_CONFIG_MAP} cannot be kept in ${namespaces.length} namespaces (${some}): ${reason}; new pods there cannot start in the mesh`;
      return problem('trust-not-distributed', why);
    });
  }

  /** Something may have changed: namespaces, roots. */
  changed(): void {
    this.#dirty = true;
    this.#wake();
  }

  /** Keeps every namespace right until the signal aborts. */
  async lead(signal: AbortSignal): Promise<void> {
    const { client, clock } = this.#options;
    const reflector = new Reflector({
      client,
      clock,
      type: TYPES.configMap,
      fieldSelector: `metadata.name=${TRUST_CONFIG_MAP}`,
      put: (object, key) => {
        this.#found.set(key.split('/')[0]!, object);
        this.changed();
      },
      gone: key => {
        this.#found.delete(key.split('/')[0]!);
        this.changed();
      },
      changed: () => this.changed(),
      ...(this.#options.backoff && { backoff: this.#options.backoff }),
    });
    void reflector.run(signal);
    while (!signal.aborted) {
      this.#dirty = false;
      if (reflector.synced) await this.#round(signal);
      else this.#unread(reflector);
      await this.#pause(signal);
    }
    this.#found.clear();
    this.#failed.clear();
  }

  /** Writes what differs. */
  async #round(signal: AbortSignal): Promise<void> {
    const { clock, systemNamespace, ignoredNamespaces, namespaces, roots, keepRetiredMs, distrusted } =
      this.#options;
    const before = readBundle(this.#found.get(systemNamespace));
    const bundle = nextBundle(before, roots(), clock.now(), keepRetiredMs, distrusted?.());
    const { data, annotations } = writeBundle(bundle);
    // The first one holds what the others are copied from.
    const others = [...namespaces()].filter(
      each => each !== systemNamespace && !ignoredNamespaces.includes(each),
    );
    const wanted = new Map(others.map(each => [each, {} as Record<string, string>]));
    wanted.set(systemNamespace, annotations);
    for (const each of this.#failed.keys()) if (!wanted.has(each)) this.#failed.delete(each);
    const nowMs = clock.monotonic();
    const queue = [...wanted].filter(
      ([each, said]) =>
        !this.#isRight(each, data, said) && (this.#failed.get(each)?.retryAtMs ?? nowMs) <= nowMs,
    );
    const worker = async (): Promise<void> => {
      for (let next = queue.pop(); next !== undefined && !signal.aborted; next = queue.pop()) {
        await this.#write(next[0], data, next[1]);
      }
    };
    await Promise.all(Array.from({ length: atOnce }, worker));
  }

  async #write(
    namespace: string,
    data: Record<string, string>,
    annotations: Record<string, string>,
  ): Promise<void> {
    const error = this.#found.has(namespace)
      ? await this.#options.client
          .patch(TYPES.configMap, namespace, TRUST_CONFIG_MAP, { metadata: { labels, annotations }, data })
          .then(answer => (answer instanceof ApiError ? answer : this.#noted(namespace, answer)))
      : await this.#create(namespace, data, annotations);
    // Gone, or going: whoever deletes a namespace deletes what is in it.
    if (error === undefined || error.status === 404 || /being terminated/.test(error.message)) {
      this.#failed.delete(namespace);
      return;
    }
    this.#fail(namespace, error);
  }

  async #create(
    namespace: string,
    data: Record<string, string>,
    annotations: Record<string, string>,
  ): Promise<ApiError | undefined> {
    const answer = await this.#options.client.create(TYPES.configMap, namespace, {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: TRUST_CONFIG_MAP, labels, annotations },
      data,
    });
    if (!(answer instanceof ApiError)) return this.#noted(namespace, answer);
    return answer.code === 'api-already-exists' ? undefined : answer;
  }

  #noted(namespace: string, object: ApiObject): undefined {
    this.#found.set(namespace, object);
  }

  #isRight(namespace: string, data: Record<string, string>, annotations: Record<string, string>): boolean {
    const found = this.#found.get(namespace);
    if (!found) return false;
    const metadata = (found.metadata ?? {}) as { annotations?: Record<string, string> };
    const has = (actual: unknown, wanted: Record<string, string>): boolean =>
      Object.entries(wanted).every(
        ([name, value]) => ((actual ?? {}) as Record<string, string>)[name] === value,
      );
    return has(found.data, data) && has(metadata.annotations, annotations);
  }

  #fail(namespace: string, error: ApiError): void {
    const { clock } = this.#options;
    // The same words for all namespaces, so that they are one problem.
    const message = error.message.replace(` in the namespace "${namespace}"`, '');
    const known = this.#failed.get(namespace);
    const backoff =
      known?.backoff ?? new Backoff(this.#options.backoff ?? { firstMs: 500, longestMs: 30_000 });
    this.#failed.set(namespace, { reason: message, backoff, retryAtMs: clock.monotonic() + backoff.next() });
  }

  #unread({ state }: Reflector): void {
    if (state.phase !== 'waiting' || state.error.passing) return;
    this.#fail(this.#options.systemNamespace, state.error);
  }

  /** Until something changes, or a failure is to be tried again. */
  async #pause(signal: AbortSignal): Promise<void> {
    if (this.#dirty) return;
    const nowMs = this.#options.clock.monotonic();
    const retries = [...this.#failed.values()].map(({ retryAtMs }) => retryAtMs - nowMs);
    const wake = new AbortController();
    this.#wake = () => wake.abort();
    await rest(
      this.#options.clock,
      Math.max(100, Math.min(everyMs, ...retries)),
      AbortSignal.any([signal, wake.signal]),
    );
    this.#wake = () => {};
  }
}
