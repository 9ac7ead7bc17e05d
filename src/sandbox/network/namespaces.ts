import { WeftError } from '../../errors/index.ts';
import { AddressPool } from '../controllers/index.ts';
import type { Pod } from '../kube/index.ts';
import { kill, run } from '../runtime/index.ts';
import { processesIn } from './netns.ts';
import type { PodLink, PodNetwork } from './pod-network.interface.ts';

/** Addresses inside a sandbox; each sandbox has a network of its own, so all use the same. */
export const NETWORK = {
  pods: '10.244.0.0/16',
  services: '10.96.0.0/16',
  /** The node's address: gateway of the pods, source of probes. */
  node: '10.244.0.1',
  /** The DNS server's, where clusters usually have it. */
  dns: '10.96.0.10',
} as const;

/**
 * Pods in network namespaces, each on a link of its own to the node's. No bridge: every packet between pods is routed by
 * the node, so that its connection tracking sees both directions and Service addresses work between any two pods without
 * bridge netfilter, which needs a kernel module.
 */
export class NamespaceNetwork implements PodNetwork {
  readonly kind = 'namespaces';
  readonly nodeAddress = NETWORK.node;
  readonly #prefix: string;
  readonly #addresses = new AddressPool(NETWORK.pods, 2);
  readonly #interfaces = new Map<string, string>();
  #nextInterface = 1;

  /** Must run inside the node's network namespace. `prefix` begins the names of the pods' namespaces. */
  constructor(prefix: string) {
    this.#prefix = prefix;
  }

  /** Makes the node's side: its addresses and routing. Rejects when the machine refuses. */
  async start(): Promise<void> {
    await must(['ip', '-batch', '-'], 'the network of the node', [
      'link set lo up',
      `addr add ${NETWORK.node}/32 dev lo`,
      `addr add ${NETWORK.dns}/32 dev lo`,
      // A Service address needs a route to get as far as the packet rules.
      `route add ${NETWORK.services} dev lo src ${NETWORK.node}`,
    ]);
    await must(['sh', '-c', 'echo 1 >/proc/sys/net/ipv4/ip_forward'], 'forwarding between pods');
  }

  async attach(pod: Pod): Promise<PodLink> {
    const address = this.#addresses.take();
    if (!address) {
      throw new WeftError(
        'no-address',
        `no address of ${NETWORK.pods} is left; delete pods or start a second sandbox`,
      );
    }
    const netns = `${this.#prefix}${pod.metadata.namespace}-${pod.metadata.name}`;
    const name = `veth${this.#nextInterface++}`;
    await must(['ip', 'netns', 'add', netns], `the network namespace of pod ${pod.metadata.name}`);
    this.#interfaces.set(netns, name);
    await must(['ip', '-batch', '-'], `the link to pod ${pod.metadata.name}`, [
      `link add ${name} type veth peer name eth0 netns ${netns}`,
      `link set ${name} up`,
      `route add ${address}/32 dev ${name} src ${NETWORK.node}`,
    ]);
    await must(['ip', '-n', netns, '-batch', '-'], `the link of pod ${pod.metadata.name}`, [
      'link set lo up',
      'link set eth0 up',
      `addr add ${address}/32 dev eth0`,
      `route add ${NETWORK.node} dev eth0 scope link`,
      `route add default via ${NETWORK.node} dev eth0`,
    ]);
    return { address, netns };
  }

  async detach(link: PodLink): Promise<void> {
    if (!link.netns) return;
    for (const pid of processesIn([link.netns])) kill(pid, 'SIGKILL');
    const name = this.#interfaces.get(link.netns);
    if (name) await run(['ip', 'link', 'del', name]);
    await run(['ip', 'netns', 'del', link.netns]);
    this.#interfaces.delete(link.netns);
    this.#addresses.release(link.address);
  }
}

async function must(command: readonly string[], what: string, batch: readonly string[] = []): Promise<void> {
  const { code, output } = await run(command, { input: batch.map(line => `${line}\n`).join('') });
  if (code !== 0)
    throw new WeftError('network', `could not make ${what}: ${output || `${command[0]} ended with ${code}`}`);
}
