import type { AppSources } from '../connect/app-source.ts';

/** How inbound connections find the app. */
export interface InboundOptions {
  /** From where the app is called. */
  readonly sources: AppSources;
  /** The app's address for connections that were not redirected. */
  readonly appAddress: string;
  /**
   * Ports of the proxy itself, which nobody reaches through it: beside them it is an open proxy, or an admin port without its
   * loopback.
   */
  readonly ownPorts: ReadonlySet<number>;
  /** Whether discovery will say who may call: until it has nobody is let in. */
  readonly awaitsDiscovery: boolean;
}
