import { isSpiffeId, type OriginatedTls, type TrafficPolicy } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/** Istio's ClientTLSSettings. ISTIO_MUTUAL is the mesh's own TLS; the modes with files are for what is outside of it. */
export function readClientTls(tls: Fields, report: Report): Pick<TrafficPolicy, 'tls' | 'mtls'> {
  const mode = tls.choice('mode', ['DISABLE', 'SIMPLE', 'MUTUAL', 'ISTIO_MUTUAL']);
  if (mode === 'SIMPLE' || mode === 'MUTUAL') return { tls: readOriginated(tls, mode, report) };
  const mutual = mode === 'ISTIO_MUTUAL' && tls.has('subjectAltNames') ? readMutual(tls, report) : undefined;
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

/** What holds for endpoints that are no workloads of this mesh: they must have one of these SPIFFE ids. */
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
  // Ignored, these two would make a connection trust more than was said.
  for (const name of ['credentialName', 'caCrl']) {
    if (!tls.has(name)) continue;
    const what = name === 'caCrl' ? 'lists of revoked certificates are' : 'Secrets by name are';
    const message = `${tls.at(name)}: ${what} not supported; mount files and name them`;
    tls.text(name);
    report.error('field-not-supported', tls.at(name), message);
  }
  if (mode === 'MUTUAL' && (!certificateFile || !keyFile) && !tls.has('credentialName')) {
    const message = `${tls.path}: MUTUAL needs clientCertificate and privateKey; name the files in the pod`;
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
      ...(mode === 'MUTUAL' && { certificateFile, keyFile }),
      insecureSkipVerify: tls.flag('insecureSkipVerify') || undefined,
    }),
  };
  tls.rest();
  return originated;
}
