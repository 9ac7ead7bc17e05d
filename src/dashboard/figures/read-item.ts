import type { EdgeItem, FiguresItem, ProxyItem } from '../../live/figures/index.ts';
import { isRecord } from '../../plain/index.ts';

/** The longest name that is believed: two DNS names and a slash, with room. */
const maxName = 320;

/** What a proxy said, if it can be that; a proxy may be anybody's. */
export function readItem(said: unknown): FiguresItem | undefined {
  if (!isRecord(said)) return undefined;
  if (isRecord(said.proxy)) return { proxy: readProxy(said.proxy) };
  return isRecord(said.edge) ? readEdge(said.edge) : undefined;
}

function readProxy(said: Readonly<Record<string, unknown>>): ProxyItem {
  return {
    activeMs: amount(said.activeMs),
    idleMs: amount(said.idleMs),
    memoryBytes: amount(said.memoryBytes),
    retries: amount(said.retries),
    ejected: amount(said.ejected),
    waiting: amount(said.waiting),
    ...(isRecord(said.used) && {
      used: {
        busiestCores: amount(said.used.busiestCores),
        peakBytes: amount(said.used.peakBytes),
        seconds: amount(said.used.seconds),
      },
    }),
  };
}

function readEdge(said: Readonly<Record<string, unknown>>): { readonly edge: EdgeItem } | undefined {
  const { reporter, peer, version, service, protocol, mtls } = said;
  if (reporter !== 'source' && reporter !== 'destination') return undefined;
  if (!isName(peer) || !isName(version) || !isName(service)) return undefined;
  const flags = isRecord(said.flags) ? Object.entries(said.flags).slice(0, 40) : [];
  return {
    edge: {
      reporter,
      peer,
      version,
      service,
      protocol: protocol === 'tcp' ? 'tcp' : 'http',
      mtls: mtls === true,
      requests: amount(said.requests),
      failed: amount(said.failed),
      buckets: readBuckets(said.buckets),
      sent: amount(said.sent),
      received: amount(said.received),
      opened: amount(said.opened),
      open: amount(said.open),
      flags: Object.fromEntries(
        flags.flatMap(([flag, many]) => (/^[A-Z]{2,8}$/.test(flag) ? [[flag, amount(many)]] : [])),
      ),
    },
  };
}

function readBuckets(said: unknown): readonly (readonly [number, number])[] {
  if (!Array.isArray(said)) return [];
  return said.slice(0, 64).flatMap(each => {
    const [bucket, count] = Array.isArray(each) ? each : [];
    return Number.isInteger(bucket) && bucket >= 0 && bucket < 64
      ? [[bucket as number, amount(count)] as const]
      : [];
  });
}

function isName(said: unknown): said is string {
  return typeof said === 'string' && said.length <= maxName;
}

/** At least 0, and finite. */
function amount(said: unknown): number {
  return typeof said === 'number' && Number.isFinite(said) && said > 0 ? said : 0;
}
