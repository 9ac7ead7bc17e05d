// Who calls, as Linkerd's objects name it: identities of the mesh, accounts, namespaces, networks.
import type { AuthorizationTest, AuthorizationTests, ValueMatch } from '../../model/index.ts';
import { isAddressRange } from '../address-range.ts';
import type { Fields } from '../fields.ts';
import type { Report } from '../report.ts';

/** Whoever has an identity of the mesh. */
export const ANYBODY_OF_THE_MESH: AuthorizationTests = [
  { of: 'principal', values: [{ kind: 'present', value: '' }] },
];

/** One ServiceAccount; names of the mesh's own trust domain stand for all of its names. */
export function accountClient(namespace: string, name: string, trustDomain: string): AuthorizationTests {
  return [exactly('service-account', `${namespace}/${name}`), exactly('trust-domain', trustDomain)];
}

/** All accounts of a namespace. */
export function namespaceClient(namespace: string, trustDomain: string): AuthorizationTests {
  return [exactly('namespace', namespace), exactly('trust-domain', trustDomain)];
}

/**
 * An identity as Linkerd writes it: `*`, `web.shop.serviceaccount.identity.linkerd.cluster.local`, `*.` and what follows the
 * account or the namespace, or a SPIFFE id. Undefined for what cannot be told, which is reported.
 */
export function readIdentity(identity: string, path: string, report: Report): AuthorizationTests | undefined {
  if (identity === '*') return ANYBODY_OF_THE_MESH;
  if (/^spiffe:\/\/[^/]+\/./.test(identity)) return [exactly('principal', identity)];
  const all = /^\*\.(?:([^.*]+)\.)?serviceaccount\.identity\.[^.*]+\.([^*]+)$/.exec(identity);
  if (all !== null) {
    const [, namespace, trustDomain = ''] = all;
    return namespace === undefined
      ? [exactly('trust-domain', trustDomain)]
      : namespaceClient(namespace, trustDomain);
  }
  const one = /^([^*]+)\.([^.*]+)\.serviceaccount\.identity\.[^.*]+\.([^*]+)$/.exec(identity);
  if (one !== null) return accountClient(one[2]!, one[1]!, one[3]!);
  const words =
    'is no identity that can be told from others here; write *, NAME.NAMESPACE.serviceaccount.identity.linkerd.cluster.local, *.NAMESPACE.serviceaccount.identity.linkerd.cluster.local, or a SPIFFE id';
  report.error('field-invalid', path, `${path}: '${identity}' ${words}`);
  return undefined;
}

/** `networks`: each a range, but for those in `except`. */
export function readNetworks(fields: Fields, report: Report): readonly AuthorizationTests[] {
  return fields.objects('networks').map(each => {
    const cidr = each.text('cidr') ?? '';
    const except = each.texts('except');
    const ranges = [cidr, ...except].map((text, index): ValueMatch => {
      const path = index === 0 ? each.at('cidr') : `${each.at('except')}[${index - 1}]`;
      if (!isAddressRange(text)) {
        const words = `'${text}' is no address and no range of addresses; write for example 10.1.0.0/16 or fd00::/8`;
        report.error('field-invalid', path, `${path}: ${words}`);
      }
      return { kind: 'range', value: text };
    });
    each.refuseRest();
    return [
      { of: 'source-address', values: ranges.slice(0, 1) },
      ...(except.length > 0 ? [{ of: 'source-address', values: ranges.slice(1), not: true } as const] : []),
    ];
  });
}

function exactly(of: AuthorizationTest['of'], value: string): AuthorizationTest {
  return { of, values: [{ kind: 'exact', value }] };
}
