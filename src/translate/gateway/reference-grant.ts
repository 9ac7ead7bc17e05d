import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { required } from './matches.ts';

/** gateway.networking.k8s.io ReferenceGrant, v1alpha2, v1beta1 and v1, as far as it is about Services, Secrets and ConfigMaps. */
export const referenceGrantTranslator: KindTranslator = {
  kind: 'ReferenceGrant.gateway.networking.k8s.io',
  translate: translateReferenceGrant,
};

function translateReferenceGrant(
  object: KubeObject,
  _context: TranslateContext,
  report: Report,
): readonly Part[] {
  const spec = fieldsOf(object, 'spec', report);
  const from = spec.objects('from').map(each => {
    const read = {
      group: each.text('group') ?? '',
      kind: required(each, 'kind', report),
      namespace: required(each, 'namespace', report),
    };
    each.rest();
    return read;
  });
  const to = spec.objects('to').map(each => {
    const read = {
      group: each.text('group') ?? '',
      kind: required(each, 'kind', report),
      name: each.text('name') || undefined,
    };
    each.rest();
    return read;
  });
  spec.rest();
  const services = to.filter(each => each.kind === 'Service' && each.group === '');
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  if (from.length === 0) return [];
  const credentials = to.flatMap(({ group, kind, name }): readonly Part[] => {
    if (group !== '' || (kind !== 'Secret' && kind !== 'ConfigMap')) return [];
    const policy = { namespace, trusts: from, kind, ...(name && { name }), from: report.object } as const;
    return [{ kind: 'policy', of: 'credentialGrants', policy, createdAt }];
  });
  if (services.length === 0) return credentials;
  const names = services.map(each => each.name);
  const all = names.includes(undefined);
  return [
    ...credentials,
    {
      kind: 'reference-grant',
      namespace,
      from,
      ...(!all && { services: names.filter(each => each !== undefined) }),
    },
  ];
}
