// The way to the live API: in a sandbox through its agent, in a cluster by a port-forward to a pod of the control plane, or by
// the address that --control-plane gives. TLS goes from here to the control plane; who asks is proven as to the API server.
import { readFileSync } from 'node:fs';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { connect as netConnect } from 'node:net';
import type { Duplex } from 'node:stream';
import { connect as tlsConnect } from 'node:tls';
import type { Command } from 'commander';
import { PORTS, revisionOfInjector, SYSTEM_NAMESPACE, VERSION } from '../../config/index.ts';
import { errorMessage, WeftError } from '../../errors/index.ts';
import { principalOf } from '../../identity/index.ts';
import { ApiError, type ClientProof, KubeClient } from '../../kubernetes/index.ts';
import { CLIENT_HEADER } from '../../live/api/index.ts';
import { parseHostPort, parseSpiffe } from '../../model/index.ts';
import { CONTROL_PLANES, NAMES, revisionOfPod } from '../install/names.ts';
import { type ClusterFlags, clusterFlags } from '../kubernetes/connect.ts';
import { type CreatedObjects, createObjects } from './new-objects.ts';

/** The flags of commands that ask the live API. */
export interface LiveFlags extends ClusterFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly sandbox?: string | true;
  readonly systemNamespace: string;
  readonly controlPlane?: string;
  readonly tokenFile?: string;
}

/** Adds the flags. */
export function liveFlags(command: Command): Command {
  return clusterFlags(command)
    .option('-n, --namespace <name>', 'the pods of this namespace')
    .option('-A, --all-namespaces', 'the pods of all namespaces (the default)')
    .option('--sandbox [name]', 'a sandbox of this machine instead of a cluster; no name: the only one')
    .option('--system-namespace <name>', 'where the control plane runs', SYSTEM_NAMESPACE)
    .option(
      '--control-plane <host:port>',
      'its live API, where you have a way there (default: a port-forward)',
    )
    .option('--token-file <file>', 'a token that the cluster knows (default: what the kubeconfig has)');
}

/** Asks the live API. */
export interface LiveApi {
  /** Opens a GET; resolves with the answer once its head has come, whatever its status. Rejects with a WeftError. */
  get(path: string, signal: AbortSignal): Promise<IncomingMessage>;
  /** Creates what a form made, as the user of the kubeconfig; undefined where there is no cluster, or somebody else asks. */
  readonly create?: (yaml: string) => Promise<CreatedObjects>;
}

/** The live API of the cluster or sandbox that the flags name. Rejects with a WeftError that says what is missing. */
export async function openLiveApi(flags: LiveFlags): Promise<LiveApi> {
  return flags.sandbox === undefined ? ofCluster(flags) : ofSandbox(flags.sandbox);
}

async function ofSandbox(name: string | true): Promise<LiveApi> {
  const { attachSandbox } = await import('../proxies/which-sandbox.ts');
  const sandbox = attachSandbox(name);
  const token = sandbox.liveToken();
  if (token === '') {
    const why = `sandbox ${sandbox.name} is of a version without a live API; run weft sandbox down and up again`;
    throw new WeftError('live-unreachable', why, { source: 'config' });
  }
  return {
    get: async (path, signal) => {
      const service = `svc/${SYSTEM_NAMESPACE}/${NAMES.injector}`;
      const socket = await sandbox.dial(service, PORTS.live).catch((error: unknown) => {
        if (error instanceof WeftError && error.code === 'no-sandbox') throw error;
        // Its pod is being replaced.
        throw new WeftError('live-unreachable', errorMessage(error), { source: 'config', cause: error });
      });
      return send(socket, path, { authorization: `Bearer ${token}` }, signal);
    },
  };
}

async function ofCluster(flags: LiveFlags): Promise<LiveApi> {
  const { kubeconfig, context, systemNamespace } = flags;
  const client = new KubeClient({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    userAgent: `weft/${VERSION}`,
  });
  return {
    // A token of --token-file is for the live API.
    ...(flags.tokenFile === undefined && { create: yaml => createObjects(client, yaml) }),
    async get(path, signal) {
      // Anew for each: tokens run out, roots are rotated, pods go.
      const proof = await proofOf(client, flags);
      const ca = await rootsOf(client, systemNamespace);
      const raw = await dial(client, flags);
      const socket = tlsConnect({
        ...{ socket: raw, ca, minVersion: 'TLSv1.2' },
        ...(proof.cert !== undefined && proof.token === undefined && { cert: proof.cert, key: proof.key! }),
        checkServerIdentity: (_host, certificate) => identityFault(certificate.raw, systemNamespace),
      });
      raw.on('error', error => socket.destroy(error));
      if (raw.errored) socket.destroy(raw.errored);
      const headers = {
        [CLIENT_HEADER]: `weft/${VERSION}`,
        ...(proof.token !== undefined && { authorization: `Bearer ${proof.token}` }),
      };
      return send(socket, path, headers, signal);
    },
  };
}

async function proofOf(client: KubeClient, { tokenFile }: LiveFlags): Promise<ClientProof> {
  if (tokenFile !== undefined) {
    try {
      return { token: readFileSync(tokenFile, 'utf8').trim() };
    } catch (thrown) {
      const why = `--token-file ${tokenFile} cannot be read (${errorMessage(thrown)}); write one with kubectl create token ACCOUNT`;
      throw new WeftError('token-file', why, { source: 'config', cause: thrown });
    }
  }
  const proof = await client.proof();
  if (proof instanceof ApiError) throw proof;
  return proof;
}

/** What the control plane proves itself by. */
async function rootsOf(client: KubeClient, namespace: string): Promise<string> {
  const path = `/api/v1/namespaces/${encodeURIComponent(namespace)}/configmaps/${NAMES.trust}`;
  const found = await client.call({ path });
  if (found instanceof ApiError) {
    if (found.status === 403) throw noWay(found, namespace);
    throw found.status === 404 ? absent(found, namespace) : found;
  }
  return Object.values((found.data ?? {}) as Readonly<Record<string, string>>).join('\n');
}

async function dial(client: KubeClient, { controlPlane, systemNamespace }: LiveFlags): Promise<Duplex> {
  if (controlPlane !== undefined) return dialAddress(controlPlane);
  const path = `/api/v1/namespaces/${encodeURIComponent(systemNamespace)}/pods`;
  const found = await client.call({ path, query: { labelSelector: CONTROL_PLANES } });
  if (found instanceof ApiError) throw found.status === 403 ? noWay(found, systemNamespace) : found;
  const pod = ((found.items ?? []) as readonly PodObject[]).find(isReadyControlPlane);
  if (!pod) {
    const why = `no pod of the control plane is ready in namespace ${systemNamespace}; see weft check, or name another with --system-namespace`;
    throw new WeftError('live-unreachable', why, { source: 'config' });
  }
  const stream = await client.forward(systemNamespace, pod.metadata.name, PORTS.live);
  if (stream instanceof ApiError) throw stream.status === 403 ? noWay(stream, systemNamespace) : stream;
  return stream;
}

interface PodObject {
  readonly metadata: {
    readonly name: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly deletionTimestamp?: string;
  };
  readonly status?: { readonly conditions?: readonly { readonly type: string; readonly status: string }[] };
}

function isReadyControlPlane({ metadata, status }: PodObject): boolean {
  return (
    revisionOfPod(metadata.labels ?? {}) !== undefined &&
    metadata.deletionTimestamp === undefined &&
    (status?.conditions ?? []).some(each => each.type === 'Ready' && each.status === 'True')
  );
}

function dialAddress(text: string): Duplex {
  const address = parseHostPort(text, PORTS.live);
  if (address) return netConnect(address.port, address.host);
  throw new WeftError('control-plane-address', `--control-plane ${text} is no address; write HOST:PORT`, {
    source: 'config',
  });
}

function noWay({ message }: ApiError, namespace: string): WeftError {
  const why = `the way to the control plane is closed to this account (${message}); who administers the cluster opens it with: kubectl create rolebinding ${NAMES.reach}-NAME -n ${namespace} --role=${NAMES.reach} --user=NAME`;
  return new WeftError('live-no-way', why, { source: 'config' });
}

function absent({ message }: ApiError, namespace: string): WeftError {
  const why = `namespace ${namespace} has no control plane of Weft (${message}); see weft check, or name another with --system-namespace`;
  return new WeftError('live-unreachable', why, { source: 'config' });
}

function identityFault(certificate: Uint8Array, namespace: string): Error | undefined {
  const principal = principalOf(certificate);
  const identity = principal === undefined ? undefined : parseSpiffe(principal);
  if (identity?.namespace === namespace && revisionOfInjector(identity.serviceAccount) !== undefined)
    return undefined;
  return new Error(`who answers is ${principal ?? 'nobody of a mesh'} and not the control plane`);
}

function send(
  socket: Duplex,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const asked = httpRequest({
      createConnection: () => socket,
      ...{ path, signal, headers: { host: 'weft-live', ...headers } },
    });
    asked.on('response', resolve);
    asked.on('error', error => {
      const why = `the live API of the control plane does not answer (${error.message}); see weft check`;
      reject(new WeftError('live-unreachable', why, { source: 'config', cause: error }));
    });
    asked.end();
  });
}
