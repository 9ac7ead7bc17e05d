// Connections from an address that is not this machine's: Linux's transparent proxying (Documentation/networking/tproxy.rst).
// Node has no call for the option, so the socket is made here and handed to libuv.
import { lastErrno, libcFunction } from '../libc/index.ts';
import type { NativeTcp } from './native.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
/** SOCK_NONBLOCK and SOCK_CLOEXEC. */
const FLAGS = 0o4000 | 0o2000000;
const SOL_IP = 0;
const SOL_IPV6 = 41;
const IP_TRANSPARENT = 19;
const IPV6_TRANSPARENT = 75;
const on = Buffer.from(new Int32Array([1]).buffer);

/**
 * Below what Linux gives to clients (ip_local_port_range, 32768 to 60999): to the kernel's connection tracking a connection from
 * a port that the caller's machine uses itself would be the caller's own.
 */
const FIRST_PORT = 1024;
const PORTS = 32_768 - FIRST_PORT;
/** Ports that are tried before it is called a failure; one is taken when a connection of the last minute had it. */
const TRIES = 32;

interface Calls {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Buffer, length: number) => number;
  readonly bind: (fd: number, address: Buffer, length: number) => number;
  readonly close: (fd: number) => number;
}

let calls: Calls | undefined;

/** Loads what `openFrom` needs. Throws where koffi has no binary for the machine. */
export function loadForeignSource(): void {
  calls ??= {
    socket: libcFunction('int socket(int family, int type, int protocol)'),
    setsockopt: libcFunction('int setsockopt(int fd, int level, int name, void *value, uint32_t length)'),
    bind: libcFunction('int bind(int fd, void *address, uint32_t length)'),
    close: libcFunction('int close(int fd)'),
  };
}

/**
 * Makes `handle` a socket that is bound to `address`, which need not be this machine's, with a port of its own but not
 * `exceptPort`. 0, or a negative errno: EPERM without the capability NET_RAW or NET_ADMIN, EADDRINUSE where no port was found.
 * Once per connection.
 */
export function openFrom(
  handle: NativeTcp,
  address: string,
  exceptPort: number,
  random: () => number = Math.random,
): number {
  loadForeignSource();
  const { socket, setsockopt, bind, close } = calls!;
  const isV6 = address.includes(':');
  const fd = socket(isV6 ? AF_INET6 : AF_INET, SOCK_STREAM | FLAGS, 0);
  if (fd < 0) return -lastErrno();
  const failed = (code: number): number => {
    close(fd);
    return code;
  };
  const [level, name] = isV6 ? [SOL_IPV6, IPV6_TRANSPARENT] : [SOL_IP, IP_TRANSPARENT];
  if (setsockopt(fd, level, name, on, on.length) !== 0) return failed(-lastErrno());
  const socketAddress = socketAddressOf(address, isV6);
  if (socketAddress === undefined) return failed(-EINVAL);
  let port = Math.floor(random() * PORTS);
  for (let tries = 0; tries < TRIES; tries++, port = (port + 1) % PORTS) {
    if (FIRST_PORT + port === exceptPort) continue;
    socketAddress.writeUInt16BE(FIRST_PORT + port, 2);
    if (bind(fd, socketAddress, socketAddress.length) === 0) {
      const code = handle.open(fd);
      return code === 0 ? 0 : failed(code);
    }
    const code = lastErrno();
    if (code !== EADDRINUSE) return failed(-code);
  }
  return failed(-EADDRINUSE);
}

const EINVAL = 22;
const EADDRINUSE = 98;

/** struct sockaddr_in or sockaddr_in6, without the port. Undefined for what is no address literal. */
function socketAddressOf(address: string, isV6: boolean): Buffer | undefined {
  const bytes = isV6 ? ipv6Bytes(address) : ipv4Bytes(address);
  if (bytes === undefined) return undefined;
  const made = Buffer.alloc(isV6 ? 28 : 16);
  made.writeUInt16LE(isV6 ? AF_INET6 : AF_INET, 0);
  bytes.copy(made, isV6 ? 8 : 4);
  return made;
}

function ipv4Bytes(address: string): Buffer | undefined {
  const parts = address.split('.').map(Number);
  const isGood =
    parts.length === 4 && parts.every(part => Number.isInteger(part) && part >= 0 && part <= 255);
  return isGood ? Buffer.from(parts) : undefined;
}

/** As the kernel writes it: no zone, and no dotted end but that of a mapped address, which is none of ours. */
function ipv6Bytes(address: string): Buffer | undefined {
  const [head = '', tail, more] = address.split('::');
  if (more !== undefined) return undefined;
  const groups = (text: string): number[] =>
    text === '' ? [] : text.split(':').map(each => Number(`0x${each}`));
  const [front, back] = [groups(head), groups(tail ?? '')];
  const gap = 8 - front.length - back.length;
  if ((tail === undefined && gap !== 0) || gap < 0) return undefined;
  const all = [...front, ...new Array<number>(tail === undefined ? 0 : gap).fill(0), ...back];
  if (!all.every(group => group >= 0 && group <= 0xffff)) return undefined;
  const made = Buffer.alloc(16);
  for (const [index, group] of all.entries()) made.writeUInt16BE(group, index * 2);
  return made;
}
