// Tickets by which clients resume sessions of TLS (RFC 5077, RFC 8446 section 4.6.1): every core and every replica of a gateway
// can read those of the others, and no listener those of another one.
import { hkdfSync } from 'node:crypto';
import type { BoundListener } from '../../model/index.ts';

/** What tickets of one listener are sealed with, for one generation. */
export interface TicketKey {
  /** With which every ticket of it begins. */
  readonly name: Buffer;
  /** As Node takes it: the name, a key for HMAC, one for AES. */
  readonly bytes: Buffer;
}

const nameBytes = 16;
const keyBytes = 48;

/** The newest first. `secrets`: GatewayResource.ticketSecrets. */
export function ticketKeys(secrets: readonly string[], { name }: BoundListener): readonly TicketKey[] {
  return secrets.map(secret => {
    const bytes = Buffer.from(
      hkdfSync('sha256', Buffer.from(secret, 'base64url'), '', `weft session tickets ${name}`, keyBytes),
    );
    return { name: bytes.subarray(0, nameBytes), bytes };
  });
}

/** The key of the ticket that a ClientHello brings, else the newest. */
export function keyFor(keys: readonly TicketKey[], hello: Buffer): TicketKey | undefined {
  for (let i = 1; i < keys.length; i++) if (hello.includes(keys[i]!.name)) return keys[i];
  return keys[0];
}
