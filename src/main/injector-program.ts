// The program that the control plane gives to proxies which are upgraded without a restart: the weft-proxy beside its own.
import { dirname } from 'node:path';
import { VERSION } from '../config/version.ts';
import { type ProxyProgram, packProgram } from '../handover/program.ts';

/** Packed when somebody first asks: most control planes never need it. */
export class OwnProxyProgram {
  readonly #folder: string;
  #packed: ProxyProgram | undefined;
  #text = '';

  /** `folder`: where weft-proxy.mjs is; beside the program that runs unless told. */
  constructor(folder = dirname(process.argv[1] ?? '')) {
    this.#folder = folder;
  }

  /** Undefined where there is none, as for a control plane that runs from its sources. */
  get current(): ProxyProgram | undefined {
    this.#packed ??= packProgram(this.#folder, VERSION);
    return this.#packed;
  }

  /** Its bytes in Base64 where the digest is its own. */
  text(digest: string): string | undefined {
    if (this.current?.digest !== digest) return undefined;
    this.#text ||= this.current.bytes.toString('base64');
    return this.#text;
  }
}
