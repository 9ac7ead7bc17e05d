import type {
  AuthorizationTests,
  AuthorizedTarget,
  Requirement,
  ServerAuthorization,
} from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { ANYBODY_OF_THE_MESH, accountClient, readIdentity, readNetworks } from './clients.ts';
import { readLabelSelector } from './label-selector.ts';

/** policy.linkerd.io ServerAuthorization, v1alpha1 and v1beta1: what came before AuthorizationPolicy, and still holds. */
export const serverAuthorizationTranslator: KindTranslator = {
  kind: 'ServerAuthorization.policy.linkerd.io',
  translate: translateServerAuthorization,
};

function translateServerAuthorization(
  object: KubeObject,
  { trustDomain }: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const target = targetOf(spec, report);
  const requires = requirementsOf(spec, namespace, trustDomain, report);
  spec.refuseRest();
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

function targetOf(spec: Fields, report: Report): AuthorizedTarget | undefined {
  const server = spec.object('server');
  const name = server?.text('name');
  const selector = server?.object('selector');
  server?.refuseRest();
  if (name) return { kind: 'server', name };
  if (selector) return { kind: 'servers', selector: readLabelSelector(selector, report) };
  const path = spec.at('server');
  report.error('field-invalid', path, `${path} names no Server; write its name, or a selector of its labels`);
  return undefined;
}

/** Networks and identities must both fit; neither said is everybody. */
function requirementsOf(
  spec: Fields,
  namespace: string,
  trustDomain: string,
  report: Report,
): readonly Requirement[] {
  const client = spec.object('client');
  if (client === undefined) {
    const path = spec.at('client');
    report.error('field-invalid', path, `${path} is missing; write meshTLS, or unauthenticated: true`);
    return [];
  }
  const networks = readNetworks(client, report);
  const unauthenticated = client.flag('unauthenticated') ?? false;
  const meshTls = client.object('meshTLS');
  client.refuseRest();
  const identities = meshTls && readMeshTls(meshTls, namespace, trustDomain, report);
  if (!unauthenticated && identities === undefined)
    report.error(
      'field-invalid',
      client.path,
      `${client.path} authenticates nobody; write meshTLS, or unauthenticated: true`,
    );
  return [
    ...(networks.length > 0 ? [{ kind: 'clients', clients: networks } as const] : []),
    ...(unauthenticated || identities === undefined
      ? []
      : [{ kind: 'clients', clients: identities } as const]),
  ];
}

function readMeshTls(
  meshTls: Fields,
  namespace: string,
  trustDomain: string,
  report: Report,
): readonly AuthorizationTests[] {
  // Every connection of mesh TLS has an identity here, so that any will do.
  const any = meshTls.flag('unauthenticatedTLS') ?? false;
  const identities = meshTls.texts('identities').flatMap((each, index) => {
    const read = readIdentity(each, `${meshTls.at('identities')}[${index}]`, report);
    return read === undefined ? [] : [read];
  });
  const accounts = meshTls.objects('serviceAccounts').map(each => {
    const name = each.text('name') ?? '';
    const of = each.text('namespace') || namespace;
    each.refuseRest();
    if (name === '') report.error('field-invalid', each.at('name'), `${each.at('name')} is missing`);
    return accountClient(of, name, trustDomain);
  });
  meshTls.refuseRest();
  if (any) return [ANYBODY_OF_THE_MESH];
  const all = [...identities, ...accounts];
  if (all.length === 0 && !report.refused) {
    const remedy = 'write identities, serviceAccounts, or unauthenticatedTLS: true';
    report.error('field-invalid', meshTls.path, `${meshTls.path} names nobody; ${remedy}`);
  }
  return all;
}
