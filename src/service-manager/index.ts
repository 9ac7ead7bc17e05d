// service-manager: what systemd hears of a process that it has started with Type=notify (sd_notify(3)): that it is ready, that it
// stops, and what it waits for. In: the address in NOTIFY_SOCKET. Out: datagrams.
import { lastErrno, libcFunction } from '../libc/index.ts';

const AF_UNIX = 1;
/** SOCK_DGRAM | SOCK_CLOEXEC */
const DATAGRAMS = 0o2 | 0o2000000;

/** Tells the service manager; never throws, because nothing depends on it. Undefined where nobody asked for it. */
export interface ServiceManager {
  /** `READY=1`, `STOPPING=1`, `STATUS=…`, a line each. False where it could not be told; then see `lastErrno`. */
  tell(state: string): boolean;
}

/**
 * Who started this process, by `NOTIFY_SOCKET`: a path, or a name of the abstract namespace behind `@`. Throws what libcFunction
 * throws.
 */
export function serviceManager(address: string | undefined): ServiceManager | undefined {
  if (address === undefined || !/^[/@]/.test(address)) return undefined;
  const socket = libcFunction<(domain: number, type: number, protocol: number) => number>(
    'int socket(int domain, int type, int protocol)',
  );
  const sendto = libcFunction<
    (fd: number, data: Buffer, length: number, flags: number, to: Buffer, toLength: number) => number
  >('long sendto(int fd, void *data, size_t length, int flags, void *to, uint32_t toLength)');
  const close = libcFunction<(fd: number) => number>('int close(int fd)');
  const name = Buffer.from(address);
  if (name[0] === 0x40) name[0] = 0;
  // A path ends with a zero, an abstract name with its length.
  const to = Buffer.concat([Buffer.alloc(2), name, Buffer.alloc(name[0] === 0 ? 0 : 1)]);
  new Uint16Array(to.buffer, to.byteOffset, 1)[0] = AF_UNIX;
  return {
    tell(state) {
      const fd = socket(AF_UNIX, DATAGRAMS, 0);
      if (fd < 0) return false;
      const data = Buffer.from(state);
      const sent = sendto(fd, data, data.length, 0, to, to.length);
      const errno = sent < 0 ? lastErrno() : 0;
      close(fd);
      return errno === 0;
    },
  };
}
