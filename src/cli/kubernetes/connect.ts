// From the flags --kubeconfig and --context to an API that answers. The client library is loaded only when it is needed.
import type { Command } from 'commander';
import { type KubeApi, kubeApiOf } from '../../../webhook/index.ts';
import { VERSION } from '../../config/index.ts';

/** The flags of every command that talks to a cluster. */
export interface ClusterFlags {
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** An API server, and where it is. */
export interface Cluster extends KubeApi {
  /** `https://10.0.0.1:6443` */
  readonly server: string;
}

/** Adds the flags. */
export function clusterFlags(command: Command): Command {
  return command
    .option('--kubeconfig <file>', "the kubeconfig (default: KUBECONFIG, the pod's account, ~/.kube/config)")
    .option('--context <name>', 'the context in it (default: its current one)');
}

/** The cluster that the flags name. Rejects with a WeftError `kubeconfig` when there is none to talk to. */
export async function connect({ kubeconfig, context }: ClusterFlags): Promise<Cluster> {
  const { KubeClient } = await import('../../kubernetes/index.ts');
  const client = new KubeClient({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    userAgent: `weft/${VERSION}`,
  });
  return { server: client.server, request: kubeApiOf(client).request };
}
