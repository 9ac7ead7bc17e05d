import { equal, type GatewayPolicies } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import type { PortAuthentication } from '../destinations/port-authentication.ts';
import {
  type AuthorizationHost,
  type PortAuthorization,
  portAuthorization,
  portFilters,
} from '../destinations/port-policies.ts';
import { compileFilters, type RequestFilter } from '../filters/filter.interface.ts';
import { escapedSlashes } from './escaped-slashes.ts';

/** What decisions at gateways are made with. */
export interface PolicyServices {
  readonly clock: Clock;
  /** The proxy's own address. */
  readonly address: string;
  /** One for each gateway: what is known of keys and tokens belongs to its rules. */
  readonly authentication: () => PortAuthentication;
  readonly authorization: AuthorizationHost;
}

/** What policies say of one port of a gateway. */
export interface PortPolicies extends PortAuthorization {
  /** Of requests, before their route is looked for: its conditions may ask what their tokens say. */
  readonly filters: readonly RequestFilter[];
}

/** What policies say of who comes in by one gateway, compiled for each of its ports. */
export class RunningPolicies {
  readonly #services: PolicyServices;
  readonly #authentication: PortAuthentication;
  readonly #ports = new Map<number, PortPolicies>();
  #said: GatewayPolicies | undefined;

  constructor(services: PolicyServices) {
    this.#services = services;
    this.#authentication = services.authentication();
  }

  /** Takes over what is said from now on. What came before and is the same stays as it is, with what it knows of tokens. */
  apply(said: GatewayPolicies | undefined): void {
    if (equal(said, this.#said)) return;
    this.#said = said;
    this.#ports.clear();
    this.#authentication.apply(said?.tokenRules);
  }

  /** Undefined where nobody says anything. `port`: as the gateway has it; `keeps`: see ListenerOptions.escapedSlashes. */
  at(port: number, keeps: boolean): PortPolicies | undefined {
    if (this.#said === undefined) return undefined;
    const key = keeps ? -port : port;
    let known = this.#ports.get(key);
    if (known === undefined) {
      const { authorization: host, clock, address } = this.#services;
      const who = portAuthorization(this.#said, { address, port }, host, clock);
      const tokens = this.#authentication.authenticator;
      const { requests: authorizer, external } = who;
      const slashes = keeps ? [] : compileFilters([escapedSlashes], { authorizer, external });
      known = { ...who, filters: [...portFilters(who, { tokens, limits: [] }), ...slashes] };
      this.#ports.set(key, known);
    }
    return known;
  }

  close(): void {
    this.#authentication.close();
  }
}
