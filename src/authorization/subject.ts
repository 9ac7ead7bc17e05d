import type { Head } from '../http/index.ts';
import type { VerifiedToken } from '../model/index.ts';
import type { RequestParts } from '../routing/index.ts';
import { type AddressWords, addressWords } from './address-block.ts';
import { foreignName, type PeerName, peerName } from './peer-name.ts';

/** Who calls, as far as it is known; the same for all requests of a connection. */
export interface JudgedCaller {
  /** The SPIFFE id of its certificate; '' for plaintext. */
  readonly principal: string;
  /** The address that it connects from; '' where it is not known. */
  readonly address: string;
  /** The name that its ClientHello asked for; '' for none. */
  readonly serverName: string;
  /** At an edge: the address of who made the request, as far as proxies before it are believed. Elsewhere undefined. */
  clientAddressOf?(head: Head): string;
  /** Whether its trust domain is another's: its namespaces and service accounts are not ours, whatever they are called. */
  readonly isForeign?: boolean;
}

/** A request, its path normalised, and whose it is. */
export interface JudgedRequest {
  readonly caller: JudgedCaller;
  readonly head: Head;
  readonly parts: RequestParts;
  readonly token: VerifiedToken | undefined;
}

/**
 * What tests read: one object, filled anew for each judgement, which is over before the next begins. Of a connection whose bytes
 * are not read `request` stays undefined, and rules for connections ask for nothing of it.
 */
export class Subject {
  caller!: JudgedCaller;
  request: JudgedRequest | undefined;
  /** Read once from the request. */
  parts!: RequestParts;
  head!: Head;
  token: VerifiedToken | undefined;
  #address: AddressWords | undefined;
  #addressOf: string | undefined;
  #name!: PeerName;
  #nameOf: string | undefined;

  ofRequest(request: JudgedRequest): this {
    this.caller = request.caller;
    this.request = request;
    this.parts = request.parts;
    this.head = request.head;
    this.token = request.token;
    return this;
  }

  ofConnection(caller: JudgedCaller): this {
    this.caller = caller;
    this.request = undefined;
    this.token = undefined;
    return this;
  }

  /** Where the connection comes from; undefined where that is not known. Kept for the next rule, which mostly asks the same. */
  get address(): AddressWords | undefined {
    const { address } = this.caller;
    if (address !== this.#addressOf) {
      this.#address = addressWords(address);
      this.#addressOf = address;
    }
    return this.#address;
  }

  /** The caller's identity, taken apart. */
  get name(): PeerName {
    const { principal, isForeign } = this.caller;
    if (principal !== this.#nameOf) {
      this.#name = isForeign === true ? foreignName(principal) : peerName(principal);
      this.#nameOf = principal;
    }
    return this.#name;
  }
}
