import type { Random } from '../../cluster/index.ts';
import type { ServerOptions } from '../../http1/index.ts';
import type { Peer, TelemetrySettings } from '../../model/index.ts';
import type {
  AccessLog,
  AuthorizationMetrics,
  LimitMetrics,
  Log,
  LogMetrics,
  PeerNames,
  RequestMetrics,
  RouteMetrics,
  TcpMetrics,
} from '../../telemetry/index.ts';
import type { Clock, TimerWheel } from '../../time/index.ts';
import type { MeshTls } from '../../tls/index.ts';
import type { Connector } from '../connect/connector.ts';
import type { Observers } from '../observation/observers.ts';
import type { ConnectionLives } from './connection-lives.ts';
import type { Counters } from './counters.ts';
import type { FailedCalls } from './failed-calls.ts';
import type { Http2Dialling } from './http2-dialling.ts';
import type { Http2Listening } from './http2-listening.ts';
import type { MeshedCallers } from './meshed-callers.ts';
import type { RequestTagger, SessionTagger } from './request-tagger.ts';
import type { ServiceAddresses } from './service-addresses.ts';
import type { SessionCarriage } from './session-carriage.ts';

/** What all connections of a proxy share. Made once, in new-services.ts. */
export interface Services {
  readonly clock: Clock;
  readonly timers: TimerWheel;
  readonly log: Log;
  readonly accessLog: AccessLog;
  readonly requests: RequestMetrics;
  readonly tcp: TcpMetrics;
  readonly routes: RouteMetrics;
  readonly limits: LimitMetrics;
  readonly authorizations: AuthorizationMetrics;
  readonly logs: LogMetrics;
  /** What callers may call themselves in labels. */
  readonly peers: PeerNames;
  readonly meshedCallers: MeshedCallers;
  readonly counters: Counters;
  readonly tls: MeshTls;
  readonly connector: Connector;
  readonly http1: ServerOptions;
  readonly http2: Http2Listening;
  readonly http2Upstream: Http2Dialling;
  readonly sessions: SessionCarriage;
  readonly lives: ConnectionLives;
  readonly random: Random;
  /** What is not passed through while discovery is silent. */
  readonly serviceAddresses: ServiceAddresses;
  /** This pod's own address. */
  readonly address: string;
  /** This workload, as discovery told it. */
  self: Peer;
  /** What is told of this workload's traffic beyond what every proxy tells; undefined where nobody said anything about it. */
  telemetry: TelemetrySettings | undefined;
  /** See ExchangeServices.tagger. */
  tagger: RequestTagger | undefined;
  /** The same of TCP connections. */
  sessionTagger: SessionTagger | undefined;
  /** Exchanges under way, in both directions. */
  active: number;
  /** Those of them that have become tunnels, as WebSockets do. */
  tunnels: number;
  /** Who watches what is carried. */
  readonly observers: Observers;
  /** See ExchangeServices.failedCalls. */
  readonly failedCalls: FailedCalls;
  /** Since SIGTERM: answers ask clients to close. */
  draining: boolean;
  /** Memory is short: answers ask clients to close. */
  saving: boolean;
  /** See ExchangeServices.refusing. */
  refusing: boolean;
}
