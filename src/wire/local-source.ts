// Connections from one of this machine's addresses that is not the one the kernel would take, as the app is called from.

import type { NativeTcp } from './native.ts';
import { bindSocket, closeSocket, makeSocket, SOL_IP, socketAddressOf, switchOn } from './raw-socket.ts';

/** ip(7); holds for sockets of IPv6, too. */
const IP_BIND_ADDRESS_NO_PORT = 24;
const EINVAL = 22;

let callable = true;

/**
 * Makes `handle` a socket that is bound to `address` and to no port yet: the kernel takes one when it knows where the connection
 * goes. By bind() alone it would be one that no other connection from the address has had for a minute, wherever that went, so
 * that 28,000 connections a minute (ip_local_port_range) were all there could be. 0 or a negative errno. Where the C library
 * cannot be called it is bind() alone. Once per connection.
 */
export function openAt(handle: NativeTcp, address: string): number {
  const isV6 = address.includes(':');
  if (callable) {
    try {
      return openLate(handle, address, isV6);
    } catch {
      callable = false;
    }
  }
  return isV6 ? handle.bind6(address, 0) : handle.bind(address, 0);
}

function openLate(handle: NativeTcp, address: string, isV6: boolean): number {
  const socketAddress = socketAddressOf(address, isV6);
  if (socketAddress === undefined) return -EINVAL;
  const fd = makeSocket(isV6);
  if (fd < 0) return fd;
  // A kernel that does not know it (before 4.2) takes the port at once, as ever.
  switchOn(fd, SOL_IP, IP_BIND_ADDRESS_NO_PORT);
  const bound = bindSocket(fd, socketAddress);
  const code = bound === 0 ? handle.open(fd) : bound;
  if (code !== 0) closeSocket(fd);
  return code;
}
