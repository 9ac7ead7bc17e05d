import { isIP } from 'node:net';
import { type Guarded, giveUp, internalError } from '../errors/index.ts';
import { openFrom } from './foreign-source.ts';
import { openAt } from './local-source.ts';
import { type ConnectRequest, errorName, type NativeTcp, tcp } from './native.ts';
import { enterEvent, leaveEvent } from './scratch.ts';
import type { Wire } from './wire.ts';
import { wireOverTcp } from './wire-over-tcp.ts';

/** Learns how a dial ended. */
export interface Dialer extends Guarded {
  /** Connected; the wire does not read yet. */
  onConnect(wire: Wire): void;
  /** `error` is an errno name: ECONNREFUSED, EHOSTUNREACH, … */
  onConnectError(error: string): void;
}

/** A connection that is being opened. */
export interface Dial {
  /** Gives up; the dialer is not called. */
  cancel(): void;
}

/**
 * Opens a TCP connection to an IP literal, from `localAddress` where it is given. Never throws; the outcome comes later.
 * `foreignPort`: the address is not this machine's, and this is the port that its owner calls us from; see openFrom.
 */
export function dial(
  address: string,
  port: number,
  localAddress: string,
  dialer: Dialer,
  foreignPort?: number,
): Dial {
  const handle = new tcp.TCP(tcp.constants.SOCKET);
  const state = new PendingDial(handle, dialer);
  const version = isIP(address);
  let errno = 0;
  if (foreignPort !== undefined) errno = openFrom(handle, localAddress, foreignPort);
  else if (localAddress !== '') errno = openAt(handle, localAddress);
  if (errno === 0) {
    const request: ConnectRequest = new tcp.TCPConnectWrap();
    request.dial = state;
    request.oncomplete = onConnected;
    if (version === 0) errno = -22;
    else
      errno =
        version === 6 ? handle.connect6(request, address, port) : handle.connect(request, address, port);
  }
  if (errno !== 0) {
    const failure = errno;
    setImmediate(() => state.finish(failure));
  }
  return state;
}

function onConnected(this: ConnectRequest, status: number): void {
  (this.dial as PendingDial).finish(status);
}

class PendingDial implements Dial {
  readonly #handle: NativeTcp;
  #dialer: Dialer | undefined;

  constructor(handle: NativeTcp, dialer: Dialer) {
    this.#handle = handle;
    this.#dialer = dialer;
  }

  cancel(): void {
    if (this.#dialer === undefined) return;
    this.#dialer = undefined;
    this.#handle.close();
  }

  finish(status: number): void {
    const dialer = this.#dialer;
    if (dialer === undefined) return;
    this.#dialer = undefined;
    enterEvent();
    let wire: Wire | undefined;
    try {
      if (status !== 0) {
        this.#handle.close();
        dialer.onConnectError(errorName(status));
      } else {
        this.#handle.setNoDelay(true);
        wire = wireOverTcp(this.#handle);
        dialer.onConnect(wire);
      }
    } catch (thrown) {
      if (wire === undefined) internalError('dial', thrown);
      else wire.crash('dial', thrown);
      giveUp('dial', dialer);
    }
    leaveEvent();
  }
}
