import { GATEWAY_CLASS, INGRESS_CONTROLLER, isIpAddress, type Labels } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { INGRESS_DIALECT_NAMES, type IngressDialectName } from './ingress-dialect.ts';

/** networking.k8s.io IngressClass: whose Ingresses are ours, and which gateway serves them. */
export const ingressClassTranslator: KindTranslator = {
  kind: 'IngressClass.networking.k8s.io',
  translate: translateIngressClass,
};

function translateIngressClass(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, annotations = {}, creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const isOurs = spec.text('controller') === INGRESS_CONTROLLER;
  const parameters = spec.object('parameters');
  const base = {
    name,
    isOurs,
    isDefault: annotations['ingressclass.kubernetes.io/is-default-class'] === 'true',
    dialect: dialectOf(annotations[dialectAnnotation], isOurs, report),
    from: report.object,
    createdAt: creationTimestamp,
  };
  const home = context.rootNamespaces.includes('weft-system')
    ? 'weft-system'
    : (context.rootNamespaces[0] ?? 'weft-system');
  let gateway = `${home}/${name}`;
  const ports = { http: 80, https: 443 };
  // What other controllers are told is none of our business.
  if (!isOurs) return [{ kind: 'ingress-class', ingressClass: { ...base, gateway, ports, service: '' } }];
  if (parameters !== undefined) {
    const kind = parameters.text('kind');
    const group = parameters.text('apiGroup');
    const [own, namespace] = [parameters.text('name'), parameters.text('namespace')];
    parameters.text('scope');
    parameters.rest();
    if (kind !== 'Gateway' || group !== 'gateway.networking.k8s.io')
      report.error(
        'reference-kind-invalid',
        parameters.path,
        `${parameters.path} must name a Gateway of gateway.networking.k8s.io, whose proxies serve the Ingresses of this class`,
      );
    else gateway = `${namespace ?? home}/${own ?? name}`;
  }
  spec.rest();
  for (const each of ['http', 'https'] as const) {
    const text = annotations[`weft.dev/${each}-port`];
    if (text === undefined) continue;
    const port = /^\d{1,5}$/.test(text) ? Number(text) : 0;
    const path = `metadata.annotations['weft.dev/${each}-port']`;
    if (port < 1 || port > 65_535) report.error('field-invalid', path, `${path}: '${text}' is no port`);
    else ports[each] = port;
  }
  const defaultCertificate = annotations['weft.dev/default-certificate'];
  const crossing = annotations['weft.dev/cross-namespace'];
  if (crossing !== undefined && crossing !== 'true' && crossing !== 'false') {
    const path = "metadata.annotations['weft.dev/cross-namespace']";
    report.error('field-invalid', path, `${path}: '${crossing}' is neither true nor false`);
  }
  const crossNamespace = crossing === 'true' ? (true as const) : undefined;
  // Servers before 1.21 keep no namespace among the parameters.
  gateway = namedBy('gateway', annotations, report) ?? gateway;
  // The Service in front of the proxies, where it is not the one that `weft install --gateway` makes.
  const service = namedBy('publish-service', annotations, report) ?? `${gateway}-${GATEWAY_CLASS}`;
  const stated = statedOf(annotations['weft.dev/status-addresses'], report);
  const ingressClass = {
    ...base,
    gateway,
    ports,
    service,
    ...given({ defaultCertificate, stated, crossNamespace }),
  };
  return [{ kind: 'ingress-class', ingressClass }];
}

const dialectAnnotation = 'weft.dev/dialect';

/** Whose annotations count; ingress-nginx's unless told. */
function dialectOf(text: string | undefined, isOurs: boolean, report: Report): IngressDialectName {
  const found = INGRESS_DIALECT_NAMES.find(each => each === text);
  if (found === undefined && text !== undefined && isOurs) {
    const path = `metadata.annotations['${dialectAnnotation}']`;
    const all = INGRESS_DIALECT_NAMES.join(', ');
    report.error('field-invalid', path, `${path}: '${text}' is no dialect of Ingresses; write one of ${all}`);
  }
  return found ?? 'ingress-nginx';
}

/** The NAMESPACE/NAME that the annotation `weft.dev/…` says. */
function namedBy(
  which: 'gateway' | 'publish-service',
  annotations: Labels,
  report: Report,
): string | undefined {
  const text = annotations[`weft.dev/${which}`];
  if (text === undefined || /^[a-z0-9-]+\/[a-z0-9.-]+$/.test(text)) return text;
  const path = `metadata.annotations['weft.dev/${which}']`;
  const kind = which === 'gateway' ? 'Gateway' : 'Service';
  report.error('field-invalid', path, `${path}: '${text}' is no NAMESPACE/NAME of a ${kind}`);
  return undefined;
}

/** Addresses and names, as they are told. */
function statedOf(text: string | undefined, report: Report): readonly string[] | undefined {
  if (text === undefined) return undefined;
  const all = text.split(',').map(each => each.trim());
  const wrong = all.find(each => !isIpAddress(each) && !/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(each));
  if (wrong === undefined) return all;
  const path = "metadata.annotations['weft.dev/status-addresses']";
  report.error(
    'field-invalid',
    path,
    `${path}: '${wrong}' is neither an address nor a name; write for example 203.0.113.5,edge.example.com`,
  );
  return undefined;
}
