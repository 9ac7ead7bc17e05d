// What descriptions are made of, as plain data: `-o json` prints it as it stands.
import type { Finding } from '../../analyze/index.ts';
import type { MtlsMode, ObjectRef, Protocol, RetryPolicy } from '../../model/index.ts';
import type { ProxyState } from '../proxy-status/proxy-state.ts';
import type { DroppedContext } from './dropped-context.ts';

/** An object that holds here, and what it comes to. */
export interface PolicyFact {
  readonly object: ObjectRef;
  /** In a few words. */
  readonly says: string;
  /** Why it has no effect here, where it has none. */
  readonly without?: string;
}

/** Whether something is in the mesh, and why, or why not. */
export interface Membership {
  readonly meshed: boolean;
  readonly why: string;
  /**
   * Which control plane's it is by its labels: `revision canary (namespace label weft.dev/rev=canary)`; undefined where nothing
   * is known of control planes.
   */
  readonly controlPlane?: string;
  /** Of a pod whose proxy goes to another one. */
  readonly servedBy?: string;
}

/** A port of a pod. */
export interface PodPort {
  readonly number: number;
  readonly protocol: Protocol;
  /** How that was found. */
  readonly how: string;
  readonly mtls: MtlsMode;
  /** Who decides that; undefined for the default. */
  readonly decidedBy?: ObjectRef;
  /** Whether the proxy sees what comes in. */
  readonly seen: boolean;
  /** The Services that send to it: `web.shop:80`. */
  readonly services: readonly string[];
}

/** A share of a rule's requests. */
export interface Share {
  readonly cluster: string;
  readonly percent: number;
  readonly ready: number;
  readonly total: number;
  /** Why it can have no endpoint. */
  readonly why?: string;
  /** Whether the pod that is described is one of them. */
  readonly here?: boolean;
}

/** A rule for requests to a host, where it stands, and what becomes of them. */
export interface RuleFact {
  /** `reviews.shop.svc.cluster.local:9080` */
  readonly host: string;
  /** From 1, in the order in which rules are tried. */
  readonly place: number;
  readonly object?: ObjectRef;
  /** Inside the object. */
  readonly path?: string;
  readonly match: string;
  /** `sends`, `answers 503`, `redirects with 301`. */
  readonly action: string;
  readonly shares: readonly Share[];
  /** 0 for none. */
  readonly timeoutMs: number;
  readonly retry: RetryPolicy;
  /** What else it does: faults, mirrors, limits, header edits. */
  readonly besides: readonly string[];
}

/** A setting for connections and endpoints, and who says so where that is not the default. */
export interface SettingFact {
  readonly name: string;
  readonly value: string;
  readonly from: readonly ObjectRef[];
}

/** `weft describe pod` */
export interface PodDescription {
  readonly kind: 'pod';
  readonly pod: ObjectRef;
  readonly owner: { readonly kind: string; readonly name: string };
  readonly identity: string;
  readonly ready: boolean;
  readonly node?: string;
  readonly membership: Membership;
  readonly ports: readonly PodPort[];
  /** What holds on ports that are not named; undefined for a pod without proxy. */
  readonly otherPorts?: { readonly mtls: MtlsMode; readonly decidedBy?: ObjectRef };
  /** Rules that may send requests to it. */
  readonly rules: readonly RuleFact[];
  readonly policies: readonly PolicyFact[];
  /** Of what runs; undefined for files. */
  readonly proxy?: ProxyState;
  /** Why nothing is known of the proxy. */
  readonly proxyUnknown?: string;
  readonly findings: readonly Finding[];
}

/** A port of a Service. */
export interface ServicePortFact {
  readonly number: number;
  readonly name: string;
  readonly protocol: Protocol;
  readonly how: string;
  readonly ready: number;
  readonly total: number;
  /** Of all. */
  readonly meshed: number;
  /** What its pods' proxies let in, and who decides that; `past`: their proxies do not see this port. */
  readonly accepts: readonly {
    readonly mtls: MtlsMode;
    readonly pods: number;
    readonly past?: true;
    readonly decidedBy?: ObjectRef;
  }[];
  /** In the order in which they are tried. */
  readonly rules: readonly RuleFact[];
  /** Rules that are not for this caller. */
  readonly leftOut: readonly { readonly object: ObjectRef; readonly path: string; readonly why: string }[];
  readonly settings: readonly SettingFact[];
}

/** `weft describe service` */
export interface ServiceDescription {
  readonly kind: 'service';
  readonly service: ObjectRef;
  readonly host: string;
  /** `with address 10.96.0.7`, `headless`, … */
  readonly type: string;
  /** Whose calls are described. */
  readonly caller: string;
  readonly ports: readonly ServicePortFact[];
  readonly subsets: readonly {
    readonly name: string;
    readonly labels: string;
    readonly pods: number;
    readonly object: ObjectRef;
  }[];
  readonly workloads: readonly {
    readonly name: string;
    readonly pods: number;
    readonly ready: number;
    readonly meshed: number;
  }[];
  /** Where its pods' apps lose traces, as their proxies say; left out where none says so, and for files. */
  readonly droppedContext?: readonly DroppedContext[];
  readonly policies: readonly PolicyFact[];
  readonly findings: readonly Finding[];
}

/** `weft describe ns` */
export interface NamespaceDescription {
  readonly kind: 'namespace';
  readonly name: string;
  readonly membership: Membership;
  readonly workloads: readonly {
    readonly kind: string;
    readonly name: string;
    readonly pods: number;
    readonly ready: number;
    readonly meshed: number;
    /** Why those have no proxy that have none. */
    readonly why?: string;
  }[];
  readonly mtls: { readonly mode: MtlsMode; readonly decidedBy?: ObjectRef };
  readonly services: readonly string[];
  readonly policies: readonly PolicyFact[];
  readonly findings: readonly Finding[];
}

/** Any of them. */
export type Description = PodDescription | ServiceDescription | NamespaceDescription;
