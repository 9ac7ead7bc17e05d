// What one host of a gateway's Ingresses comes to as parts of the mesh: its routes, and its listeners for TLS.
import { formatRef, type Problem, problem, ROUTE_RANKS, type RouteRule } from '../../model/index.ts';
import { gatewayTables } from '../gateway-tables.ts';
import { type HostOf, hostRules, type PathOf, type Shadowed, wwwRules } from '../ingress/hosts.ts';
import type { IngressDefaults, ReadIngress, ReadIngressClass } from '../ingress/ingress-model.ts';
import type { OrderPaths } from '../ingress/paths.ts';
import { targetsOf } from '../ingress/rules.ts';
import type { Part } from '../part.ts';
import { passthroughListener, type TlsOf, tlsListener, tlsSection } from './ingress-listeners.ts';

/** All that is said of one host, the oldest first. */
export interface GatheredHost {
  readonly paths: PathOf[];
  readonly canaries: PathOf[];
  /** With rules for it. */
  readonly ingresses: ReadIngress[];
  fallback?: PathOf;
}

/** What Ingresses come to, and what is wrong between them. */
export interface MadeParts {
  readonly parts: ReadonlyMap<string, Part>;
  readonly problems: readonly Problem[];
}

/** A host, and what of the others it has to do with. */
export interface WholeHost {
  readonly host: string;
  readonly gathered: GatheredHost;
  /** Other names of it that are no hosts themselves. */
  readonly aliases: readonly string[];
  /** Its name with `www.`, or without; undefined where that is a host itself. */
  readonly other: string | undefined;
}

export function hostParts(
  ingressClass: ReadIngressClass,
  { host, gathered, aliases, other }: WholeHost,
  defaults: IngressDefaults,
  order?: OrderPaths,
): MadeParts {
  const { paths, canaries, ingresses, fallback } = gathered;
  const parts = new Map<string, Part>();
  const passed = passedOn(host, paths);
  const found = tlsOf(host, ingresses, ingressClass);
  const tls = found && { ...found, ...tlsSettings(paths, ingresses) };
  if (passed !== undefined)
    passthroughParts(ingressClass, host, passed).forEach(
      (part, index) => void parts.set(`passthrough ${index}`, part),
    );
  else if (tls !== undefined) parts.set('tls', tlsListener(ingressClass, host, tls));
  const whole: HostOf = {
    host,
    paths: paths.filter(({ path }) => path.route?.passed !== true),
    canaries,
    tls: tls !== undefined,
    httpsPort: ingressClass.ports.https,
    ...(fallback && { fallback }),
  };
  const first = (paths[0] ?? canaries[0] ?? fallback)?.ingress;
  const problems: Problem[] = [];
  const names = host === '' ? [] : [host, ...aliases];
  for (const { section, paths: own } of sectionsOf(whole)) {
    const { rules, shadowed, texts } = hostRules({ ...whole, paths: own }, defaults, order);
    problems.push(...shadowed.flatMap(each => shadowedProblem(host, each)), ...texts.map(textProblem));
    if (first === undefined || rules.length === 0) continue;
    tables(ingressClass, first, names, rules, section).forEach(
      (part, index) => void parts.set(`table ${section ?? ''}${index}`, part),
    );
  }
  if (parts.size === 0) return { parts, problems };
  const www = paths.find(({ settings }) => settings.fromToWww === true)?.ingress;
  if (www === undefined || other === undefined || host === '' || host.startsWith('*.'))
    return { parts, problems };
  if (tls !== undefined) parts.set('www tls', tlsListener(ingressClass, other, tls));
  tables(ingressClass, www, [other], wwwRules(www, whole, defaults)).forEach(
    (part, index) => void parts.set(`www ${index}`, part),
  );
  return { parts, problems };
}

/** The path `/` whose backend ends TLS of the host itself. */
function passedOn(host: string, paths: readonly PathOf[]): PathOf | undefined {
  if (host === '' || !paths.some(({ settings }) => settings.sslPassthrough === true)) return undefined;
  return paths.find(({ path }) => path.route?.passed === true) ?? paths.find(({ path }) => path.path === '/');
}

function passthroughParts(
  ingressClass: ReadIngressClass,
  host: string,
  { ingress, path }: PathOf,
): readonly Part[] {
  const { from, createdAt, namespace } = ingress;
  const tcp = [
    { path: path.at, caller: [], serverNames: [], destinationCidrs: [], targets: targetsOf(path) },
  ];
  const tables = gatewayTables({
    attachment: { gateway: ingressClass.gateway, kind: 'tls' },
    hosts: [host],
    namespace,
    table: {
      ...{ http: [], tcp, combine: 'exclusive', unmatched: 'not-found' },
      ...{ rank: ROUTE_RANKS.ingress, from, createdAt },
    },
  });
  return [passthroughListener(ingressClass, host, ingress), ...tables];
}

/** What the oldest Ingress of a host says of its TLS beside the certificate. */
function tlsSettings(
  paths: readonly PathOf[],
  ingresses: readonly ReadIngress[],
): Pick<TlsOf, 'authorities' | 'ciphers' | 'more'> {
  const of = paths.find(({ settings }) => settings.clientCertificates !== undefined);
  const ciphers = paths.find(({ settings }) => settings.ciphers !== undefined)?.settings.ciphers;
  // Rules for every host ask nothing of the TLS of one that others name.
  const more = paths.find(
    ({ settings, ingress }) => settings.tls !== undefined && ingresses.includes(ingress),
  )?.settings.tls;
  return {
    ...(more && { more }),
    ...(of && {
      authorities: {
        ...{ kind: 'Secret', namespace: of.ingress.namespace },
        name: of.settings.clientCertificates!.secret,
      },
    }),
    ...(ciphers && { ciphers }),
  };
}

function tables(
  { gateway }: ReadIngressClass,
  { from, createdAt, namespace }: ReadIngress,
  hosts: readonly string[],
  http: readonly RouteRule[],
  section?: string,
): readonly Part[] {
  return gatewayTables({
    attachment: { gateway, kind: 'http', ...(section !== undefined && { section }) },
    hosts,
    namespace,
    table: {
      http,
      tcp: [],
      combine: 'oldest-first',
      unmatched: 'not-found',
      rank: ROUTE_RANKS.ingress,
      from,
      createdAt,
    },
  });
}

/** The listeners of a host that answer differently, each with its paths: one for all of them where none differs. */
function sectionsOf({
  host,
  paths,
  tls,
}: HostOf): readonly { readonly section: string | undefined; readonly paths: readonly PathOf[] }[] {
  const differs = paths.some(({ settings: { route } }) => route?.scheme !== undefined);
  if (!differs) return [{ section: host === '' && !tls ? 'http' : undefined, paths }];
  return [
    { section: 'http', paths: pathsBy('http', paths) },
    ...(tls ? [{ section: tlsSection(host), paths: pathsBy('https', paths) }] : []),
  ];
}

/** Those that are for the scheme. */
function pathsBy(scheme: 'http' | 'https', paths: readonly PathOf[]): readonly PathOf[] {
  return paths.filter(({ settings: { route } }) => (route?.scheme ?? scheme) === scheme);
}

function shadowedProblem(host: string, { path, by }: Shadowed): readonly Problem[] {
  const { ingress } = path;
  if (ingress === by) return [];
  const what = `${path.path.at}: ${host === '' ? 'every host' : host}${path.path.path} has no effect`;
  const message = `${what}: ${formatRef(by.from)} has it too and is older; keep one of the two`;
  return [
    problem('policy-shadowed', message, { object: ingress.from, path: path.path.at, severity: 'warning' }),
  ];
}

function textProblem({ path, ingress }: PathOf): Problem {
  const at = `${path.at}.path`;
  const message = `${at}: '${path.path}' looks like a regular expression and is taken as text; write the annotation use-regex: 'true'`;
  return problem('field-not-supported', message, { object: ingress.from, path: at, severity: 'warning' });
}

/** Whose certificate a host has: the oldest Ingress's that says so; undefined where TLS does not end for it. */
function tlsOf(
  host: string,
  ingresses: readonly ReadIngress[],
  { defaultCertificate }: ReadIngressClass,
): TlsOf | undefined {
  for (const ingress of ingresses) {
    if (!ingress.rules.some(rule => rule.host === host)) continue;
    const section = ingress.tls.find(
      ({ hosts }) => hosts.length === 0 || hosts.some(each => covers(each, host)),
    );
    if (section === undefined) continue;
    const [namespace = '', name = ''] =
      section.secret === undefined
        ? (defaultCertificate ?? '').split('/')
        : [ingress.namespace, section.secret];
    return {
      ingress,
      path: section.path,
      ...(name !== '' && { secret: { kind: 'Secret', namespace, name } as const }),
    };
  }
  return undefined;
}

/** A star stands for one label. */
function covers(pattern: string, host: string): boolean {
  if (pattern === host) return true;
  return (
    pattern.startsWith('*.') && host.slice(host.indexOf('.')) === pattern.slice(1) && !host.startsWith('*')
  );
}

/** Other names that a host asks for; those that are hosts themselves have their own. */
export function wantedAliases(paths: readonly PathOf[]): readonly string[] {
  const names = paths.flatMap(({ settings }) => settings.serverAliases ?? []);
  return [...new Set(names)].filter(each => /^[a-z0-9*][a-z0-9.-]*$/.test(each));
}
