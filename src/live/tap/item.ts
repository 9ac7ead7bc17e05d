import type { Flag } from '../../errors/index.ts';

/** One end of a request. What the proxy does not know is undefined; names are added by the control plane. */
export interface TapEnd {
  /** Address and port. */
  readonly address?: string;
  /** SPIFFE id that mutual TLS has proven, or that the other side must prove. */
  readonly principal?: string;
  /** `namespace/name` of the owner of the pod. */
  readonly workload?: string;
  /** `namespace/pod` */
  readonly pod?: string;
}

/** A request, a connection that nobody reads, or what became neither, as one proxy saw it. */
export interface TapItem {
  /** Left out for requests and connections: `refusal` never became one, `mirror` is a copy that nobody answered. */
  readonly what?: 'refusal' | 'mirror';
  /** x-request-id; '' for connections. */
  readonly id: string;
  readonly direction: 'inbound' | 'outbound';
  readonly protocol: 'http' | 'grpc' | 'tcp';
  /** When it began, milliseconds since the epoch. */
  readonly atMs: number;
  readonly source: TapEnd;
  readonly destination: TapEnd & {
    /** What the caller asked for: `reviews.shop.svc.cluster.local:80`. */
    readonly host?: string;
  };
  readonly method?: string;
  readonly authority?: string;
  readonly path?: string;
  /** 0: the client got none. */
  readonly status?: number;
  /** How a gRPC call ended; undefined where nothing says so. */
  readonly grpcStatus?: number;
  readonly flag: Flag | '';
  /** Why a refusal was made, for machines: `plaintext`, `handshake`, `malformed:bad-line`. */
  readonly reason?: string;
  /** Why, in words. */
  readonly detail?: string;
  /** To the end, and to the head of the answer. */
  readonly durationMs: number;
  readonly answeredMs?: number;
  readonly receivedBytes: number;
  readonly sentBytes: number;
  /** How often it was tried; 0 for what a proxy answered itself. */
  readonly attempts: number;
  /** Of those that were asked for. */
  readonly headers?: Readonly<Record<string, string>>;
}
