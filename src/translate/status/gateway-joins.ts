// What is said of each gateway, joined once for all objects whose status asks for it: thousands of ListenerSets and routes do.
import {
  type Gateway,
  type GatewayHost,
  type JoinedListener,
  joinedListeners,
  type Mesh,
  parentKey,
} from '../../model/index.ts';
import { gatewayObjects } from '../assemble/gateway-problems.ts';
import { idOf } from './table-index.ts';

/** A gateway of ours with all that counts of it. */
export interface GatewayJoin {
  readonly objects: readonly Gateway[];
  readonly listeners: readonly JoinedListener[];
  /** By object. */
  readonly byObject: ReadonlyMap<Gateway, readonly JoinedListener[]>;
  /** By what routes name as their parent; see parentKey. */
  readonly byParent: ReadonlyMap<string, readonly JoinedListener[]>;
}

const joins = new WeakMap<Mesh, Map<string, GatewayJoin>>();
const hosts = new WeakMap<readonly GatewayHost[], ReadonlyMap<string, readonly GatewayHost[]>>();

/** `gateway`: `namespace/name`. Without objects where none of ours is called so. */
export function joinOf(gateway: string, mesh: Mesh): GatewayJoin {
  const ofMesh = joins.get(mesh) ?? new Map<string, GatewayJoin>();
  joins.set(mesh, ofMesh);
  const known = ofMesh.get(gateway) ?? join(gatewayObjects(mesh.gateways.get(gateway) ?? [], mesh));
  ofMesh.set(gateway, known);
  return known;
}

function join(objects: readonly Gateway[]): GatewayJoin {
  const listeners = joinedListeners(objects);
  return {
    objects,
    listeners,
    byObject: Map.groupBy(listeners, each => each.gateway),
    byParent: Map.groupBy(listeners, each => parentKey(each.gateway)),
  };
}

/** The hosts that the route has among all of its gateway. */
export function hostsOfRoute(all: readonly GatewayHost[], route: string): readonly GatewayHost[] {
  const byRoute = hosts.get(all) ?? Map.groupBy(all, each => idOf(each.from));
  hosts.set(all, byRoute);
  return byRoute.get(route) ?? [];
}
