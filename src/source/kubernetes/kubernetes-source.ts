import { HAPROXY_CONFIG, INGRESS_CONFIG, MESH_CONFIG } from '../../config/index.ts';
import { internalError } from '../../errors/index.ts';
import {
  ApiError,
  type ApiObject,
  type Discovered,
  discover,
  groupKindOf,
  type KubeClient,
  ListStreams,
  Reflector,
  type ResourceType,
  rest,
  Turns,
  TYPES,
} from '../../kubernetes/index.ts';
import type { Problem, Site } from '../../model/index.ts';
import { type Entries, readObject } from '../../registry/index.ts';
import type { Log } from '../../telemetry/index.ts';
import type { BackoffTimes, Clock } from '../../time/index.ts';
import type { Source } from '../source.interface.ts';
import { apiProblems, refusedObject, waitingWords } from './api-problems.ts';
import { type CredentialKind, CredentialNamespaces } from './credential-namespaces.ts';
import { Interner } from './intern.ts';
import { pruneOf } from './prune.ts';

/** What is read of an API server. */
export interface KubernetesSourceOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  /** Kinds of policies, with their groups, that are read where the server has them: `DestinationRule.networking.istio.io`. */
  readonly policyKinds: readonly string[];
  /** Which cluster and network the server is for; the control plane's own unless told. */
  readonly site?: Site;
  /** How often to look whether the server has got other kinds; 20 s unless told. */
  readonly lookEveryMs?: number;
  readonly backoff?: BackoffTimes;
  readonly pageSize?: number;
  /** In [0, 1); for tests. */
  readonly random?: () => number;
}

/** Which objects of a kind are read. */
interface Chosen {
  readonly known?: Iterable<string>;
  readonly fieldSelector?: string;
  readonly namespace?: string;
  /** One ConfigMap, of which everything is kept; see wholeId. */
  readonly whole?: string;
}

/** Under which name the ConfigMap is read that is kept as a whole. */
function wholeId(key: string): string {
  return `ConfigMap named ${key}`;
}

interface Running {
  readonly reflector: Reflector;
  readonly stop: AbortController;
  /** Without it there is no mesh to speak of. */
  readonly required: boolean;
  readonly done: Promise<void>;
}

/** Of Secrets the two sorts of which a cluster may have thousands are not read. */
const usefulSecrets = 'type!=helm.sh/release.v1,type!=kubernetes.io/service-account-token';

/** Those with settings are read by their names, wherever they are. */
const usefulConfigMaps = [...MESH_CONFIG, INGRESS_CONFIG, HAPROXY_CONFIG, 'kube-root-ca.crt']
  .map(name => `metadata.name!=${name}`)
  .join(',');

const credentialTypes = [
  [TYPES.secret, usefulSecrets],
  [TYPES.configMap, usefulConfigMaps],
] as const;

/**
 * Pages that are asked for at once, of all kinds together: at its start a control plane reads some forty kinds, and all of those
 * at once are what API Priority and Fairness would send away.
 */
const pagesAtOnce = 4;

/** Nothing is read of pods that have ended: a cluster may keep thousands of them for their logs. */
const livePods = 'status.phase!=Succeeded,status.phase!=Failed';

/** Objects from the Kubernetes API, kept current. What was known stays in use while the server is away. */
export class KubernetesSource implements Source {
  readonly name: string;
  readonly site: Site;
  readonly #options: KubernetesSourceOptions;
  readonly #running = new Map<string, Running>();
  readonly #refused = new Map<string, Problem>();
  readonly #interner = new Interner();
  readonly #turns = new Turns(pagesAtOnce);
  readonly #listStreams: ListStreams;
  readonly #credentials = new CredentialNamespaces();
  #problems: readonly Problem[] = [];
  #discoveryError: ApiError | undefined;
  #changed: () => void = () => {};

  constructor(options: KubernetesSourceOptions) {
    this.#options = options;
    this.#listStreams = new ListStreams(options.client);
    this.name = `kubernetes:${options.client.server}`;
    this.site = options.site ?? {};
  }

  /**
   * Resolves when every kind that a mesh needs has been read and every other one too, or was refused. Waits for as long as that
   * takes: an API server that is away comes back, and permissions are granted while we wait; `problems` says what is missing.
   */
  async start(entries: Entries, signal: AbortSignal): Promise<void> {
    for (const type of [TYPES.service, TYPES.pod, TYPES.namespace]) this.#begin(type, true, entries, signal);
    this.#begin(TYPES.node, false, entries, signal);
    for (const name of [...MESH_CONFIG, INGRESS_CONFIG, HAPROXY_CONFIG])
      this.#begin(TYPES.configMap, false, entries, signal, { fieldSelector: `metadata.name=${name}` });
    await this.#lookUntilAnswered(entries, signal);
    await this.#settled(signal);
    entries.flush();
    void this.#keepLooking(entries, signal);
  }

  problems(): readonly Problem[] {
    return this.#problems;
  }

  /** What is still missing before everything has been read; undefined when nothing is. */
  notReady(): string | undefined {
    if (this.#running.size === 0) return 'the Kubernetes API has not been asked yet';
    for (const { reflector, required } of this.#running.values()) {
      if (required && !reflector.synced) return waitingWords(reflector);
    }
    return undefined;
  }

  /** How each kind stands, for `/debug`. */
  status(): readonly object[] {
    return [...this.#running.values()].map(({ reflector }) => ({
      kind: groupKindOf(reflector.type),
      version: reflector.type.version,
      phase: reflector.state.phase,
      objects: reflector.keys.size,
      ...(reflector.behindSinceMs !== undefined && {
        behindSince: new Date(reflector.behindSinceMs).toISOString(),
      }),
    }));
  }

  #begin(
    type: ResourceType,
    required: boolean,
    entries: Entries,
    signal: AbortSignal,
    { known = [], fieldSelector, namespace, whole }: Chosen = {},
  ): void {
    const kind = groupKindOf(type);
    const chosen = type === TYPES.pod ? livePods : fieldSelector;
    const { client, clock, backoff, pageSize, random } = this.#options;
    const prune = pruneOf(kind, whole);
    const which = namespace === undefined ? fieldSelector : `in ${namespace}`;
    const id = whole ?? (which === undefined ? kind : `${kind} ${which}`);
    // Who reads it now in place of this one, or the whole of it, has the word.
    const isOthers = (key: string): boolean =>
      (this.#running.get(id) ?? { reflector }).reflector !== reflector ||
      (whole === undefined && this.#running.has(wholeId(key)));
    const reflector: Reflector = new Reflector({
      client,
      clock,
      type,
      known,
      turns: this.#turns,
      listStreams: this.#listStreams,
      ...(chosen !== undefined && { fieldSelector: chosen }),
      ...(namespace !== undefined && { namespace }),
      put: (object, key) => {
        if (isOthers(key)) return;
        this.#put(prune(object), kind, key, entries);
        if (this.#credentials.put(kind, key, object)) this.#followCredentials(entries, signal);
      },
      gone: key => {
        if (isOthers(key)) return;
        this.#refused.delete(`${kind} ${key}`);
        entries.delete(kind, key);
        if (this.#credentials.delete(kind, key)) this.#followCredentials(entries, signal);
      },
      changed: () => this.#note(),
      ...(backoff && { backoff }),
      ...(pageSize !== undefined && { pageSize }),
      ...(random && { random }),
    });
    const stop = new AbortController();
    const done = reflector.run(AbortSignal.any([signal, stop.signal]));
    this.#running.set(id, {
      reflector,
      stop,
      required,
      done,
    });
  }

  /** Begins to read Secrets and ConfigMaps where Gateways name some, and stops where none does any more. */
  #followCredentials(entries: Entries, signal: AbortSignal): void {
    if (signal.aborted) return;
    this.#followFields(entries, signal);
    for (const [type, fieldSelector] of credentialTypes) {
      const kind = groupKindOf(type) as CredentialKind;
      const wanted = this.#credentials.wanted(kind);
      for (const namespace of wanted)
        if (!this.#running.has(`${kind} in ${namespace}`))
          this.#begin(type, false, entries, signal, { fieldSelector, namespace });
      for (const id of this.#running.keys()) {
        const [found, namespace] = id.split(' in ');
        if (found === kind && namespace !== undefined && !wanted.has(namespace))
          void this.#end(id, 'nobody names any there').catch((thrown: unknown) =>
            internalError('credentials', thrown),
          );
      }
    }
  }

  /** Begins to read ConfigMaps with fields of headers, each by its name, and stops where nobody names them any more. */
  #followFields(entries: Entries, signal: AbortSignal): void {
    const wanted = new Set([...this.#credentials.fields()].map(wholeId));
    for (const whole of wanted) {
      if (this.#running.has(whole)) continue;
      const [namespace = '', name = ''] = whole.slice(wholeId('').length).split('/');
      const fieldSelector = `metadata.name=${name}`;
      this.#begin(TYPES.configMap, false, entries, signal, { namespace, fieldSelector, whole });
    }
    for (const id of this.#running.keys()) {
      if (!id.startsWith(wholeId('')) || wanted.has(id)) continue;
      const [namespace = ''] = id.slice(wholeId('').length).split('/');
      void this.#end(id, 'nobody names')
        .then(() => this.#readAgain(namespace, entries, signal))
        .catch((thrown: unknown) => internalError('credentials', thrown));
    }
  }

  /** What was read by its name alone may still be of use for those that read all of its namespace. */
  #readAgain(namespace: string, entries: Entries, signal: AbortSignal): void {
    const running = this.#running.get(`ConfigMap in ${namespace}`);
    if (running === undefined || signal.aborted) return;
    running.stop.abort();
    const [, fieldSelector] = credentialTypes[1];
    const known = running.reflector.keys;
    this.#begin(TYPES.configMap, false, entries, signal, { known, fieldSelector, namespace });
  }

  #put(object: ApiObject, kind: string, key: string, entries: Entries): void {
    const read = readObject(this.#interner.intern(object));
    const id = `${kind} ${key}`;
    if (read.kind === 'object') {
      this.#refused.delete(id);
      entries.put(read.object);
      return;
    }
    this.#refused.set(id, refusedObject(kind, key, read.path, read.message));
    this.#note();
  }

  async #lookUntilAnswered(entries: Entries, signal: AbortSignal): Promise<void> {
    while (!signal.aborted && !(await this.#look(entries, signal))) {
      await rest(this.#options.clock, this.#options.backoff?.longestMs ?? 2_000, signal);
    }
  }

  async #keepLooking(entries: Entries, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await rest(this.#options.clock, this.#options.lookEveryMs ?? 20_000, signal);
      if (!signal.aborted) await this.#look(entries, signal);
    }
  }

  /** Finds out which kinds the server has; begins to read those that are new, and stops reading those that are gone. */
  async #look(entries: Entries, signal: AbortSignal): Promise<boolean> {
    const slice = groupKindOf(TYPES.endpointSlice);
    const found = await discover(this.#options.client, this.#options.policyKinds, signal);
    if (signal.aborted) return false;
    this.#discoveryError = found instanceof ApiError ? found : undefined;
    this.#note();
    if (found instanceof ApiError) return false;
    const endpoints = hasSlices(found) ? TYPES.endpointSlice : TYPES.endpoints;
    if (!this.#running.has(slice) && !this.#running.has('Endpoints'))
      this.#begin(endpoints, true, entries, signal);
    for (const [kind, type] of found.types) {
      const running = this.#running.get(kind);
      if (running?.reflector.type.version === type.version) continue;
      // Another version of the same objects: they are read anew, and stay in use meanwhile.
      running?.stop.abort();
      this.#options.log.info(
        { kind, version: type.version },
        `the Kubernetes API has ${kind}; reading its objects`,
      );
      const known = running?.reflector.keys;
      this.#begin(type, false, entries, signal, known && { known });
    }
    for (const kind of this.#options.policyKinds) {
      if (!found.types.has(kind) && this.#running.has(kind)) await this.#end(kind);
    }
    return true;
  }

  async #end(kind: string, why = 'the Kubernetes API no longer has'): Promise<void> {
    const { reflector, stop, done } = this.#running.get(kind)!;
    this.#running.delete(kind);
    stop.abort();
    await done;
    reflector.clear();
    this.#options.log.info({ kind }, `${why} ${kind}; its objects are forgotten`);
    this.#note();
  }

  #settled(signal: AbortSignal): Promise<void> {
    return new Promise(resolve => {
      const look = (): void => {
        const all = [...this.#running.values()].every(
          ({ reflector, required }) =>
            reflector.synced ||
            (!required && reflector.state.phase === 'waiting' && !reflector.state.error.passing),
        );
        if (!all && !signal.aborted) return;
        this.#changed = () => {};
        resolve();
      };
      this.#changed = look;
      signal.addEventListener('abort', look, { once: true });
      look();
    });
  }

  #note(): void {
    const { client, clock } = this.#options;
    const reflectors = [...this.#running.values()].map(({ reflector }) => reflector);
    this.#problems = [
      ...apiProblems(reflectors, this.#discoveryError, client.server, clock.now()),
      ...[...this.#refused.values()].slice(0, 100),
    ];
    this.#changed();
  }
}

/** EndpointSlice v1; the beta before it has the same objects as Endpoints have, so those are read. */
function hasSlices(found: Discovered): boolean {
  return found.groups.get(TYPES.endpointSlice.group)?.includes(TYPES.endpointSlice.version) ?? false;
}
