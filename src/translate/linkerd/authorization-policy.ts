import type { AuthorizedTarget, Requirement, ServerAuthorization } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { accountClient } from './clients.ts';

const GROUP = 'policy.linkerd.io';
const GATEWAY = 'gateway.networking.k8s.io';

/**
 * policy.linkerd.io AuthorizationPolicy, v1alpha1: who shows all that it requires may call its target. It only adds to who may,
 * so that one that cannot be read authorizes nobody.
 */
export const linkerdAuthorizationPolicyTranslator: KindTranslator = {
  kind: 'AuthorizationPolicy.policy.linkerd.io',
  translate: translateAuthorizationPolicy,
};

function translateAuthorizationPolicy(
  object: KubeObject,
  { trustDomain }: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const target = readTarget(spec, namespace, report);
  if (!spec.has('requiredAuthenticationRefs')) {
    const path = spec.at('requiredAuthenticationRefs');
    report.error('field-invalid', path, `${path} is missing; write [] where nothing is required`);
  }
  const requires = spec
    .objects('requiredAuthenticationRefs')
    .flatMap(each => readRequirement(each, namespace, trustDomain, report) ?? []);
  spec.refuseRest();
  refuseSeveral(requires, spec, report);
  if (report.refused || target === undefined) return [];
  const policy: ServerAuthorization = {
    is: 'authorization',
    namespace,
    target,
    requires,
    from: report.object,
  };
  return [{ kind: 'policy', of: 'serverPolicies', policy, createdAt }];
}

function readTarget(spec: Fields, namespace: string, report: Report): AuthorizedTarget | undefined {
  const ref = spec.object('targetRef');
  const group = ref?.text('group') ?? '';
  const kind = ref?.text('kind') ?? '';
  const name = ref?.text('name') ?? '';
  ref?.refuseRest();
  const path = spec.at('targetRef');
  const wrong = (words: string): undefined => {
    report.error('field-invalid', path, `${path}${words}`);
    return undefined;
  };
  if (ref === undefined || name === '') return wrong(' needs a kind and a name');
  if (kind === 'Namespace' && (group === '' || group === 'core'))
    return name === namespace
      ? { kind: 'namespace' }
      : wrong(`: a policy is for its own namespace ${namespace}, and not for ${name}`);
  if (kind === 'Server' && group === GROUP) return { kind: 'server', name };
  const isRoute =
    (kind === 'HTTPRoute' && (group === GROUP || group === GATEWAY)) ||
    (kind === 'GRPCRoute' && group === GATEWAY);
  if (isRoute) return { kind: 'route', key: `${group}/${kind}/${name}` };
  return wrong(
    `: a ${group === '' ? kind : `${kind}.${group}`} cannot be a target; name a Server, an HTTPRoute, a GRPCRoute or the Namespace, with their group`,
  );
}

function readRequirement(
  ref: Fields,
  own: string,
  trustDomain: string,
  report: Report,
): Requirement | undefined {
  const group = ref.text('group') ?? '';
  const kind = ref.text('kind') ?? '';
  const name = ref.text('name') ?? '';
  const namespace = ref.text('namespace') || own;
  ref.refuseRest();
  const { path } = ref;
  if (name !== '') {
    if (kind === 'ServiceAccount' && (group === '' || group === 'core'))
      return { kind: 'clients', clients: [accountClient(namespace, name, trustDomain)] };
    if ((kind === 'MeshTLSAuthentication' || kind === 'NetworkAuthentication') && group === GROUP)
      return { kind, namespace, name, path };
  }
  report.error(
    'field-invalid',
    path,
    `${path}: name a MeshTLSAuthentication or NetworkAuthentication of ${GROUP}, or a ServiceAccount`,
  );
  return undefined;
}

/** All are required, and nobody has two identities or two addresses: Linkerd takes one of each. */
function refuseSeveral(requires: readonly Requirement[], spec: Fields, report: Report): void {
  const path = spec.at('requiredAuthenticationRefs');
  const networks = requires.filter(({ kind }) => kind === 'NetworkAuthentication').length;
  const identities = requires.length - networks;
  if (networks > 1 || identities > 1)
    report.error(
      'field-invalid',
      path,
      `${path}: all of them are required, and nobody has two identities; name one NetworkAuthentication and one MeshTLSAuthentication or ServiceAccount at most`,
    );
}
