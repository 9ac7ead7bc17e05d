import type { FetchKeys } from '../authentication/index.ts';
import type { MtlsMode, TelemetrySettings } from '../model/index.ts';
import type { AccessLog, Log, MetricLimits } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import type { MeshTls } from '../tls/index.ts';
import type { OriginalDestination, Wire } from '../wire/index.ts';
import type { DestinationSource, DestinationTimes } from './destinations/destinations.ts';
import type { MakeEdgeFilters } from './filters/edge.interface.ts';
import type { MakeGatewayRole } from './gateway/gateway-role.interface.ts';
import type { ListenerPlace } from './listeners.ts';
import type { RecordSettings } from './record/recorder.ts';
import type { ConnectionLives } from './services/connection-lives.ts';
import type { Http2Bounds } from './services/http2-listening.ts';

/** What a proxy is built from; see config/ for where it comes from. */
export interface DataPlaneOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly accessLog: AccessLog;
  readonly tls: MeshTls;
  readonly source: DestinationSource;
  readonly outbound: ListenerPlace;
  readonly inbound: ListenerPlace;
  /** Whether packet rules redirect traffic to the listeners. Otherwise apps name the proxy (explicit mode). */
  readonly redirected: boolean;
  /** The host that an address stands for which this machine alone gave it; see src/dns/virtual-addresses.ts. */
  readonly hostOf?: (address: string) => string | undefined;
  /** Every outbound connection goes here, whatever it was meant for; for measuring one hop without packet rules. */
  readonly fixedDestination?: OriginalDestination;
  /** Other cores listen on the same ports. */
  readonly sharePorts?: boolean;
  /** This pod's own address. */
  readonly address: string;
  /** The address of the Service `kubernetes`; see ServiceAddresses. */
  readonly firstServiceAddress?: string;
  /** What holds for inbound connections before discovery has said anything. */
  readonly mtlsUntilKnown: MtlsMode;
  /**
   * Whether discovery will say who may call this workload: before its first `inbound` resource connections wait, and are refused
   * then. Without it everybody is let in whom `mtlsUntilKnown` lets in.
   */
  readonly awaitsInbound?: boolean;
  /**
   * This pod's addresses, where apps are to see their clients' addresses: needs the rules for that, and NET_RAW (see openFrom).
   */
  readonly ownAddresses?: ReadonlySet<string>;
  /** Ports of this proxy beside those of its two listeners: nobody reaches them through it. */
  readonly ownPorts?: readonly number[];
  readonly times?: DestinationTimes;
  /** See PoolOptions.staleAfterMs; for tests. */
  readonly staleAfterMs?: number;
  /** What of requests is kept for whoever asks about them later; undefined keeps nothing. */
  readonly record?: RecordSettings;
  /** Makes it a gateway, which has no listeners but its gateways'; see src/proxy/gateway/. */
  readonly gateway?: MakeGatewayRole;
  /** Where it is not DEFAULT_LIVES. */
  readonly lives?: Partial<ConnectionLives>;
  /** What clients that come in by HTTP/2 may ask for, where it is not EDGE_LIMITS and MESH_LIMITS. */
  readonly inboundHttp2?: Http2Bounds;
  /** Of this core, where there are several. */
  readonly metricLimits?: MetricLimits;
  /** Hears what is to be told of this workload's traffic, whenever that changes. */
  readonly onTelemetry?: (telemetry: TelemetrySettings | undefined) => void;
  /** Fetches the keys of issuers of tokens; over HTTP unless told. */
  readonly fetchKeys?: FetchKeys;
  /** Carries out what routes ask of the clients of an edge; see src/proxy/edge/. Without it such routes are refused. */
  readonly edge?: MakeEdgeFilters;
  /** Answers connections that are not traffic, such as the self-test of the packet rules. True when it took the wire. */
  readonly intercept?: (wire: Wire, wanted: OriginalDestination | undefined) => boolean;
}
