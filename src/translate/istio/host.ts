import type { TranslateContext } from '../dialect.ts';
import type { Report } from '../report.ts';

/**
 * The fully qualified name that an Istio host means. Names without a dot are Services of the object's own namespace; all
 * others are taken as they stand, but for `name.namespace.svc`. A Service's short form with its namespace is not one of
 * Istio's, which many have not known, so it is named.
 */
export function qualifiedHost(
  host: string,
  namespace: string,
  path: string,
  context: TranslateContext,
  report: Report,
): string | undefined {
  const lower = host.toLowerCase().replace(/\.$/, '');
  if (!/^(\*|\*\.[a-z0-9.-]+|[a-z0-9]([a-z0-9.-]*[a-z0-9])?)$/.test(lower)) {
    report.error('field-invalid', path, `${path}: '${host}' is no host name`);
    return undefined;
  }
  if (lower === '*') return lower;
  if (!lower.includes('.')) return `${lower}.${namespace}.svc.${context.clusterDomain}`;
  if (/^[^.]+\.[^.]+\.svc$/.test(lower)) return `${lower}.${context.clusterDomain}`;
  // Nobody names a namespace like these, and everybody means the site.
  if (!lower.startsWith('*') && /^[^.]+\.(?!(?:com|org|net|edu|gov|info|biz|io)$)[^.]+$/.test(lower)) {
    const service = `${lower}.svc.${context.clusterDomain}`;
    report.warn(
      'host-looks-short',
      path,
      `${path}: '${host}' is a host of that very name; for the service write ${service}`,
    );
  }
  return lower;
}
