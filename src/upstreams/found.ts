/** An endpoint of an upstream: an IP address and a port. */
export interface FoundEndpoint {
  readonly address: string;
  readonly port: number;
  readonly weight: number;
  readonly zone?: string;
  readonly maxRequests?: number;
}

/** Hears what a discovery finds. */
export interface DiscoveryListener {
  /** These are all endpoints now. */
  found(endpoints: readonly FoundEndpoint[]): void;
  /** Nobody could say; what was found before stays. */
  failed(why: string): void;
}

/** Looks for endpoints, and goes on doing so until the signal aborts. */
export type Discover = (listener: DiscoveryListener, signal: AbortSignal) => void;

/** `10.0.0.1:80`; what endpoints are told apart by. */
export function endpointKey({ address, port }: Pick<FoundEndpoint, 'address' | 'port'>): string {
  return `${address} ${port}`;
}
