import { INBOUND_ACCESS, type ObjectRef, type PolicyServer, type Protocol } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { readLabelSelector } from './label-selector.ts';

/**
 * policy.linkerd.io Server, v1beta1 to v1beta3: a port of pods, closed to whom no authorization names
 * (linkerd.io/2/reference/authorization-policy).
 */
export const serverTranslator: KindTranslator = {
  kind: 'Server.policy.linkerd.io',
  translate: translateServer,
  closed: closedServer,
};

const protocols: Readonly<Record<string, Protocol>> = {
  unknown: 'auto',
  'HTTP/1': 'http',
  'HTTP/2': 'http2',
  gRPC: 'grpc',
  opaque: 'tcp',
  TLS: 'tls',
};

function translateServer(object: KubeObject, _context: TranslateContext, report: Report): readonly Part[] {
  const spec = fieldsOf(object, 'spec', report);
  const selector = selectorOf(spec, report);
  const port = portOf(spec, report);
  const protocol = spec.choice('proxyProtocol', Object.keys(protocols)) ?? 'unknown';
  const access = spec.choice('accessPolicy', INBOUND_ACCESS) ?? 'deny';
  spec.rest();
  if (report.refused || selector === undefined || port === undefined) return [];
  return [partOf(object, { selector, port, protocol: protocols[protocol]!, access, from: report.object })];
}

/** Where a Server cannot be read and none of it has held before: the pods that it is for let nobody in at its port. */
function closedServer(object: KubeObject, _context: TranslateContext, from: ObjectRef): readonly Part[] {
  const unheard = new Report(from);
  const spec = fieldsOf(object, 'spec', unheard);
  const isExternal = spec.has('externalWorkloadSelector') && !spec.has('podSelector');
  const selector = selectorOf(spec, unheard);
  if (isExternal) return [];
  // Where it cannot be told which pods it selects it is all of the namespace, and of ports the same.
  const known = unheard.refused || selector === undefined ? {} : selector;
  const port = portOf(spec, new Report(from));
  const said = { selector: known, protocol: 'auto', access: 'deny', from } as const;
  return [partOf(object, port === undefined ? said : { ...said, port })];
}

function partOf(
  { metadata }: KubeObject,
  said: Omit<PolicyServer, 'is' | 'namespace' | 'name' | 'labels'>,
): Part {
  const { name, namespace = '', labels = {}, creationTimestamp: createdAt = '' } = metadata;
  const policy: PolicyServer = { is: 'server', namespace, name, labels, ...said };
  return { kind: 'policy', of: 'serverPolicies', policy, createdAt };
}

/** Undefined where it selects no pods. */
function selectorOf(spec: Fields, report: Report): PolicyServer['selector'] | undefined {
  const pods = spec.object('podSelector');
  const external = spec.object('externalWorkloadSelector');
  if (pods && external) {
    const path = external.path;
    report.error('field-invalid', path, `${path} and spec.podSelector exclude each other; keep one`);
  }
  if (pods) return readLabelSelector(pods, report);
  if (external) {
    const words = 'workloads outside of the cluster have no proxy of Weft, so that this Server has no effect';
    report.warn('policy-ignored', external.path, `${external.path}: ${words}`);
    return undefined;
  }
  const path = spec.at('podSelector');
  if (!spec.has('podSelector'))
    report.error('field-invalid', path, `${path} is missing; write {} for all pods of the namespace`);
  return undefined;
}

function portOf(spec: Fields, report: Report): number | string | undefined {
  const path = spec.at('port');
  if (!spec.has('port')) {
    report.error(
      'field-invalid',
      path,
      `${path} is missing; write a number, or the name of a container's port`,
    );
    return undefined;
  }
  if (!spec.isText('port')) return spec.port('port');
  const name = spec.text('port')!;
  if (name !== '') return name;
  report.error('field-invalid', path, `${path} is empty; write a number, or the name of a container's port`);
  return undefined;
}
