// What the edge of a mesh asks of requests beyond what sidecars do. Every part is optional, is carried out by gateways alone, and
// is loaded only where somebody asks for it.
import type { CredentialRef } from './gateway.ts';
import type { ObjectRef } from './object-ref.ts';

/** Demands on the requests of a route, and what their answers get. */
export interface EdgePolicy {
  /** The object, for who is refused. */
  readonly from?: ObjectRef;
  readonly clientCertificates?: ClientCertificates;
  readonly body?: BodyLimits;
  readonly fields?: FieldLimits;
  /** Of addresses, basicAuth and authRequest: `any`: one that lets the request pass suffices; `all` unless told. */
  readonly satisfy?: 'all' | 'any';
  readonly addresses?: AddressRules;
  readonly basicAuth?: BasicAuth;
  readonly authRequest?: AuthRequest;
  readonly clientLimits?: readonly ClientLimit[];
  /** Requests under way at once, of one client or of all. */
  readonly clientConnections?: readonly ClientConnections[];
  readonly errorPages?: readonly ErrorPage[];
  readonly compression?: Compression;
  readonly answerRate?: AnswerRate;
  readonly hsts?: Hsts;
  /** Requests over HTTP are sent to the same URL over https. */
  readonly toHttps?: HttpsRedirect;
  /** After that; the first that changes the URL decides. */
  readonly redirects?: readonly UrlRedirect[];
  readonly rewrites?: AnswerRewrites;
}

/**
 * Certificates of clients, judged for each request behind a handshake that lets everybody in: so who shows none, or a bad one, is
 * told why (nginx's ssl_verify_client). The listener asks for them: ClientValidation `insecure`.
 */
export interface ClientCertificates {
  /** `required`: who shows none is refused; `any`: one of an unknown authority is as good as one of a known. */
  readonly demand: 'required' | 'optional' | 'any';
  /** Authorities between that of the listener and the client, at most. */
  readonly maxDepth: number;
  /** A pattern (RE2) that the subject must have somewhere. */
  readonly subject?: string;
  /** Whether the upstream gets the certificate itself. */
  readonly forward: boolean;
  /** Where who is refused for its certificate is redirected to. */
  readonly refusedTo?: string;
}

/** What a client has shown in the handshake of its connection. */
export interface ShownCertificate {
  /** Distinguished names as RFC 2253 writes them. */
  readonly subject: string;
  readonly issuer: string;
  readonly pem: string;
  /** Authorities between it and the root that it leads to. */
  readonly depth: number;
  /** Why it is no good, OpenSSL's code and words; undefined for a good one. */
  readonly fault?: { readonly code: string; readonly words: string };
}

/** How much of a body is taken. */
export interface BodyLimits {
  /** Beyond: 413, by its declared length at once, otherwise when it is exceeded. 0 for no limit. */
  readonly maxBytes: number;
}

/** How long each field of a request may be, bytes. Beyond: 431. */
export interface FieldLimits {
  readonly maxNameBytes?: number;
  readonly maxValueBytes?: number;
}

/** What of an upstream's answer speaks of places as it knows them, and how clients know them (nginx's proxy_redirect, …). */
export interface AnswerRewrites {
  /** The beginning of Location, and of the URL in Refresh. */
  readonly location?: Replacement;
  /** Of cookies: Domain as a whole, whatever its case and with or without a dot before it. */
  readonly cookieDomain?: Replacement;
  /** Of cookies: the beginning of Path. */
  readonly cookiePath?: Replacement;
}

/** One text in place of another. */
export interface Replacement {
  readonly from: string;
  readonly to: string;
}

/** Who may call by its address; see TrustedHops for which address that is. The first range that has it decides. */
export interface AddressRules {
  readonly rules: readonly { readonly range: string; readonly allow: boolean }[];
  /** For addresses of no range. */
  readonly otherwise: boolean;
  /** 403 unless told. */
  readonly status?: number;
}

/** RFC 7617. */
export interface BasicAuth {
  readonly realm: string;
  /** Hashes as htpasswd writes them: bcrypt, apr1, SHA, by user. */
  readonly users: Readonly<Record<string, string>>;
  /** Whether the header goes on to the upstream. */
  readonly forward?: boolean;
  /** In policies: where the users are. resolve/ puts them in. */
  readonly credential?: BasicCredential;
  /** Why there are no users: then nobody gets in. */
  readonly why?: string;
}

/** A Secret with users. */
export interface BasicCredential {
  readonly secret: CredentialRef;
  /** `file`: lines of htpasswd under the key `auth`; `map`: each key is a user, its value the hash. `file` unless told. */
  readonly form?: 'file' | 'map';
}

/** nginx's auth_request: a request without body asks whether this one passes: 2xx lets it, 401 and 403 are told, others 500. */
export interface AuthRequest {
  /** As it was written; variables of nginx' stand in it as `$name`. `http` goes through the mesh, `https` past it. */
  readonly url: string;
  readonly method?: string;
  /** Where 401 is sent instead, with `rd` for where it came from. */
  readonly signIn?: string;
  readonly signInParameter?: string;
  /** In X-Auth-Request-Redirect; the path that was asked for unless told. */
  readonly requestRedirect?: string;
  /** Fields of its answer that the upstream gets; lower case. */
  readonly responseHeaders?: readonly string[];
  /** Fields that it gets beside the request's own. */
  readonly requestHeaders?: readonly (readonly [name: string, value: string])[];
  /** Whether Set-Cookie of its answer goes to the client whatever the answer is. */
  readonly alwaysSetCookie?: boolean;
  /** Answers are kept by this key for so long; undefined: not. */
  readonly cache?: {
    readonly key: string;
    readonly ttlMs: Readonly<Record<string, number>>;
  };
  readonly timeoutMs?: number;
  /**
   * `forward`: Traefik's forwardAuth: asked with X-Forwarded-Method, -Proto, -Host, -Uri and -For, and any answer but 2xx goes to
   * the client as it is. ingress-nginx's auth_request unless told.
   */
  readonly form?: 'forward';
  /** Of the request's own fields the question has these alone; lower case. */
  readonly only?: readonly string[];
}

/**
 * What a client is known by in limits. `path`: whoever asks for a path is one, `address-and-path`: each client at each path;
 * `all`: everybody is one. Of long values the first 256 characters count.
 */
export type ClientKey =
  | { readonly kind: 'address' | 'path' | 'address-and-path' | 'all' }
  | { readonly kind: 'header'; readonly name: string };

/** nginx's limit_req: a leaky bucket for each client. */
export interface ClientLimit {
  /** Shared by all routes that name it. */
  readonly zone: string;
  readonly key: ClientKey;
  readonly perSecond: number;
  /** Requests beyond the rate that are taken all the same. */
  readonly burst: number;
  /** Whether those are delayed until their time. */
  readonly delay: boolean;
  /** 503 unless told. */
  readonly status?: number;
  /** Clients that it does not hold for, as ranges. */
  readonly except?: readonly string[];
  /** What who is refused is told, in place of which limit it was. */
  readonly message?: string;
  /** Clients that are remembered; of more the one is forgotten that was longest idle. 65,536 unless told. */
  readonly maxClients?: number;
}

/** nginx's limit_conn. */
export interface ClientConnections {
  readonly zone: string;
  readonly key: ClientKey;
  readonly max: number;
  readonly status?: number;
  readonly except?: readonly string[];
}

/** What an answer of these statuses becomes: a page of its own, or what a cluster answers (ingress-nginx' custom-http-errors). */
export interface ErrorPage {
  readonly statuses: readonly number[];
  /** Only for answers of Weft's own: no endpoint is there, say. */
  readonly ownOnly?: boolean;
  /** A page of its own, with its type. */
  readonly body?: string;
  readonly contentType?: string;
  /** Sent with that page. */
  readonly fields?: readonly (readonly [name: string, value: string])[];
  /** Instead: who makes the page, asked through the mesh with X-Code, X-Format and X-Original-URI. */
  readonly service?: {
    readonly host: string;
    readonly port: number;
    /** What is asked for, `/` unless told; `{status}` and `{url}` (escaped) stand in it. */
    readonly target?: string;
    /** Fields of the question that are the same for every request: X-Namespace and the like. */
    readonly headers: readonly (readonly [name: string, value: string])[];
  };
  /** In place of the status that the answer had, or the page's maker has. */
  readonly status?: number;
  /** The answer keeps the status that it had, whatever that of the page's maker is. */
  readonly keepStatus?: true;
}

/** Answers are compressed for who accepts that (RFC 9110 section 12.5.3). */
export interface Compression {
  /** The dearest first. */
  readonly encodings: readonly ('br' | 'gzip' | 'zstd')[];
  readonly level?: number;
  readonly minBytes: number;
  /** Media types without parameters. */
  readonly types: readonly string[];
}

/** nginx's limit_rate and limit_rate_after, for each answer. */
export interface AnswerRate {
  readonly bytesPerSecond: number;
  /** So much is sent at once before the rate counts. */
  readonly afterBytes: number;
}

/** RFC 6797; only in answers over TLS. */
export interface Hsts {
  readonly maxAgeSeconds: number;
  readonly includeSubdomains: boolean;
  readonly preload: boolean;
}

/**
 * Requests whose URL as a whole (`https://shop.example/a?b`) a pattern changes are sent to what it becomes (Traefik's
 * redirectRegex). By 302 and 307, or permanently by 301 and 308: the first for GET.
 */
export interface UrlRedirect {
  /** RE2, looked for anywhere. */
  readonly pattern: string;
  /** With \1 … \9 for groups. */
  readonly substitution: string;
  readonly permanent: boolean;
}

/** Where plain requests go. */
export interface HttpsRedirect {
  readonly status: number;
  /** For methods other than GET, where that is another one. */
  readonly otherStatus?: number;
  /** Undefined: 443, which is not written. */
  readonly port?: number;
}
