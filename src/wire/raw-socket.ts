// Sockets that are made here and handed to libuv, for options that must be set before bind(); Node has no call for them.
import { lastErrno, libcFunction } from '../libc/index.ts';

const AF_INET = 2;
const AF_INET6 = 10;
const SOCK_STREAM = 1;
/** SOCK_NONBLOCK and SOCK_CLOEXEC. */
const FLAGS = 0o4000 | 0o2000000;
const on = Buffer.from(new Int32Array([1]).buffer);

export const SOL_IP = 0;
export const SOL_IPV6 = 41;

interface Calls {
  readonly socket: (family: number, type: number, protocol: number) => number;
  readonly setsockopt: (fd: number, level: number, name: number, value: Buffer, length: number) => number;
  readonly bind: (fd: number, address: Buffer, length: number) => number;
  readonly close: (fd: number) => number;
}

let calls: Calls | undefined;

/** Loads what the others here need. Throws where koffi has no binary for the machine. */
export function loadRawSockets(): void {
  calls ??= {
    socket: libcFunction('int socket(int family, int type, int protocol)'),
    setsockopt: libcFunction('int setsockopt(int fd, int level, int name, void *value, uint32_t length)'),
    bind: libcFunction('int bind(int fd, void *address, uint32_t length)'),
    close: libcFunction('int close(int fd)'),
  };
}

/** A TCP socket that is not bound; a negative errno where there is none. Whoever makes it closes it, or hands it to libuv. */
export function makeSocket(isV6: boolean): number {
  loadRawSockets();
  const fd = calls!.socket(isV6 ? AF_INET6 : AF_INET, SOCK_STREAM | FLAGS, 0);
  return fd < 0 ? -lastErrno() : fd;
}

/** Switches an option on. 0 or a negative errno. */
export function switchOn(fd: number, level: number, name: number): number {
  return calls!.setsockopt(fd, level, name, on, on.length) === 0 ? 0 : -lastErrno();
}

/** `address`: of socketAddressOf. 0 or a negative errno. */
export function bindSocket(fd: number, address: Buffer): number {
  return calls!.bind(fd, address, address.length) === 0 ? 0 : -lastErrno();
}

export function closeSocket(fd: number): void {
  calls!.close(fd);
}

/** struct sockaddr_in or sockaddr_in6, its port 0. Undefined for what is no address literal. */
export function socketAddressOf(address: string, isV6: boolean): Buffer | undefined {
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
