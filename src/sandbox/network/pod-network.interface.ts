import type { Pod } from '../kube/index.ts';

/** A pod's place in the network. */
export interface PodLink {
  readonly address: string;
  /** Name of its network namespace; undefined where pods share the machine's. */
  readonly netns?: string;
}

/**
 * How pods get addresses. `namespaces` needs root and gives every pod a network of its own, so that interception is
 * transparent; `loopback` needs nothing and gives every pod an address of 127.0.0.0/8, so that apps must be told their
 * proxy.
 */
export interface PodNetwork {
  readonly kind: 'namespaces' | 'loopback';
  /** The address of the node: where probes come from and, in namespaces, where the DNS server listens. */
  readonly nodeAddress: string;
  /** Connects a pod. Rejects with the reason when the machine refuses. */
  attach(pod: Pod): Promise<PodLink>;
  /** Disconnects it; whatever still runs in its network is killed. Never rejects. */
  detach(link: PodLink): Promise<void>;
}
