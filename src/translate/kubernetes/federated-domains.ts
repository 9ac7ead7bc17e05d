import { type BundleEndpoint, type FederatedDomain, isSpiffeId, isTrustDomain } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';

/**
 * Istio's `caCertificates` of a MeshConfig: roots of other trust domains, as PEM or from a SPIFFE bundle endpoint. Beside Istio's
 * fields `endpointSpiffeId`, for endpoints that prove themselves by a SPIFFE id (https_spiffe), and then `pem` is what they are
 * known by at first.
 */
export function readFederatedDomains(config: Fields, report: Report): readonly FederatedDomain[] {
  const found = new Map<string, FederatedDomain>();
  for (const entry of config.objects('caCertificates')) {
    const domains = entry.texts('trustDomains');
    const pem = entry.text('pem') ?? '';
    const endpoint = readEndpoint(entry, report);
    const isNamed = pem !== '' || entry.has('spiffeBundleUrl') || entry.has('endpointSpiffeId');
    entry.unsupported('certSigners', 'signers of Kubernetes issue nothing here');
    entry.rest();
    if (domains.length === 0) {
      const message = `${entry.path}: it names no trustDomains; roots of the mesh's own trust domain are those of its authority (weft ca rotate --to)`;
      report.warn('field-not-supported', entry.path, message);
      continue;
    }
    if (pem === '' && endpoint === undefined) {
      // What is wrong with the endpoint is told already.
      if (isNamed) continue;
      const message = `${entry.path}: there is neither pem nor spiffeBundleUrl; give one of them`;
      report.error('field-invalid', entry.path, message);
      continue;
    }
    domains.forEach((trustDomain, index) => {
      const path = `${entry.at('trustDomains')}[${index}]`;
      if (!isTrustDomain(trustDomain)) {
        report.error(
          'field-invalid',
          path,
          `${path}: '${trustDomain}' is no trust domain; write it without spiffe://`,
        );
        return;
      }
      const known = found.get(trustDomain) ?? { trustDomain, roots: [], endpoints: [] };
      found.set(trustDomain, {
        trustDomain,
        roots: [...known.roots, ...(pem === '' ? [] : [pem])],
        endpoints: [...known.endpoints, ...(endpoint ? [endpoint] : [])],
      });
    });
  }
  return [...found.values()];
}

function readEndpoint(entry: Fields, report: Report): BundleEndpoint | undefined {
  const url = entry.text('spiffeBundleUrl');
  const spiffeId = entry.text('endpointSpiffeId');
  const path = entry.at('spiffeBundleUrl');
  if (url === undefined) {
    if (spiffeId !== undefined)
      report.error('field-invalid', path, `${path} is missing; endpointSpiffeId says who answers there`);
    return undefined;
  }
  if (!URL.canParse(url) || new URL(url).protocol !== 'https:') {
    report.error('field-invalid', path, `${path}: '${url}' is no https:// URL`);
    return undefined;
  }
  if (spiffeId !== undefined && !isSpiffeId(spiffeId)) {
    const at = entry.at('endpointSpiffeId');
    report.error('field-invalid', at, `${at}: '${spiffeId}' is no SPIFFE id such as spiffe://DOMAIN/PATH`);
    return undefined;
  }
  return { url, ...given({ spiffeId }) };
}
