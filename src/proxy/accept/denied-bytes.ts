import type { Denial } from '../../authorization/index.ts';
import type { Services } from '../services/services.ts';
import { mayLog, type RefusedStart, type RefusedToTell, tellRefusal, withoutPort } from './refusal.ts';

const REASON = 'authorization';

/** As records and logs have it. */
export function detailOf({ code, words }: Denial): string {
  return `${code}: ${words}`;
}

/** Counts the refusal, and tells of it in the log. */
export function noteRefusal(services: Services, refused: RefusedToTell, { words }: Denial): void {
  const { kind, client, principal, port } = refused;
  services.counters.refused.add(`port="${port}",reason="${REASON}"`);
  if (mayLog(services, `${withoutPort(client)} ${port} ${REASON}`))
    services.log.warn({ client, port, principal, protocol: kind }, `refused a connection: ${words}`);
}

/** Ends a connection whose bytes nobody may send, when it begins. Whoever it is hears nothing, for no protocol is known. */
export function refuseBytes(
  services: Services,
  refused: RefusedStart,
  denial: Denial,
  durationMs: number,
): void {
  tellDenial(services, refused, denial, durationMs);
  refused.wire.reset();
}

/** Of a connection that is refused when it begins: counted, logged, and kept for weft explain. */
export function tellDenial(
  services: Services,
  refused: RefusedToTell,
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
}
