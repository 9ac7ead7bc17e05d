// What a port speaks is settled by the port and not by a client's first byte: whoever could choose, with a line end before the
// request or a pause within it, would choose to be read by no rule.
import { formatRef, type Protocol, type Route, saysMore } from '../../model/index.ts';
import type { Sniffed } from './sniff.ts';

/**
 * `http`: HTTP/1 and HTTP/2, nothing else. `http2`: the same, and the app's own TLS, which passes unread. `bytes`: anything.
 * `unknown`: what the first bytes show.
 */
export type Speech = 'http' | 'http2' | 'bytes' | 'unknown';

/** What a port speaks and who says so. */
export interface PortSpeech {
  readonly kind: Speech;
  /** Whether its owner said it; otherwise policies did that speak of requests. */
  readonly declared: boolean;
  /** Whether policies may refuse requests there, so that no way of declaring HTTP lets it pass unread. */
  readonly judged: boolean;
  /** For messages. */
  readonly why: string;
}

/** Of a port of which nobody says anything. */
export const UNKNOWN_SPEECH: PortSpeech = { kind: 'unknown', declared: false, judged: false, why: '' };

/** What is said of requests: by a route, or by policies for all requests to a port. */
export type RequestRules = Partial<Route>;

/** Settles it, once per resource. `routes`: what becomes of the port's requests. */
export function speechOf(protocol: Protocol, routes: readonly RequestRules[]): PortSpeech {
  const said = `its name or appProtocol says ${protocol}`;
  const judge = routes.find(mayRefuse);
  const declared = (kind: Speech): PortSpeech => ({
    kind,
    declared: true,
    judged: judge !== undefined,
    why: judge === undefined || kind === 'bytes' ? said : `${said}, and ${wordsOf(judge)}`,
  });
  switch (protocol) {
    case 'tcp':
    case 'tls':
      return declared('bytes');
    case 'http':
    case 'grpc-web':
      return declared('http');
    case 'http2':
    case 'grpc':
      // Rules that only steer give way to what the owner says; one that may refuse a request is not escaped by TLS of one's own.
      return declared(judge === undefined ? 'http2' : 'http');
    default: {
      const first = judge ?? routes.find(isAboutRequests);
      if (first === undefined) return UNKNOWN_SPEECH;
      return { kind: 'http', declared: false, judged: judge !== undefined, why: wordsOf(first) };
    }
  }
}

function wordsOf(route: RequestRules): string {
  const from = route.from ?? route.rateLimits?.[0]?.from;
  return from === undefined
    ? 'rules about requests apply to it'
    : `${formatRef(from)} applies to its requests`;
}

/**
 * Whether the route may answer a request in place of the app: limits, denies, fails or redirects it. A limit that only counts may
 * not.
 */
function mayRefuse({ action, rateLimits = [], fault }: RequestRules): boolean {
  const limits = rateLimits.some(
    ({ enabledPercent, enforcedPercent }) => enabledPercent > 0 && enforcedPercent > 0,
  );
  if (limits || fault !== undefined) return true;
  if (action?.kind !== 'forward') return action !== undefined;
  return action.clusters.some(({ redirect }) => redirect !== undefined);
}

/** Whether the route does what bytes that are not read would escape. Time limits and retries are no such thing. */
function isAboutRequests(route: RequestRules): boolean {
  const { action } = route;
  if (mayRefuse(route)) return true;
  if (action?.kind === 'forward') {
    const { path, authority, clusters } = action;
    if (path !== undefined || authority !== undefined || clusters.some(saysMore)) return true;
  }
  return (
    (route.matches ?? []).length > 0 ||
    route.requestHeaders !== undefined ||
    route.responseHeaders !== undefined ||
    route.cors !== undefined
  );
}

/** `http1`, `http2`: its requests are served. `tunnel`: as bytes. */
export type Verdict = 'http1' | 'http2' | 'tunnel' | 'refuse';

const verdicts: Record<Speech, Record<Exclude<Sniffed, 'more'>, Verdict>> = {
  http: { http1: 'http1', http2: 'http2', tls: 'refuse', tcp: 'refuse' },
  http2: { http1: 'http1', http2: 'http2', tls: 'tunnel', tcp: 'refuse' },
  bytes: { http1: 'tunnel', http2: 'tunnel', tls: 'tunnel', tcp: 'tunnel' },
  unknown: { http1: 'http1', http2: 'http2', tls: 'tunnel', tcp: 'tunnel' },
};

/** What becomes of a connection to a port that speaks `speech` when it begins with `kind`. */
export function verdictOf(speech: Speech, kind: Exclude<Sniffed, 'more'>): Verdict {
  return verdicts[speech][kind];
}
