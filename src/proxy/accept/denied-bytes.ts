import type { Denial } from '../../authorization/index.ts';
import type { Services } from '../services/services.ts';
import { mayLog, type RefusedStart, tellRefusal, withoutPort } from './refusal.ts';

const REASON = 'authorization';

/** As records and logs have it. */
export function detailOf({ code, words }: Denial): string {
  return `${code}: ${words}`;
}

/** Counts the refusal, and tells of it in the log. */
export function noteRefusal(services: Services, refused: RefusedStart, { words }: Denial): void {
  const { kind, client, principal, port } = refused;
  services.counters.refused.add(`port="${port}",reason="${REASON}"`);
  if (mayLog(services, `${withoutPort(client)} ${port} ${REASON}`))
    services.log.warn({ client, port, principal, protocol: kind }, `refused a connection: ${words}`);
}

/**
 * Ends a connection whose bytes nobody may send, when it begins. Counted, logged, and kept for weft explain; whoever it is hears
 * nothing, for no protocol is known in which to say it.
 */
export function refuseBytes(
  services: Services,
  refused: RefusedStart,
  denial: Denial,
  durationMs: number,
): void {
  const { policy } = denial;
  const detail = detailOf(denial);
  noteRefusal(services, refused, denial);
  tellRefusal(services, refused, {
    ...{ reason: REASON, flag: 'UAEX', logged: detail, detail, durationMs, status: 0, id: '' },
    ...(policy && { from: policy.from }),
  });
  refused.wire.reset();
}
