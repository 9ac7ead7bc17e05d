import { WeftError } from '../errors/index.ts';
import { notPermitted } from './backend.ts';
import { INBOUND_SOURCE, PROBE_SOURCE } from './plan.ts';
import type { Run } from './run.ts';

/** An address that lo must have, so that the proxy can call from it. */
export interface LoopbackSource {
  readonly address: string;
  /**
   * An empty chain that says that the address on lo came from us, so that undo takes away what apply brought and no more. It
   * lives and goes with our other chains.
   */
  readonly chain: string;
}

/** IPv4 has all of 127.0.0.0/8 on lo. */
export const LOOPBACK_SOURCES: readonly LoopbackSource[] = [
  { address: INBOUND_SOURCE.ipv6, chain: 'WEFT_ADDED_LO6' },
  { address: PROBE_SOURCE.ipv6, chain: 'WEFT_ADDED_LO7' },
];

/** IPv6 in this network namespace. */
export interface Ipv6State {
  /** False when it is switched off: then nothing can travel over it. */
  readonly enabled: boolean;
  /** Whether an interface has an address that others can reach (not ::1, not link-local). */
  readonly reachable: boolean;
  /** Those that lo does not have. */
  readonly missing: readonly LoopbackSource[];
}

/** Reads the state of IPv6 from /proc. */
export async function readIpv6(run: Run): Promise<Ipv6State> {
  const addresses = await run('cat', ['/proc/net/if_inet6']);
  const off = await run('cat', ['/proc/sys/net/ipv6/conf/lo/disable_ipv6']);
  if (addresses.code !== 0) return { enabled: false, reachable: false, missing: LOOPBACK_SOURCES };
  // Columns: address, interface index, prefix length, scope (00 global, 10 host, 20 link), flags, interface; all hexadecimal.
  const rows = addresses.stdout.split('\n').flatMap(line => {
    const [address, , , scope, , device] = line.trim().split(/\s+/);
    return device === undefined ? [] : [{ address: address!, scope, device }];
  });
  const isThere = ({ address }: LoopbackSource): boolean => {
    const digits = address.slice('::'.length).padStart(32, '0');
    return rows.some(row => row.device === 'lo' && row.address === digits);
  };
  return {
    enabled: rows.length > 0 || off.stdout.trim() === '0',
    reachable: rows.some(row => row.scope === '00' && row.device !== 'lo'),
    missing: LOOPBACK_SOURCES.filter(source => !isThere(source)),
  };
}

/** Adds an address to lo, so that the proxy can bind it. Throws WeftError when that does not work. */
export async function addLoopbackSource(run: Run, source: LoopbackSource): Promise<void> {
  const address = `${source.address}/128`;
  const result = await run('ip', ['-6', 'addr', 'add', address, 'dev', 'lo']);
  if (result.code === 0 || /file exists|already assigned/i.test(result.stderr)) return;
  const what = `could not add ${address} to lo: ${result.stderr.trim()}`;
  if (result.missing) {
    const message = `${what}; install the package iproute2, or switch IPv6 off with --ipv6 off`;
    throw new WeftError('redirect-no-iproute2', message, { source: 'config' });
  }
  if (/operation not permitted/i.test(result.stderr)) throw notPermitted(what);
  throw new WeftError(
    'redirect-failed',
    `${what}; is IPv6 switched on for lo (net.ipv6.conf.lo.disable_ipv6)?`,
  );
}

/** Takes an address from lo; it is no error when it is not there. */
export async function removeLoopbackSource(run: Run, { address }: LoopbackSource): Promise<void> {
  await run('ip', ['-6', 'addr', 'del', `${address}/128`, 'dev', 'lo']);
}
