import { readFileSync } from 'node:fs';
import { type HostPort, isIpAddress } from '../model/index.ts';
import type { Clock } from '../time/index.ts';

/** DHCP and networks change them: the files are read again after so long. */
const freshMs = 5_000;

/** The servers of names that a machine has of its own, as its files say now. */
export class MachineResolvers {
  readonly #files: readonly string[];
  readonly #own: string;
  readonly #clock: Clock;
  #servers: readonly HostPort[] = [];
  #readMs = Number.NEGATIVE_INFINITY;

  /**
   * `files` in the form of resolv.conf; the first that names a server counts. `own`, the responder's own address, is never among
   * them: the questions would go in circles.
   */
  constructor(files: readonly string[], own: string, clock: Clock) {
    this.#files = files;
    this.#own = own;
    this.#clock = clock;
  }

  get servers(): readonly HostPort[] {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#readMs < freshMs) return this.#servers;
    this.#readMs = nowMs;
    for (const file of this.#files) {
      const servers = serversIn(file).filter(each => each !== this.#own);
      if (servers.length === 0) continue;
      this.#servers = servers.map(host => ({ host, port: 53 }));
      break;
    }
    return this.#servers;
  }
}

function serversIn(file: string): readonly string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return [];
  }
  return text.split('\n').flatMap(line => {
    const [, address = ''] = /^\s*nameserver\s+(\S+)/.exec(line) ?? [];
    return isIpAddress(address) ? [address] : [];
  });
}
