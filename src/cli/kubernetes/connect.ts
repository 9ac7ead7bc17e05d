// From the flags --kubeconfig and --context to an API that answers. The client library is loaded only when it is needed.
import type { Command } from 'commander';
import { type KubeAnswer, type KubeApi, kubeApiOf } from '../../../webhook/index.ts';
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

/** A cluster whose pods can be asked too. */
export interface ReadableCluster extends Cluster {
  /** The namespace of the context; '' when it has none. */
  readonly namespace: string;
  /** GET of text. Answers as `request` does: refusals are answers, and it rejects when nobody answered. */
  text(path: string): Promise<KubeAnswer>;
  /**
   * GET of lines, each handed to `onLine` as it comes, until the server ends it or `signal` aborts. Rejects with the WeftError
   * that says why there are none.
   */
  lines(
    path: string,
    query: Readonly<Record<string, string | number | boolean | undefined>>,
    onLine: (line: string) => void,
    signal: AbortSignal,
  ): Promise<void>;
}

/** So long a pod may take, ms; the server's own limit for a pod that is not there is longer than people wait. */
const textLimitMs = 10_000;

/** A log may be followed for as long as timers go, ms: 24 days. */
const longestMs = 2 ** 31 - 1;

/** Adds the flags. */
export function clusterFlags(command: Command): Command {
  return command
    .option('--kubeconfig <file>', "the kubeconfig (default: KUBECONFIG, the pod's account, ~/.kube/config)")
    .option('--context <name>', 'the context in it (default: its current one)');
}

/** The cluster that the flags name. Rejects with a WeftError `kubeconfig` when there is none to talk to. */
export async function connect({ kubeconfig, context }: ClusterFlags): Promise<ReadableCluster> {
  const { KubeClient } = await import('../../kubernetes/index.ts');
  const client = new KubeClient({
    ...(kubeconfig !== undefined && { kubeconfig }),
    ...(context !== undefined && { context }),
    userAgent: `weft/${VERSION}`,
  });
  return {
    server: client.server,
    namespace: client.namespace,
    request: kubeApiOf(client).request,
    async text(path) {
      const answer = await client.text({ path, accept: '*/*', timeoutMs: textLimitMs });
      if (typeof answer === 'string') return { status: 200, body: answer };
      if (answer.status === 0) throw answer;
      return { status: answer.status, body: answer.message };
    },
    async lines(path, query, onLine, signal) {
      const call = { path, query, accept: '*/*', timeoutMs: longestMs, signal };
      const ended = await client.stream(call, line => {
        onLine(line);
        return !signal.aborted;
      });
      if (ended !== undefined && !signal.aborted) throw ended;
    },
  };
}
