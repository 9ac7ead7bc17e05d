import { isSpiffeId, type OriginatedTls, type TrafficPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/** What Kubernetes lets a Secret be called. */
function isName(text: string): boolean {
  return text.length <= 253 && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(text);
}

/**
 * Istio's ClientTLSSettings. ISTIO_MUTUAL is the mesh's own TLS; the modes with files or a Secret are for what is outside of it.
 */
export function readClientTls(tls: Fields, report: Report): Pick<TrafficPolicy, 'tls' | 'mtls'> {
  const mode = tls.choice('mode', ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']);
  if (mode === 'SIMPLE' || mode === 'MUTUAL') return { tls: readOriginated(tls, mode, report) };
  const isNamed = tls.has('subjectAltNames') || tls.has('sni');
  const mutual = mode === 'ISTIO_MUTUAL' && isNamed ? readMutual(tls, report) : undefined;
  for (const name of [
    ...['clientCertificate', 'privateKey', 'caCertificates', 'credentialName'],
    ...(mutual ? [] : ['subjectAltNames', 'sni']),
  ])
    tls.unsupported(name, `it has no effect with mode ${mode ?? 'DISABLE'}`);
  tls.unsupported('insecureSkipVerify', `it has no effect with mode ${mode ?? 'DISABLE'}`);
  tls.rest();
  // Without a mode it is DISABLE, the first of the enumeration; a bad one is reported already.
  if (mode === 'ISTIO_MUTUAL') return { mtls: 'mesh', ...(mutual && { tls: mutual }) };
  return mode === undefined && tls.has('mode') ? {} : { mtls: 'disable' };
}

/**
 * How meshed endpoints are asked for, and who they must be beside themselves. Endpoints that are no workloads of this mesh must
 * have one of these SPIFFE ids.
 */
function readMutual(tls: Fields, report: Report): OriginatedTls {
  const names = tls.texts('subjectAltNames');
  names.forEach((name, index) => {
    if (isSpiffeId(name)) return;
    const path = `${tls.at('subjectAltNames')}[${index}]`;
    report.error('field-invalid', path, `${path}: '${name}' is no SPIFFE id such as spiffe://DOMAIN/PATH`);
  });
  return {
    mode: 'mesh',
    ...given({ serverName: tls.text('sni') || undefined, subjectAltNames: some(names) }),
  };
}

function readOriginated(tls: Fields, mode: 'SIMPLE' | 'MUTUAL', report: Report): OriginatedTls {
  const ca = tls.text('caCertificates');
  const certificateFile = tls.text('clientCertificate') || undefined;
  const keyFile = tls.text('privateKey') || undefined;
  const names = tls.texts('subjectAltNames');
  const secret = tls.text('credentialName')?.replace(/^kubernetes:\/\//, '') || undefined;
  // Ignored, it would make a connection trust more than was said.
  if (tls.has('caCrl')) {
    const message = `${tls.at('caCrl')}: lists of revoked certificates are not supported; leave it out`;
    tls.text('caCrl');
    report.error('field-not-supported', tls.at('caCrl'), message);
  }
  if (secret !== undefined && (ca || certificateFile || keyFile)) {
    const message = `${tls.at('credentialName')}: certificates come from a Secret or from files, not from both; leave clientCertificate, privateKey and caCertificates out`;
    report.error('field-invalid', tls.at('credentialName'), message);
  }
  if (secret !== undefined && !isName(secret)) {
    const message = `${tls.at('credentialName')}: '${secret}' is no name of a Secret; write the name alone, it is looked for where the proxy runs`;
    report.error('field-invalid', tls.at('credentialName'), message);
  }
  if (mode === 'MUTUAL' && (!certificateFile || !keyFile) && secret === undefined) {
    const message = `${tls.path}: MUTUAL needs credentialName, or clientCertificate and privateKey; name a Secret, or the files in the pod`;
    report.error('field-invalid', tls.path, message);
  }
  if (mode === 'SIMPLE' && (certificateFile || keyFile)) {
    const message = `${tls.path}: clientCertificate and privateKey have no effect with SIMPLE; write MUTUAL`;
    report.warn('field-not-supported', tls.path, message);
  }
  const originated: OriginatedTls = {
    mode: mode === 'MUTUAL' ? 'mutual' : 'simple',
    ...given({
      serverName: tls.text('sni') || undefined,
      subjectAltNames: some(names),
      // `system`: the ones of the operating system, which is what is used without a file.
      caFile: ca && ca !== 'system' ? ca : undefined,
      credential:
        secret === undefined ? undefined : ({ kind: 'Secret', namespace: '', name: secret } as const),
      ...(mode === 'MUTUAL' && { certificateFile, keyFile }),
      insecureSkipVerify: tls.flag('insecureSkipVerify') || undefined,
    }),
  };
  tls.rest();
  return originated;
}
