import {
  type Authority,
  type AuthorityRecord,
  authorityFromSecret,
  CertificateAuthority,
  LiveAuthority,
  type LiveAuthorityOptions,
  parseRevocations,
  type RevocationList,
  secretOfAuthority,
} from '../ca/index.ts';
import { WeftError } from '../errors/index.ts';
import { ApiError, type ApiObject, type KubeClient, Reflector, rest, TYPES } from '../kubernetes/index.ts';
import { type Problem, problem } from '../model/index.ts';
import { recordOf } from '../plain/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import { readBundle, TRUST_CONFIG_MAP } from './trust-bundle.ts';

/** The ConfigMap of the system namespace with what is revoked, and its key; see parseRevocations. */
export const REVOKED_CONFIG_MAP = 'weft-revoked';
export const REVOKED_KEY = 'revoked.json';

/** Where an authority is kept. */
export interface AuthorityStoreOptions {
  readonly client: KubeClient;
  readonly clock: Clock;
  readonly log: Log;
  readonly namespace: string;
  /** The Secret with an authority of somebody else's making (cert-manager, Vault, Istio): used where it exists. */
  readonly ownSecret: string;
  /** The Secret with the root of our making: used, and made once, where the other does not exist. */
  readonly secret: string;
  readonly trustDomain: string;
  /** Takes what the ConfigMap with revocations says; undefined: nobody is revoked. */
  readonly revocations?: RevocationList;
  readonly live?: Omit<LiveAuthorityOptions, 'clock'>;
  /** Between attempts while there is none; 2 s unless told. */
  readonly retryMs?: number;
}

interface Loaded {
  readonly authority: CertificateAuthority;
  readonly record: AuthorityRecord;
  readonly secret: string;
}

/**
 * The authority in a Secret of the system namespace: adopted when it is there, created once when it is not, whichever of
 * several replicas is first; followed afterwards, so that a renewed intermediate, or the first of one's own, is used
 * without a restart.
 */
export class AuthorityStore {
  readonly #options: AuthorityStoreOptions;
  readonly #problems = new Map<string, Problem>();
  #live: LiveAuthority | undefined;
  /** The name of the Secret whose authority is in use. */
  #inUse = '';
  /** What it holds, for putting it back. */
  #record: AuthorityRecord | undefined;

  constructor(options: AuthorityStoreOptions) {
    this.#options = options;
  }

  /** Why there is no authority, or what is wrong with it. */
  problems(): readonly Problem[] {
    return [...this.#problems.values(), ...(this.#live?.problems() ?? [])];
  }

  /** Waits for the API and for the Secret as long as that takes; undefined when the signal aborts before. Then follows it. */
  async open(signal: AbortSignal): Promise<LiveAuthority | undefined> {
    const { clock, retryMs = 2_000 } = this.#options;
    while (!signal.aborted) {
      const found = await this.#load();
      if (!(found instanceof WeftError)) {
        this.#problems.clear();
        this.#inUse = found.secret;
        this.#record = found.record;
        const { distrusted } = found.record;
        this.#live = new LiveAuthority(found.authority, { ...this.#options.live, clock, distrusted });
        this.#follow(this.#live, signal);
        return this.#live;
      }
      this.#problems.set('', problem(found.code, found.message));
      await rest(clock, retryMs, signal);
    }
    return undefined;
  }

  async #load(): Promise<Loaded | WeftError> {
    const { client, clock, log, namespace, ownSecret, secret, trustDomain } = this.#options;
    for (const name of [ownSecret, secret]) {
      const found = await client.get(TYPES.secret, namespace, name);
      if (!(found instanceof ApiError)) return this.#read(name, found);
      if (found.status !== 404) return explained(found, 'get', this.#where(name));
    }
    const fresh = CertificateAuthority.createRoot({ trustDomain, clock });
    const record = { parts: fresh.parts, distrusted: [] };
    const created = await client.create(TYPES.secret, namespace, this.#secretOf(record));
    if (!(created instanceof ApiError)) {
      log.info({ secret: this.#where(secret) }, 'made a new root certificate and keep it in a Secret');
      return { authority: fresh, record, secret };
    }
    // Another replica was faster: theirs is everybody's.
    if (created.code !== 'api-already-exists') return explained(created, 'create', this.#where(secret));
    const theirs = await client.get(TYPES.secret, namespace, secret);
    return theirs instanceof ApiError
      ? explained(theirs, 'get', this.#where(secret))
      : this.#read(secret, theirs);
  }

  #read(name: string, secret: ApiObject): Loaded | WeftError {
    const record = this.#recordOf(name, secret);
    const authority =
      record instanceof WeftError ? record : CertificateAuthority.load(record.parts, this.#options.clock);
    if (!(record instanceof WeftError) && !(authority instanceof WeftError))
      return { authority, record, secret: name };
    const { code, message } = (authority instanceof WeftError ? authority : record) as WeftError;
    const why = `the certificate authority in the Secret ${this.#where(name)} cannot be used: ${message}`;
    return new WeftError(code, why, { source: 'config' });
  }

  #recordOf(name: string, secret: ApiObject): AuthorityRecord | WeftError {
    const data = typeof secret.data === 'object' && secret.data !== null ? secret.data : {};
    return authorityFromSecret(data as Record<string, unknown>, this.#where(name));
  }

  #where(name: string): string {
    return `${this.#options.namespace}/${name}`;
  }

  #secretOf(record: AuthorityRecord): object {
    return {
      apiVersion: 'v1',
      kind: 'Secret',
      type: 'Opaque',
      metadata: {
        name: this.#options.secret,
        labels: { 'app.kubernetes.io/part-of': 'weft', 'app.kubernetes.io/managed-by': 'weft-injector' },
      },
      data: secretOfAuthority(record),
    };
  }

  /** Follows both Secrets, and the bundle of roots, which knows those of authorities before. */
  #follow(live: LiveAuthority, signal: AbortSignal): void {
    const { client, clock, namespace, ownSecret, secret } = this.#options;
    for (const name of [ownSecret, secret]) {
      const reflector: Reflector = new Reflector({
        client,
        clock,
        type: TYPES.secret,
        namespace,
        fieldSelector: `metadata.name=${name}`,
        put: object => this.#came(name, object, live),
        gone: () => this.#went(name, live, signal),
        changed: () => this.#watched(name, reflector),
      });
      void reflector.run(signal);
    }
    followBundle({ client, clock, namespace }, live, signal);
    followRevocations(this.#options, this.#options.revocations, signal, reflector =>
      this.#watched(REVOKED_CONFIG_MAP, reflector),
    );
  }

  #came(name: string, object: ApiObject, live: LiveAuthority): void {
    const { ownSecret, log } = this.#options;
    this.#problems.delete(name);
    // Ours does not count beside one of somebody else's making.
    if (name !== this.#inUse && name !== ownSecret) return;
    const record = this.#recordOf(name, object);
    if (!(record instanceof WeftError)) this.#record = record;
    live.offer(record, `the Secret ${this.#where(name)}`);
    if (name === this.#inUse) return;
    log.info({ secret: this.#where(name) }, 'another Secret with a certificate authority is there');
    this.#inUse = name;
  }

  #went(name: string, live: LiveAuthority, signal: AbortSignal): void {
    if (name !== this.#inUse) return;
    const { log, secret } = this.#options;
    const why = `the Secret ${this.#where(name)} with the certificate authority was deleted; what it held stays in use`;
    log.error({ secret: this.#where(name) }, why);
    if (name === secret) void this.#restore(live, signal);
    else this.#problems.set(name, problem('ca-secret', `${why} until a replica starts; put it back`));
  }

  #watched(name: string, { state }: Reflector): void {
    if (state.phase === 'waiting' && !state.error.passing && state.error.status !== 410) {
      const { code, message } = explained(state.error, 'list and watch', this.#where(name));
      this.#problems.set(`watch ${name}`, problem(code, message));
    } else if (state.phase === 'watching') this.#problems.delete(`watch ${name}`);
  }

  /** A replica that starts while the Secret is gone would make another root, which nobody wants. */
  async #restore(live: LiveAuthority, signal: AbortSignal): Promise<void> {
    const { client, clock, log, namespace, secret, retryMs = 2_000 } = this.#options;
    while (!signal.aborted) {
      const created = await client.create(
        TYPES.secret,
        namespace,
        this.#secretOf(this.#record ?? { parts: live.current.parts, distrusted: live.distrusted }),
      );
      if (!(created instanceof ApiError)) {
        log.info({ secret: this.#where(secret) }, 'put the Secret with the certificate authority back');
        return;
      }
      // Somebody else did, or the namespace itself goes away.
      if (created.code === 'api-already-exists' || created.status === 403 || created.status === 404) return;
      await rest(clock, retryMs, signal);
    }
  }
}

type Place = Pick<AuthorityStoreOptions, 'client' | 'clock' | 'namespace'>;

/** The bundle of the system namespace knows the roots of authorities before: whoever signs now trusts them beside its own. */
export function followBundle(
  { client, clock, namespace }: Place,
  authority: Pick<Authority, 'trustAlso'>,
  signal: AbortSignal,
): void {
  const reflector = new Reflector({
    client,
    clock,
    type: TYPES.configMap,
    namespace,
    fieldSelector: `metadata.name=${TRUST_CONFIG_MAP}`,
    put: object => authority.trustAlso(readBundle(object).roots),
    // Its roots stay trusted: whoever leads writes it anew.
    gone: () => {},
  });
  void reflector.run(signal);
}

/** Hands on what the ConfigMap with revocations says, now and after each change. */
export function followRevocations(
  { client, clock, namespace }: Place,
  revocations: RevocationList | undefined,
  signal: AbortSignal,
  watched: (reflector: Reflector) => void = () => {},
): void {
  if (!revocations) return;
  const from = `the ConfigMap ${namespace}/${REVOKED_CONFIG_MAP}`;
  const take = (data: unknown): void => {
    const text = recordOf(data)[REVOKED_KEY];
    revocations.offer(parseRevocations(typeof text === 'string' ? text : undefined), from);
  };
  const reflector: Reflector = new Reflector({
    client,
    clock,
    type: TYPES.configMap,
    namespace,
    fieldSelector: `metadata.name=${REVOKED_CONFIG_MAP}`,
    put: object => take(object.data),
    gone: () => take(undefined),
    changed: () => watched(reflector),
  });
  void reflector.run(signal);
}

function explained(error: ApiError, verb: string, where: string): WeftError {
  const remedy =
    error.status === 403
      ? `; allow ${verb} of this Secret in the Role of weft-injector, as 'weft install' has it`
      : '';
  const why = `the Secret ${where} with the certificate authority cannot be used: ${error.message}${remedy}`;
  return new WeftError(error.code, why, { cause: error });
}
