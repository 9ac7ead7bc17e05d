// The last bytes of a connection and its end, in one packet: by Node's handles they are two, of which the second has a request
// object and an event of its own.
import { lastErrno, libcFunction } from '../libc/index.ts';
import { drop, isOwner, type ScratchOwner, scratch } from './scratch.ts';

interface Calls {
  readonly send: (fd: number, bytes: Buffer, length: number, flags: number) => number;
  readonly shutdown: (fd: number, how: number) => number;
}

/** MSG_DONTWAIT, MSG_NOSIGNAL and MSG_MORE: what follows is worth waiting for. */
const FLAGS = 0x40 | 0x4000 | 0x8000;
const SHUT_WR = 1;

let calls: Calls | undefined | 'none';

function load(): Calls | 'none' {
  try {
    return {
      send: libcFunction('long send(int fd, void *bytes, size_t length, int flags)'),
      shutdown: libcFunction('int shutdown(int fd, int how)'),
    };
  } catch {
    return 'none';
  }
}

/** Who ends. */
export interface Ending extends ScratchOwner {
  readonly native: { readonly fd: number };
  bytesWritten: number;
}

/**
 * Sends what is in the scratch buffer of `wire`, TCP of which nothing else waits to be sent, and the end of its side. 0 or a
 * negative errno. Undefined: to be done in libuv's way, since the kernel has no room for all of it, it is no socket, or
 * the C library cannot be called.
 */
export function endAtOnce(wire: Ending): number | undefined {
  calls ??= load();
  const { fd } = wire.native;
  if (calls === 'none' || fd < 0) return undefined;
  if (isOwner(wire)) {
    const { bytes, used } = scratch;
    const sent = calls.send(fd, bytes, used, FLAGS);
    // What is wrong, if something is, is for the other way to find out.
    if (sent <= 0) return undefined;
    wire.bytesWritten += sent;
    drop(wire, sent);
    if (sent < used) return undefined;
  }
  return calls.shutdown(fd, SHUT_WR) === 0 ? 0 : -lastErrno();
}
