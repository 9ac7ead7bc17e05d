import type { RetryCondition, RetryPolicy, TrafficPolicy } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { qualifiedHost } from './host.ts';

/**
 * networking.istio.io VirtualService, v1alpha3, v1beta1 and v1, as far as it is one HTTP route for all requests to its own
 * host: its timeout and retries. Everything else is named as not supported.
 */
export const virtualServiceTranslator: KindTranslator = {
  kind: 'VirtualService.networking.istio.io',
  translate: translateVirtualService,
};

type RouteSettings = Pick<TrafficPolicy, 'timeoutMs' | 'retry'>;

function translateVirtualService(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const written = spec.texts('hosts');
  if (written.length === 0)
    report.error('field-invalid', 'spec.hosts', 'spec.hosts is empty; name the services');
  const hosts = written.flatMap(
    (host, index) => qualifiedHost(host, namespace, `spec.hosts[${index}]`, context, report) ?? [],
  );
  const gateways = spec.texts('gateways');
  const routes = spec.objects('http');
  const [route] = routes;
  if (gateways.length > 0 && !gateways.includes('mesh')) {
    spec.unsupported('gateways', 'gateways are not supported yet; this object has no effect');
    return [];
  }
  if (routes.length !== 1 || route!.has('match')) {
    spec.unsupported('http', 'routes by match are not supported yet; this object has no effect');
    spec.rest();
    return [];
  }
  const targets = targetsOf(route!, namespace, context, report);
  const settings = settingsOf(route!, report);
  route!.rest();
  spec.rest();
  if (Object.keys(settings).length === 0) return [];
  return hosts
    .filter(host => targets.includes(host))
    .map(host => ({
      kind: 'traffic-policy',
      policy: { host, ...settings, from: report.object },
      rank: 2,
      createdAt: creationTimestamp,
    }));
}

/** The hosts that the route sends to. Where that is not simply the asked host, the difference is named. */
function targetsOf(
  route: Fields,
  namespace: string,
  context: TranslateContext,
  report: Report,
): readonly string[] {
  const destinations = route.objects('route');
  if (destinations.length > 1) {
    route.unsupported(
      'route',
      'sharing traffic among destinations is not supported yet; it goes to the asked host',
    );
  }
  return destinations.flatMap(each => {
    const destination = each.object('destination');
    const host = destination?.text('host');
    destination?.unsupported('subset', 'subsets are not supported yet; traffic goes to every endpoint');
    destination?.unsupported('port', 'another port is not supported yet; traffic goes to the asked one');
    destination?.rest();
    each.number('weight');
    each.rest();
    return host === undefined
      ? []
      : (qualifiedHost(host, namespace, each.at('destination'), context, report) ?? []);
  });
}

function settingsOf(route: Fields, report: Report): RouteSettings {
  const timeoutMs = route.duration('timeout');
  const retries = route.object('retries');
  const retry = retries && readRetries(retries, report);
  retries?.rest();
  return { ...(timeoutMs === undefined ? {} : { timeoutMs }), ...(retry && { retry }) };
}

/** Envoy's words for when to retry, and ours. `cancelled` and the like are of gRPC, whose answers are not looked into yet. */
const conditions: Readonly<Record<string, readonly RetryCondition[]>> = {
  '5xx': ['5xx', 'connect-failure', 'reset', 'refused-stream'],
  'gateway-error': ['gateway-error'],
  reset: ['reset'],
  'connect-failure': ['connect-failure'],
  'retriable-4xx': ['retriable-4xx'],
  'refused-stream': ['refused-stream'],
};

function readRetries(retries: Fields, report: Report): Partial<RetryPolicy> {
  const attempts = retries.number('attempts', { max: 100 });
  const perTryTimeoutMs = retries.duration('perTryTimeout');
  const backoffBaseMs = retries.duration('backoff', 1);
  const on = new Set<RetryCondition>();
  for (const word of (retries.text('retryOn') ?? '').split(',')) {
    const name = word.trim();
    if (Object.hasOwn(conditions, name)) for (const each of conditions[name]!) on.add(each);
    else if (name)
      report.warn(
        'field-not-supported',
        retries.at('retryOn'),
        `${retries.at('retryOn')}: '${name}' is not supported yet`,
      );
  }
  return {
    ...(attempts === undefined ? {} : { attempts }),
    ...(perTryTimeoutMs === undefined ? {} : { perTryTimeoutMs }),
    ...(backoffBaseMs === undefined ? {} : { backoffBaseMs, backoffMaxMs: backoffBaseMs * 10 }),
    ...(on.size === 0 ? {} : { on: [...on] }),
  };
}
