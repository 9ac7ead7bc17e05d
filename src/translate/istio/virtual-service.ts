import { ROUTE_RANKS, type RouteTable } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Delegation, Part, RouteFragmentPart } from '../part.ts';
import { Report } from '../report.ts';
import { tracedRules } from '../trace-sampling.ts';
import { readExportTo } from './export-to.ts';
import { gatewayRoutes } from './gateway-routes.ts';
import { qualifiedHost } from './host.ts';
import { fragmentKey, readHttpRoute } from './http-route.ts';
import type { Reading } from './reading.ts';
import { MESH, readGateways } from './source-match.ts';
import { readStreamRoute } from './stream-route.ts';

/** networking.istio.io VirtualService, v1alpha3, v1beta1 and v1: for the traffic of sidecars, and at Gateways. */
export const virtualServiceTranslator: KindTranslator = {
  kind: 'VirtualService.networking.istio.io',
  translate: translateVirtualService,
};

interface Rules extends Pick<RouteTable, 'http'> {
  readonly tls: RouteTable['tcp'];
  /** Of TCP. */
  readonly bytes: RouteTable['tcp'];
  readonly delegations: readonly Delegation[];
}

function translateVirtualService(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const places = readGateways(
    fieldsOf(object, 'spec', new Report(report.object)),
    object.metadata.namespace ?? '',
  );
  // What is wrong with an object that is for several is said once.
  return places.flatMap((gateway, index) =>
    translateFor(gateway, object, context, index === 0 ? report : new Report(report.object)),
  );
}

/** Its rules for the mesh, or as one gateway has them. */
function translateFor(
  gateway: string | undefined,
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { name, namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const written = spec.texts('hosts');
  spec.texts('gateways');
  const reading: Reading = {
    ...{ namespace, context, report, isForGateways: isForGateways(spec, written) },
    ...given({ gateway }),
  };
  const hosts = readHosts(written, reading);
  const visibleTo = readExportTo(spec, reading);
  const read = readRules(spec, name, reading);
  const rules = { ...read, http: tracedRules(read.http, object, report) };
  spec.rest();
  if (gateway !== undefined && written.length > 0)
    return gatewayRoutes({ ...rules, tcp: rules.bytes, gateway, hosts, createdAt }, reading);
  const table = (host: string): RouteTable => ({
    host,
    ...given({ visibleTo }),
    http: rules.http,
    tcp: [...rules.tls, ...rules.bytes],
    combine: 'oldest-first',
    unmatched: 'not-found',
    rank: ROUTE_RANKS.istio,
    from: report.object,
    createdAt,
  });
  if (written.length === 0) return [fragmentOf(rules, table, fragmentKey(namespace, name), visibleTo)];
  return [...new Set(hosts)].map(host => ({
    kind: 'route-table',
    table: table(host),
    ...given({ delegations: some(rules.delegations) }),
  }));
}

/** One without hosts lends its rules to others, which say where they hold. */
function isForGateways(spec: Fields, hosts: readonly string[]): boolean {
  return hosts.length === 0 || spec.texts('gateways').some(each => each !== MESH);
}

function readHosts(written: readonly string[], reading: Reading): readonly string[] {
  const { namespace, context, report, gateway } = reading;
  return written.flatMap((host, index) => {
    const path = `spec.hosts[${index}]`;
    if (/^[\d.]+(\/\d+)?$/.test(host) || host.includes(':')) {
      const message = `${path}: addresses as hosts are not supported; make a ServiceEntry with the address and name its host`;
      report.warn('field-not-supported', path, message);
      return [];
    }
    // What looks like a Service's short name is a site's here.
    const unheard = new Report(report.object);
    const qualified = qualifiedHost(host, namespace, path, context, unheard);
    for (const each of unheard.problems)
      if (gateway === undefined || each.code !== 'host-looks-short') report.take(each);
    return qualified ?? [];
  });
}

function readRules(spec: Fields, object: string, reading: Reading): Rules {
  const http: RouteTable['http'][number][] = [];
  const delegations: Delegation[] = [];
  spec.objects('http').forEach((route, index) => {
    const part = readHttpRoute(route, `${object}/${index}`, reading);
    if (part.delegation) delegations.push({ after: http.length, ...part.delegation });
    http.push(...part.rules);
  });
  const tls = spec.objects('tls').flatMap(route => readStreamRoute(route, 'tls', reading));
  const tcp = spec.objects('tcp').flatMap(route => readStreamRoute(route, 'tcp', reading));
  return { http, tls, bytes: tcp, delegations };
}

/**
 * Without hosts it lends its rules to those that delegate to it. Istio wants nothing else of it; people also write it for the one
 * service that they route, so while nobody delegates to it, it is taken for that.
 */
function fragmentOf(
  { http, tls, bytes, delegations }: Rules,
  table: (host: string) => RouteTable,
  key: string,
  visibleTo: readonly string[] | undefined,
): RouteFragmentPart {
  const rules = http.flatMap(({ action }) => (action.kind === 'forward' ? action.targets : []));
  const hosts = [
    ...new Set([...rules, ...[...tls, ...bytes].flatMap(each => each.targets)].map(each => each.host)),
  ];
  const alone = hosts.length === 1 ? [table(hosts[0]!)] : [];
  const meanwhile =
    alone.length > 0
      ? `it is taken for ${hosts[0]}, where its rules send requests`
      : `it sends to ${hosts.length === 0 ? 'no host' : hosts.join(' and ')}, so that it has no effect`;
  return {
    kind: 'route-fragment',
    key,
    http,
    nested: delegations.map(({ rule, to }) => ({ path: rule.path, to })),
    ...given({ visibleTo }),
    alone,
    unused: {
      path: 'spec.hosts',
      message: `spec.hosts is missing and no VirtualService delegates to this one; ${meanwhile}. Name its hosts`,
    },
    from: table('').from,
  };
}
