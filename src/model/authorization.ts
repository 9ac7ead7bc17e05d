// Who may call what, whichever dialect says so: tests over a connection and a request, joined into rules. Plain data, so that a
// resource can carry it.
import type { LabelSelector } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';

/**
 * What becomes of what a policy's rules match. `custom`: an external authorizer is asked, and its no counts. `deny`: refused.
 * `allow`: as soon as a workload has one such policy, what none of them matches is refused. `audit`: decides nothing, and is
 * noted.
 */
export type AuthorizationAction = 'custom' | 'deny' | 'allow' | 'audit';

/** What of a connection can be asked. Values are those of the model: principals with `spiffe://`, addresses and ports as text. */
export const CONNECTION_ATTRIBUTES = [
  /** `spiffe://td/ns/shop/sa/cart`; '' in plaintext. */
  'principal',
  'namespace',
  /** `shop/cart` */
  'service-account',
  'trust-domain',
  /** Of the connection itself. */
  'source-address',
  /** Of the client, as proxies in between tell it (X-Forwarded-For). */
  'remote-address',
  'destination-address',
  /** Of the workload, not of its Service. */
  'destination-port',
  /** The name that a ClientHello asks for. */
  'server-name',
] as const;

/** What only a request has: nothing of it can be known of bytes that are not read. */
export const REQUEST_ATTRIBUTES = [
  /** Issuer and subject of a verified token: `https://issuer/subject`; '' without one. */
  'request-principal',
  'audience',
  /** Claim `azp`. */
  'presenter',
  'claim',
  /** JwtRule.provider of the rule that took the token; '' without one. */
  'token-provider',
  /** Without case; with and without its port, and without a dot at its end. */
  'host',
  'method',
  /** Normalised, without query and fragment. */
  'path',
  'header',
] as const;

export type AuthorizationAttribute =
  | (typeof CONNECTION_ATTRIBUTES)[number]
  | (typeof REQUEST_ATTRIBUTES)[number];

/**
 * How a value is compared. `present`: whatever it is, as long as it is there and not empty. `template`: a path whose segments may
 * be `{*}` (one, not empty) or `{**}` (any number; the last of such). `range`: an address or `10.0.0.0/8`. `regex`: RE2, of the
 * whole value.
 */
export interface ValueMatch {
  readonly kind: 'exact' | 'prefix' | 'suffix' | 'present' | 'template' | 'range' | 'regex';
  /** '' for `present`. */
  readonly value: string;
  readonly ignoreCase?: true;
}

/** One question: whether the attribute has any of the values. */
export interface AuthorizationTest {
  readonly of: AuthorizationAttribute;
  /** Of `header`: its name in lower case, or `:authority`, `:method`, `:path`. Of `claim`: its path, outermost first. */
  readonly name?: string | readonly string[];
  readonly values: readonly ValueMatch[];
  /** None of them may match; what is not there matches none. */
  readonly not?: true;
}

/** All of them must hold. None: holds always. */
export type AuthorizationTests = readonly AuthorizationTest[];

/** Holds where all of its clauses do, a clause where one of its alternatives does. Without clauses it matches everything. */
export interface AuthorizationRule {
  /** As messages name it: its index, or the name that its author gave it. */
  readonly name: string;
  readonly clauses: readonly (readonly AuthorizationTests[])[];
}

/** What of the answer to a refused request is not as usual. */
export interface DenialAnswer {
  /** 403 unless told. */
  readonly status?: number;
  readonly body?: string;
  /** Whether the body names policy and rule. */
  readonly names?: true;
}

/** What one policy says, for the workload whose resource holds it. */
export interface WorkloadAuthorization {
  readonly action: AuthorizationAction;
  /** None of an `allow` policy: it allows nothing. */
  readonly rules: readonly AuthorizationRule[];
  /** Only on these ports of the workload; undefined for all. */
  readonly ports?: readonly number[];
  /** Not on these. */
  readonly exceptPorts?: readonly number[];
  /** It says nothing of connections whose bytes are not read. */
  readonly onlyRequests?: true;
  /** Decides nothing; what it would have decided is noted. */
  readonly dryRun?: true;
  /** Of `custom`: the authorizer's name in the mesh's settings. */
  readonly provider?: string;
  /** What who is refused by it is answered, where its author says so. */
  readonly denial?: DenialAnswer;
  readonly from: ObjectRef;
}

/** A Gateway of Gateway API, or all of a class, as policies name them. */
export interface GatewayTarget {
  readonly kind: 'Gateway' | 'GatewayClass';
  readonly name: string;
}

/** What one object says, and of which workloads. */
export interface AuthorizationPolicy
  extends Omit<WorkloadAuthorization, 'ports' | 'exceptPorts' | 'onlyRequests'> {
  /** Undefined for the whole mesh. */
  readonly namespace?: string;
  /** Undefined for every workload of its scope. */
  readonly selector?: LabelSelector;
  /** Only the ports behind these Services of its namespace (names); undefined where it is not about Services. */
  readonly services?: readonly string[];
  /**
   * Only these ways into the mesh (of its own namespace; classes wherever they are), and of workloads those of `services` alone;
   * undefined where it is not about gateways in particular: then it holds at those whose proxies it selects.
   */
  readonly gateways?: readonly GatewayTarget[];
  /** Of several objects with this that are about the same namespace and Services, the oldest alone counts. */
  readonly onePerScope?: true;
}
