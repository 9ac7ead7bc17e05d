// `weft-proxy run --discovery kubernetes`: no control plane; the proxy itself reads the cluster, through a kubeconfig or the
// pod's account. It costs the memory of the API client and of the cluster's objects, so sidecars never load this file.
import type { ProxyConfig } from '../config/proxy-config.ts';
import { VERSION } from '../config/version.ts';
import { KubeClient } from '../kubernetes/index.ts';
import { KubernetesSource } from '../source/kubernetes/index.ts';
import { policyKinds } from '../translate/index.ts';
import { openInProcess } from './discovery-in-process.ts';
import type { Discovery, DiscoveryContext } from './proxy-discovery.ts';

/**
 * The whole pipeline inside the proxy, over the Kubernetes API. The proxy listens at once; what it is asked for waits until
 * the cluster has been read, however long the API server is away. Rejects with WeftError `kubeconfig`.
 */
export async function openKubernetes(config: ProxyConfig, context: DiscoveryContext): Promise<Discovery> {
  const { clock, log } = context;
  const { kubeconfig, context: name } = config.kubernetes;
  const client = new KubeClient({ kubeconfig, context: name, userAgent: `weft-proxy/${VERSION}` });
  const source = new KubernetesSource({ client, clock, log, policyKinds });
  return openInProcess(config, context, { source, notReady: () => source.notReady(), readFirst: false });
}
