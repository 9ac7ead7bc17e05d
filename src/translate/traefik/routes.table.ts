// Traefik's own kinds of routes, field by field (its CRDs of v3.7), as data. docs/policies/ingress-traefik.md has the same rows;
// a test compares the two.
import type { TraefikRow } from './annotations.table.ts';

type Row = readonly [name: string, support: TraefikRow['support'], whenUnsaid: string, words: string];

const rows: readonly Row[] = [
  [
    'IngressRoute.entryPoints',
    'works',
    'web,websecure',
    'web: plain HTTP; websecure: TLS; others are refused',
  ],
  [
    'IngressRoute.routes.match',
    'works',
    '',
    'Host, HostRegexp, Path, PathPrefix, PathRegexp, Method, Header, HeaderRegexp, Query, QueryRegexp, joined by &&, ||, ! and parentheses',
  ],
  [
    'IngressRoute.routes.syntax',
    'works',
    'v3',
    'v2: several values in one matcher, templates {name:pattern}, Headers, HeadersRegexp',
  ],
  [
    'IngressRoute.routes.priority',
    'works',
    '0',
    'the higher goes first, whatever host its rule names; 0 for the length of the rule',
  ],
  ['IngressRoute.routes.middlewares', 'works', '', 'Middlewares, in the order in which they are asked'],
  [
    'IngressRoute.routes.services',
    'works',
    '',
    'Services and TraefikServices by weight: port by number or name, scheme http, https or h2c, strategy wrr, p2c, hrw or leasttime, passHostHeader, sticky.cookie',
  ],
  ['IngressRoute.tls', 'works', '', 'by TLS alone; secretName, or the certificate of the class; options'],
  [
    'TraefikService.weighted',
    'works',
    '',
    'shares of shares; sticky.cookie keeps a client with its endpoint',
  ],
  [
    'TraefikService.mirroring',
    'works',
    '',
    'copies of a percentage, whose answers nobody hears; mirrorBody: false sends none of the body',
  ],
  [
    'TLSOption',
    'works',
    '',
    'minVersion, maxVersion, cipherSuites, alpnProtocols, clientAuth with secretNames (ca.crt or tls.ca); of the whole host',
  ],
  ['TLSOption.sniStrict', 'needless', 'false', 'who asks for a name that nobody has is refused'],
  ['IngressRouteTCP', 'works', '', 'HostSNI of names with tls.passthrough at websecure: passed on unread'],
  [
    'IngressRoute.routes.services.healthCheck',
    'differs',
    '',
    'pods are asked by their probes, and endpoints that fail are ejected; a DestinationRule says when',
  ],
  [
    'IngressRoute.routes.observability',
    'differs',
    '',
    'say by a Telemetry object what is logged, counted and traced',
  ],
  [
    'IngressRoute.parentRefs',
    'differs',
    '',
    'routes of other IngressRoutes are not joined; write the whole rule',
  ],
  [
    'IngressRoute.tls.certResolver',
    'differs',
    '',
    'name an issuer of certificates at an Ingress; see docs/acme.md',
  ],
  ['IngressRoute.tls.domains', 'differs', '', 'certificates are for the hosts of the rules'],
  ['TLSOption.curvePreferences', 'differs', '', 'curves are those of OpenSSL'],
  [
    'TraefikService.mirroring.maxBodySize',
    'differs',
    '',
    'bodies of copies are as long as those of the requests',
  ],
  ['IngressRoute.routes.match.ClientIP', 'refused', '', 'write a Middleware with ipAllowList'],
  [
    'IngressRoute.routes.services.serversTransport',
    'refused',
    '',
    'write a BackendTLSPolicy (gateway.networking.k8s.io)',
  ],
  [
    'TLSOption.clientAuth.RequireAnyClientCert',
    'refused',
    '',
    'a certificate of anybody proves nothing; write RequireAndVerifyClientCert',
  ],
  [
    'IngressRouteTCP without passthrough',
    'refused',
    '',
    'write a TCPRoute or a TLSRoute (gateway.networking.k8s.io)',
  ],
  [
    'IngressRouteUDP',
    'refused',
    '',
    'write a listener of protocol UDP and a UDPRoute (gateway.networking.k8s.io)',
  ],
];

/** Of IngressRoutes, TraefikServices and TLSOptions. */
export const TRAEFIK_ROUTES: readonly TraefikRow[] = rows.map(([name, support, whenUnsaid, words]) => ({
  ...{ name, support, default: whenUnsaid, words },
}));
