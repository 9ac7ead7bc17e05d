// Istio's ServerTLSSettings: how a server of a Gateway ends TLS.
import {
  type AdmittedClients,
  type CredentialRef,
  isSpiffeId,
  type ListenerTls,
  type TlsVersion,
} from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';

/** What they say; `why`: what would let in more than was said, left out, so that the server is not to be opened. */
export type ReadTls = { readonly tls?: ListenerTls; readonly redirects: boolean } | { readonly why: string };

const versions: Readonly<Record<string, TlsVersion | undefined>> = {
  TLS_AUTO: undefined,
  TLSV1_0: 'TLSv1.2',
  TLSV1_1: 'TLSv1.2',
  TLSV1_2: 'TLSv1.2',
  TLSV1_3: 'TLSv1.3',
};

const versionFields = ['minProtocolVersion', 'maxProtocolVersion'] as const;

/** Modes that end TLS by certificates of the server, and what they ask of clients. */
const clientsOf = { SIMPLE: undefined, MUTUAL: 'require', OPTIONAL_MUTUAL: 'optional' } as const;

/** `tls`: of one server. */
export function readServerTls(tls: Fields): ReadTls {
  const redirects = tls.flag('httpsRedirect') ?? false;
  const names = [
    ...(tls.text('credentialName') ? [tls.text('credentialName')!] : []),
    ...tls.texts('credentialNames'),
  ];
  const files = filesOf(tls);
  const hasOwn = names.length > 0 || files.certificate !== undefined;
  const mode = tls.text('mode') ?? (hasOwn ? 'SIMPLE' : 'PASSTHROUGH');
  const authorities = tls.text('caCertCredentialName') || undefined;
  const range = versionsOf(tls);
  const admitted = admittedOf(tls, mode);
  const ciphers = some(tls.texts('cipherSuites'));
  const unknown = ['tlsCertificates', 'caCrl'].find(each => tls.has(each));
  if (unknown !== undefined)
    return { why: `.${unknown} is not supported, and without it more clients would be let in than was said` };
  const isSaid = tls.has('mode');
  if (mode === 'ISTIO_MUTUAL' && ciphers)
    tls.unsupported(
      'cipherSuites',
      'the mesh speaks TLS 1.3, whose ciphers are not chosen; it has no effect',
    );
  tls.rest();
  if ('why' in range) return range;
  if ('why' in admitted) return admitted;
  if (redirects && !isSaid && !hasOwn) return { redirects };
  if (mode === 'PASSTHROUGH') return { tls: { mode: 'passthrough', certificates: [] }, redirects };
  if (mode === 'ISTIO_MUTUAL')
    return ofTheMesh(hasOwn || authorities !== undefined, range, admitted, redirects);
  if (!(mode in clientsOf))
    return {
      why: `.mode: '${mode}' is not supported at gateways; it takes SIMPLE, MUTUAL, OPTIONAL_MUTUAL, ISTIO_MUTUAL or PASSTHROUGH`,
    };
  const demanded = clientsOf[mode as keyof typeof clientsOf];
  const terms = { mode: 'terminate', ...given({ ciphers }), ...range, ...admitted } as const;
  if (names.length > 0) return bySecrets(names, files, { redirects, terms, demanded, authorities });
  if (authorities !== undefined)
    return { why: '.caCertCredentialName goes with credentialName; name files in caCertificates' };
  return byFiles(files, { redirects, terms, demanded });
}

/** With the proxy's own certificate: the mesh speaks TLS 1.3, and whom its certificates are for is all that can be told apart. */
function ofTheMesh(
  hasOwn: boolean,
  { maxVersion }: Versions,
  admitted: { readonly admitted?: AdmittedClients },
  redirects: boolean,
): ReadTls {
  if (hasOwn)
    return { why: ".mode: ISTIO_MUTUAL is by the proxy's own certificate; leave credentials and files out" };
  if (maxVersion === 'TLSv1.2')
    return { why: '.maxProtocolVersion: with ISTIO_MUTUAL it is TLS 1.3; leave it out' };
  return { redirects, tls: { mode: 'terminate', certificates: [], identity: 'mesh', ...admitted } };
}

type Versions = Pick<ListenerTls, 'minVersion' | 'maxVersion'>;

function versionsOf(tls: Fields): Versions | { readonly why: string } {
  const [minVersion, maxVersion] = versionFields.map(each => {
    const text = tls.text(each) ?? 'TLS_AUTO';
    return Object.hasOwn(versions, text)
      ? { is: versions[text] }
      : { why: `.${each}: '${text}' is none of ${Object.keys(versions).join(', ')}` };
  });
  if ('why' in minVersion!) return minVersion as { why: string };
  if ('why' in maxVersion!) return maxVersion as { why: string };
  const [least, most] = [minVersion!.is, maxVersion!.is];
  if (least === 'TLSv1.3' && most === 'TLSv1.2')
    return {
      why: '.minProtocolVersion is above maxProtocolVersion, so that nobody could connect; change one',
    };
  return given({ minVersion: least, maxVersion: most });
}

/** Of clients with a good certificate, those that are let in. */
function admittedOf(
  tls: Fields,
  mode: string,
): { readonly admitted?: AdmittedClients } | { readonly why: string } {
  const names = tls.texts('subjectAltNames');
  const publicKeys = tls.texts('verifyCertificateSpki');
  const certificates = tls.texts('verifyCertificateHash').map(each => each.replaceAll(':', '').toLowerCase());
  const field = Object.entries({
    subjectAltNames: names,
    verifyCertificateSpki: publicKeys,
    verifyCertificateHash: certificates,
  }).find(([, texts]) => texts.length > 0)?.[0];
  if (field === undefined) return {};
  const isMesh = mode === 'ISTIO_MUTUAL';
  if (!isMesh && mode !== 'MUTUAL' && mode !== 'OPTIONAL_MUTUAL')
    return {
      why: `.${field}: with mode ${mode} no client shows a certificate; write MUTUAL or OPTIONAL_MUTUAL, or leave it out`,
    };
  if (isMesh && (publicKeys.length > 0 || certificates.length > 0))
    return {
      why: '.verifyCertificateSpki and verifyCertificateHash: certificates of the mesh are others every few hours; write subjectAltNames',
    };
  const odd = isMesh ? names.find(each => !isSpiffeId(each)) : undefined;
  if (odd !== undefined)
    return { why: `.subjectAltNames: '${odd}' is no SPIFFE id such as spiffe://DOMAIN/PATH` };
  const badKey = publicKeys.find(each => !/^[A-Za-z0-9+/]{43}=$/.test(each));
  if (badKey !== undefined) return { why: `.verifyCertificateSpki: '${badKey}' is no SHA-256 in base64` };
  const badHash = certificates.find(each => !/^[0-9a-f]{64}$/.test(each));
  if (badHash !== undefined)
    return { why: `.verifyCertificateHash: '${badHash}' is no SHA-256 in hexadecimal` };
  return {
    admitted: given({ names: some(names), publicKeys: some(publicKeys), certificates: some(certificates) }),
  };
}

interface FileNames {
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly authorities?: string;
}

interface Terms {
  readonly redirects: boolean;
  readonly terms: Pick<ListenerTls, 'minVersion' | 'maxVersion' | 'ciphers' | 'admitted'> & {
    readonly mode: 'terminate';
  };
  readonly demanded: 'require' | 'optional' | undefined;
  /** A Secret or ConfigMap with the authorities of clients, in place of those that go by the name of the certificate's. */
  readonly authorities?: string | undefined;
}

function filesOf(tls: Fields): FileNames {
  return given({
    certificate: tls.text('serverCertificate') || undefined,
    privateKey: tls.text('privateKey') || undefined,
    authorities: tls.text('caCertificates') || undefined,
  });
}

function bySecrets(
  names: readonly string[],
  files: FileNames,
  { redirects, terms, demanded, authorities }: Terms,
): ReadTls {
  if (authorities !== undefined && demanded === undefined)
    return {
      why: '.caCertCredentialName: with mode SIMPLE no client shows a certificate; write MUTUAL, or leave it out',
    };
  if (Object.keys(files).length > 0)
    return {
      why: '.credentialName: certificates come from Secrets or from files, not from both; leave serverCertificate, privateKey and caCertificates out',
    };
  return {
    redirects,
    tls: {
      ...terms,
      certificates: names.map(beside),
      // Istio takes the authorities from the Secret itself, or from one that is called like it with -cacert at the end.
      ...(demanded && {
        clients: {
          mode: demanded,
          authorities:
            authorities === undefined
              ? names.flatMap(each => [beside(each), beside(`${each}-cacert`)])
              : [beside(authorities), { ...beside(authorities), kind: 'ConfigMap' }],
        },
      }),
    },
  };
}

function byFiles(
  { certificate, privateKey, authorities }: FileNames,
  { redirects, terms, demanded }: Terms,
): ReadTls {
  if (certificate === undefined && privateKey === undefined)
    return { why: '.credentialName is missing; name a Secret with a certificate, or files of it' };
  if (certificate === undefined || privateKey === undefined)
    return {
      why: `.${certificate === undefined ? 'serverCertificate' : 'privateKey'} is missing; name both files`,
    };
  if (demanded !== undefined && authorities === undefined)
    return { why: '.caCertificates is missing; name the file with the authorities of clients' };
  return {
    redirects,
    tls: {
      ...terms,
      certificates: [],
      files: { certificate, privateKey },
      ...(demanded && { clients: { mode: demanded, authorities: [], authoritiesFile: authorities! } }),
    },
  };
}

/** Secrets are those of the namespace that the gateway's pods run in. */
function beside(name: string): CredentialRef {
  return { kind: 'Secret', namespace: '', name: name.replace(/^kubernetes:\/\//, '') };
}
