import {
  type CertificateIssuer,
  type CredentialRef,
  type GatewayListener,
  issuerKey,
  type ObjectRef,
} from '../../model/index.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { ListenerConfig, SentinelConfiguration } from './configuration.ts';
import { acmeName, authoritiesName, certificateName, SENTINEL_NAME } from './objects.ts';

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

/** Whom its certificates are fetched from. */
export function issuerParts(
  { listeners }: SentinelConfiguration,
  { namespace, from }: PartPlace,
): readonly Part[] {
  return listeners.flatMap(({ id, tls }) =>
    (tls?.acme ?? []).map((acme, index): Part => {
      const name = acmeName(id, index);
      const { server, emails, challenge, keyType, renewBeforeMs, external, dns } = acme;
      const policy: CertificateIssuer = {
        ...{ namespace, name, server, emails, challenge, keyType },
        ...given({
          renewBeforeMs,
          externalAccount: external && { keyId: external.keyId, secret: `${name}-account` },
          dnsWebhook: dns && {
            ...{ url: dns.url, timeoutMs: dns.timeoutMs },
            ...given({ secret: dns.credentialsFile && `${name}-dns` }),
          },
        }),
        from,
      };
      return { kind: 'policy', of: 'certificateIssuers', policy, createdAt: '' };
    }),
  );
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
      maxStreams: listener.maxStreams,
      ...given({
        maxRequestsPerConnection: listener.keepaliveMaxRequests,
        maxConnections: listener.maxConnections,
        maxHeadBytes: listener.maxHeadBytes,
        maxFields: listener.maxFields,
      }),
    },
    ...(tls && {
      tls: {
        mode: 'terminate',
        certificates: [
          ...tls.certificates.map(({ stem }, index) => secret(certificateName(id, index, stem))),
          ...tls.acme.map((_, index) => secret(acmeName(id, index))),
        ],
        ...(tls.acme.length > 0 && {
          issued: tls.acme.map(({ domains }, index) => ({
            secret: secret(acmeName(id, index)),
            names: domains,
            issuer: issuerKey({ namespace, name: acmeName(id, index) }),
          })),
        }),
        ...(!tls.resumes && { tickets: false }),
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
