// The live API inside the control plane: who may ask, the certificate it shows, and the other replicas.

import { readFile } from 'node:fs/promises';
import { revisionOfPod } from '../cli/install/names.ts';
import { revisionOfInjector } from '../config/index.ts';
import { errorMessage, WeftError } from '../errors/index.ts';
import type { CertificateKeeper } from '../identity/index.ts';
import { type Credentials, principalOf } from '../identity/index.ts';
import type { KubeClient } from '../kubernetes/index.ts';
import {
  ClusterAccess,
  isIssuedByAny,
  type LivePlace,
  type LiveServerOptions,
  type LiveTls,
  type Peer,
  startLiveServer,
  TokenAccess,
} from '../live/api/index.ts';
import { type Identity, parseSpiffe } from '../model/index.ts';
import type { Surroundings } from './injector-authority.ts';
import type { InjectorView } from './injector-view.ts';
import { liveRoutes } from './live-routes.ts';

/** How often the authorities of users' certificates are read; an administrator changes them once in years. */
const authoritiesEveryMs = 300_000;

/** Starts it; resolves with its port, 0 where nobody may ask. Errors: port-in-use, listen-failed, live-token. */
export async function openLive(
  client: KubeClient | undefined,
  keeper: CertificateKeeper,
  around: Surroundings,
  view: InjectorView,
): Promise<number> {
  const { config, clock, signal } = around;
  const common = {
    ...{ listen: config.liveListen, clock, signal },
    refused: (code: string) => view.metrics.refused(code),
  };
  const dashboard = { config, clock, problems: () => view.problems() };
  if (!client) {
    if (config.liveToken === '') return 0;
    const access = new TokenAccess(await readLiveToken(config.liveToken));
    return startLiveServer({
      ...common,
      access,
      routes: liveRoutes(view.parts, config.instance, undefined, dashboard),
    });
  }
  const authorities = new ClientAuthorities(client, around);
  await authorities.read();
  const isReplica = (principal: string | undefined): boolean => isControlPlane(principal, config.identity);
  const peers = (): ReturnType<NonNullable<LivePlace['peers']>> => {
    const { credentials } = keeper;
    if (!credentials) return undefined;
    const { keyPem, chainPem, roots } = credentials;
    return { peers: replicas(around, view), credentials: { keyPem, chainPem, roots, isReplica } };
  };
  return startLiveServer({
    ...common,
    access: new ClusterAccess({
      clock,
      clientAuthorities: () => authorities.current,
      review: async (path, body) => {
        const answer = await client.call({ method: 'POST', path, body, timeoutMs: 5_000 });
        return answer instanceof Error ? answer : ((answer.status ?? {}) as Record<string, unknown>);
      },
    }),
    tls: certificates(keeper, authorities),
    isPeer: shown => isReplica(principalOf(shown)) && !isIssuedByAny(shown, authorities.current),
    routes: liveRoutes(view.parts, config.instance, peers, dashboard),
  });
}

/** The mesh's certificate of the control plane, and both kinds of authorities. */
function certificates(
  keeper: CertificateKeeper,
  authorities: ClientAuthorities,
): NonNullable<LiveServerOptions['tls']> {
  return (use: (tls: LiveTls) => void) => {
    let credentials: Credentials | undefined;
    const show = (): void => {
      if (!credentials) return;
      const { keyPem, chainPem, roots } = credentials;
      use({ keyPem, chainPem, authorities: [...roots, ...authorities.current] });
    };
    const unsubscribe = keeper.subscribe(renewed => {
      credentials = renewed;
      show();
    });
    authorities.changed = show;
    return unsubscribe;
  };
}

/** Who signs the client certificates of users, which the API server tells to those that serve an API of their own. */
class ClientAuthorities {
  current: readonly string[] = [];
  changed: () => void = () => {};
  readonly #client: KubeClient;
  readonly #around: Surroundings;
  #told = false;

  constructor(client: KubeClient, around: Surroundings) {
    this.#client = client;
    this.#around = around;
    const { clock, signal } = around;
    signal.addEventListener(
      'abort',
      clock.every(authoritiesEveryMs, () => void this.read()),
      { once: true },
    );
  }

  /** Reads them anew. Without them users with a certificate need a token. */
  async read(): Promise<void> {
    const path = '/api/v1/namespaces/kube-system/configmaps/extension-apiserver-authentication';
    const found = await this.#client.call({ path, timeoutMs: 5_000 });
    if (found instanceof Error) {
      if (!this.#told)
        this.#around.log.warn(
          { error: found.message },
          'who signs client certificates of users cannot be read: the live API takes tokens only',
        );
      this.#told = true;
      return;
    }
    const pem = (found.data as Readonly<Record<string, unknown>> | undefined)?.['client-ca-file'];
    const next = typeof pem === 'string' && pem !== '' ? [pem] : [];
    if (next[0] === this.current[0]) return;
    this.current = next;
    this.changed();
  }
}

/** Whether it is a control plane of this mesh, of whichever revision: replicas of all of them hold proxies that may be meant. */
function isControlPlane(principal: string | undefined, own: Identity): boolean {
  const shown = principal === undefined ? undefined : parseSpiffe(principal);
  return (
    shown !== undefined &&
    shown.trustDomain === own.trustDomain &&
    shown.namespace === own.namespace &&
    revisionOfInjector(shown.serviceAccount) !== undefined
  );
}

/** The other pods of control planes, of all revisions, as the mesh knows them. */
function replicas({ config }: Surroundings, { parts }: InjectorView): readonly Peer[] {
  const found: Peer[] = [];
  for (const { namespace, labels, ready, addresses, ...pod } of parts.pipeline?.mesh.workloads.values() ??
    []) {
    if (namespace !== config.namespace || pod.cluster !== undefined || revisionOfPod(labels) === undefined)
      continue;
    if (!ready || pod.name === config.instance || addresses[0] === undefined) continue;
    found.push({ name: pod.name, host: addresses[0], port: config.liveListen.port });
  }
  return found;
}

async function readLiveToken(file: string): Promise<string> {
  const text = await readFile(file, 'utf8').catch((thrown: unknown) => errorOf(file, errorMessage(thrown)));
  if (typeof text === 'string' && text.trim().length >= 16) return text.trim();
  throw typeof text === 'string' ? errorOf(file, 'it has less than 16 characters') : text;
}

function errorOf(file: string, why: string): WeftError {
  const words = `the token of the live API in ${file} cannot be used (${why}); give a file with a secret of 16 characters or more with --live-token`;
  return new WeftError('live-token', words, { source: 'config' });
}
