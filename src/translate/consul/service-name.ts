import type { KubeObject } from '../../registry/index.ts';
import type { TranslateContext } from '../dialect.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';

/** The Service that an entry is about: the one of its own name and namespace. */
export interface OwnService {
  readonly name: string;
  readonly namespace: string;
  readonly host: string;
}

/** A Service and a subset of it, as targets name them. */
export interface NamedTarget {
  readonly host: string;
  readonly subset?: string;
}

export function ownService({ metadata }: KubeObject, context: TranslateContext): OwnService {
  const { name, namespace = '' } = metadata;
  return { name, namespace, host: hostOf(name, namespace, context) };
}

/** Consul's namespaces are Kubernetes' namespaces, as with mirroring (connectInject.consulNamespaces.mirroringK8S). */
export function hostOf(name: string, namespace: string, { clusterDomain }: TranslateContext): string {
  return `${name.toLowerCase()}.${namespace}.svc.${clusterDomain}`;
}

/** `service`, `serviceSubset`, `namespace` and `partition`; undefined where they name what is not here. */
export function readTarget(
  fields: Fields | undefined,
  own: OwnService,
  context: TranslateContext,
  report: Report,
): NamedTarget | undefined {
  const name = label(fields, 'service', report) ?? own.name;
  const subset = label(fields, 'serviceSubset', report);
  const namespace = label(fields, 'namespace', report) ?? own.namespace;
  const partition = fields?.text('partition');
  if (fields && partition && partition !== 'default') {
    const path = fields.at('partition');
    report.error(
      'field-invalid',
      path,
      `${path}: '${partition}' is another partition, which Weft knows nothing of`,
    );
    return undefined;
  }
  return { host: hostOf(name, namespace, context), ...(subset !== undefined && { subset }) };
}

/** Empty is absent, as in Consul. */
function label(fields: Fields | undefined, name: string, report: Report): string | undefined {
  const text = fields?.text(name);
  if (!fields || !text) return undefined;
  if (/^[a-z0-9]([a-z0-9-]*[a-z0-9])?$/i.test(text)) return text;
  report.error(
    'field-invalid',
    fields.at(name),
    `${fields.at(name)}: '${text}' is no name; letters, digits and dashes`,
  );
  return undefined;
}
