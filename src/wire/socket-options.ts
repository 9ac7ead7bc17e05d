// The socket options that Node has no call for, through koffi, once per connection or on a rare path.
import { errorMessage, WeftError } from '../errors/index.ts';
import { libcFunction } from '../libc/index.ts';

type Getsockopt = (fd: number, level: number, name: number, value: Buffer, length: Int32Array) => number;

const SOL_IP = 0;
const SOL_TCP = 6;
const SOL_IPV6 = 41;
const SO_ORIGINAL_DST = 80;
const TCP_INFO = 11;

let call: Getsockopt | undefined;

/** Loads libc's getsockopt. Throws WeftError `no-getsockopt` where koffi has no binary for the machine. */
export function loadSocketOptions(): void {
  call ??= load();
}

function load(): Getsockopt {
  try {
    return libcFunction<Getsockopt>(
      'int getsockopt(int fd, int level, int name, _Inout_ void *value, _Inout_ int *length)',
    );
  } catch (error) {
    throw new WeftError(
      'no-getsockopt',
      `cannot call getsockopt through koffi, so original destinations stay unknown; install the package koffi for this platform, or run with --no-redirect (${errorMessage(error)})`,
      { cause: error },
    );
  }
}

/** Where a connection wanted to go before iptables redirected it. */
export interface OriginalDestination {
  readonly address: string;
  readonly port: number;
}

const value = Buffer.alloc(256);
const length = new Int32Array(1);

/**
 * The destination before REDIRECT (netfilter's SO_ORIGINAL_DST, for IPv6 IP6T_SO_ORIGINAL_DST). Undefined when the connection
 * was not redirected or conntrack has forgotten it.
 */
export function originalDestination(fd: number, family: 4 | 6): OriginalDestination | undefined {
  loadSocketOptions();
  if (fd < 0) return undefined;
  if (family === 6) {
    length[0] = 28;
    if (call!(fd, SOL_IPV6, SO_ORIGINAL_DST, value, length) === 0) {
      return { address: formatIpv6(value.subarray(8, 24)), port: value.readUInt16BE(2) };
    }
    // A dual-stack socket also carries IPv4 connections; those are asked the IPv4 way.
  }
  length[0] = 16;
  if (call!(fd, SOL_IP, SO_ORIGINAL_DST, value, length) !== 0) return undefined;
  return { address: `${value[4]}.${value[5]}.${value[6]}.${value[7]}`, port: value.readUInt16BE(2) };
}

/** What the kernel says of our bytes on a connection (struct tcp_info of linux/tcp.h). */
export interface Acknowledged {
  /** Bytes that the peer's kernel has acknowledged since the connection began, SYN and FIN not counted. */
  readonly bytes: number;
  /** Whether the connection is over, so that the number cannot grow any more. */
  readonly closed: boolean;
}

const stateClose = 7;
const bytesAckedOffset = 120;

/** Undefined when the kernel does not tell (fd closed, or a kernel before 4.1). */
export function acknowledgedBytes(fd: number): Acknowledged | undefined {
  loadSocketOptions();
  if (fd < 0) return undefined;
  length[0] = value.length;
  if (call!(fd, SOL_TCP, TCP_INFO, value, length) !== 0 || length[0] < bytesAckedOffset + 8) return undefined;
  const acked = Number(value.readBigUInt64LE(bytesAckedOffset));
  // The kernel counts the SYN of an active open as one byte.
  return { bytes: Math.max(0, acked - 1), closed: value[0] === stateClose };
}

/** When the kernel asks a quiet peer whether it is there; what is undefined stays as the machine has it. Whole seconds. */
export interface Keepalive {
  readonly idleSeconds: number | undefined;
  readonly intervalSeconds: number | undefined;
  readonly probes: number | undefined;
}

type Setsockopt = (fd: number, level: number, name: number, value: Buffer, length: number) => number;

let set: Setsockopt | undefined;
const SOL_SOCKET = 1;
const SO_KEEPALIVE = 9;
const TCP_KEEPIDLE = 4;
const TCP_KEEPINTVL = 5;
const TCP_KEEPCNT = 6;
/** MAX_TCP_KEEPIDLE and MAX_TCP_KEEPINTVL of linux/tcp.h. */
const mostSeconds = 32_767;
const number = Buffer.alloc(4);

/**
 * Switches keepalive on. Node's own setKeepAlive would set interval and probes too, to a second and ten. False where the kernel
 * refuses, or koffi has no binary for this machine: the connection is as good as without.
 */
export function keepAlive(fd: number, { idleSeconds, intervalSeconds, probes }: Keepalive): boolean {
  try {
    set ??= libcFunction<Setsockopt>(
      'int setsockopt(int fd, int level, int name, void *value, uint32_t length)',
    );
  } catch {
    return false;
  }
  const seconds = (value: number): number => Math.min(value, mostSeconds);
  return (
    put(fd, SOL_SOCKET, SO_KEEPALIVE, 1) &&
    (idleSeconds === undefined || put(fd, SOL_TCP, TCP_KEEPIDLE, seconds(idleSeconds))) &&
    (intervalSeconds === undefined || put(fd, SOL_TCP, TCP_KEEPINTVL, seconds(intervalSeconds))) &&
    (probes === undefined || put(fd, SOL_TCP, TCP_KEEPCNT, probes))
  );
}

function put(fd: number, level: number, name: number, value: number): boolean {
  number.writeInt32LE(value);
  return set!(fd, level, name, number, number.length) === 0;
}

/** Whether keepalive is on, and how; undefined for a descriptor that is no socket of TCP. For tests. */
export function keepAliveOf(fd: number): (Keepalive & { readonly on: boolean }) | undefined {
  loadSocketOptions();
  const get = (level: number, name: number): number | undefined => {
    length[0] = 4;
    return call!(fd, level, name, value, length) === 0 ? value.readInt32LE(0) : undefined;
  };
  const on = get(SOL_SOCKET, SO_KEEPALIVE);
  if (on === undefined) return undefined;
  return {
    on: on !== 0,
    idleSeconds: get(SOL_TCP, TCP_KEEPIDLE),
    intervalSeconds: get(SOL_TCP, TCP_KEEPINTVL),
    probes: get(SOL_TCP, TCP_KEEPCNT),
  };
}

/** RFC 5952 text of 16 bytes: lowercase, the longest run of zero groups (at least two) shortened. */
export function formatIpv6(bytes: Uint8Array): string {
  const groups: number[] = [];
  for (let i = 0; i < 16; i += 2) groups.push((bytes[i]! << 8) | bytes[i + 1]!);
  let bestStart = -1;
  let bestLength = 1;
  for (let i = 0; i < 8; i++) {
    let run = 0;
    while (i + run < 8 && groups[i + run] === 0) run++;
    if (run > bestLength) {
      bestStart = i;
      bestLength = run;
    }
    i += run;
  }
  const hex = groups.map(group => group.toString(16));
  if (bestStart < 0) return hex.join(':');
  return `${hex.slice(0, bestStart).join(':')}::${hex.slice(bestStart + bestLength).join(':')}`;
}
