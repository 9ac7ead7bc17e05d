import { isIP } from 'node:net';
import { internalError, WeftError } from '../errors/index.ts';
import { libcFunction } from '../libc/index.ts';
import { noteGrowth } from './crowding.ts';
import { takesDescriptor } from './descriptors.ts';
import { takeInherited, whenMayAccept } from './inherited.ts';
import { type AddressInfo, errorName, type NativeTcp, tcp } from './native.ts';
import { enterEvent, leaveEvent } from './scratch.ts';
import type { Wire } from './wire.ts';
import { wireOverTcp } from './wire-over-tcp.ts';

/** What a listener was asked to do. */
export interface ListenOptions {
  /** `0.0.0.0`, `::`, `127.0.0.1`, … */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** What it is for, for the error when the port is taken: `outbound`. */
  readonly purpose: string;
  readonly backlog?: number;
  /**
   * Other threads or processes listen on the port as well, and the kernel spreads connections over all of them (SO_REUSEPORT).
   */
  readonly shared?: boolean;
  /** An inherited listening socket instead of a new one; host and port are then only for messages. */
  readonly fd?: number;
}

/** What a connection takes before a byte of it was read: handle, wire, timers, and who waits for its first bytes. */
const acceptedBytes = 8 * 1024;

/** Accepts TCP connections as wires that do not read yet. */
export class Listener {
  readonly #accept: (status: number, client: NativeTcp) => void;
  readonly #backlog: number;
  readonly address: string;
  readonly port: number;
  #handle: NativeTcp;
  #closed = false;
  #paused = false;
  /** The socket is another process's, which accepts; see inherited.ts. */
  #waits = false;

  /** Throws WeftError `port-in-use`, `no-right-to-listen` or `cannot-listen`. */
  constructor(options: ListenOptions, accept: (wire: Wire) => void) {
    // Node takes it modulo 65536.
    if (options.port > 65_535) throw listenError(options, 'there is no such port');
    const handle = new tcp.TCP(tcp.constants.SERVER);
    this.#handle = handle;
    this.#backlog = options.backlog ?? 4096;
    const inherited = options.fd === undefined ? takeInherited(options.host, options.port) : undefined;
    const fd = options.fd ?? inherited;
    let errno = fd === undefined ? bind(handle, options) : handle.open(fd);
    this.#accept = (status, client) => {
      if (status !== 0) return;
      if (this.#paused || !takesDescriptor(client.fd)) {
        client.reset();
        return;
      }
      // Thousands may wait in the kernel, and all of them are accepted in one turn.
      noteGrowth(acceptedBytes);
      enterEvent();
      let wire: Wire | undefined;
      try {
        wire = wireOverTcp(client);
        accept(wire);
      } catch (thrown) {
        if (wire === undefined) internalError('listener.accept', thrown);
        else wire.crash('listener.accept', thrown);
      }
      leaveEvent();
    };
    handle.onconnection = this.#accept;
    if (inherited !== undefined) {
      this.#waits = true;
      whenMayAccept(() => this.#begin());
    } else if (errno === 0) errno = handle.listen(this.#backlog);
    // What is accepted has it from here (inet_csk_clone_lock of Linux): no call for each connection.
    if (errno === 0) errno = handle.setNoDelay(true);
    const info: AddressInfo = {};
    if (errno === 0) errno = handle.getsockname(info);
    if (errno !== 0) {
      handle.close();
      throw listenError(options, errorName(errno));
    }
    this.address = info.address ?? options.host;
    this.port = info.port ?? options.port;
  }

  get fd(): number {
    return this.#handle.fd;
  }

  /**
   * Accepts nothing until `resume`: connections wait in the kernel, which is told of no end of the port. Where the C library
   * cannot be called they are reset.
   */
  pause(): void {
    if (this.#paused || this.#closed) return;
    this.#paused = true;
    if (this.#waits) return;
    // libuv cannot stop accepting. A second descriptor keeps the kernel's socket while the handle is closed.
    const held = duplicate(this.#handle.fd);
    if (held < 0) return;
    const waiting = new tcp.TCP(tcp.constants.SERVER);
    if (waiting.open(held) !== 0) return;
    const before = this.#handle;
    this.#handle = waiting;
    before.close();
  }

  resume(): void {
    if (!this.#paused || this.#closed) return;
    this.#paused = false;
    if (!this.#waits) this.#listen();
  }

  #begin(): void {
    this.#waits = false;
    if (!this.#paused && !this.#closed) this.#listen();
  }

  #listen(): void {
    this.#handle.onconnection = this.#accept;
    this.#handle.listen(this.#backlog);
  }

  /** Accepts no more; connections that were accepted stay. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }
}

const duplicateClosedOnExec = 1030;

/** Another descriptor of the same socket; negative where there is none. */
function duplicate(fd: number): number {
  try {
    const fcntl = libcFunction<(fd: number, what: number, type: 'int', from: number) => number>(
      'int fcntl(int fd, int what, ...)',
    );
    return fcntl(fd, duplicateClosedOnExec, 'int', 0);
  } catch {
    return -1;
  }
}

/** libuv's UV_TCP_REUSEPORT; without UV_TCP_IPV6ONLY an IPv6 socket also takes IPv4, which is what `::` is wanted for. */
const reusePort = 2;

function bind(handle: NativeTcp, { host, port, shared }: ListenOptions): number {
  const flags = shared === true ? reusePort : 0;
  return isIP(host) === 6 ? handle.bind6(host, port, flags) : handle.bind(host, port, flags);
}

function listenError(options: ListenOptions, errno: string): WeftError {
  const where = `${options.host}:${options.port}`;
  if (errno === 'EADDRINUSE') {
    return new WeftError(
      'port-in-use',
      `the ${options.purpose} port ${where} is already in use; stop what holds it (ss -ltnp sport = :${options.port}) or choose another`,
    );
  }
  if (errno === 'EACCES' || errno === 'EPERM') {
    return new WeftError(
      'no-right-to-listen',
      `no right to listen on the ${options.purpose} port ${where}; use a port above 1023 or run with CAP_NET_BIND_SERVICE`,
    );
  }
  return new WeftError('cannot-listen', `cannot listen on the ${options.purpose} port ${where}: ${errno}`);
}
