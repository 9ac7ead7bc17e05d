// What inject tells the proxy about the app beside it, as JSON in environment variables (see ENVIRONMENT).

/**
 * One probe or lifecycle handler of an app container as its author wrote it, with the port resolved to a number. The proxy makes
 * it from inside the pod when the kubelet asks for its path, and answers 200 when it succeeds and 500 with the reason when it
 * does not (a hook that got no answer is broken off): the kubelet reaches the proxy in plaintext even where the app takes mesh
 * TLS only. Exactly one of `httpGet`, `tcpSocket` and `grpc` is there. The connection goes to the pod's own address, where the
 * kubelet would have gone, so that a probe passes exactly when it would have passed without the mesh.
 */
export interface AppProbe {
  readonly httpGet?: {
    readonly path: string;
    readonly port: number;
    /** HTTPS: the certificate is not verified, as the kubelet does not. */
    readonly scheme: 'HTTP' | 'HTTPS';
    readonly httpHeaders?: readonly { readonly name: string; readonly value: string }[];
  };
  readonly tcpSocket?: { readonly port: number };
  readonly grpc?: { readonly port: number; readonly service?: string };
  /**
   * The kubelet's own limit for the answer; Kubernetes' default is 1. Absent for hooks: they have as long as the grace period
   * lasts.
   */
  readonly timeoutSeconds?: number;
}

/**
 * `WEFT_PROBES`: by the path that the kubelet asks on port 15020, `/app-health/<container>/<which>`, where `which` is
 * `readyz`, `livez`, `startupz`, or for lifecycle handlers `poststart`, `prestop`.
 */
export type AppProbes = Readonly<Record<string, AppProbe>>;

/** `WEFT_APP_METRICS`: what the pod's `prometheus.io/*` annotations said before inject pointed them at the proxy. */
export interface AppMetrics {
  readonly port: number;
  readonly path: string;
  readonly scheme: 'http' | 'https';
}

/**
 * `WEFT_EXIT_WITH_APP`: the pod is meant to end (restartPolicy Never or OnFailure: Jobs), so the proxy exits with 0 once
 * every one of `containers` has ended for good: with any code under `Never`, with 0 under `OnFailure`. Absent when
 * the kubelet ends the proxy itself (native sidecar) and in pods that run for ever.
 */
export interface ExitWithApp {
  readonly restartPolicy: 'Never' | 'OnFailure';
  readonly containers: readonly string[];
}
