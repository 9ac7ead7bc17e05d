// Keys under which gateways ask for what they need; see RESOURCE_KINDS. No address and no authority looks like one of them.
import { type CredentialRef, credentialKey, type GatewayListener, type ListenerTls } from './gateway.ts';
import { parseNameKey } from './name-key.ts';

const gatewayPrefix = 'gateway/';
const hostPrefix = 'virtual-host/';
const certificatePrefix = 'certificate/';

/** GatewayResource.key */
export function gatewayKey(gateway: string): string {
  return `${gatewayPrefix}${gateway}`;
}

/** `namespace/name` of the gateway; undefined for what is no gatewayKey. */
export function parseGatewayKey(key: string): string | undefined {
  if (!key.startsWith(gatewayPrefix)) return undefined;
  const gateway = key.slice(gatewayPrefix.length);
  return /^[^/]+\/[^/]+$/.test(gateway) ? gateway : undefined;
}

/** The routes of one listener for one host, or for all that it carries where it carries no requests. */
export interface VirtualHost {
  /** `namespace/name` */
  readonly gateway: string;
  readonly port: number;
  /** See listenerId. */
  readonly listener: string;
  /** A host or pattern; `*` for what is told apart by nothing. */
  readonly host: string;
}

/** VirtualHost.listener: unlike that of any other listener of the port. */
export function listenerId({ protocol, hostname }: Pick<GatewayListener, 'protocol' | 'hostname'>): string {
  return protocol === 'udp' ? 'udp:' : (hostname ?? '*');
}

/** DestinationResource.key of a VirtualHost: `virtual-host/shop/edge/443/*.example.com/www.example.com`. */
export function virtualHostKey({ gateway, port, listener, host }: VirtualHost): string {
  return `${hostPrefix}${gateway}/${port}/${listener}/${host}`;
}

/** Undefined for what is no virtualHostKey. */
export function parseVirtualHostKey(key: string): VirtualHost | undefined {
  if (!key.startsWith(hostPrefix)) return undefined;
  const [namespace, name, port, listener, host, ...more] = key.slice(hostPrefix.length).split('/');
  if (!namespace || !name || !listener || !host || more.length > 0 || !/^\d{1,5}$/.test(port ?? ''))
    return undefined;
  return { gateway: `${namespace}/${name}`, port: Number(port), listener, host };
}

/** CertificateResource.key of what a sidecar shows an upstream: a Secret of its own namespace, which alone is told it. */
export function ownCertificateKey({ namespace, name }: CredentialRef): string {
  return `${certificatePrefix}${namespace}/${name}`;
}

/** CertificateResource.key: whose it is and for which gateway, which alone is told it. */
export function certificateKey(gateway: string, { namespace, name }: CredentialRef): string {
  return `${certificatePrefix}${gateway}/${namespace}/${name}`;
}

const filePrefix = 'file-certificate/';

/** BoundTls.certificates of one in files of the proxy: nobody is asked for it. */
export function fileCertificateKey({ certificate, privateKey }: CertificateFiles): string {
  return `${filePrefix}${[certificate, privateKey].map(encodeURIComponent).join('/')}`;
}

/** Names of files. */
export type CertificateFiles = NonNullable<ListenerTls['files']>;

/** Undefined for what is no fileCertificateKey. */
export function parseFileCertificateKey(key: string): CertificateFiles | undefined {
  if (!key.startsWith(filePrefix)) return undefined;
  const [certificate = '', privateKey = ''] = key.slice(filePrefix.length).split('/').map(decodeURIComponent);
  return { certificate, privateKey };
}

/** What a key names. `gateway`: undefined in an ownCertificateKey. `credential`: see credentialKey. */
export interface ParsedCertificateKey {
  readonly gateway?: string;
  readonly ref: CredentialRef;
  readonly credential: string;
}

/** Undefined for what is neither a certificateKey nor an ownCertificateKey. */
export function parseCertificateKey(key: string): ParsedCertificateKey | undefined {
  if (!key.startsWith(certificatePrefix)) return undefined;
  const parts = key.slice(certificatePrefix.length).split('/');
  if ((parts.length !== 2 && parts.length !== 4) || parts.includes('')) return undefined;
  const [name = '', namespace = '', ...gateway] = parts.toReversed();
  const ref = { kind: 'Secret', namespace, name } as const;
  return {
    ...(gateway.length > 0 && { gateway: gateway.toReversed().join('/') }),
    ...{ ref, credential: credentialKey(ref) },
  };
}

/** Of which kind the resource is that is asked for under this key; every key that is none of the others' is a destination's. */
export function askedKind(key: string): 'gateway' | 'certificate' | 'name' | 'destination' {
  if (key.startsWith(gatewayPrefix)) return 'gateway';
  if (parseNameKey(key) !== undefined) return 'name';
  return key.startsWith(certificatePrefix) ? 'certificate' : 'destination';
}

/** Whether only gateways ask for it. */
export function isGatewayKey(key: string): boolean {
  const kind = askedKind(key);
  return kind === 'gateway' || kind === 'certificate' || key.startsWith(hostPrefix);
}
