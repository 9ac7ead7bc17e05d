// What session tickets of gateways are sealed with: one secret, of which another one follows every eight hours.
import { hkdfSync } from 'node:crypto';
import type { Hub } from '../discovery/index.ts';
import type { Clock } from '../time/index.ts';

const generationMs = 8 * 3_600_000;
const lookMs = 60_000;

/** The generation of now, the one before, and the next one, which a clock that is ahead has begun. */
export function generationsOf(secret: Buffer, nowMs: number): readonly Buffer[] {
  const now = Math.floor(nowMs / generationMs);
  return [now, now - 1, now + 1].map(each =>
    Buffer.from(hkdfSync('sha256', secret, '', `weft ticket generation ${each}`, 32)),
  );
}

/** Keeps the hub's current. `secret`: the same in every replica, or of this process alone. Returns how to tell of another one. */
export function followTicketSecrets(
  hub: Hub,
  secret: () => Buffer,
  clock: Clock,
  signal: AbortSignal,
): () => void {
  let known = '';
  const look = (): void => {
    const all = generationsOf(secret(), clock.now());
    const now = all.map(each => each.toString('base64url')).join();
    if (now === known) return;
    known = now;
    hub.setTicketSecrets(all, clock.now());
  };
  look();
  signal.addEventListener('abort', clock.every(lookMs, look), { once: true });
  return look;
}
