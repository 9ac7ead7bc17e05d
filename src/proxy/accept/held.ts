// Connections that come before discovery has said who may call this workload: they wait a little, and then they are refused.
import { guarded, INTERNAL_ERROR } from '../../errors/index.ts';
import { formatAddress } from '../../model/index.ts';
import { NO_SEAT } from '../../sets/index.ts';
import { Deadline } from '../../time/index.ts';
import type { Wire, WireHandler } from '../../wire/index.ts';
import type { InboundPorts, PortsWatcher } from '../destinations/inbound-ports.ts';
import { Detection, type DetectionWaiter } from '../detection/detection.ts';
import type { ListenerTerms } from '../exchange/exchange-host.ts';
import type { Services } from '../services/services.ts';
import { InboundConnection } from './inbound.ts';
import type { InboundOptions } from './inbound-options.ts';
import { type RefusedKind, refuseStart } from './refusal.ts';

/** As long as outbound connections wait for discovery; callers in the mesh try another endpoint then. */
export const HOLD_MS = 2_000;
/** For the first bytes of who is to be refused in its protocol: it has had HOLD_MS to send them. */
const askMs = 1_000;

const WORDS =
  'the proxy of this workload has not been told yet who may call it, and lets nobody in before; come again, and if it lasts see /ready of the proxy and weft check for what keeps the control plane from telling it';

type Inbound = Pick<InboundConnection, 'seat' | 'start' | 'drain' | 'relieve' | 'destroy'>;
type Wanted = { readonly address: string; readonly port: number } | undefined;

/** Takes an inbound connection on: at once where it is known who may call, and what cannot be decided yet waits. */
export function openInbound(
  services: Services,
  ports: InboundPorts,
  options: InboundOptions,
  wire: Wire,
  wanted: Wanted,
  terms: ListenerTerms,
  onClosed: () => void,
): Inbound {
  if (!options.awaitsDiscovery || ports.resource !== undefined)
    return new InboundConnection(services, ports, options, wire, wanted, terms, onClosed);
  const open = (): InboundConnection =>
    new InboundConnection(services, ports, options, wire, wanted, terms, onClosed);
  return new HeldConnection(services, ports, wire, wanted?.port ?? 0, open, onClosed);
}

/**
 * A connection of which nothing is read, and no certificate shown to it, until the first configuration is here. Then it is like
 * any other. Without it after HOLD_MS: 503 to requests of HTTP/1, GOAWAY (nothing was done) to HTTP/2, a reset to everybody else,
 * which a caller's proxy takes as an endpoint that cannot be reached.
 */
class HeldConnection implements Inbound, PortsWatcher, DetectionWaiter, WireHandler {
  seat = NO_SEAT;
  watcherSeat = NO_SEAT;
  readonly #services: Services;
  readonly #ports: InboundPorts;
  readonly #wire: Wire;
  readonly #port: number;
  readonly #open: () => InboundConnection;
  readonly #onClosed: () => void;
  readonly #deadline: Deadline;
  #opened: InboundConnection | undefined;
  #refusing: Detection | undefined;
  #over = false;

  constructor(
    services: Services,
    ports: InboundPorts,
    wire: Wire,
    port: number,
    open: () => InboundConnection,
    onClosed: () => void,
  ) {
    this.#services = services;
    this.#ports = ports;
    this.#wire = wire;
    this.#port = port;
    this.#open = open;
    this.#onClosed = onClosed;
    this.#deadline = new Deadline(() => this.#refuseSoon(), wire);
  }

  start(): void {
    this.#wire.handler = this;
    this.#ports.watchers.add(this);
    this.#services.timers.schedule(this.#deadline, HOLD_MS);
  }

  /** The rest of the resource is put to use first. */
  onPortsChanged(): void {
    this.#stopWaiting();
    setImmediate(
      guarded(
        'held-connection',
        () => this.#goOn(),
        () => this.onFault(),
      ),
    );
  }

  drain(): void {
    this.#opened?.drain();
  }

  relieve(hard: boolean): void {
    if (this.#opened !== undefined) this.#opened.relieve(hard);
    else if (hard) this.#refusing?.shed();
  }

  destroy(): void {
    if (this.#opened !== undefined) {
      this.#opened.destroy();
      return;
    }
    this.#refusing?.stop();
    this.#wire.destroy();
    this.#end();
  }

  onDetected(kind: RefusedKind): void {
    this.#refuse(kind);
  }
  onUnclear(): void {
    this.#refuse('tcp');
  }
  onSilent(): void {
    this.#refuse('nothing');
  }
  onQuiet(): void {}
  onUndecided(): void {}
  onGone(): void {
    this.destroy();
  }

  // Of the wire, while nothing is read.
  onData(): void {}
  onEnd(): void {}
  onDrain(): void {}
  onClose(): void {
    this.#end();
  }
  onFault(): void {
    this.#wire.reset(INTERNAL_ERROR);
    this.#end();
  }

  #goOn(): void {
    if (this.#over) return;
    this.#opened = this.#open();
    this.#opened.start();
  }

  #refuseSoon(): void {
    this.#stopWaiting();
    this.#refusing = new Detection(this.#wire, this.#services.timers, this);
    this.#refusing.start({ quietMs: 0, silentMs: askMs, unclearMs: askMs });
  }

  #refuse(kind: RefusedKind): void {
    const { address = '', port = 0 } = this.#wire.remoteAddress() ?? {};
    const client = address === '' ? '' : formatAddress(address.replace(/^::ffff:/, ''), port);
    const refused = {
      wire: this.#wire,
      direction: 'inbound',
      kind,
      client,
      principal: '',
      port: this.#port,
    } as const;
    refuseStart(this.#services, refused, 'not-configured', WORDS);
    this.#end();
  }

  #stopWaiting(): void {
    this.#ports.watchers.delete(this);
    this.#services.timers.cancel(this.#deadline);
  }

  #end(): void {
    if (this.#over) return;
    this.#over = true;
    this.#stopWaiting();
    this.#onClosed();
  }
}
