import type { JoinTokens, SignedChain, TokenVerifier } from '../ca/index.ts';
import type { WeftError } from '../errors/index.ts';
import type { Credentials, CredentialsListener } from '../identity/index.ts';
import type { Identity, MachineClaim, ResourceKind } from '../model/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import type { Hub } from './hub.ts';
import type { Question } from './protocol.ts';

/** What the server needs of the certificate authority. */
export interface Signer {
  /**
   * A certificate for the request's key, or why not. The identity has been proven, and so has the pod's uid where there is one.
   */
  sign(
    csr: string,
    identity: Identity,
    pod: { readonly podUid?: string | undefined },
  ): SignedChain | WeftError | Promise<SignedChain | WeftError>;
  /** PEM of every root that is good now. */
  readonly roots: readonly string[];
}

/** Where credentials come from, and word of new ones; a CertificateKeeper is one. */
export interface CredentialSource {
  readonly credentials: Credentials | undefined;
  /** Calls at once with what there is, then with every change. */
  subscribe(listener: CredentialsListener): () => void;
}

/** Told what happens, for metrics. */
export interface DiscoveryObserver {
  connected(streams: number): void;
  pushed(kind: ResourceKind): void;
  /** `latencyMs`: from when the control plane learned of the change; undefined for answers to subscriptions. */
  acked(kind: ResourceKind, latencyMs: number | undefined): void;
  nacked(kind: ResourceKind): void;
  signed(): void;
  /** `code` of the WeftError. */
  refused(code: string): void;
  /** A stream asked for more than its limits and is read more slowly for a while. */
  slowed(): void;
  /** A destination that a proxy asked for cannot be followed and was refused alone. */
  keyRefused(): void;
}

/** What proxies may take up. */
export interface DiscoveryLimits {
  /** Connections, streams and those that only ask for a certificate; 20,000 unless told. */
  readonly connections: number;
  /** Connections that have proven nothing yet, in all and from one address; 1,000 and 300 unless told. */
  readonly newcomers: number;
  readonly newcomersPerAddress: number;
  /** Handshakes that are made at once; 64 unless told. Others wait for their turn. */
  readonly handshakes: number;
  /** Bytes of unfinished lines that these hold together; 8 MiB unless told. */
  readonly newcomerBytes: number;
  /** Destinations of one proxy; 10,000 unless told. What is beyond them is refused alone. */
  readonly subscriptions: number;
  /** Messages a second of one proxy, over a burst of ten times as many; 500 unless told. Who sends more is read more slowly. */
  readonly messagesPerSecond: number;
  /** Destinations a second that one proxy asks for or forgets, over a burst of ten times as many; 2,000 unless told. */
  readonly keysPerSecond: number;
  /** Characters a second of answers to questions of one proxy, over a burst of ten times as many; 512 Ki unless told. */
  readonly answerBytesPerSecond: number;
  /** From the connection to `hello`, and for a handshake; 10 s unless told. */
  readonly helloMs: number;
  /** How long a `hello` waits for the pod's object; 15 s unless told. */
  readonly podMs: number;
  /** How long a push may stay without an answer; 60 s unless told. */
  readonly ackMs: number;
}

/** DiscoveryLimits where nothing is said. */
export const DEFAULT_LIMITS: DiscoveryLimits = {
  connections: 20_000,
  newcomers: 1_000,
  newcomersPerAddress: 300,
  handshakes: 64,
  newcomerBytes: 8 << 20,
  subscriptions: 10_000,
  messagesPerSecond: 500,
  keysPerSecond: 2_000,
  answerBytesPerSecond: 512 << 10,
  helloMs: 10_000,
  podMs: 15_000,
  ackMs: 60_000,
};

/** What a discovery server is made of. */
export interface DiscoveryServerOptions {
  readonly hub: Hub;
  readonly signer: Signer;
  readonly verifier: TokenVerifier;
  readonly credentials: CredentialSource;
  /**
   * Whose pod that is, as far as is known; undefined for a uid that is not. Asked when a token cannot be checked. Without it
   * nothing is signed then.
   */
  readonly podOf?: (uid: string) => Pick<Identity, 'namespace' | 'serviceAccount'> | undefined;
  /** Machines outside of the cluster; without it none can join. */
  readonly machines?: Pick<JoinTokens, 'prove'>;
  /** Who writes down which machines are there; without it none is. */
  readonly arrivals?: MachineArrivals;
  /** The program of proxies with this digest, in Base64; without it, or where it returns nothing, none is given. */
  readonly program?: (digest: string) => string | undefined;
  readonly clock: Clock;
  readonly log: Log;
  readonly observer?: DiscoveryObserver;
  readonly limits?: Partial<DiscoveryLimits>;
}

/** How one resource of a stream stands. */
export interface ResourceStatus {
  readonly kind: ResourceKind;
  readonly key: string;
  readonly version: number;
  readonly state: 'sent' | 'acked' | 'nacked';
  /** Why the proxy refused it. */
  readonly reason?: string;
}

/** A resource that a proxy does not take, or not all of it. */
export interface Refusal {
  /** `namespace/pod` */
  readonly pod: string;
  readonly key: string;
  /** The proxy's words. */
  readonly reason: string;
}

/** How one proxy's stream stands. */
export interface StreamStatus {
  /** `namespace/pod` */
  readonly pod: string;
  readonly principal: string;
  readonly proxyVersion: string;
  readonly address: string;
  readonly connectedAtMs: number;
  readonly destinations: number;
  /** Sent and not yet answered. */
  readonly outstanding: number;
  readonly resources: readonly ResourceStatus[];
}

/** Hears the answer to a question to one proxy. */
export interface QuestionListener {
  /** Some of it: whatever the proxy says, which nobody has checked. `left`: how many items were left out before these. */
  said(items: readonly unknown[], left: number): void;
  /** That was all, or there is no answer, with the reason. Called once; never after the question was given up. */
  done(error?: string): void;
}

/** A connected proxy, which can be asked. */
export interface AskableProxy {
  /** `namespace/pod` */
  readonly pod: string;
  readonly proxyVersion: string;
  /** Asks it; what is returned gives the question up. A proxy that cannot answer is `done` at once, with the reason. */
  ask(question: Question, listener: QuestionListener): () => void;
}

/** The proxies that can be asked: a DiscoveryServer is one. */
export interface AskableProxies {
  /** Those that are connected to this replica of the control plane now. */
  proxies(): readonly AskableProxy[];
  /** Calls with every proxy that connects from now on, until the returned function is called. */
  onProxy(listener: (proxy: AskableProxy) => void): () => void;
}

/** A machine outside of the cluster whose proxy has said hello. */
export interface ArrivingMachine {
  /** Of its certificate. */
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Of its certificates, whatever address it has; '' where they name none. */
  readonly uid: string;
  readonly claim: MachineClaim;
}

/** Writes down which machines are there. */
export interface MachineArrivals {
  /** Resolves once it is written down, or with why it is not to be let in: then its stream ends with that. */
  arrive(machine: ArrivingMachine): Promise<MachinePresence | WeftError>;
}

/** A machine that was let in. */
export interface MachinePresence {
  /** Its stream is open, and its proxy can be asked. */
  opened(proxy: AskableProxy): void;
  /** Its stream is over. */
  left(): void;
}
