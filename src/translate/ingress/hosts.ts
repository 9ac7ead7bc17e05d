// What the hosts of a gateway answer when all its Ingresses are put together, as ingress-nginx does it: the oldest object wins a
// path, a regular expression anywhere in a host makes all of its paths regular expressions, canaries stand beside the paths that
// they take from.
import type { ClientCertificates, ObjectRef, RouteRule, RouteTarget } from '../../model/index.ts';
import { canaryRules } from './canary.ts';
import type { Canary, IngressDefaults, IngressPath, IngressSettings, ReadIngress } from './ingress-model.ts';
import { isPatternHost, type OrderedPath, type OrderPaths, orderPaths } from './paths.ts';
import { appRootRule, forwardRules, notFoundRule, withAnswerFields, wwwRule } from './rules.ts';
import type { SnippetRules } from './snippet-rules.ts';

/** One path, with what its own Ingress says of it. */
export interface PathOf {
  readonly path: IngressPath;
  readonly ingress: ReadIngress;
  readonly settings: IngressSettings;
}

/** A canary beside a path. */
export interface CanaryOf {
  readonly target: RouteTarget;
  readonly canary: Canary;
  readonly from: ObjectRef;
}

/** All that is said of one host, the oldest first. */
export interface HostOf {
  /** '' for every host. */
  readonly host: string;
  readonly paths: readonly PathOf[];
  readonly canaries: readonly PathOf[];
  /** Whether TLS ends here for it. */
  readonly tls: boolean;
  /** Where TLS is served. */
  readonly httpsPort: number;
  /** For what no path takes: spec.defaultBackend. */
  readonly fallback?: PathOf;
}

/** A path that an older Ingress has. */
export interface Shadowed {
  readonly path: PathOf;
  readonly by: ReadIngress;
}

/** The rules of a host, the first that matches decides; and the paths that none of them stands for. */
export interface HostRules {
  readonly rules: readonly RouteRule[];
  readonly shadowed: readonly Shadowed[];
  /** Paths that look like regular expressions in a host where they are text. */
  readonly texts: readonly PathOf[];
}

/** ingress-nginx's order: by elements, or where one of them is a regular expression the longest text first. */
const nginxOrder: OrderPaths = paths => orderPaths(paths, isPatternHost(paths));

/** What a host answers. `order`: the dialect's own where that is another one than ingress-nginx's. */
export function hostRules(host: HostOf, defaults: IngressDefaults, order?: OrderPaths): HostRules {
  const shadowed: Shadowed[] = [];
  const firsts = new Map<string, PathOf>();
  for (const each of host.paths) {
    const key = keyOf(each.path);
    const first = firsts.get(key);
    if (first === undefined) firsts.set(key, each);
    else shadowed.push({ path: each, by: first.ingress });
  }
  const paths = [...firsts.values()];
  const patterns = isPatternHost(paths);
  const ordered = (order ?? nginxOrder)(paths);
  const certificates = clientCertificatesOf(paths);
  const context = {
    ...{ host: host.host, tls: host.tls, httpsPort: host.httpsPort, defaults },
    ...(certificates && { clientCertificates: certificates.rule }),
  };
  const appRoot = paths.find(({ settings }) => settings.appRoot !== undefined);
  const server = serverSnippet(paths);
  const rules = [
    ...(appRoot === undefined ? [] : [appRootRule(appRoot, context)]),
    ...ordered.flatMap(each => pathRules(each, host, context, server)),
  ];
  if (host.fallback !== undefined && !firsts.has(keyOf({ path: '/', type: 'prefix' })))
    rules.push(
      ...pathRules(orderPaths([host.fallback], false)[0]!, { ...host, canaries: [] }, context, server),
    );
  // Wildcards mean one label, which every rule of theirs asks for.
  else if (host.host.startsWith('*.')) rules.push(notFoundRule(host));
  const texts =
    patterns || order !== undefined ? [] : paths.filter(({ path }) => /[{}();\\$*]/.test(path.path));
  return { rules: rules.map(rule => withAnswerFields(rule, defaults.responseFields)), shadowed, texts };
}

/** What stands for a host that redirects to its other name, with or without `www.`. */
export function wwwRules(
  from: ReadIngress,
  { host, tls, httpsPort }: Pick<HostOf, 'host' | 'tls' | 'httpsPort'>,
  defaults: IngressDefaults,
): readonly RouteRule[] {
  const rule = wwwRule(from, host, { host, tls, httpsPort, defaults });
  return [withAnswerFields(rule, defaults.responseFields)];
}

/** What rules of one host share. */
export interface RuleContext {
  readonly host: string;
  readonly tls: boolean;
  readonly httpsPort: number;
  readonly defaults: IngressDefaults;
  readonly clientCertificates?: ClientCertificates;
}

/** Of a host the oldest Ingress that asks for certificates of clients. */
export function clientCertificatesOf(paths: readonly PathOf[]): IngressSettings['clientCertificates'] {
  return paths.find(({ settings }) => settings.clientCertificates !== undefined)?.settings.clientCertificates;
}

function pathRules(
  ordered: OrderedPath,
  { canaries }: HostOf,
  context: RuleContext,
  server: SnippetRules | undefined,
): readonly RouteRule[] {
  const base = forwardRules(ordered, context, server);
  const key = keyOf(ordered.of.path);
  const own = canaries.flatMap(({ path, settings, ingress }): readonly CanaryOf[] =>
    keyOf(path) === key && settings.canary !== undefined
      ? [{ target: path.target, canary: settings.canary, from: ingress.from }]
      : [],
  );
  return own.length === 0 ? base : base.flatMap(rule => canaryRules(rule, own));
}

/** Of a host only the oldest server-snippet counts, as for all that is said of a server. */
function serverSnippet(paths: readonly PathOf[]): SnippetRules | undefined {
  return paths.find(({ settings }) => settings.serverSnippet !== undefined)?.settings.serverSnippet;
}

function keyOf({ path, type, route }: Pick<IngressPath, 'path' | 'type' | 'route'>): string {
  if (route !== undefined) return `route ${route.scheme ?? ''} ${route.rule}`;
  return `${type} ${path}`;
}
