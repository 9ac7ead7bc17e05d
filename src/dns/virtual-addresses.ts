import { createHash } from 'node:crypto';
import { mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { errorMessage } from '../errors/index.ts';

/** A block of IPv4 addresses: the first as a number, and how many there are. */
export interface VirtualRange {
  readonly first: number;
  readonly size: number;
}

/** As many hosts get an address at most: a table of some megabytes. */
const mostHosts = 65_534;
/** Places that are looked at for one host, from where its hash leads on. */
const mostTries = 256;

/** `240.240.0.0/16`, from /8 to /28; undefined for what is none. */
export function readVirtualRange(text: string): VirtualRange | undefined {
  const [, address = '', bits = ''] = /^(\d{1,3}(?:\.\d{1,3}){3})\/(\d{1,2})$/.exec(text) ?? [];
  const first = numberOf(address);
  const length = Number(bits);
  if (first === undefined || length < 8 || length > 28) return undefined;
  const size = 2 ** (32 - length);
  return { first: first - (first % size), size };
}

/**
 * Addresses of this machine's own that stand for hosts: what connects to one is redirected to the proxy, which knows the host.
 * They follow from the host's name and outlive a restart in a file, because apps keep addresses.
 */
export class VirtualAddresses {
  readonly #range: VirtualRange;
  readonly #file: string;
  readonly #failed: (why: string) => void;
  readonly #addresses = new Map<string, string>();
  readonly #hosts = new Map<string, string>();

  /** `file`: '' keeps nothing. `failed` hears why the file cannot be read or written; what is known holds all the same. */
  constructor(range: VirtualRange, file: string, failed: (why: string) => void) {
    this.#range = range;
    this.#file = file;
    this.#failed = failed;
    this.#read();
  }

  /** The host that an address stands for. */
  hostOf(address: string): string | undefined {
    return this.#hosts.get(address);
  }

  /** The address of a host; undefined where none is left. */
  addressOf(host: string): string | undefined {
    const known = this.#addresses.get(host);
    if (known !== undefined) return known;
    if (this.#addresses.size >= mostHosts) return undefined;
    // Neither the first nor the last: who takes the block for a network takes them for something else.
    const usable = this.#range.size - 2;
    const start = createHash('sha256').update(host).digest().readUInt32BE(0);
    for (let n = 0; n < Math.min(mostTries, usable); n++) {
      const address = textOf(this.#range.first + 1 + ((start + n) % usable));
      if (this.#hosts.has(address)) continue;
      this.#hosts.set(address, host);
      this.#addresses.set(host, address);
      this.#write();
      return address;
    }
    return undefined;
  }

  #read(): void {
    if (this.#file === '') return;
    try {
      const kept = JSON.parse(readFileSync(this.#file, 'utf8')) as unknown;
      if (typeof kept !== 'object' || kept === null) return;
      for (const [host, address] of Object.entries(kept)) {
        const number = typeof address === 'string' ? numberOf(address) : undefined;
        const place = (number ?? -1) - this.#range.first;
        // Another range since then.
        if (place < 1 || place > this.#range.size - 2 || this.#hosts.has(String(address))) continue;
        this.#hosts.set(String(address), host);
        this.#addresses.set(host, String(address));
      }
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT') this.#failed(errorMessage(error));
    }
  }

  /** At once and rarely: a host gets its address once in the life of a machine. */
  #write(): void {
    if (this.#file === '') return;
    try {
      mkdirSync(dirname(this.#file), { recursive: true });
      writeFileSync(`${this.#file}.new`, JSON.stringify(Object.fromEntries(this.#addresses)), {
        mode: 0o600,
      });
      renameSync(`${this.#file}.new`, this.#file);
    } catch (error) {
      this.#failed(errorMessage(error));
    }
  }
}

function numberOf(address: string): number | undefined {
  const parts = address.split('.').map(Number);
  if (parts.length !== 4 || parts.some(each => !(each <= 255))) return undefined;
  return parts.reduce((sum, each) => sum * 256 + each, 0);
}

function textOf(number: number): string {
  return [24, 16, 8, 0].map(shift => Math.floor(number / 2 ** shift) % 256).join('.');
}
