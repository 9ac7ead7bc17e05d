import { randomBytes } from 'node:crypto';
import { chownSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  CONTAINERS,
  type InjectOptions,
  inject,
  injectOptions,
  type PodTemplate,
} from '../../../webhook/index.ts';
import {
  AUTHORITY_FILES,
  loadOrCreateAuthority,
  loadOrCreateTokenIssuer,
  type TokenIssuer,
} from '../../ca/index.ts';
import { ANNOTATIONS, ENVIRONMENT, PATHS, PORTS, SYSTEM_NAMESPACE } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import type { Clock } from '../../time/index.ts';
import type { Admitted } from '../controllers/index.ts';
import { LIVE_TOKEN } from '../host/index.ts';
import {
  type ConfigMap,
  type EventLog,
  isPodReady,
  type KubeObject,
  type ObjectStore,
  type Pod,
} from '../kube/index.ts';
import { CONTROL_PLANE_UID, controlPlaneObjects } from './control-plane.ts';

const holdBackMs = 5000;
const trustKey = PATHS.rootCertificate.split('/').at(-1)!;

/** What the mesh part of a sandbox works with. */
export interface MeshOptions {
  readonly store: ObjectStore;
  readonly events: EventLog;
  readonly clock: Clock;
  /** For keys of the authority and of tokens. */
  readonly keysDir: string;
  /** What the control plane watches. */
  readonly objectsDir: string;
  readonly sidecar: 'native' | 'classic';
  /** Where the control plane will be when pods have no network of their own; undefined when they have. */
  readonly loopbackControlPlane: string | undefined;
  /** Whether another one may read files of root's; false without root. */
  readonly changeOwner: boolean;
}

/** The mesh in a sandbox: who is injected, whom to trust, and the control plane, which starts with the first injected pod. */
export class SandboxMesh {
  readonly #options: MeshOptions;
  readonly #inject: InjectOptions;
  readonly #issuer: TokenIssuer;
  readonly #roots: string;
  readonly #trusted = new Map<string, string>();
  #controlPlane = false;

  private constructor(options: MeshOptions, issuer: TokenIssuer, roots: string) {
    this.#options = options;
    this.#issuer = issuer;
    this.#roots = roots;
    const address = options.loopbackControlPlane;
    this.#inject = injectOptions({
      // Without namespaces there is no init step that a proxy would have to come after.
      nativeSidecar: options.sidecar === 'native' || address !== undefined,
      ...(address === undefined ? {} : { controlPlane: `${address}:${PORTS.discovery}` }),
      // Log level and access log are what people look at in a sandbox.
      accessLog: 'errors',
    });
  }

  /** Makes or loads the keys. Rejects with a WeftError when the folder cannot be used. */
  static async create(options: MeshOptions): Promise<SandboxMesh> {
    const caDir = join(options.keysDir, 'ca');
    const tokenDir = join(options.keysDir, 'tokens');
    const authority = await loadOrCreateAuthority(caDir, {
      clock: options.clock,
      trustDomain: 'cluster.local',
    });
    if (authority instanceof WeftError) throw authority;
    const issuer = await loadOrCreateTokenIssuer(tokenDir, { issuer: TOKEN_ISSUER, clock: options.clock });
    if (issuer instanceof WeftError) throw issuer;
    writeFileSync(join(options.keysDir, 'jwks.json'), JSON.stringify(issuer.jwks()), { mode: 0o644 });
    const liveToken = join(options.keysDir, LIVE_TOKEN);
    if (!existsSync(liveToken))
      writeFileSync(liveToken, randomBytes(24).toString('base64url'), { mode: 0o600 });
    if (options.changeOwner) {
      chownSync(liveToken, CONTROL_PLANE_UID, CONTROL_PLANE_UID);
      for (const path of [caDir, ...readdirSync(caDir).map(name => join(caDir, name))]) {
        chownSync(path, CONTROL_PLANE_UID, CONTROL_PLANE_UID);
      }
    }
    return new SandboxMesh(options, issuer, authority.roots.join(''));
  }

  /** A ServiceAccount token for a pod. */
  readonly issueToken = (pod: Pod, audience: string, lifetimeSeconds: number): Promise<string> => {
    return this.#issuer.issue({
      namespace: pod.metadata.namespace ?? 'default',
      serviceAccount: pod.spec.serviceAccountName ?? 'default',
      pod: pod.metadata.name,
      audience,
      lifetimeMs: lifetimeSeconds * 1000,
    });
  };

  /**
   * Holds injected pods back until the control plane is ready, for a few seconds at most: on a machine that starts all of
   * them at once it would come up last, and every proxy would go into its retries meanwhile.
   */
  readonly holdBack = (pod: Pod): Promise<void> => {
    const { store, clock } = this.#options;
    const ready = (): boolean =>
      store.list('Pod').some(one => one.metadata.namespace === SYSTEM_NAMESPACE && isPodReady(one));
    if (pod.metadata.annotations?.[ANNOTATIONS.status] === undefined || ready()) return Promise.resolve();
    return new Promise(resolve => {
      const done = (): void => {
        stop();
        cancel();
        resolve();
      };
      const stop = store.onChange(({ object }) => {
        if (object.metadata.namespace === SYSTEM_NAMESPACE && ready()) done();
      });
      const cancel = clock.after(holdBackMs, done);
    });
  };

  /** Injects the proxy where namespace or pod ask for it, as the admission webhook would. */
  readonly admit = (pod: Pod): Admitted => {
    const { store, events } = this.#options;
    const namespace = pod.metadata.namespace ?? 'default';
    const surrounding = store.get('Namespace', '', namespace)?.metadata;
    const { name } = pod.metadata;
    const object = { apiVersion: 'v1', kind: 'Pod', namespace, name };
    const context = {
      namespace,
      namespaceLabels: surrounding?.labels ?? {},
      namespaceAnnotations: surrounding?.annotations ?? {},
      ownerAnnotations: this.#ownerAnnotations(pod),
      object,
    };
    const result = inject(pod as unknown as PodTemplate, context, this.#inject);
    if (result.kind === 'refused') return { refused: result.problems.map(one => one.message).join('; ') };
    if (result.kind === 'skipped') {
      if (result.code !== 'not-labelled' && result.code !== 'ignored-namespace') {
        events.add('Normal', 'NotInjected', pod, result.reason);
      }
      return { pod };
    }
    for (const warning of result.warnings) events.add('Warning', 'Injected', pod, warning.message);
    this.#ensureControlPlane();
    this.#trust(namespace);
    const injected = { ...pod, ...(result.pod as unknown as Pick<Pod, 'metadata' | 'spec'>) };
    return {
      pod: this.#options.loopbackControlPlane === undefined ? injected : withoutInterception(injected),
    };
  };

  #ownerAnnotations(pod: Pod): Readonly<Record<string, string>> {
    const { store } = this.#options;
    const namespace = pod.metadata.namespace ?? 'default';
    let owner: KubeObject | undefined = pod;
    let annotations: Readonly<Record<string, string>> = {};
    for (let depth = 0; owner && depth < 3; depth++) {
      const above: { kind: string; name: string } | undefined = owner.metadata.ownerReferences?.[0];
      owner = above && store.find(`${above.kind}/${namespace}/${above.name}`);
      annotations = { ...annotations, ...owner?.metadata.annotations };
    }
    return annotations;
  }

  #ensureControlPlane(): void {
    if (this.#controlPlane) return;
    this.#controlPlane = true;
    const { keysDir, objectsDir, store, clock } = this.#options;
    const now = new Date(clock.now()).toISOString();
    const folders = {
      ...{ caDir: join(keysDir, 'ca'), jwks: join(keysDir, 'jwks.json'), objectsDir },
      liveToken: join(keysDir, LIVE_TOKEN),
    };
    const listen = this.#options.loopbackControlPlane;
    for (const object of controlPlaneObjects(folders, TOKEN_ISSUER, now, listen)) store.put(object);
  }

  /** A rotation changes them in the authority's folder. */
  #rootsNow(): string {
    try {
      return readFileSync(join(this.#options.keysDir, 'ca', AUTHORITY_FILES.roots), 'utf8');
    } catch {
      return this.#roots;
    }
  }

  /** The roots as the ConfigMap that injected pods mount. */
  #trust(namespace: string): void {
    const roots = this.#rootsNow();
    if (this.#trusted.get(namespace) === roots) return;
    this.#trusted.set(namespace, roots);
    const map: ConfigMap = {
      apiVersion: 'v1',
      kind: 'ConfigMap',
      metadata: { name: this.#inject.trustConfigMap, namespace },
      data: { [trustKey]: roots },
    };
    this.#options.store.put(map);
  }
}

/** `iss` of the sandbox's tokens. */
const TOKEN_ISSUER = 'https://kubernetes.default.svc.cluster.local';

/** An injected pod for where packets cannot be redirected: no packet rules, and a proxy on the pod's own address. */
function withoutInterception(pod: Pod): Pod {
  const initContainers = (pod.spec.initContainers ?? []).flatMap(container => {
    if (container.name === CONTAINERS.init) return [];
    if (container.name !== CONTAINERS.proxy) return [container];
    return [
      {
        ...container,
        args: [...(container.args ?? []), '--no-redirect', '--listen', `$(${ENVIRONMENT.podIps})`],
      },
    ];
  });
  const annotations = { ...pod.metadata.annotations, [ANNOTATIONS.tunnelPort]: String(PORTS.inbound) };
  return { ...pod, metadata: { ...pod.metadata, annotations }, spec: { ...pod.spec, initContainers } };
}
