// Istio's ServerTLSSettings: how a server of a Gateway ends TLS.
import type { CredentialRef, ListenerTls, TlsVersion } from '../../model/index.ts';
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
  const [minVersion, maxVersion] = ['minProtocolVersion', 'maxProtocolVersion'].map(
    each => versions[tls.text(each) ?? 'TLS_AUTO'],
  );
  const common = given({ minVersion, maxVersion, ciphers: some(tls.texts('cipherSuites')) });
  const unknown = [
    ...['tlsCertificates', 'subjectAltNames', 'verifyCertificateSpki', 'verifyCertificateHash', 'caCrl'],
  ].find(each => tls.has(each));
  if (unknown !== undefined)
    return { why: `.${unknown} is not supported, and without it more clients would be let in than was said` };
  const isSaid = tls.has('mode');
  tls.rest();
  if (redirects && !isSaid && !hasOwn) return { redirects };
  if (mode === 'PASSTHROUGH') return { tls: { mode: 'passthrough', certificates: [] }, redirects };
  if (mode === 'ISTIO_MUTUAL')
    return hasOwn
      ? { why: ".mode: ISTIO_MUTUAL is by the proxy's own certificate; leave credentialName and files out" }
      : { redirects, tls: { mode: 'terminate', certificates: [], identity: 'mesh' } };
  if (!(mode in clientsOf))
    return {
      why: `.mode: '${mode}' is not supported at gateways; it takes SIMPLE, MUTUAL, OPTIONAL_MUTUAL, ISTIO_MUTUAL or PASSTHROUGH`,
    };
  const demanded = clientsOf[mode as keyof typeof clientsOf];
  const terms = { mode: 'terminate', ...common } as const;
  return names.length > 0
    ? bySecrets(names, files, { redirects, terms, demanded })
    : byFiles(files, { redirects, terms, demanded });
}

interface FileNames {
  readonly certificate?: string;
  readonly privateKey?: string;
  readonly authorities?: string;
}

interface Terms {
  readonly redirects: boolean;
  readonly terms: Pick<ListenerTls, 'minVersion' | 'maxVersion' | 'ciphers'> & { readonly mode: 'terminate' };
  readonly demanded: 'require' | 'optional' | undefined;
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
  { redirects, terms, demanded }: Terms,
): ReadTls {
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
          authorities: names.flatMap(each => [beside(each), beside(`${each}-cacert`)]),
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
