import type { RouteTarget } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { Annotations } from './annotations.ts';
import {
  INGRESS_DEFAULTS,
  type IngressDefaults,
  type IngressPath,
  type IngressRule,
  type IngressSettings,
  type ReadIngress,
} from './ingress-model.ts';
import { readSettings } from './settings.ts';

/** networking.k8s.io Ingress, v1. What it comes to is seen when all Ingresses of a class are known (hosts.ts). */
export const ingressTranslator: KindTranslator = {
  kind: 'Ingress.networking.k8s.io',
  translate: translateIngress,
  closedWords: 'nothing of this object has held before, so until it is corrected its paths answer 503',
  closed: (object, context, from) => {
    // Its paths answer 503, rather than that a wider path of another Ingress takes their requests past what it asks for.
    const parts = translateIngress(object, context, new Report(from));
    return parts.map(part =>
      part.kind === 'ingress' ? { ...part, ingress: { ...part.ingress, refused: true } } : part,
    );
  },
};

const classAnnotation = 'kubernetes.io/ingress.class';

function translateIngress(object: KubeObject, context: TranslateContext, report: Report): readonly Part[] {
  const { name, namespace = '', annotations = {}, creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const named = spec.text('ingressClassName');
  // Whose annotations count, its class says. What is wrong with ingress-nginx's is nobody's business in classes of others.
  const own = new Report(report.object);
  const read = new Annotations(annotations, own);
  const settings = readSettings(read, {
    namespace,
    name,
    clusterDomain: context.clusterDomain,
    defaults: INGRESS_DEFAULTS,
    report: own,
  });
  read.rest();
  const defaultBackend = targetOf(spec.object('defaultBackend'), namespace, context, report);
  const rules = spec.objects('rules').map(rule => readRule(rule, namespace, context, report));
  const tls = spec.objects('tls').map(each => {
    const secret = each.text('secretName');
    const hosts = each.texts('hosts').map(host => host.toLowerCase());
    each.rest();
    return { hosts, path: each.path, ...given({ secret: secret || undefined }) };
  });
  spec.rest();
  const ingress: ReadIngress = {
    namespace,
    name,
    className: annotations[classAnnotation] ?? named ?? '',
    rules,
    ...given({ defaultBackend }),
    tls,
    settings,
    annotations,
    problems: own.problems,
    from: report.object,
    createdAt: creationTimestamp,
  };
  return [{ kind: 'ingress', ingress }];
}

/** The settings of an Ingress, where others hold than ingress-nginx's own defaults. */
export function settingsWith(
  { namespace, name, annotations, from }: ReadIngress,
  defaults: IngressDefaults,
  clusterDomain: string,
): IngressSettings {
  const report = new Report(from);
  return readSettings(new Annotations({ ...defaults.annotations, ...annotations }, report), {
    namespace,
    name,
    clusterDomain,
    defaults,
    report,
  });
}

function readRule(rule: Fields, namespace: string, context: TranslateContext, report: Report): IngressRule {
  const host = (rule.text('host') ?? '').toLowerCase();
  if (host !== '' && !/^(\*\.)?[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/.test(host))
    report.error(
      'field-invalid',
      rule.at('host'),
      `${rule.at('host')}: '${host}' is no host; a star stands for the first label alone`,
    );
  const http = rule.object('http');
  const paths = (http?.objects('paths') ?? []).flatMap(each => readPath(each, namespace, context, report));
  http?.rest();
  rule.rest();
  return { host, paths };
}

function readPath(
  fields: Fields,
  namespace: string,
  context: TranslateContext,
  report: Report,
): readonly IngressPath[] {
  const path = fields.text('path') || '/';
  const type = fields.choice('pathType', ['Exact', 'Prefix', 'ImplementationSpecific']) ?? 'Prefix';
  const target = targetOf(fields.object('backend'), namespace, context, report);
  fields.rest();
  if (!path.startsWith('/'))
    report.error(
      'field-invalid',
      fields.at('path'),
      `${fields.at('path')}: '${path}' is no path; it begins with a slash`,
    );
  if (target === undefined) return [];
  return [
    {
      ...{ path, type: type === 'Exact' ? 'exact' : 'prefix', target, at: fields.path },
      ...(type === 'ImplementationSpecific' && { loose: true as const }),
    },
  ];
}

function targetOf(
  backend: Fields | undefined,
  namespace: string,
  { clusterDomain }: TranslateContext,
  report: Report,
): RouteTarget | undefined {
  if (backend === undefined) return undefined;
  const resource = backend.object('resource');
  const service = backend.object('service');
  backend.rest();
  if (resource !== undefined) {
    report.error(
      'reference-kind-invalid',
      resource.path,
      `${resource.path}: requests cannot be sent to a ${resource.text('kind') ?? 'resource'}; name a Service`,
    );
    return undefined;
  }
  const name = service?.text('name');
  const port = service?.object('port');
  const number = port?.port('number');
  const portName = port?.text('name');
  port?.rest();
  service?.rest();
  if (name === undefined || (number === undefined && portName === undefined)) {
    report.error('field-invalid', backend.path, `${backend.path} names no Service with its port`);
    return undefined;
  }
  return {
    host: `${name}.${namespace}.svc.${clusterDomain}`,
    weight: 1,
    ...given({ port: number, portName }),
  };
}
