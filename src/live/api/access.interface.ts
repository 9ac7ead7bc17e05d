import type { TLSSocket } from 'node:tls';

/** Somebody who has proven who they are. */
export interface Caller {
  readonly name: string;
  readonly uid?: string;
  readonly groups: readonly string[];
  readonly extra?: Readonly<Record<string, readonly string[]>>;
}

/**
 * What somebody must be allowed: a verb on a subresource of pods, of the group weft.dev. Nobody serves these; they are names for
 * rules of RBAC.
 */
export interface Right {
  readonly verb: 'create' | 'get';
  readonly subresource: 'tap' | 'requests' | 'figures' | 'upgrade';
}

/** What a request brings as proof. */
export interface Proof {
  /** Of `Authorization: Bearer`. */
  readonly token?: string;
  /** Undefined where the connection is none of TLS. */
  readonly socket?: TLSSocket;
}

/** Why somebody is not let in. */
export interface AccessDenied {
  /** It is not known who they are (401); it is (403); nobody can say now (503). */
  readonly code: 'live-unproven' | 'live-forbidden' | 'live-unavailable';
  /** What is missing and what to do, in words. */
  readonly why: string;
}

/** Who may ask what. */
export interface Access {
  /** Who it is. */
  authenticate(proof: Proof): Promise<Caller | AccessDenied>;
  /** Undefined when they may; `namespace` '' stands for all. */
  authorize(caller: Caller, right: Right, namespace: string): Promise<AccessDenied | undefined>;
}

/** `create pods/tap` of weft.dev, in words. */
export function rightText({ verb, subresource }: Right): string {
  return `${verb} pods/${subresource} of the group weft.dev`;
}
