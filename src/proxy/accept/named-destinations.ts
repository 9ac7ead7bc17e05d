import { lookup } from 'node:dns';
import { errorMessage, guarded } from '../../errors/index.ts';
import { formatAddress, type HostPort, isIpAddress, parseHostPort } from '../../model/index.ts';
import { circleWords, type OwnListener } from '../connect/own-listener.ts';
import type { RunningDestination } from '../destinations/destination.ts';
import type { DestinationAnswer, Destinations } from '../destinations/destinations.ts';
import type { PassThrough } from '../destinations/pass-through.ts';
import { type TargetWaiter, tellTarget } from '../exchange/exchange-host.ts';
import type { Services } from '../services/services.ts';

/** Finds destinations by name or address, outside names through DNS. */
export class NamedDestinations {
  readonly #services: Pick<Services, 'counters' | 'serviceAddresses'>;
  readonly #destinations: Destinations;
  readonly #passThrough: PassThrough;
  readonly #own: OwnListener;

  constructor(
    services: Pick<Services, 'counters' | 'serviceAddresses'>,
    destinations: Destinations,
    passThrough: PassThrough,
    own: OwnListener,
  ) {
    this.#services = services;
    this.#destinations = destinations;
    this.#passThrough = passThrough;
    this.#own = own;
  }

  /** `key` is `host:port`. The destination when it is known, otherwise undefined and the waiter is told. */
  find(key: string, waiter: TargetWaiter): RunningDestination | undefined {
    const known = this.#destinations.find(key, answer => this.#answered(key, answer, waiter));
    if (known === undefined || known.resource.found !== 'unknown') return known;
    this.#outside(key, known.resource.refused, waiter, false);
    return undefined;
  }

  #answered(key: string, answer: DestinationAnswer, waiter: TargetWaiter): void {
    if (answer === 'timeout') {
      this.#services.counters.discoveryTimeouts++;
      this.#outside(key, undefined, waiter, true);
    } else if (answer.resource.found === 'unknown')
      this.#outside(key, answer.resource.refused, waiter, false);
    else tellTarget(waiter, answer, 'NR', '');
  }

  /** `silent`: nobody has said that it is outside; then what may be a Service is not passed through. */
  #outside(key: string, refused: string | undefined, waiter: TargetWaiter, silent: boolean): void {
    const why = refused ?? (silent ? this.#services.serviceAddresses.whyNot(key) : undefined);
    if (why !== undefined) {
      setImmediate(tellTarget, waiter, undefined, refused === undefined ? 'NFCF' : 'NR', why);
      return;
    }
    const address = parseHostPort(key)!;
    if (isIpAddress(address.host)) {
      setImmediate(() => this.#passOn(address, key, waiter, silent));
      return;
    }
    const failed = (why: string): void =>
      tellTarget(waiter, undefined, 'DF', `${address.host} is no Service of the mesh and DNS says ${why}`);
    const found = (error: NodeJS.ErrnoException | null, ip: string): void => {
      if (error !== null) failed(error.code ?? error.message);
      // Nothing was asked: Node answers the empty name without an error and without an address.
      else if (!isIpAddress(ip)) failed('nothing');
      else this.#passOn({ host: ip, port: address.port }, key, waiter, silent);
    };
    try {
      lookup(address.host, guarded('dns', found, waiter));
    } catch (thrown) {
      // Some names it refuses at once.
      setImmediate(failed, errorMessage(thrown));
    }
  }

  /** To an address outside. */
  #passOn({ host, port }: HostPort, asked: string, waiter: TargetWaiter, silent: boolean): void {
    const to = formatAddress(host, port);
    const why = silent ? this.#services.serviceAddresses.whyNot(to) : undefined;
    if (this.#own.is(host, port)) tellTarget(waiter, undefined, 'NR', circleWords(asked));
    else if (why !== undefined) tellTarget(waiter, undefined, 'NFCF', why);
    else tellTarget(waiter, this.#passThrough.destination(to, true), 'NR', '');
  }
}
