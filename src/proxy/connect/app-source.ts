import { isIpv6 } from '../../model/index.ts';
import { passThroughAddress } from './connector.ts';

/** From where the app is called on behalf of a client; see ConnectRequest. */
export interface AppSource {
  readonly localAddress: string;
  readonly foreignPort?: number;
}

/** Decides it. */
export class AppSources {
  /** Nobody told the app where to listen for us but the packet rules, which let one address through. */
  readonly #redirected: boolean;
  /** This pod's addresses, where the app is to see its clients'; undefined where it is to see the proxy's. */
  readonly #own: ReadonlySet<string> | undefined;

  constructor(redirected: boolean, own: ReadonlySet<string> | undefined) {
    this.#redirected = redirected;
    this.#own = own;
  }

  /**
   * The client's address where the app at `app` is to see it, else ''. Not this pod's own addresses: packets from those would not
   * come back to the proxy. Not one of the other family either, which no socket takes.
   */
  callerOf(client: string, app: string): string {
    if (!this.#redirected || this.#own === undefined || client === '') return '';
    const isOwn = this.#own.has(client) || client === app || client === '::1' || client.startsWith('127.');
    return isOwn || isIpv6(client) !== isIpv6(app) ? '' : client;
  }

  /** `caller`: what callerOf gave, and the port that it calls from, 0 where that is not known. */
  of(caller: string, port: number, app: string): AppSource {
    if (caller !== '') return { localAddress: caller, foreignPort: port };
    return { localAddress: this.#redirected ? passThroughAddress(app) : '' };
  }
}
