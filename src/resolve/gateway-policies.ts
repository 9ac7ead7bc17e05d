// What policies say of who comes in by a gateway: those that select its proxies, as they select every workload, and those that
// name the Gateway or its class (Istio's targetRefs).
import {
  type AuthorizationPolicy,
  type Gateway,
  type GatewayPolicies,
  type GatewayTarget,
  matchesLabels,
  type RequestAuthenticationPolicy,
} from '../model/index.ts';
import { inAllDomains, namedAuthorizers, rulesOfTokens, saidOf } from './authorization.ts';
import type { Caller } from './caller.ts';
import { ANY_NAMESPACE, labelsAtGateway } from './joined-gateway.ts';
import type { MeshReader } from './mesh-reader.ts';

const gatewayApi = /^gateway\.networking\.k8s\.io\//;

type Aimed = AuthorizationPolicy | RequestAuthenticationPolicy;

/** Undefined where there are none. `served`: `namespace/name`; `gateways`: all that is said of it, one object at least. */
export function gatewayPoliciesOf(
  reader: MeshReader,
  caller: Caller,
  served: string,
  gateways: readonly Gateway[],
): GatewayPolicies | undefined {
  const holding = <P extends Aimed>(kind: 'authorizationPolicies' | 'requestAuthentications'): P[] => {
    const [{ namespace, servedFrom = namespace }] = gateways as readonly [Gateway];
    const own = caller.namespace === ANY_NAMESPACE ? servedFrom : caller.namespace;
    const labels = labelsAtGateway(reader, caller, served);
    const ofGroup = (group: string): P[] => reader.policies(kind, group) as readonly Aimed[] as P[];
    const isSelected = ({ gateways: named, services, selector }: P): boolean =>
      named === undefined && services === undefined && (!selector || matchesLabels(selector, labels));
    const isNamed = (policy: P): boolean =>
      policy.gateways?.some(each => gateways.some(gateway => isMeant(each, policy, gateway))) === true;
    return [
      ...[...ofGroup(''), ...ofGroup(own)].filter(isSelected),
      ...[...ofGroup(''), ...ofGroup(namespace)].filter(isNamed),
    ];
  };
  const authorization = holding<AuthorizationPolicy>('authorizationPolicies')
    // Who is outside of the mesh is nobody that intentions could speak of: in Consul, too, they are asked behind gateways.
    .filter(policy => policy.onePerScope !== true)
    .map(saidOf);
  const tokenRules = rulesOfTokens(
    reader,
    holding<RequestAuthenticationPolicy>('requestAuthentications').filter(
      each => each.providers === undefined,
    ),
  );
  if (authorization.length === 0 && tokenRules.length === 0) return undefined;
  return {
    ...(authorization.length > 0 && { authorization: inAllDomains(reader, authorization) }),
    ...namedAuthorizers(reader, authorization),
    ...(tokenRules.length > 0 && { tokenRules }),
  };
}

/** A Gateway stands in the policy's own namespace; classes are meant by the whole mesh's policies. */
function isMeant({ kind, name }: GatewayTarget, { from }: Aimed, gateway: Gateway): boolean {
  if (kind === 'GatewayClass') return gateway.className === name;
  const isGateway = gateway.from.kind === 'Gateway' && gatewayApi.test(gateway.from.apiVersion);
  return isGateway && gateway.name === name && gateway.namespace === from.namespace;
}
