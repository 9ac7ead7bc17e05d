import { createHash, timingSafeEqual } from 'node:crypto';
import type { Access, AccessDenied, Caller, Proof } from './access.interface.ts';

/** Whoever has the one token may everything: for a control plane without a cluster, as in a sandbox. */
export class TokenAccess implements Access {
  readonly #digest: Buffer;

  constructor(token: string) {
    this.#digest = digestOf(token);
  }

  async authenticate({ token }: Proof): Promise<Caller | AccessDenied> {
    if (token !== undefined && timingSafeEqual(digestOf(token), this.#digest))
      return { name: 'owner', groups: [] };
    const what = token === undefined ? 'no token came' : 'the token is not that of this control plane';
    return {
      code: 'live-unproven',
      why: `${what}; weft commands with --sandbox send it, and it is in the file that --live-token names`,
    };
  }

  async authorize(): Promise<undefined> {
    return undefined;
  }
}

function digestOf(text: string): Buffer {
  return createHash('sha256').update(text).digest();
}
