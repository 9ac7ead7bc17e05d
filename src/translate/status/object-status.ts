import type { ObjectRef, Problem } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';

/** A condition as Kubernetes has them, without what depends on when it is written. */
export interface Condition {
  readonly type: string;
  readonly status: 'True' | 'False';
  /** CamelCase. */
  readonly reason: string;
  readonly message: string;
}

/** Istio's AnalysisMessageBase. */
export interface ValidationMessage {
  readonly type: { readonly name: string; readonly code: string };
  readonly level: 'ERROR' | 'WARNING';
}

/** What a route is to one of its parents. */
export interface ParentStatus {
  readonly parentRef: unknown;
  /** CONTROLLER_NAME unless told. */
  readonly controllerName?: string;
  readonly conditions: readonly Condition[];
}

/** What became of a listener of a Gateway. */
export interface ListenerStatus {
  readonly name: string;
  /** Kinds of routes, of Gateway API's own group. */
  readonly supportedKinds: readonly string[];
  readonly attachedRoutes: number;
  readonly conditions: readonly Condition[];
}

/** What a policy is to one of the Gateways that it is about. */
export interface AncestorStatus {
  readonly ancestorRef: unknown;
  readonly controllerName: string;
  readonly conditions: readonly Condition[];
}

/** What is to stand in an object's status: Gateway API's shape, or Istio's. */
export type StatusContent =
  | {
      readonly shape: 'parents';
      readonly parents: readonly ParentStatus[];
    }
  | {
      readonly shape: 'gateway';
      /** IP literals, and names of load balancers that have those. */
      readonly addresses: readonly string[];
      readonly conditions: readonly Condition[];
      readonly listeners: readonly ListenerStatus[];
      /** How many ListenerSets are joined to it. */
      readonly attachedSets: number;
    }
  | {
      readonly shape: 'listener-set';
      readonly conditions: readonly Condition[];
      readonly listeners: readonly ListenerStatus[];
    }
  | {
      /** Of an Ingress. */
      readonly shape: 'load-balancer';
      /** Addresses and names. */
      readonly addresses: readonly string[];
    }
  | { readonly shape: 'ancestors'; readonly ancestors: readonly AncestorStatus[] }
  | {
      readonly shape: 'class';
      readonly conditions: readonly Condition[];
      /** Names of Gateway API's features, sorted. */
      readonly features: readonly string[];
    }
  | {
      readonly shape: 'conditions';
      readonly conditions: readonly Condition[];
      readonly messages: readonly ValidationMessage[];
    };

/** What became of one object. */
export interface ObjectStatus {
  readonly object: KubeObject;
  readonly ref: ObjectRef;
  /** How much of it is in effect. `none` for one with errors, be it that its last good version holds on. */
  readonly effect: 'all' | 'part' | 'none';
  /** Those of its translation, and what only the whole mesh shows: backends and parents that do not exist, who won. */
  readonly problems: readonly Problem[];
  /** Undefined for kinds without a status of this sort. */
  readonly content?: StatusContent;
}

const gatewayKinds: ReadonlySet<string> = new Set([
  'HTTPRoute.gateway.networking.k8s.io',
  'GRPCRoute.gateway.networking.k8s.io',
  'TLSRoute.gateway.networking.k8s.io',
  'TCPRoute.gateway.networking.k8s.io',
  'UDPRoute.gateway.networking.k8s.io',
  'HTTPRoute.policy.linkerd.io',
]);

/** Whether objects of the kind say in status.parents what became of them. */
export function isRoute(kind: string): boolean {
  return gatewayKinds.has(kind);
}

/** Whether objects of the kind say what gateways are. */
export function isGatewayKind(kind: string): boolean {
  return /^(Gateway(Class)?|ListenerSet)\.gateway\.networking\.k8s\.io$|^XListenerSet\./.test(kind);
}

/** The kind whose status says where clients find it, and nothing else. */
export const INGRESS_KIND = 'Ingress.networking.k8s.io';
/** The kind whose status says for each Gateway what it is to it. */
export const BACKEND_TLS_KIND = 'BackendTLSPolicy.gateway.networking.k8s.io';

/** Whether a status is written for the kind. */
export function hasStatus(kind: string): boolean {
  return (
    isRoute(kind) ||
    isGatewayKind(kind) ||
    kind === INGRESS_KIND ||
    kind === BACKEND_TLS_KIND ||
    // That of a WorkloadEntry is its machine's health.
    (kind !== 'WorkloadEntry.networking.istio.io' &&
      /\.(networking|security|telemetry)\.istio\.io$/.test(kind))
  );
}
