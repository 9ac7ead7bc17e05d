// Everything inject can be told, and the one place of its defaults.
import { DEFAULT_REVISION, PORTS, revisionNames, SYSTEM_NAMESPACE, VERSION } from '../../src/config/index.ts';
import { formatSpiffe } from '../../src/model/index.ts';
import type { AcceptedMesh } from './foreign/table.ts';
import type { Redirection } from './named-proxy.ts';

/** CPU and memory of the proxy, as Kubernetes quantities; an absent limit is no limit. */
export interface ProxyResources {
  readonly cpuRequest: string;
  readonly memoryRequest: string;
  readonly cpuLimit?: string;
  readonly memoryLimit?: string;
}

/** How and what to inject. Build it with `injectOptions`. */
export interface InjectOptions {
  /** Weft's version, written into the pod's status annotation. */
  readonly version: string;
  /** Image of proxy and init container. The pod's annotation `weft.dev/proxy-image` wins. */
  readonly proxyImage: string;
  readonly imagePullPolicy: 'Always' | 'IfNotPresent' | 'Never';

  /** Whether a pod that nobody labelled is injected: true for `weft inject`, false for the webhook. */
  readonly injectByDefault: boolean;
  /** Whether the labels and annotations of Istio, Linkerd and Consul are obeyed too. */
  readonly acceptOtherMeshes: boolean;
  /** Which of them, where they are obeyed at all; every one unless told. */
  readonly acceptedMeshes?: readonly AcceptedMesh[];
  /** Of the control plane that the proxy goes to, written into the pod's status annotation. */
  readonly revision: string;
  /** Where Weft itself runs; never injected. */
  readonly systemNamespace: string;
  /** Never injected either, whatever a label says: the cluster must come up without Weft. */
  readonly ignoredNamespaces: readonly string[];

  /**
   * The proxy as an init container with restartPolicy Always (Kubernetes 1.29, or 1.28 with the gate). A pod that has
   * such a container of its own gets the proxy that way regardless: its server can do it. `needed`: only pods that have init
   * containers, which then are in the mesh, or that end by themselves; others start sooner without.
   */
  readonly nativeSidecar: boolean | 'needed';
  /** Whether the cluster knows native sidecars, for pods that ask for one; undefined where nobody knows. */
  readonly canRunNative?: boolean;
  /**
   * Without native sidecars: the app's containers start only after the proxy is ready (a postStart hook waits), as they always do
   * with.
   */
  readonly holdApplicationUntilProxyStarts: boolean;
  /**
   * `init`: an init container with NET_ADMIN and NET_RAW writes packet rules. `proxy`: the proxy does as it starts, which saves a
   * container and the wait for its end. `none`: nobody does; containers are told of the proxy by http_proxy, and the pod fits the
   * restricted Pod Security Standard. The pod's annotation `weft.dev/redirection` wins.
   */
  readonly redirection: Redirection;
  /** Whether the app's probes go through the proxy. Off where nobody but the pod itself probes it. */
  readonly rewriteProbes: boolean;
  /** Whether `prometheus.io/*` annotations are pointed at the proxy, which merges the app's metrics into its own. */
  readonly mergePrometheus: boolean;
  /**
   * Without native sidecars, in pods that are meant to end: start the app's command through `run-app`, which tells the
   * proxy at once when the command has ended. Without it, the control plane tells the proxy, about a second later.
   * For an image that has `weft-proxy install-run-app`; Weft's own has it not yet, so no command line sets this.
   */
  readonly wrapJobCommands: boolean;

  /** host:port of discovery and certificate signing. */
  readonly controlPlane: string;
  /** SPIFFE id that the control plane must show. */
  readonly controlPlaneIdentity: string;
  readonly trustDomain: string;
  readonly clusterDomain: string;
  readonly tokenAudience: string;
  readonly tokenLifetimeSeconds: number;
  /** ConfigMap in every meshed namespace, with the root certificates under `root-cert.pem`. */
  readonly trustConfigMap: string;
  readonly logLevel: string;
  readonly accessLog: string;
  readonly resources: ProxyResources;
}

/** Complete options out of those that differ from the defaults. */
export function injectOptions(given: Partial<InjectOptions> = {}): InjectOptions {
  const version = given.version ?? VERSION;
  const systemNamespace = given.systemNamespace ?? SYSTEM_NAMESPACE;
  const trustDomain = given.trustDomain ?? 'cluster.local';
  const revision = given.revision ?? DEFAULT_REVISION;
  const { injector: serviceAccount } = revisionNames(revision);
  return {
    version,
    proxyImage: `weft-proxy:${version}`,
    imagePullPolicy: 'IfNotPresent',
    injectByDefault: false,
    acceptOtherMeshes: false,
    revision,
    systemNamespace,
    ignoredNamespaces: ['kube-system', 'kube-public', 'kube-node-lease'],
    nativeSidecar: false,
    holdApplicationUntilProxyStarts: true,
    redirection: 'init',
    rewriteProbes: true,
    mergePrometheus: true,
    wrapJobCommands: false,
    controlPlane: `${serviceAccount}.${systemNamespace}.svc:${PORTS.discovery}`,
    controlPlaneIdentity: formatSpiffe({ trustDomain, namespace: systemNamespace, serviceAccount }),
    trustDomain,
    clusterDomain: 'cluster.local',
    tokenAudience: 'weft',
    tokenLifetimeSeconds: 3600,
    trustConfigMap: 'weft-trust',
    logLevel: 'info',
    accessLog: 'off',
    resources: { cpuRequest: '10m', memoryRequest: '64Mi', memoryLimit: '256Mi' },
    ...given,
  };
}
