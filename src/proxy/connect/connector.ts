import { lookup } from 'node:dns';
import { errorMessage, type Flag, type Guarded, INTERNAL_ERROR, internalError } from '../../errors/index.ts';
import {
  type ClusterEndpoint,
  formatAddress,
  isIpAddress,
  isIpv6,
  type OriginatedTls,
  type Peer,
  type TcpKeepalive,
} from '../../model/index.ts';
import { Deadline, type TimerWheel } from '../../time/index.ts';
import {
  type CertificateOf,
  connectFederatedTls,
  connectMeshTls,
  connectOriginatedTls,
  type FederatedUpstream,
  type Handshake,
  type HandshakeWaiter,
  type MeshTls,
  OriginatedContexts,
} from '../../tls/index.ts';
import { type Dial, dial, enterEvent, keepAlive, leaveEvent, type Wire } from '../../wire/index.ts';
import { circleWords, type OwnListener } from './own-listener.ts';
import { encodePreface } from './preface.ts';
import { ALPN_OF, type Spoken } from './speech.ts';

/** How the outcome of opening a connection is told. Never before the call that opens it has returned. */
export type OnWire = (wire: Wire, spoken: Spoken) => void;
/** The flag and the plain words of a failure, and whether a mesh handshake failed on a connection that was open. */
export type OnError = (flag: Flag, detail: string, inHandshake: boolean) => void;

/** What opening connections needs. */
export interface ConnectorOptions {
  readonly timers: TimerWheel;
  readonly tls: MeshTls;
  /** Who this proxy is, for the preface. A function, because discovery tells it later. */
  readonly self: () => Peer;
  /** This pod's address, for the preface; ''. */
  readonly address: string;
  /** Monotonic. */
  readonly nowMs: () => number;
  /** Connections there would come back in here. */
  readonly own?: OwnListener;
  /** For OriginatedTls.certificate. */
  readonly certificateOf?: CertificateOf;
  /** The system's resolver unless told. */
  readonly lookUp?: LookUp;
}

/** What a connection is for. */
export interface ConnectRequest {
  readonly endpoint: ClusterEndpoint;
  /** What may be spoken, the dearest first; what is, is agreed on with TLS. Without it nobody can be asked: it is the first. */
  readonly speaks: readonly [Spoken, ...Spoken[]];
  /** The service's host, sent as SNI. */
  readonly serverName: string;
  readonly timeoutMs: number;
  /** The source address to bind; '' for any. */
  readonly localAddress: string;
  /** See dial: where it is the client's own. */
  readonly foreignPort?: number;
  /** For endpoints that are no mesh peers. */
  readonly tls?: OriginatedTls;
  readonly keepalive?: TcpKeepalive;
}

/** dns.lookup, for all addresses of a name. */
export type LookUp = (
  name: string,
  answer: (
    error: NodeJS.ErrnoException | null,
    addresses: readonly { readonly address: string }[] | undefined,
  ) => void,
) => void;

const systemLookUp: LookUp = (name, answer) => lookup(name, { all: true }, answer);

/** Opens connections to endpoints: TCP, then mesh TLS with the identity check and the preface where the endpoint is meshed. */
export class Connector {
  readonly #options: ConnectorOptions;
  readonly #contexts: OriginatedContexts;

  constructor(options: ConnectorOptions) {
    this.#options = options;
    this.#contexts = new OriginatedContexts(options.certificateOf);
  }

  /** Begins to open a connection; the wire comes without a handler and does not read yet. */
  open(request: ConnectRequest, onWire: OnWire, onError: OnError): { cancel(): void } {
    return new Opening(this.#options, this.#contexts, request, onWire, onError);
  }
}

/**
 * A handshake takes several steps on both sides. On a machine that has no CPU to spare it would be given up half done and begun
 * anew, which is yet more work: time in which this process did not run counts for so many timeouts at most.
 */
const maxGrace = 1;

class Opening implements Guarded {
  readonly #options: ConnectorOptions;
  readonly #contexts: OriginatedContexts;
  readonly #request: ConnectRequest;
  readonly #onWire: OnWire;
  readonly #onError: OnError;
  readonly #deadline: Deadline;
  #dial: Dial | undefined;
  #handshake: Handshake | undefined;
  #over = false;

  constructor(
    options: ConnectorOptions,
    contexts: OriginatedContexts,
    request: ConnectRequest,
    onWire: OnWire,
    onError: OnError,
  ) {
    this.#options = options;
    this.#contexts = contexts;
    this.#request = request;
    this.#onWire = onWire;
    this.#onError = onError;
    this.#deadline = new Deadline(() => this.#timedOut(), this);
    this.#deadline.graceMs = request.timeoutMs * maxGrace;
    options.timers.schedule(this.#deadline, request.timeoutMs);
    const { address } = request.endpoint;
    try {
      if (isIpAddress(address)) this.#connect(address);
      else this.#resolve(address);
    } catch (thrown) {
      // Whoever asks has taken a place for this connection, and gives it back when it hears of a failure.
      internalError('connector', thrown);
      setImmediate(() => this.onFault());
    }
  }

  /** Behind an ExternalName stands a name and not an address; it is looked up for each connection, so that it may move. */
  #resolve(name: string): void {
    const lookUp = this.#options.lookUp ?? systemLookUp;
    const resolved: Parameters<LookUp>[1] = (error, addresses) => {
      if (this.#over) return;
      enterEvent();
      try {
        // With an error there are no addresses, not even an empty list.
        const found = error === null ? (addresses ?? []) : [];
        const { allAddresses } = this.#request.endpoint;
        const at = allAddresses === true ? Math.floor(Math.random() * found.length) : 0;
        const address = found[at]?.address;
        if (address === undefined)
          this.#fail(`the name ${name} cannot be resolved (${error?.code ?? 'it has no address'})`, 'DF');
        else this.#connect(address);
      } catch (thrown) {
        internalError('dns', thrown);
        this.onFault();
      }
      leaveEvent();
    };
    try {
      lookUp(name, resolved);
    } catch (thrown) {
      // Node refuses some names at once; the failure is told later, as all are.
      const refused = Object.assign(new Error(errorMessage(thrown)), { code: errorMessage(thrown) });
      setImmediate(resolved, refused, undefined);
    }
  }

  /** An error of Weft's own: the connection will not come about. */
  onFault(): void {
    this.#dial?.cancel();
    this.#handshake?.cancel();
    this.#fail(INTERNAL_ERROR);
  }

  #connect(address: string): void {
    const { endpoint, localAddress, foreignPort } = this.#request;
    const port = endpoint.tunnelPort ?? endpoint.port;
    if (this.#options.own?.is(address, port) === true) {
      // Never before the call that opens has returned.
      setImmediate(() => this.#fail(circleWords(formatAddress(address, port)), 'NR'));
      return;
    }
    const dialer = {
      onConnect: (wire: Wire) => this.#connected(wire),
      onConnectError: (error: string) => this.#fail(`${this.#where()}: ${connectWords(error)}`),
      onFault: () => this.onFault(),
    };
    this.#dial = dial(address, port, localAddress, dialer, foreignPort);
  }

  cancel(): void {
    if (this.#over) return;
    this.#finish();
    this.#dial?.cancel();
    this.#handshake?.cancel();
  }

  #connected(wire: Wire): void {
    this.#dial = undefined;
    const { endpoint, speaks, serverName, keepalive } = this.#request;
    if (keepalive !== undefined) keepAlive(wire.native.fd, inSeconds(keepalive));
    if (endpoint.tls === 'plaintext') {
      if (this.#request.tls !== undefined) this.#originate(wire, this.#request.tls);
      else {
        this.#finish();
        this.#onWire(wire, speaks[0]);
      }
      return;
    }
    const { tls } = this.#options;
    if (endpoint.peer.principal === '') {
      wire.destroy();
      this.#fail(
        `${this.#where()} is to be called over mesh TLS (a DestinationRule says so), but the mesh does not know who it is`,
      );
      return;
    }
    if (!tls.ready) {
      wire.destroy();
      this.#fail(
        `${this.#where()} takes mesh TLS, and this proxy has no certificate yet; see its log for why`,
      );
      return;
    }
    const offered = speaks.map(each => ALPN_OF[each].mesh);
    const own = this.#request.tls?.mode === 'mesh' ? this.#request.tls : undefined;
    const waiter: HandshakeWaiter = {
      onSecured: secured => {
        const spoken = speaks.find(each => ALPN_OF[each].mesh === secured.protocol);
        if (spoken === undefined) {
          secured.wire.destroy();
          this.#fail(`${this.#where()} does not speak ${offered.join(' or ')}`);
          return;
        }
        this.#finish();
        const preface = encodePreface({
          port: endpoint.port,
          source: this.#options.self(),
          address: this.#options.address,
        });
        secured.wire.write(preface, 0, preface.length);
        this.#onWire(secured.wire, spoken);
      },
      onHandshakeError: reason => this.#fail(`${this.#where()}: ${reason}`, 'UF', true),
      onFault: () => this.onFault(),
    };
    const name = own?.serverName ?? serverName;
    const { principal } = endpoint.peer;
    this.#handshake = connectMeshTls(wire, tls, offered, name, principal, waiter, own?.subjectAltNames);
  }

  /** TLS to an upstream outside of the mesh. */
  #originate(wire: Wire, settings: OriginatedTls): void {
    const { speaks, serverName } = this.#request;
    const offered = speaks.map(each => ALPN_OF[each].elsewhere).filter(name => name !== '');
    const waiter: HandshakeWaiter = {
      onSecured: secured => {
        this.#finish();
        // Who agrees on nothing speaks what everybody does.
        const agreed = speaks.find(each => ALPN_OF[each].elsewhere === secured.protocol);
        this.#onWire(secured.wire, agreed ?? speaks.at(-1)!);
      },
      onHandshakeError: reason => this.#fail(`${this.#where()}: ${reason}`),
      onFault: () => this.onFault(),
    };
    if (settings.mode === 'mesh') {
      this.#federate(wire, { settings, serverName, alpn: offered }, waiter);
      return;
    }
    let context: ReturnType<OriginatedContexts['get']>;
    try {
      context = this.#contexts.get(settings, this.#options.nowMs());
    } catch (error) {
      wire.destroy();
      this.#fail(`${this.#where()}: ${errorMessage(error)}`);
      return;
    }
    const upstream = { context, settings, serverName, alpn: offered };
    this.#handshake = connectOriginatedTls(wire, upstream, waiter);
  }

  /** The same to a workload of another trust domain. */
  #federate(wire: Wire, upstream: FederatedUpstream, waiter: HandshakeWaiter): void {
    const { tls } = this.#options;
    if (tls.ready) {
      this.#handshake = connectFederatedTls(wire, tls, upstream, waiter);
      return;
    }
    wire.destroy();
    this.#fail(
      `${this.#where()} takes mutual TLS, and this proxy has no certificate yet; see its log for why`,
    );
  }

  #timedOut(): void {
    const what = this.#handshake === undefined ? 'no connection' : 'no TLS handshake';
    this.#dial?.cancel();
    this.#handshake?.cancel();
    this.#fail(`${this.#where()}: ${what} within ${this.#request.timeoutMs} ms`);
  }

  #fail(detail: string, flag: Flag = 'UF', inHandshake = false): void {
    if (this.#over) return;
    this.#finish();
    try {
      this.#onError(flag, detail, inHandshake);
    } catch (thrown) {
      internalError('connector', thrown);
    }
  }

  #finish(): void {
    this.#over = true;
    this.#options.timers.cancel(this.#deadline);
  }

  #where(): string {
    const { address, port, peer } = this.#request.endpoint;
    return `${formatAddress(address, port)}${peer.pod === '' ? '' : ` (pod ${peer.pod})`}`;
  }
}

/** The kernel counts whole seconds; at least one. */
function inSeconds({ timeMs, intervalMs, probes }: TcpKeepalive): Parameters<typeof keepAlive>[1] {
  const seconds = (ms: number | undefined): number | undefined =>
    ms === undefined ? undefined : Math.max(1, Math.round(ms / 1000));
  return { idleSeconds: seconds(timeMs), intervalSeconds: seconds(intervalMs), probes };
}

const connectErrors: Record<string, string> = {
  ECONNREFUSED: 'connection refused; does the app listen on this port and address?',
  EHOSTUNREACH: 'no route to the host; is the pod gone?',
  ENETUNREACH: 'the network is unreachable',
  ETIMEDOUT: 'no answer to the connection attempt',
  EPERM:
    "the proxy may not use its callers' addresses (weft.dev/client-addresses: keep), for which it needs the capability NET_RAW",
  EADDRINUSE: "no free local port; are too many connections from one caller's address open or just closed?",
  EMFILE: 'the proxy has no file descriptor left; raise the limit of open files (ulimit -n, LimitNOFILE)',
  ENFILE: 'the machine has no file descriptor left',
  EADDRNOTAVAIL: 'no free local port or address; are ephemeral ports exhausted?',
};

function connectWords(error: string): string {
  const words = connectErrors[error];
  return words === undefined ? error : `${words} (${error})`;
}

/** The source address of what the proxy asks its app on its own behalf (probes, metrics); see PROBE_SOURCE in redirect/. */
export function probeAddress(address: string): string {
  return isIpv6(address) ? '::7' : '127.0.0.7';
}

/** The source address that marks the proxy's connections to its own app, so that packet rules let them through. */
export function passThroughAddress(address: string): string {
  return isIpv6(address) ? '::6' : '127.0.0.6';
}
