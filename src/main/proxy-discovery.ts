import type { ProxyConfig } from '../config/proxy-config.ts';
import type { QuestionHandler } from '../discovery/index.ts';
import type { Resource } from '../model/index.ts';
import type { Exposition, Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import type { MeshTls } from '../tls/index.ts';

/** Where a proxy's resources and its certificate come from, whichever of the ways is used. */
export interface Discovery {
  want(key: string): void;
  forget(key: string): void;
  /** Begins to deliver resources; the data plane is there now. */
  start(): void;
  /** Undefined when the proxy has what it needs to begin, otherwise what is missing. */
  notReady(): string | undefined;
  /** The program with this digest, from the control plane; undefined where there is none. */
  program?(digest: string): Promise<Buffer>;
  /** For `/status`. */
  status(): Record<string, unknown>;
  metrics(out: Exposition): void;
}

/** What the ways have in common. */
export interface DiscoveryContext {
  readonly clock: Clock;
  readonly log: Log;
  /** Gets every new certificate. */
  readonly tls: MeshTls;
  readonly signal: AbortSignal;
  /** Answers what the control plane asks this proxy. */
  readonly questions: QuestionHandler;
  /** For a gateway that serves all there are: which those are, whenever that changes. */
  gatewaysFound?(names: readonly string[]): void;
  /** The data plane's ResourceSink.apply. */
  apply(resource: Resource): string | undefined;
  /** The same for a resource of the last snapshot, whose destination nobody has asked for yet. */
  restore(resource: Resource): string | undefined;
}

/** The way that the configuration asks for; each is loaded only when it is the one. */
export async function openDiscovery(config: ProxyConfig, context: DiscoveryContext): Promise<Discovery> {
  switch (config.discovery) {
    case 'control-plane':
      return (await import('./discovery-control-plane.ts')).openControlPlane(config, context);
    case 'files':
      return (await import('./discovery-files.ts')).openFiles(config, context);
    case 'kubernetes':
      return (await import('./discovery-kubernetes.ts')).openKubernetes(config, context);
    case 'none':
      return nothing(context);
  }
}

/** No discovery: every destination is passed through. */
function nothing(context: DiscoveryContext): Discovery {
  return {
    want(key) {
      const unknown = {
        kind: 'destination',
        key,
        found: 'unknown',
        host: key,
        port: 0,
        protocol: 'tcp',
        routes: [],
        tcp: [],
        clusters: [],
      } as const;
      setImmediate(() => context.apply(unknown));
    },
    forget() {},
    start() {},
    notReady: () => undefined,
    status: () => ({ discovery: 'none' }),
    metrics() {},
  };
}
