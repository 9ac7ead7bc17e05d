// traefik.io IngressRoute: read as Ingresses are, with routers that have rules of their own.
import type { KubeObject } from '../../registry/index.ts';
import type { TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { IngressPath, IngressRule, ReadIngress, RoutePath } from '../ingress/ingress-model.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { type BackendContext, readRouteBackend } from './route-backends.ts';
import { schemeOf } from './routers.ts';
import { matchesOfRule } from './rule-match.ts';
import { parseRule, RuleError } from './rule-syntax.ts';

const classAnnotation = 'kubernetes.io/ingress.class';

/** What holds for all routes of an IngressRoute. */
interface RouteContext extends BackendContext {
  readonly scheme: RoutePath['scheme'];
  readonly tlsOptions: string | undefined;
}

/** The object as an Ingress of a class that speaks Traefik's dialect. */
export function translateIngressRoute(
  object: KubeObject,
  { clusterDomain }: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const tls = readTls(spec.object('tls'), namespace);
  const scheme = schemeOf(spec.texts('entryPoints'), why =>
    report.error('field-invalid', 'spec.entryPoints', `spec.entryPoints: ${why}`),
  );
  spec.unsupported('parentRefs', 'routes of other IngressRoutes are not joined; write the whole rule here');
  const context: RouteContext = {
    ...{ namespace, clusterDomain, report },
    scheme: tls === undefined ? scheme : 'https',
    tlsOptions: tls?.options,
  };
  const paths = spec.objects('routes').flatMap(each => readRoute(each, context));
  if (paths.length === 0 && !report.refused)
    report.error('field-invalid', 'spec.routes', 'spec.routes has no route');
  spec.rest();
  const ends =
    context.scheme === 'https' ? [{ hosts: [], path: 'spec.tls', ...given({ secret: tls?.secret }) }] : [];
  return [{ kind: 'ingress', ingress: ingressOf(object, report, rulesOf(paths), ends) }];
}

/** Read as an Ingress. */
export function ingressOf(
  { metadata }: KubeObject,
  report: Report,
  rules: readonly IngressRule[],
  tls: ReadIngress['tls'],
): ReadIngress {
  const { name, namespace = '', annotations = {}, creationTimestamp = '' } = metadata;
  return {
    ...{ namespace, name, rules, tls },
    ...{ className: annotations[classAnnotation] ?? '', dialect: 'traefik' },
    settings: { edge: {}, retry: {}, traffic: {} },
    annotations: {},
    problems: [],
    ...{ from: report.object, createdAt: creationTimestamp },
  };
}

/** A path in its host. */
export interface HostPath {
  readonly host: string;
  readonly path: IngressPath;
}

/** The rules of each host. */
export function rulesOf(paths: readonly HostPath[]): readonly IngressRule[] {
  const hosts = [...new Set(paths.map(each => each.host))];
  return hosts.map(host => ({
    host,
    paths: paths.flatMap(each => (each.host === host ? [each.path] : [])),
  }));
}

function readRoute(fields: Fields, context: RouteContext): readonly HostPath[] {
  const { report, namespace, scheme, tlsOptions } = context;
  const kind = fields.text('kind') ?? 'Rule';
  if (kind !== 'Rule')
    report.error('field-invalid', fields.at('kind'), `${fields.at('kind')}: '${kind}' is not Rule`);
  const rule = fields.text('match') ?? '';
  const syntax = fields.choice('syntax', ['v2', 'v3']) ?? 'v3';
  const priority = fields.number('priority', { min: -0x8000_0000, max: 0x7fff_ffff });
  const middlewares = fields.objects('middlewares').flatMap(each => middlewareKey(each, namespace, report));
  const backends = fields.objects('services').flatMap(each => {
    const backend = readRouteBackend(each, context);
    each.rest();
    return backend === undefined ? [] : [backend];
  });
  fields.unsupported('observability', 'say by a Telemetry object what is logged, counted and traced');
  fields.rest();
  if (backends.length === 0)
    report.error('field-invalid', fields.at('services'), `${fields.at('services')} names no backend`);
  const base: Omit<RoutePath, 'matches'> = {
    ...{ rule, priority: priority || rule.length, middlewares, backends },
    ...given({ scheme, tlsOptions }),
  };
  const [first] = backends;
  if (first === undefined) return [];
  return hostsOf(fields, rule, syntax, report).map(({ host, matches, path }) => ({
    host,
    path: { path, type: 'prefix', target: first.target, at: fields.path, route: { ...base, matches } },
  }));
}

function hostsOf(
  fields: Fields,
  rule: string,
  syntax: 'v2' | 'v3',
  report: Report,
): ReturnType<typeof matchesOfRule> {
  try {
    return matchesOfRule(parseRule(rule), syntax);
  } catch (error) {
    if (!(error instanceof RuleError)) throw error;
    report.error('field-invalid', fields.at('match'), `${fields.at('match')} ${error.message}`);
    // Of one that never held, all requests of the hosts that it names answer 503.
    return namedHosts(rule).map(host => ({ host, matches: [], path: '/' }));
  }
}

/** `name` may be NAMESPACE-NAME@kubernetescrd, too, which has no namespace beside it. */
function middlewareKey(fields: Fields, namespace: string, report: Report): readonly string[] {
  const name = fields.text('name') ?? '';
  const own = fields.text('namespace') || namespace;
  fields.rest();
  if (/^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(name)) return [`${own}/${name}`];
  const [, joined] = /^([a-z0-9.-]+)@kubernetescrd$/.exec(name) ?? [];
  if (joined?.startsWith(`${namespace}-`)) return [`${namespace}/${joined.slice(namespace.length + 1)}`];
  report.error(
    'field-invalid',
    fields.at('name'),
    `${fields.at('name')}: '${name}' is no name of a Middleware`,
  );
  return [];
}

interface RouteTls {
  readonly secret?: string;
  readonly options?: string;
}

function readTls(fields: Fields | undefined, namespace: string): RouteTls | undefined {
  if (fields === undefined) return undefined;
  const secret = fields.text('secretName') || undefined;
  const options = fields.object('options');
  const name = options?.text('name') || undefined;
  const own = options?.text('namespace') || namespace;
  options?.rest();
  fields.unsupported('certResolver', 'name an issuer of certificates at an Ingress; see docs/acme.md');
  fields.unsupported('domains', 'certificates are for the hosts of the rules');
  fields.unsupported('store', 'name the certificate at the IngressClass: weft.dev/default-certificate');
  fields.rest();
  return given({ secret, options: name === undefined || name === 'default' ? undefined : `${own}/${name}` });
}

/** Hosts that a rule names which cannot be read. */
function namedHosts(rule: string): readonly string[] {
  const lists = [...rule.matchAll(/\bhost\(([^)]*)/gi)].map(([, list = '']) => list);
  const names = lists.flatMap(list =>
    [...list.matchAll(/[`"]([^`"]+)[`"]/g)].map(([, name = '']) => name.toLowerCase()),
  );
  return [...new Set(names)].filter(each => /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/.test(each));
}
