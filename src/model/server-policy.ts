// What several objects say together of who may call a port: Linkerd's Servers, their routes, and who is authorized to what. Each
// object is one of these; resolve/ joins them for a workload to what AuthorizationPolicies come to, too.
import type { AuthorizationTests } from './authorization.ts';
import type { LabelSelector, Labels } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';
import type { RequestMatch } from './request-match.ts';
import type { HeaderEdits, Redirect } from './route.ts';
import type { Protocol } from './service.ts';

/**
 * Who is let in where nothing else is said: everybody, who has an identity of the mesh, who calls from the cluster's networks,
 * who does both, nobody. `audit`: everybody, and who is not authorized is noted.
 */
export const INBOUND_ACCESS = [
  'all-unauthenticated',
  'all-authenticated',
  'cluster-unauthenticated',
  'cluster-authenticated',
  'deny',
  'audit',
] as const;

export type InboundAccess = (typeof INBOUND_ACCESS)[number];

/** One port of the pods that it selects, which is closed to whom nothing authorizes. The oldest of several for a port counts. */
export interface PolicyServer {
  readonly is: 'server';
  readonly namespace: string;
  readonly name: string;
  /** Its own, by which ServerAuthorizations find it. */
  readonly labels: Labels;
  /** Of pods. */
  readonly selector: LabelSelector;
  /** By number, or by the name of a container's port; undefined for all where its object cannot be read. */
  readonly port?: number | string;
  readonly protocol: Protocol;
  readonly access: InboundAccess;
  readonly from: ObjectRef;
}

/** A route, by `GROUP/KIND/NAME` in its namespace. */
export type ServerRouteKey = string;

/** What somebody is authorized to. */
export type AuthorizedTarget =
  | { readonly kind: 'server'; readonly name: string }
  | { readonly kind: 'servers'; readonly selector: LabelSelector }
  | { readonly kind: 'namespace' }
  | { readonly kind: 'route'; readonly key: ServerRouteKey };

/** One of the things that a caller must show: that of a named object, or of any of these. */
export type Requirement =
  | {
      readonly kind: 'MeshTLSAuthentication' | 'NetworkAuthentication';
      readonly namespace: string;
      readonly name: string;
      /** Where it is named, for messages. */
      readonly path: string;
    }
  | { readonly kind: 'clients'; readonly clients: readonly AuthorizationTests[] };

/** Who satisfies all of `requires` may call; nothing required is everybody. */
export interface ServerAuthorization {
  readonly is: 'authorization';
  readonly namespace: string;
  readonly target: AuthorizedTarget;
  readonly requires: readonly Requirement[];
  readonly from: ObjectRef;
}

/** Whoever one of `clients` holds for. */
export interface ClientAuthentication {
  readonly is: 'authentication';
  readonly namespace: string;
  readonly name: string;
  readonly clients: readonly AuthorizationTests[];
  readonly from: ObjectRef;
}

/** Requests to Servers that are authorized apart. A Server with routes answers 404 what none of them matches. */
export interface ServerRoute {
  readonly is: 'route';
  readonly namespace: string;
  readonly key: ServerRouteKey;
  /** Names of Servers of its namespace. */
  readonly servers: readonly string[];
  /** `*.example.com`, `example.com`; none for every host. */
  readonly hosts: readonly string[];
  /** One of them matches; empty for nothing, where its object cannot be read. */
  readonly matches: readonly ServerRouteMatch[];
  readonly from: ObjectRef;
}

/** Requests of a route, and what becomes of those that may pass. */
export interface ServerRouteMatch {
  readonly request: RequestMatch;
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  readonly redirect?: Redirect;
}

/** What the pods of a namespace go by that say nothing themselves. */
export interface NamespaceAccess {
  readonly is: 'default';
  readonly namespace: string;
  readonly access: InboundAccess;
  readonly from: ObjectRef;
}

export type ServerPolicy =
  | PolicyServer
  | ServerAuthorization
  | ClientAuthentication
  | ServerRoute
  | NamespaceAccess;
