// Connections from an address that is not this machine's: Linux's transparent proxying (Documentation/networking/tproxy.rst).
import type { NativeTcp } from './native.ts';
import {
  bindSocket,
  closeSocket,
  loadRawSockets,
  makeSocket,
  SOL_IP,
  SOL_IPV6,
  socketAddressOf,
  switchOn,
} from './raw-socket.ts';

const IP_TRANSPARENT = 19;
const IPV6_TRANSPARENT = 75;

/**
 * Below what Linux gives to clients (ip_local_port_range, 32768 to 60999): to the kernel's connection tracking a connection from
 * a port that the caller's machine uses itself would be the caller's own.
 */
const FIRST_PORT = 1024;
const PORTS = 32_768 - FIRST_PORT;
/** Ports that are tried before it is called a failure; one is taken when a connection of the last minute had it. */
const TRIES = 32;
const EINVAL = 22;
const EADDRINUSE = 98;

/** Loads what `openFrom` needs. Throws where koffi has no binary for the machine. */
export function loadForeignSource(): void {
  loadRawSockets();
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
  const isV6 = address.includes(':');
  const fd = makeSocket(isV6);
  if (fd < 0) return fd;
  const failed = (code: number): number => {
    closeSocket(fd);
    return code;
  };
  const [level, name] = isV6 ? [SOL_IPV6, IPV6_TRANSPARENT] : [SOL_IP, IP_TRANSPARENT];
  const may = switchOn(fd, level, name);
  if (may !== 0) return failed(may);
  const socketAddress = socketAddressOf(address, isV6);
  if (socketAddress === undefined) return failed(-EINVAL);
  let port = Math.floor(random() * PORTS);
  for (let tries = 0; tries < TRIES; tries++, port = (port + 1) % PORTS) {
    if (FIRST_PORT + port === exceptPort) continue;
    socketAddress.writeUInt16BE(FIRST_PORT + port, 2);
    const bound = bindSocket(fd, socketAddress);
    if (bound === 0) {
      const code = handle.open(fd);
      return code === 0 ? 0 : failed(code);
    }
    if (bound !== -EADDRINUSE) return failed(bound);
  }
  return failed(-EADDRINUSE);
}
