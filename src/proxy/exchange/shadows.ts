import type { Fields } from '../../http/index.ts';
import type { RunningMirror } from '../destinations/running-route.ts';
import type { ExchangeServices } from './exchange-host.ts';
import type { RequestSoFar } from './request-so-far.ts';
import { Shadow } from './shadow.ts';

/** The copies of one request that go to mirrors. */
export class Shadows {
  readonly #all: readonly Shadow[];

  private constructor(all: readonly Shadow[]) {
    this.#all = all;
  }

  /** Sends a copy to each mirror, with what has come of the request so far; undefined where there is none to send. */
  static of(
    services: ExchangeServices,
    mirrors: readonly RunningMirror[],
    { head, body, ended }: RequestSoFar,
  ): Shadows | undefined {
    // A copy would log in a connection that others share.
    if (mirrors.length === 0 || head.isUpgrade || head.connectionLogin) return undefined;
    const all = mirrors.map(mirror => new Shadow(services, mirror, head.copy(), body.pieces, ended));
    for (const shadow of all) shadow.start();
    return new Shadows(all);
  }

  get count(): number {
    return this.#all.length;
  }

  data(bytes: Buffer, start: number, end: number): void {
    for (const shadow of this.#all) shadow.data(bytes, start, end);
  }

  end(trailers: Fields | undefined): void {
    for (const shadow of this.#all) shadow.end(trailers);
  }

  /** The request broke off. */
  cancel(): void {
    for (const shadow of this.#all) shadow.cancel();
  }
}
