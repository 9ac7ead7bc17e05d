import { SYSTEM_NAMESPACE } from '../../config/index.ts';
import { WeftError } from '../../errors/index.ts';
import { AddressPool } from '../controllers/index.ts';
import type { Pod } from '../kube/index.ts';
import type { PodLink, PodNetwork } from './pod-network.interface.ts';

/**
 * Pods on addresses of 127.0.0.0/8, all in the machine's own network: needs no rights at all. Linux lets anybody listen on
 * any of them. Each sandbox takes a /16 of its own, so that several do not collide.
 */
export class LoopbackNetwork implements PodNetwork {
  readonly kind = 'loopback';
  readonly nodeAddress = '127.0.0.1';
  /** The control plane's, known beforehand because nobody could look up its name. */
  readonly controlPlaneAddress: string;
  readonly #addresses: AddressPool;

  /** `second` is the second number of the addresses, 1 to 254: `127.<second>.0.0/16`. */
  constructor(second: number) {
    this.controlPlaneAddress = `127.${second}.0.1`;
    this.#addresses = new AddressPool(`127.${second}.0.0/16`, 2);
  }

  attach(pod: Pod): Promise<PodLink> {
    if (pod.metadata.namespace === SYSTEM_NAMESPACE)
      return Promise.resolve({ address: this.controlPlaneAddress });
    const address = this.#addresses.take();
    if (address) return Promise.resolve({ address });
    return Promise.reject(new WeftError('no-address', 'no loopback address is left; delete pods'));
  }

  detach(link: PodLink): Promise<void> {
    if (link.address !== this.controlPlaneAddress) this.#addresses.release(link.address);
    return Promise.resolve();
  }
}
