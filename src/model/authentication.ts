import type { GatewayTarget } from './authorization.ts';
import type { LabelSelector } from './labels.ts';
import type { ObjectRef } from './object-ref.ts';

/**
 * One issuer whose tokens a workload takes (JSON Web Tokens, RFC 7519), as Istio's JWTRule has it: where they are looked for, how
 * they are verified, and what of them is told to the app.
 */
export interface JwtRule {
  /** The `iss` of its tokens. */
  readonly issuer: string;
  /** A token must be for one of these; undefined takes any. */
  readonly audiences?: readonly string[];
  /** Where the keys are; http or https. */
  readonly jwksUri?: string;
  /** Where the issuer says where they are (`jwks_uri` of OpenID Connect Discovery 1.0), where neither of the others is said. */
  readonly discoveryUri?: string;
  /** The keys: a JSON Web Key Set (RFC 7517). */
  readonly jwks?: string;
  /** Places to look for tokens. Where none is named: `Authorization: Bearer`, and the parameter `access_token`. */
  readonly fromHeaders?: readonly { readonly name: string; readonly prefix: string }[];
  readonly fromParams?: readonly string[];
  readonly fromCookies?: readonly string[];
  /** Whether the app gets the token; it is taken out unless told. */
  readonly forwardOriginalToken?: boolean;
  /** A header, in lower case, that gets the payload as base64url. What the client sends under its name is taken out. */
  readonly outputPayloadToHeader?: string;
  /** Headers, in lower case, that get a claim; nested ones with dots. What the client sends under their names is taken out. */
  readonly outputClaimToHeaders?: readonly { readonly header: string; readonly claim: string }[];
  /** How long fetching the keys may take, milliseconds; 5,000 unless told. */
  readonly timeoutMs?: number;
  /** Claims that are lists with blanks between, beside `scope` and `permission`. */
  readonly spaceDelimitedClaims?: readonly string[];
  /** What clocks may differ by; 60 unless told. */
  readonly clockSkewSeconds?: number;
  /** Whether `outputPayloadToHeader` is padded with `=`. */
  readonly padsPayload?: boolean;
  /** A token that it does not take is as none, instead of being refused: who must bring one is for others to say. */
  readonly isOptional?: boolean;
  /** What policies call it (Consul's jwt-provider). */
  readonly provider?: string;
  /** Whose rule it is. */
  readonly from?: ObjectRef;
}

/** Whose tokens may be asked for by name: Consul's jwt-provider. */
export interface JwtProvider {
  readonly name: string;
  readonly rule: JwtRule;
  readonly from: ObjectRef;
}

/** Which tokens workloads take: Istio's RequestAuthentication. All that select a workload hold together. */
export interface RequestAuthenticationPolicy {
  /** The namespace whose workloads it is for; undefined for the whole mesh. */
  readonly namespace?: string;
  /** Undefined for every workload of its scope. */
  readonly selector?: LabelSelector;
  /** Only workloads that serve one of these Services of its namespace (names); undefined where it is not about Services. */
  readonly services?: readonly string[];
  /** As of AuthorizationPolicy. */
  readonly gateways?: readonly GatewayTarget[];
  readonly rules: readonly JwtRule[];
  /** Names of JwtProviders, whose rules hold beside; of one that is not there nobody has a token. */
  readonly providers?: readonly string[];
  readonly from: ObjectRef;
}

/** Somebody outside of the proxy who is asked whether a request may pass: Istio's envoyExtAuthzHttp and envoyExtAuthzGrpc. */
export interface ExternalAuthorizer {
  /** What policies call it. */
  readonly name: string;
  readonly protocol: 'http' | 'grpc';
  /** `authz.shop.svc.cluster.local`, `127.0.0.1`. */
  readonly host: string;
  readonly port: number;
  /** For one answer, milliseconds. */
  readonly timeoutMs: number;
  /** Whether requests pass where it cannot be asked. */
  readonly failOpen: boolean;
  /** What they are answered where they do not; 403 unless told. */
  readonly statusOnError: number;
  /** Of HTTP: stands before the path that is asked about. */
  readonly pathPrefix?: string;
  /** Of HTTP: headers of the request that it is told: exact names, `prefix*`, `*suffix`, in lower case. */
  readonly includeRequestHeaders?: readonly string[];
  /** Headers that it is told beside, over those of the request. */
  readonly addRequestHeaders?: readonly (readonly [name: string, value: string])[];
  /** How much of the body it is told, bytes; undefined for none. */
  readonly body?: {
    readonly maxBytes: number;
    /** Whether a longer body is told in part; refused with 413 otherwise. */
    readonly allowPartial: boolean;
    /** Of gRPC: the body goes as bytes and not as text. */
    readonly asBytes: boolean;
  };
  /** Of HTTP: what of its answer goes to the app where it allows, in place of what the client sent; patterns as above. */
  readonly headersToUpstream?: readonly string[];
  /** Of HTTP: what of its answer the client gets where it denies; undefined for all. */
  readonly headersToDownstreamOnDeny?: readonly string[];
  /** Of HTTP: what of its answer the client gets with the app's answer where it allows. */
  readonly headersToDownstreamOnAllow?: readonly string[];
}

/** What a token says that was verified. */
export interface VerifiedToken {
  readonly issuer: string;
  /** '' where it has none. */
  readonly subject: string;
  /** `issuer/subject`: Istio's request principal; '' unless it has both. */
  readonly principal: string;
  readonly audiences: readonly string[];
  /** JwtRule.provider of the rule that took it; '' for none. */
  readonly provider: string;
  /** `azp`: the client that it was given to; '' where it has none. */
  readonly presenter: string;
  /**
   * The strings of a claim, nested ones by their path: itself where it is one, the elements of a list that are; none where it is
   * absent, a number or a boolean, which Istio compares with nothing. Lists with blanks between are lists.
   */
  values(path: readonly string[]): readonly string[];
}
