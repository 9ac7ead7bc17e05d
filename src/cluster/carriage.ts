import type { ClusterConfig, ClusterEndpoint } from '../model/index.ts';

/**
 * What requests to an endpoint are carried in. `client`: what the client of each speaks. `http1`: that, except for what needs
 * HTTP/2 (gRPC). `http2`: that, except for what needs a connection for itself.
 */
export type Carriage = 'client' | 'http1' | 'http2';

/**
 * Between two proxies nothing is lost by what the client speaks, and the other one knows its own port: only there requests of
 * HTTP/1 are upgraded because somebody asks for it. To an endpoint itself the port's own word counts.
 */
export function carriageOf({ protocol, settings }: ClusterConfig, { tls }: ClusterEndpoint): Carriage {
  const { upgrade, useClientProtocol, priorKnowledge } = settings.http2 ?? {};
  if (useClientProtocol === true) return 'client';
  if (protocol === 'http2' || protocol === 'grpc') return 'http2';
  if (tls === 'mesh') return upgrade === true ? 'http2' : 'client';
  if (priorKnowledge === true) return 'http2';
  return protocol === 'http' ? 'http1' : 'client';
}
