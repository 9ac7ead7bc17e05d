import { isIP } from 'node:net';
import { WeftError } from '../errors/index.ts';
import { type AddressInfo, errorName, type NativeTcp, tcp } from './native.ts';
import { enterEvent, leaveEvent } from './scratch.ts';
import { type Wire, wireOverTcp } from './wire.ts';

/** What a listener was asked to do. */
export interface ListenOptions {
  /** `0.0.0.0`, `::`, `127.0.0.1`, … */
  readonly host: string;
  /** 0 for any free one. */
  readonly port: number;
  /** What it is for, for the error when the port is taken: `outbound`. */
  readonly purpose: string;
  readonly backlog?: number;
  /** An inherited listening socket instead of a new one; host and port are then only for messages. */
  readonly fd?: number;
}

/** Accepts TCP connections as wires that do not read yet. */
export class Listener {
  readonly #handle: NativeTcp;
  readonly address: string;
  readonly port: number;
  #closed = false;

  /** Throws WeftError `port-in-use`, `no-right-to-listen` or `cannot-listen`. */
  constructor(options: ListenOptions, accept: (wire: Wire) => void) {
    const handle = new tcp.TCP(tcp.constants.SERVER);
    this.#handle = handle;
    let errno = options.fd === undefined ? bind(handle, options.host, options.port) : handle.open(options.fd);
    handle.onconnection = (status, client) => {
      if (status !== 0) return;
      client.setNoDelay(true);
      enterEvent();
      try {
        accept(wireOverTcp(client));
      } finally {
        leaveEvent();
      }
    };
    if (errno === 0) errno = handle.listen(options.backlog ?? 4096);
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

  /** Accepts no more; connections that were accepted stay. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#handle.close();
  }
}

function bind(handle: NativeTcp, host: string, port: number): number {
  // Without the flag libuv makes an IPv6 socket that also takes IPv4, which is what `::` is wanted for.
  return isIP(host) === 6 ? handle.bind6(host, port, 0) : handle.bind(host, port);
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
