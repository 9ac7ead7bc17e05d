// What a data plane knows of being a gateway. Sidecars are none, and do not load what makes one.
import type { CertificateResource, DestinationResource, GatewayResource } from '../../model/index.ts';
import type { DestinationSource, Destinations } from '../destinations/destinations.ts';
import type { PortAuthentication } from '../destinations/port-authentication.ts';
import type { AuthorizationHost } from '../destinations/port-policies.ts';
import type { Services } from '../services/services.ts';

/** A port that a gateway listens on, or would. */
export interface ListeningPort {
  /** As Gateways have it. */
  readonly port: number;
  /** Of datagrams; undefined for TCP. */
  readonly protocol?: 'udp';
  /** As the machine has it; 0 where it is not listened on. */
  readonly bound: number;
  readonly listeners: readonly string[];
  /** Connections, or of UDP sessions. */
  readonly open: number;
  /** Why it is not listened on; undefined where it is. It is tried again and again. */
  readonly trouble?: string;
}

/** The gateways that a data plane serves. */
export interface GatewayRole {
  /** Asks for what its gateways are; once, when connections may come. */
  start(): void;
  /** From now on it serves these, `namespace/name`, and no others. */
  serve(names: readonly string[]): void;
  /** As DataPlane.apply. */
  apply(resource: CertificateResource | GatewayResource): string | undefined;
  /** Asks for the certificates that this destination's upstreams are to be shown. */
  heed(resource: DestinationResource): void;
  /** A certificate that was asked for, as it is now. */
  certificate(key: string): CertificateResource | undefined;
  /** For the admin pages. */
  readonly ports: readonly ListeningPort[];
  /** Connections whose bytes nobody reads. */
  readonly openStreams: number;
  /** Why requests cannot be taken yet; undefined where they can. */
  notReady(): string | undefined;
  /** Accepts nothing while memory is short. */
  pause(paused: boolean): void;
  drain(): void;
  relieve(hard: boolean): void;
  /** Accepts no more. */
  close(): void;
  /** Breaks off everything that is open. */
  destroy(): void;
}

/** What a gateway is made with. */
export interface GatewayServices {
  readonly services: Services;
  readonly destinations: Destinations;
  readonly source: DestinationSource;
  /** Who verifies tokens of one gateway's clients; made anew with each call. */
  readonly authentication: () => PortAuthentication;
  /** What is told of decisions about who may come in. */
  readonly authorization: AuthorizationHost;
  /** Other cores listen on the same ports. */
  readonly sharePorts: boolean;
  /** A connection is about to be taken on: memory may be short. */
  readonly accepting: () => void;
}

/** See DataPlaneOptions.gateway. */
export type MakeGatewayRole = (services: GatewayServices) => GatewayRole;
