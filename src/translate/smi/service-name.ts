import type { TranslateContext } from '../dialect.ts';
import type { Report } from '../report.ts';

/**
 * The host that a Service's name means: SMI knows Services of the object's own namespace only (smi-spec.io, traffic split). Names
 * that say that namespace too, as far as `reviews.shop.svc.cluster.local`, are taken; any other is refused.
 */
export function serviceHost(
  name: string,
  namespace: string,
  path: string,
  { clusterDomain }: TranslateContext,
  report: Report,
): string | undefined {
  const [service = '', ...rest] = name.toLowerCase().replace(/\.$/, '').split('.');
  const suffix = rest.join('.');
  if (!/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/.test(service)) {
    report.error('field-invalid', path, `${path}: '${name}' is no name of a Service`);
    return undefined;
  }
  if (!['', namespace, `${namespace}.svc`, `${namespace}.svc.${clusterDomain}`].includes(suffix)) {
    const message = `${path}: '${name}' is no Service of namespace ${namespace}; a TrafficSplit speaks of its own namespace only`;
    report.error('field-invalid', path, message);
    return undefined;
  }
  return `${service}.${namespace}.svc.${clusterDomain}`;
}
