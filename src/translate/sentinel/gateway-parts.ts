import type { CredentialRef, GatewayListener, ObjectRef } from '../../model/index.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { ListenerConfig, SentinelConfiguration } from './configuration.ts';
import { authoritiesName, certificateName, SENTINEL_NAME } from './objects.ts';

/** Where the parts of a file belong. */
export interface PartPlace {
  readonly namespace: string;
  readonly from: ObjectRef;
}

/** The listeners of a file. */
export function gatewayParts({ listeners }: SentinelConfiguration, { namespace, from }: PartPlace): Part {
  return {
    kind: 'policy',
    of: 'gateways',
    policy: {
      namespace,
      name: SENTINEL_NAME,
      listeners: listeners.map(each => listenerOf(each, namespace)),
      from,
    },
    createdAt: '',
  };
}

function listenerOf(listener: ListenerConfig, namespace: string): GatewayListener {
  const { id, host, port, protocol, tls } = listener;
  const secret = (name: string): CredentialRef => ({ kind: 'Secret', namespace, name });
  return {
    name: id,
    port,
    addresses: [host],
    protocol,
    path: `listener "${id}"`,
    options: {
      headTimeoutMs: listener.requestTimeoutMs,
      idleTimeoutMs: listener.keepaliveTimeoutMs,
      ...given({
        maxRequestsPerConnection: listener.keepaliveMaxRequests,
        maxConnections: listener.maxConnections,
        maxHeadBytes: listener.maxHeadBytes,
      }),
    },
    ...(tls && {
      tls: {
        mode: 'terminate',
        certificates: tls.certificates.map((_, index) => secret(certificateName(id, index))),
        ...given({ minVersion: tls.minVersion, maxVersion: tls.maxVersion, ciphers: tls.ciphers }),
        ...(tls.clientAuthorities !== undefined && {
          clients: {
            mode: tls.clientsMust ? 'require' : 'optional',
            authorities: [secret(authoritiesName(id))],
          },
        }),
      },
    }),
  };
}
