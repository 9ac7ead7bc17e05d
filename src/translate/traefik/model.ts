// What Traefik's words come to before they are joined: data, so that what is the same is seen to be the same.
import type {
  CorsPolicy,
  EdgePolicy,
  HeaderEdits,
  Hsts,
  PathRewrite,
  TrafficPolicy,
  UrlRedirect,
} from '../../model/index.ts';
import type { WordsBase } from '../ingress/ingress-dialect.ts';
import type { IngressSettings, RouteBackend } from '../ingress/ingress-model.ts';

interface Base extends WordsBase {
  readonly dialect: 'traefik';
}

/** Annotations `router.*` of an Ingress. */
export interface RouterWords extends Base {
  readonly of: 'ingress';
  readonly scheme?: 'http' | 'https';
  readonly priority?: number;
  /** What paths of pathType ImplementationSpecific are. */
  readonly matcher: 'PathPrefix' | 'Path' | 'PathRegexp';
  /** `namespace-name`, which may be split in more than one place. */
  readonly middlewares: readonly string[];
  /** `namespace-name` of a TLSOption. */
  readonly tlsOptions?: string;
}

/** Annotations `service.*` of a Service. */
export interface BackendWords extends Base {
  readonly of: 'service';
  readonly traffic: Omit<Partial<TrafficPolicy>, 'host' | 'from'>;
  readonly session?: NonNullable<IngressSettings['session']>;
  /** The backend sees its own name in place of the Host that was asked for. */
  readonly ownHost?: true;
}

/** A Middleware. */
export interface MiddlewareWords extends Base {
  readonly of: 'middleware';
  readonly effect: MiddlewareEffect;
}

/** What one Middleware does to requests and answers. */
export interface MiddlewareEffect {
  readonly path?: PathRewrite;
  /** The prefix that it takes away, for who is to know: X-Forwarded-Prefix. */
  readonly strips?: string;
  /** What is asked of clients, and done to what they get. Of two Middlewares with one field of it neither can give way. */
  readonly edge?: Omit<EdgePolicy, 'from' | 'clientLimits' | 'hsts'>;
  readonly limits?: NonNullable<EdgePolicy['clientLimits']>;
  readonly hsts?: Hsts;
  readonly toHttps?: { readonly permanent: boolean; readonly port?: number };
  readonly redirect?: UrlRedirect;
  readonly attempts?: number;
  readonly cors?: CorsPolicy;
  readonly requestHeaders?: HeaderEdits;
  readonly responseHeaders?: HeaderEdits;
  readonly host?: string;
  /** Keys of the Middlewares that it stands for. */
  readonly chain?: readonly string[];
}

/** A TraefikService. */
export interface TraefikServiceWords extends Base {
  readonly of: 'traefik-service';
  /** By weight; of a mirroring the one that is mirrored. */
  readonly backends: readonly RouteBackend[];
  readonly mirrors?: readonly {
    readonly backend: RouteBackend;
    readonly percent: number;
    readonly withoutBody?: true;
  }[];
  readonly session?: NonNullable<IngressSettings['session']>;
}

/** A TLSOption. */
export interface TlsOptionWords extends Base {
  readonly of: 'tls-option';
  readonly tls: NonNullable<IngressSettings['tls']>;
}

/** What objects say in Traefik's words. */
export type TraefikWords =
  | RouterWords
  | BackendWords
  | MiddlewareWords
  | TraefikServiceWords
  | TlsOptionWords;
