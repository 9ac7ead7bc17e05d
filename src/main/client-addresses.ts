// What a proxy needs to call its app from clients' own addresses: the capability NET_RAW, and nothing else that root has.
import { readFileSync } from 'node:fs';
import { networkInterfaces } from 'node:os';
import { PROXY_UID } from '../config/names.ts';
import type { ProxyConfig } from '../config/proxy-config.ts';
import { WeftError } from '../errors/index.ts';
import { libcFunction } from '../libc/index.ts';
import { loadForeignSource } from '../wire/index.ts';

/** Bit of CAP_NET_RAW, capability.h; it is what IP_TRANSPARENT asks for (ip(7)). */
const NET_RAW = 1 << 13;
const PR_SET_KEEPCAPS = 8;
/** _LINUX_CAPABILITY_VERSION_3: a header of version and pid, then two times effective, permitted, inheritable. */
const VERSION_3 = 0x2008_0522;

/**
 * Where apps are to see their clients' addresses: gives up root, keeps NET_RAW, and gives this machine's own addresses. Undefined where they
 * are not. Before threads are started, which inherit what this one has. Throws WeftError `bad-configuration` without the right to do so.
 */
export function takeClientAddresses({
  clientAddresses,
  redirected,
  pod,
}: Pick<ProxyConfig, 'clientAddresses' | 'redirected' | 'pod'>): ReadonlySet<string> | undefined {
  if (clientAddresses === 'replace') return undefined;
  if (!redirected) throw refused('it needs packet rules; leave --no-redirect out');
  loadForeignSource();
  if (process.getuid?.() === 0) giveUpRoot();
  if (!hasNetRaw())
    throw refused('it needs root with the capabilities NET_RAW, SETUID and SETGID to start with');
  const own = Object.values(networkInterfaces()).flatMap(each => (each ?? []).map(({ address }) => address));
  return new Set([...own, ...pod.addresses]);
}

/** The proxy's own user is what packet rules know it by. */
function giveUpRoot(): void {
  const prctl = libcFunction<(...words: number[]) => number>(
    'int prctl(int option, unsigned long a, unsigned long b, unsigned long c, unsigned long d)',
  );
  const capset = libcFunction<(header: Buffer, data: Buffer) => number>(
    'int capset(void *header, void *data)',
  );
  prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0);
  try {
    process.setgid?.(PROXY_UID);
    process.setuid?.(PROXY_UID);
  } catch {
    throw refused('it may not become its own user; give it the capabilities SETUID and SETGID');
  }
  const header = Buffer.alloc(8);
  header.writeUInt32LE(VERSION_3, 0);
  const data = Buffer.alloc(24);
  for (const offset of [0, 4]) data.writeUInt32LE(NET_RAW, offset);
  capset(header, data);
}

function hasNetRaw(): boolean {
  const status = readFileSync('/proc/thread-self/status', 'utf8');
  const effective = /^CapEff:\s*([0-9a-f]+)/m.exec(status)?.[1] ?? '0';
  return (BigInt(`0x${effective}`) & BigInt(NET_RAW)) !== 0n;
}

function refused(why: string): WeftError {
  return new WeftError('bad-configuration', `--client-addresses keep: ${why}`, { source: 'config' });
}
