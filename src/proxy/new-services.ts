import { DEFAULT_LIMITS, http1Client, LINE_TIMEOUT_MS, type ServerOptions } from '../http1/index.ts';
import { http2Client } from '../http2/index.ts';
import {
  AuthorizationMetrics,
  LimitMetrics,
  LogMetrics,
  PeerNames,
  RequestMetrics,
  RouteMetrics,
  TcpMetrics,
  UNKNOWN_PEER,
} from '../telemetry/index.ts';
import { TimerWheel } from '../time/index.ts';
import type { CertificateOf } from '../tls/index.ts';
import { Connector } from './connect/connector.ts';
import type { OwnListener } from './connect/own-listener.ts';
import type { DataPlaneOptions } from './data-plane-options.ts';
import type { ClientCodecs } from './endpoint-dialer.ts';
import { Observers } from './observation/observers.ts';
import { DEFAULT_LIVES } from './services/connection-lives.ts';
import { Counters } from './services/counters.ts';
import { FailedCalls } from './services/failed-calls.ts';
import { http2Dialling } from './services/http2-dialling.ts';
import { http2Listening } from './services/http2-listening.ts';
import { MeshedCallers } from './services/meshed-callers.ts';
import { ServiceAddresses } from './services/service-addresses.ts';
import type { Services } from './services/services.ts';
import { sessionCarriage } from './services/session-carriage.ts';

/** Of connections from clients without a request. Long: closing first is what makes clients fail. */
const idleTimeoutMs = 3_600_000;
const lingerMs = 1_000;

/** What all connections of a proxy share, as it begins. */
export function newServices(
  options: DataPlaneOptions,
  own: OwnListener,
  certificateOf: CertificateOf,
): Services {
  const { clock, tls, address, metricLimits } = options;
  const timers = new TimerWheel(clock);
  const http1: ServerOptions = {
    limits: DEFAULT_LIMITS,
    timers,
    headTimeoutMs: LINE_TIMEOUT_MS,
    idleTimeoutMs,
    lingerMs,
  };
  const connector = new Connector({
    timers,
    tls,
    self: () => services.self,
    address,
    nowMs: () => clock.monotonic(),
    own,
    certificateOf,
  });
  const http2 = http2Listening({ clock, timers, idleTimeoutMs, lingerMs }, options.inboundHttp2);
  const http2Upstream = http2Dialling({ clock, timers, idleTimeoutMs, lingerMs });
  const services: Services = {
    clock,
    timers,
    log: options.log,
    accessLog: options.accessLog,
    requests: new RequestMetrics(metricLimits),
    tcp: new TcpMetrics(metricLimits),
    routes: new RouteMetrics(),
    limits: new LimitMetrics(),
    authorizations: new AuthorizationMetrics(),
    logs: new LogMetrics(),
    peers: new PeerNames(),
    meshedCallers: new MeshedCallers(),
    counters: new Counters(),
    tls,
    connector,
    http1,
    http2,
    http2Upstream,
    sessions: sessionCarriage(http2, http2Upstream),
    lives: { ...DEFAULT_LIVES, ...options.lives },
    random: Math.random,
    serviceAddresses: new ServiceAddresses(options.firstServiceAddress),
    address,
    self: UNKNOWN_PEER,
    telemetry: undefined,
    tagger: undefined,
    sessionTagger: undefined,
    active: 0,
    tunnels: 0,
    failedCalls: new FailedCalls(),
    observers: new Observers(),
    draining: false,
    saving: false,
    refusing: false,
  };
  return services;
}

/** How requests are carried to upstreams. */
export function clientCodecs({ timers, http2Upstream, sessions }: Services): ClientCodecs {
  const { mesh, plaintext, origin } = http2Upstream;
  return {
    http1: http1Client({ limits: DEFAULT_LIMITS, timers }),
    http2: { mesh: http2Client(mesh), plaintext: http2Client(plaintext), origin: http2Client(origin) },
    sessions: http2Client(sessions.dialling),
  };
}
