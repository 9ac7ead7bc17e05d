import type { BackendTls, CredentialRef, ExpectedName, ObjectRef } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Part } from '../part.ts';
import { Report } from '../report.ts';
import { readCredentialRef, readTlsVersions } from './credential-ref.ts';
import { required } from './matches.ts';
import { GATEWAY_GROUP } from './parent-ref.ts';

/** gateway.networking.k8s.io BackendTLSPolicy, v1alpha3 and v1: TLS to what stands behind Services of its own namespace. */
export const backendTlsPolicyTranslator: KindTranslator = {
  kind: `BackendTLSPolicy.${GATEWAY_GROUP}`,
  translate: translateBackendTlsPolicy,
  closed: closedBackendTlsPolicy,
  closedWords:
    'nothing of this object has held before, so until it is corrected nothing is sent to its Services through gateways: whether in clear or to whom, nobody could say',
};

/** Whoever asks for TLS does not want to be sent anything in clear. */
function closedBackendTlsPolicy(
  object: KubeObject,
  { clusterDomain }: TranslateContext,
  from: ObjectRef,
): readonly Part[] {
  const { namespace = '', creationTimestamp = '' } = object.metadata;
  const unheard = new Report(from);
  return readTargetRefs(fieldsOf(object, 'spec', unheard), unheard).map(({ name, portName }): Part => {
    const host = `${name}.${namespace}.svc.${clusterDomain}`;
    const policy: BackendTls = { host, ...given({ portName }), serverName: '', authorities: [], from };
    return { kind: 'policy', of: 'backendTls', policy, createdAt: creationTimestamp };
  });
}

function translateBackendTlsPolicy(
  object: KubeObject,
  { clusterDomain }: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const targets = readTargetRefs(spec, report);
  const validation = spec.object('validation');
  if (validation === undefined) {
    report.error(
      'field-invalid',
      'spec.validation',
      'spec.validation is missing; name authorities and a hostname',
    );
    return [];
  }
  const said = {
    ...readValidation(validation, namespace, report),
    ...given(readTlsVersions(spec, report)),
    from: report.object,
  };
  spec.rest();
  return targets.map(({ name, portName }): Part => {
    const policy: BackendTls = {
      host: `${name}.${namespace}.svc.${clusterDomain}`,
      ...given({ portName }),
      ...said,
    };
    return { kind: 'policy', of: 'backendTls', policy, createdAt: creationTimestamp };
  });
}

/** A Service that a BackendTLSPolicy is for. */
export interface TargetRef {
  readonly path: string;
  readonly name: string;
  readonly portName?: string;
}

/** spec.targetRefs; what is no Service is named and left out. */
export function readTargetRefs(spec: Fields, report: Report): readonly TargetRef[] {
  const refs = spec.objects('targetRefs');
  if (refs.length === 0)
    report.error(
      'field-invalid',
      'spec.targetRefs',
      'spec.targetRefs is empty; name a Service of this namespace',
    );
  return refs.flatMap(each => {
    const group = each.text('group') ?? '';
    const kind = each.text('kind') ?? 'Service';
    const name = required(each, 'name', report);
    const portName = each.text('sectionName') || undefined;
    each.rest();
    if (kind === 'Service' && (group === '' || group === 'core'))
      return [{ path: each.path, name, ...given({ portName }) }];
    const named = group === '' ? kind : `${kind}.${group}`;
    report.warn(
      'reference-kind-invalid',
      each.path,
      `${each.path}: TLS is spoken to Services, not to a ${named}; name a Service`,
    );
    return [];
  });
}

function readValidation(
  validation: Fields,
  namespace: string,
  report: Report,
): Pick<BackendTls, 'serverName' | 'expected' | 'authorities'> {
  const serverName = required(validation, 'hostname', report).toLowerCase();
  if (serverName.includes('*'))
    report.error(
      'field-invalid',
      validation.at('hostname'),
      `${validation.at('hostname')}: '${serverName}' is no host; wildcards are not sent as a server name`,
    );
  const expected = validation.objects('subjectAltNames').flatMap(each => readName(each, report));
  const authorities = readAuthorities(validation, namespace, report);
  validation.rest();
  return { serverName, authorities, ...given({ expected: some(expected) }) };
}

/**
 * One of the two must be there. References to what is no ConfigMap are left out; where nothing is left nobody's certificate is
 * good.
 */
function readAuthorities(validation: Fields, namespace: string, report: Report): BackendTls['authorities'] {
  const refs = validation.objects('caCertificateRefs');
  const wellKnown = validation.choice('wellKnownCACertificates', ['System', '']) || undefined;
  if (refs.length > 0 && wellKnown !== undefined)
    report.error(
      'field-invalid',
      validation.at('wellKnownCACertificates'),
      `${validation.path} names authorities twice; keep caCertificateRefs or wellKnownCACertificates`,
    );
  if (refs.length === 0 && wellKnown === undefined && !report.refused)
    report.error(
      'field-invalid',
      validation.path,
      `${validation.path} names no authority; write caCertificateRefs, or wellKnownCACertificates: System`,
    );
  if (refs.length === 0) return 'system';
  return refs.flatMap((each): readonly CredentialRef[] => {
    const ref = readCredentialRef(each, 'ConfigMap', namespace, report);
    return ref === undefined ? [] : [{ ...ref, namespace }];
  });
}

function readName(fields: Fields, report: Report): readonly ExpectedName[] {
  const type = fields.choice('type', ['Hostname', 'URI']);
  const field = type === 'URI' ? 'uri' : 'hostname';
  // The other one is ignored, as the standard says.
  fields.pass(type === 'URI' ? 'hostname' : 'uri');
  if (type === undefined) {
    if (!fields.has('type'))
      report.error(
        'field-invalid',
        fields.at('type'),
        `${fields.at('type')} is missing; write Hostname or URI`,
      );
    return [];
  }
  const name = required(fields, field, report);
  fields.rest();
  return [type === 'URI' ? { type: 'uri', name } : { type: 'host', name: name.toLowerCase() }];
}
