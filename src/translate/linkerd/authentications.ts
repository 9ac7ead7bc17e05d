import type { AuthorizationTests, ClientAuthentication } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { accountClient, namespaceClient, readIdentity, readNetworks } from './clients.ts';

/** policy.linkerd.io MeshTLSAuthentication: callers by their identity. */
export const meshTlsAuthenticationTranslator: KindTranslator = {
  kind: 'MeshTLSAuthentication.policy.linkerd.io',
  translate: (object, context, report) => translate(object, context, report, readMeshTls),
};

/** policy.linkerd.io NetworkAuthentication: callers by their address. */
export const networkAuthenticationTranslator: KindTranslator = {
  kind: 'NetworkAuthentication.policy.linkerd.io',
  translate: (object, context, report) => translate(object, context, report, readNetworkList),
};

type Read = (
  spec: Fields,
  namespace: string,
  context: TranslateContext,
  report: Report,
) => readonly AuthorizationTests[];

/** One that cannot be read authenticates nobody, so that nothing stands in its place. */
function translate(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
  read: Read,
): readonly Part[] {
  const { name, namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const clients = read(spec, namespace, context, report);
  spec.refuseRest();
  if (report.refused) return [];
  const policy: ClientAuthentication = {
    is: 'authentication',
    namespace,
    name,
    clients,
    from: report.object,
  };
  return [{ kind: 'policy', of: 'serverPolicies', policy, createdAt }];
}

function readMeshTls(
  spec: Fields,
  namespace: string,
  { trustDomain }: TranslateContext,
  report: Report,
): readonly AuthorizationTests[] {
  const identities = spec.texts('identities').flatMap((each, index) => {
    const read = readIdentity(each, `${spec.at('identities')}[${index}]`, report);
    return read === undefined ? [] : [read];
  });
  const refs = spec.objects('identityRefs').flatMap(ref => {
    const kind = ref.choice('kind', ['ServiceAccount', 'Namespace']);
    const group = ref.text('group') ?? '';
    const name = ref.text('name') ?? '';
    const of = ref.text('namespace') || namespace;
    ref.refuseRest();
    if (kind === undefined || (group !== '' && group !== 'core') || (name === '' && kind !== 'Namespace')) {
      const words = 'must be a ServiceAccount of the core group with a name, or a Namespace';
      report.error('field-invalid', ref.path, `${ref.path} ${words}`);
      return [];
    }
    return [
      kind === 'Namespace'
        ? namespaceClient(name || namespace, trustDomain)
        : accountClient(of, name, trustDomain),
    ];
  });
  const all = [...identities, ...refs];
  if (all.length === 0 && !report.refused)
    report.error('field-invalid', spec.path, `${spec.path} names nobody; write identities or identityRefs`);
  return all;
}

function readNetworkList(
  spec: Fields,
  _namespace: string,
  _context: TranslateContext,
  report: Report,
): readonly AuthorizationTests[] {
  const networks = readNetworks(spec, report);
  const path = spec.at('networks');
  if (networks.length === 0 && !report.refused)
    report.error('field-invalid', path, `${path} names no network; write for example cidr: 10.0.0.0/8`);
  return networks;
}
