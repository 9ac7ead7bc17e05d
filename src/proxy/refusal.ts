import type { PeerRequests } from '../telemetry/index.ts';
import type { Wire } from '../wire/index.ts';
import { answerAndLinger } from './lingering.ts';
import type { Services } from './services.ts';
import type { Sniffed } from './sniff.ts';

/** A plaintext client at a port that takes mesh TLS only. */
export interface RefusedClient {
  readonly wire: Wire;
  readonly kind: Exclude<Sniffed, 'more'>;
  readonly first: Buffer;
  readonly client: string;
  /** 0 when the client called our listener itself. */
  readonly port: number;
  readonly policy: string;
  metrics(): PeerRequests;
}

const logEveryMs = 10_000;
const lastLogged = new Map<string, number>();
const maxLogged = 1000;

/** Refuses the client and says why, in the log and, where it speaks HTTP, to itself (USERS.md row 9). */
export function refusePlaintext(services: Services, refused: RefusedClient): void {
  const { wire, kind, client, port, policy } = refused;
  services.counters.refused.add(`port="${port}",reason="plaintext"`);
  const why =
    port === 0
      ? 'this port belongs to the mesh and takes mutual TLS from other proxies only'
      : `port ${port} takes mutual TLS only (${policy})`;
  const remedy =
    'call it from a pod in the mesh (label its namespace weft.dev/inject=enabled and restart it), or allow plaintext on this port with portLevelMtls PERMISSIVE';
  if (mayLog(services, `${client.replace(/:\d+$/, '')} ${port}`)) {
    services.log.warn(
      { client, port, policy, protocol: kind },
      `refused a plaintext client: ${why}; ${remedy}`,
    );
  }
  if (kind !== 'http1') {
    wire.reset();
    return;
  }
  const series = refused.metrics().series(403, 'UAEX');
  series.requests++;
  series.touchedMs = services.clock.monotonic();
  const body = `weft: ${why}; ${remedy}\n`;
  const answer = Buffer.from(
    `HTTP/1.1 403 Forbidden\r\nx-weft-flag: UAEX\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: ${Buffer.byteLength(body)}\r\nconnection: close\r\n\r\n${body}`,
  );
  answerAndLinger(services, wire, answer);
}

/** At most one line per client and port in ten seconds. */
function mayLog(services: Services, key: string): boolean {
  const nowMs = services.clock.monotonic();
  const last = lastLogged.get(key);
  if (last !== undefined && nowMs - last < logEveryMs) return false;
  if (lastLogged.size >= maxLogged) lastLogged.clear();
  lastLogged.set(key, nowMs);
  return true;
}
