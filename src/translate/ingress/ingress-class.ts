import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

/** spec.controller of the classes that Weft carries out. */
export const INGRESS_CONTROLLER = 'weft.dev/ingress-controller';

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
    from: report.object,
    createdAt: creationTimestamp,
  };
  const home = context.rootNamespaces.includes('weft-system')
    ? 'weft-system'
    : (context.rootNamespaces[0] ?? 'weft-system');
  let gateway = `${home}/${name}`;
  const ports = { http: 80, https: 443 };
  // What other controllers are told is none of our business.
  if (!isOurs) return [{ kind: 'ingress-class', ingressClass: { ...base, gateway, ports } }];
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
  return [
    { kind: 'ingress-class', ingressClass: { ...base, gateway, ports, ...given({ defaultCertificate }) } },
  ];
}
