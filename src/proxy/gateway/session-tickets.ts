// Tickets by which clients resume sessions of TLS (RFC 5077, RFC 8446 section 4.6.1): every core and every replica of a gateway
// can read those of the others, and no listener those of another one.
import { hkdfSync, randomBytes, randomFillSync } from 'node:crypto';
import type { SecureContext } from 'node:tls';
import { internalError } from '../../errors/index.ts';
import type { BoundListener } from '../../model/index.ts';

/** What tickets of one listener are sealed with, for one generation. */
export interface TicketKey {
  /** With which every ticket of it begins. */
  readonly name: Buffer;
  readonly hmac: Buffer;
  readonly aes: Buffer;
}

/** Bytes of a name, of each key, and of an initialization vector. */
const partBytes = 16;
/** What OpenSSL makes of a ticket: nothing; it was sealed; it was opened, and the client gets a new one. */
const UNKNOWN = 0;
const SEALED = 1;
const OPENED_RENEW = 2;

/** The newest first. `secrets`: GatewayResource.ticketSecrets. */
export function ticketKeys(secrets: readonly string[], { name }: BoundListener): readonly TicketKey[] {
  return secrets.map(secret => {
    const made = hkdfSync(
      'sha256',
      Buffer.from(secret, 'base64url'),
      '',
      `weft session tickets ${name}`,
      3 * partBytes,
    );
    const part = (index: number): Buffer => Buffer.from(made, index * partBytes, partBytes);
    return { name: part(0), hmac: part(1), aes: part(2) };
  });
}

/** A secret of this process alone, for gateways that are told none. */
export function ownTicketSecret(): string {
  return randomBytes(2 * partBytes).toString('base64url');
}

/** As Node's C++ side takes it: what OpenSSL is told, the keys, and of a ticket that is sealed its name and vector. */
type TicketAnswer = readonly [number, Buffer, Buffer, Buffer, Buffer];

const blank = Buffer.alloc(partBytes);
/** Node ends the process where one of them is missing, even if it is not used. */
const NONE: TicketAnswer = [UNKNOWN, blank, blank, blank, blank];

interface NativeContext {
  onticketkeycallback?: (name: Buffer, vector: Buffer, sealing: boolean) => TicketAnswer;
  enableTicketKeyCallback(): void;
}

/**
 * Seals tickets of `context` with the first of `keys`, and opens those of all. Node's own way (`ticketKeys`) knows one key, and
 * gives no new ticket for a session that is resumed: clients that use each once (RFC 8446 appendix C.4), as browsers do, would
 * come with a full handshake every other time. `keys` is asked for each ticket; it may change.
 */
export function sealTickets(context: SecureContext, keys: () => readonly TicketKey[]): void {
  const native = context.context as NativeContext;
  native.onticketkeycallback = (name, _, sealing) => {
    try {
      const all = keys();
      const key = sealing ? all[0] : all.find(each => each.name.equals(name));
      if (key === undefined) return NONE;
      return sealing
        ? [SEALED, key.hmac, key.aes, key.name, nextVector()]
        : [OPENED_RENEW, key.hmac, key.aes, blank, blank];
    } catch (thrown) {
      internalError('session-tickets', thrown);
      return NONE;
    }
  };
  native.enableTicketKeyCallback();
}

const vectors = Buffer.alloc(256 * partBytes);
let vectorAt = vectors.length;

/** Nobody may foresee it; made for many at once. Copied by whoever is given it before the next is asked for. */
function nextVector(): Buffer {
  if (vectorAt === vectors.length) {
    randomFillSync(vectors);
    vectorAt = 0;
  }
  vectorAt += partBytes;
  return vectors.subarray(vectorAt - partBytes, vectorAt);
}
