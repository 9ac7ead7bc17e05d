// From flags to a mesh, to the pods that are meant, to what each of them answers.
import type { Command } from 'commander';
import { SYSTEM_NAMESPACE } from '../../config/index.ts';
import { errorMessage, WeftError } from '../../errors/index.ts';
import { labelSelector } from '../../model/index.ts';
import { type ClusterFlags, clusterFlags, connect } from '../kubernetes/connect.ts';
import { meshOfCluster } from './from-cluster.ts';
import type { Mesh, MeshPod, RunningMesh } from './mesh.interface.ts';

/** The flags that say which proxies. */
export interface ProxyFlags extends ClusterFlags {
  readonly namespace?: string;
  readonly allNamespaces?: boolean;
  readonly selector?: string;
  /** Its name; true where the only one is meant. */
  readonly sandbox?: string | true;
  readonly systemNamespace: string;
}

/** So many pods are asked at the same time, so that a mesh of thousands does not become a storm on the API server. */
const atOnce = 16;

/** Adds the flags. */
export function proxyFlags(command: Command): Command {
  return clusterFlags(command)
    .option('-n, --namespace <name>', 'the pods of this namespace')
    .option('-A, --all-namespaces', 'the pods of all namespaces (the default)')
    .option('-l, --selector <labels>', "the pods with these labels: app=web,tier!=db,'env in (a,b)'")
    .option('--sandbox [name]', 'a sandbox of this machine instead of a cluster; no name: the only one')
    .option('--system-namespace <name>', 'where the control plane runs', SYSTEM_NAMESPACE);
}

/** The flags of commands about one pod. */
export type PodFlags = ClusterFlags & Pick<ProxyFlags, 'namespace' | 'sandbox'>;

/** Adds the flags. */
export function podFlags(
  command: Command,
  namespace = 'the namespace of the pod; needed where several have one of its name',
): Command {
  return clusterFlags(command)
    .option('-n, --namespace <name>', namespace)
    .option('--sandbox [name]', 'a sandbox of this machine instead of a cluster; no name: the only one');
}

/** The cluster or sandbox that the flags name. */
export async function openMesh(
  flags: ClusterFlags & Partial<Pick<ProxyFlags, 'sandbox' | 'systemNamespace'>>,
): Promise<RunningMesh> {
  const { sandbox, systemNamespace = SYSTEM_NAMESPACE } = flags;
  if (sandbox === undefined) return meshOfCluster(await connect(flags), systemNamespace, flags);
  const { attachSandbox } = await import('./which-sandbox.ts');
  const { meshOfSandbox } = await import('./from-sandbox.ts');
  return meshOfSandbox(attachSandbox(sandbox));
}

/**
 * The pods with a proxy that flags and `target` mean: `POD` or `NAMESPACE/POD`, where the name of a workload stands for all of
 * its pods; without either all of the mesh. Rejects with a WeftError `pod-absent` or `proxy-absent` where a pod that was named is
 * not there, or has no proxy.
 */
export async function choosePods(
  mesh: Mesh,
  flags: Partial<ProxyFlags>,
  target?: string,
): Promise<readonly MeshPod[]> {
  const [namespace, name] = readTarget(flags, target);
  const matches = flags.selector === undefined ? () => true : labelSelector(flags.selector);
  const all = await mesh.pods(namespace);
  const exact = all.filter(pod => name === undefined || pod.name === name);
  const found = exact.length > 0 ? exact : all.filter(({ workload }) => workload === name);
  const where = namespace === undefined ? '' : ` in namespace ${namespace}`;
  if (name !== undefined && found.length === 0)
    throw new WeftError(
      'pod-absent',
      `there is no pod or workload ${name}${where}; see kubectl get pods -A`,
      {
        source: 'config',
      },
    );
  const meshed = found.filter(({ proxyVersion }) => proxyVersion !== undefined);
  if (name !== undefined && meshed.length === 0)
    throw new WeftError(
      'proxy-absent',
      `pod ${name}${where} has no proxy; label its namespace weft.dev/inject=enabled and restart it, or see weft check for why`,
      { source: 'config' },
    );
  // What has ended has no proxy any more.
  return meshed
    .filter(({ phase, labels }) => phase !== 'Succeeded' && phase !== 'Failed' && matches(labels))
    .sort((a, b) => compare(a.namespace, b.namespace) || compare(a.name, b.name));
}

/**
 * The one pod that `target` means. Rejects as choosePods does, and with a WeftError `which-pod` where several namespaces have one
 * of that name.
 */
export async function choosePod(mesh: Mesh, flags: Partial<ProxyFlags>, target: string): Promise<MeshPod> {
  const [pod, ...others] = await choosePods(mesh, flags, target);
  if (pod === undefined)
    throw new WeftError('pod-absent', `pod ${target} has ended, and its proxy with it`, { source: 'config' });
  // A workload stands for its first pod.
  if (others.some(({ namespace }) => namespace !== pod.namespace)) {
    const where = [pod, ...others].map(({ namespace, name }) => `${namespace}/${name}`).join(', ');
    throw new WeftError(
      'which-pod',
      `there are several: ${where}; name one in full, or its namespace with -n`,
      {
        source: 'config',
      },
    );
  }
  return pod;
}

function readTarget(
  flags: Partial<ProxyFlags>,
  target: string | undefined,
): readonly [namespace: string | undefined, name: string | undefined] {
  if (flags.allNamespaces && flags.namespace !== undefined)
    throw new WeftError('flags-clash', '-A means all namespaces and -n one; leave one of them out', {
      source: 'config',
    });
  if (target === undefined) return [flags.namespace, undefined];
  const slash = target.indexOf('/');
  return slash < 0 ? [flags.namespace, target] : [target.slice(0, slash), target.slice(slash + 1)];
}

/** What came of asking one pod. */
export type Answered = { readonly text: string } | { readonly trouble: string };

/** Asks every pod, some at a time; the answers stand in the order of the pods. */
export async function askAll(
  mesh: Mesh,
  pods: readonly MeshPod[],
  port: number,
  path: string,
): Promise<readonly Answered[]> {
  const answers: Answered[] = new Array<Answered>(pods.length);
  let next = 0;
  const worker = async (): Promise<void> => {
    while (next < pods.length) {
      const at = next++;
      answers[at] = await ask(mesh, pods[at]!, port, path);
    }
  };
  await Promise.all(Array.from({ length: Math.min(atOnce, pods.length) }, worker));
  return answers;
}

async function ask(mesh: Mesh, pod: MeshPod, port: number, path: string): Promise<Answered> {
  try {
    return { text: await mesh.read(pod, port, path) };
  } catch (error) {
    // Nobody answers any more: that is about all of them.
    if (!(error instanceof WeftError) || error.code === 'api-unreachable') throw error;
    return { trouble: errorMessage(error) };
  }
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
