// Gateways as authorization sees them: who comes in is nobody of the mesh.
import type { ObjectMesh } from '../../analyze/index.ts';
import { gatewayKey, type InboundResource } from '../../model/index.ts';
import { ANY_NAMESPACE, resolveGateway } from '../../resolve/index.ts';

/** A gateway, and what its proxies are told of who comes in, as if it were of a workload. */
export interface CalledGateway {
  /** `gateway/shop/edge` */
  readonly name: string;
  readonly inbound: InboundResource;
}

/** Those that have policies, in order of their names; the one that is named has not to. */
export function gatewaysOf(
  { mesh }: ObjectMesh,
  only?: string,
  namespace?: string,
): readonly CalledGateway[] {
  return [...mesh.gateways.keys()].sort().flatMap((gateway): CalledGateway[] => {
    const name = `gateway/${gateway}`;
    if (only !== undefined && only !== name) return [];
    if (namespace !== undefined && !gateway.startsWith(`${namespace}/`)) return [];
    const { resource } = resolveGateway(mesh, { namespace: ANY_NAMESPACE, labels: {} }, gatewayKey(gateway));
    const { policies, listeners } = resource;
    if (listeners.length === 0 || (policies === undefined && only === undefined)) return [];
    const protocols = new Map(
      listeners.map(
        ({ port, protocol }) => [port, protocol === 'http' || protocol === 'https' ? 'http' : 'tcp'] as const,
      ),
    );
    const ports = [...protocols].map(
      ([number, protocol]) => ({ number, protocol, mtls: 'disable' }) as const,
    );
    const self = { workload: gateway, namespace: '', app: '', version: '', principal: '', pod: '' };
    return [
      {
        name,
        inbound: { ...{ kind: 'inbound', key: name, self, ports, defaultMtls: 'disable' }, ...policies },
      },
    ];
  });
}
