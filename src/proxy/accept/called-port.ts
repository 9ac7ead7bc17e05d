import type { Denial, JudgedCaller } from '../../authorization/index.ts';
import type { AppSources } from '../connect/app-source.ts';
import type { InboundPorts, RunningPort } from '../destinations/inbound-ports.ts';
import type { ConnectionCaller } from '../destinations/port-entry.ts';
import { type DetectionTimes, SILENCE_MS } from '../detection/detection.ts';
import type { Services } from '../services/services.ts';
import { HANDSHAKE_TIMEOUT_MS } from './mesh-accept.ts';

/** Who calls, as far as it is known by now. */
interface PortCaller extends ConnectionCaller, JudgedCaller {
  /** Its address as the kernel names it, without a port. */
  readonly address: string;
}

/** The port that an inbound connection is for, and how it stands to that one client. */
export class CalledPort {
  readonly #services: Services;
  readonly #ports: InboundPorts;
  readonly #sources: AppSources;
  readonly #caller: PortCaller;
  #version: number;
  /** Undefined until it is known: whoever called our listener itself names it in its preface. */
  port: RunningPort | undefined;

  constructor(services: Services, ports: InboundPorts, sources: AppSources, caller: PortCaller) {
    this.#services = services;
    this.#ports = ports;
    this.#sources = sources;
    this.#caller = caller;
    this.#version = ports.version;
  }

  /** The address that the kernel names counts, and not what a peer says of itself. */
  settle(address: string, number: number): RunningPort {
    this.#version = this.#ports.version;
    this.port = this.#ports.find(address, number, this.#sources.callerOf(this.#caller.address, address));
    return this.port;
  }

  /** As discovery has it by now, which may be another than when the connection came; it is known. */
  renewed(): RunningPort {
    const port = this.port!;
    return this.#ports.version === this.#version ? port : this.settle(port.address, port.number);
  }

  /** The port where it lets this client in as it is by now; undefined where it must show a certificate first. */
  get open(): RunningPort | undefined {
    return this.port?.entry.judge(this.#caller) === true ? this.port : undefined;
  }

  /** Why the port takes no bytes of this client that nobody reads; undefined where it does. */
  get denial(): Denial | undefined {
    return this.port?.entry.peekBytes(this.#caller);
  }

  /** Whether the client must speak first, because the port takes requests. */
  get isHttp(): boolean {
    const kind = this.port?.destination.speech.kind;
    return kind === 'http' || kind === 'http2';
  }

  /** How long this client's first bytes are waited for. */
  times(quietMs: number): DetectionTimes {
    const { headTimeoutMs, idleTimeoutMs } = this.#services.http1;
    const { open } = this;
    if (open === undefined)
      return { quietMs, silentMs: HANDSHAKE_TIMEOUT_MS, unclearMs: HANDSHAKE_TIMEOUT_MS };
    // Where the app may speak first it is being asked, and its own patience counts.
    if (!this.isHttp) {
      const silentMs = this.denial === undefined ? 0 : HANDSHAKE_TIMEOUT_MS;
      return { quietMs, silentMs, unclearMs: headTimeoutMs };
    }
    const { declared } = open.destination.speech;
    return { quietMs, silentMs: declared ? idleTimeoutMs : SILENCE_MS, unclearMs: headTimeoutMs };
  }
}
