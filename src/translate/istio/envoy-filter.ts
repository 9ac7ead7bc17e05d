import type { RateLimit } from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { type Fields, fieldsOf } from '../fields.ts';
import { given } from '../given.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';
import { LOCAL_RATE_LIMIT, readLocalRateLimit } from './local-rate-limit.ts';

/**
 * networking.istio.io EnvoyFilter, of which one shape is read: the local rate limit of inbound requests. There is no Envoy that
 * any other could patch, so that it is refused, with word of what to write instead.
 */
export const envoyFilterTranslator: KindTranslator = {
  kind: 'EnvoyFilter.networking.istio.io',
  translate: translateEnvoyFilter,
};

const HTTP_MANAGER = 'envoy.filters.network.http_connection_manager';

interface PatchedLimit {
  readonly port: number | undefined;
  readonly limit: RateLimit;
}

function translateEnvoyFilter(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  const { namespace = '', creationTimestamp: createdAt = '' } = object.metadata;
  const spec = fieldsOf(object, 'spec', report);
  const selector = spec.object('workloadSelector');
  const labels = selector?.strings('labels');
  selector?.refuseRest();
  if (spec.has('targetRefs')) {
    report.error(
      'envoy-filter-refused',
      'spec.targetRefs',
      'spec.targetRefs: not supported; use workloadSelector',
    );
    spec.objects('targetRefs');
  }
  // The order of filters; limits are all asked, whatever theirs is.
  spec.number('priority', { min: -0x8000_0000, max: 0x7fff_ffff });
  const patches = spec.objects('configPatches').flatMap(each => readPatch(each, report) ?? []);
  spec.rest();
  if (!spec.has('configPatches'))
    report.error(
      'field-invalid',
      'spec.configPatches',
      'spec.configPatches is missing; there is nothing to do',
    );
  const scope = {
    // In a root namespace it is for the whole mesh.
    namespace: context.rootNamespaces.includes(namespace) ? '' : namespace,
    ...given({ selector: labels && Object.keys(labels).length > 0 ? labels : undefined }),
  };
  return patches.map(({ port, limit }) => ({
    kind: 'policy',
    of: 'inboundRateLimits',
    policy: { ...scope, ...given({ port }), limit, from: report.object },
    createdAt,
  }));
}

function readPatch(patch: Fields, report: Report): PatchedLimit | undefined {
  const applyTo = patch.text('applyTo') ?? '';
  const match = patch.object('match');
  const change = patch.object('patch');
  const value = change?.object('value');
  const name = value?.text('name') ?? '';
  if (applyTo !== 'HTTP_FILTER' || name !== LOCAL_RATE_LIMIT) {
    const what = name === '' ? applyTo || 'this patch' : `${applyTo} ${name}`;
    const message = `${patch.path}: ${what} patches Envoy, which is not there; ${instead(applyTo, name)}`;
    report.error('envoy-filter-refused', patch.path, message);
    return undefined;
  }
  const port = readMatch(match, patch, report);
  const operation = change!.text('operation') ?? '';
  if (!/^(INSERT_(BEFORE|AFTER|FIRST)|ADD)$/.test(operation)) {
    const path = change!.at('operation');
    const message = `${path}: '${operation}' adds no filter; write INSERT_BEFORE`;
    report.error('envoy-filter-refused', path, message);
  }
  change!.text('filterClass');
  const typed = value!.object(value!.has('typed_config') ? 'typed_config' : 'typedConfig');
  const limit = typed && readLocalRateLimit(typed, report);
  for (const each of [value, change, patch]) each!.rest();
  if (!typed) {
    const path = value!.at('typed_config');
    report.error('field-invalid', path, `${path} is missing; it holds the token bucket`);
  }
  return limit && { port, limit };
}

/** The port that the patch is for, if it names one. */
function readMatch(match: Fields | undefined, patch: Fields, report: Report): number | undefined {
  const context = match?.text('context') ?? '';
  if (context !== 'SIDECAR_INBOUND') {
    const path = `${patch.path}.match.context`;
    const message = `${path}: '${context || 'ANY'}' is not supported; a sidecar limits what comes in, so write SIDECAR_INBOUND`;
    report.error('envoy-filter-refused', path, message);
  }
  const listener = match?.object('listener');
  const port = listener?.port('portNumber');
  const chain = listener?.object('filterChain');
  const filter = chain?.object('filter');
  const manager = filter?.text('name');
  // Before which filter of HTTP it stands makes no difference here.
  const before = filter?.object('subFilter');
  before?.text('name');
  for (const each of [before, filter, chain, listener, match]) each?.refuseRest();
  if (manager !== undefined && manager !== HTTP_MANAGER) {
    const path = filter!.at('name');
    report.error(
      'envoy-filter-refused',
      path,
      `${path}: '${manager}' is not where HTTP requests are; write ${HTTP_MANAGER}`,
    );
  }
  return port;
}

/** What there is for the purpose of a patch. */
function instead(applyTo: string, name: string): string {
  if (/ratelimit/.test(name))
    return 'write a RateLimit of policy.weft.dev, with matches where it is for some requests';
  if (/adaptive_concurrency|admission_control/.test(name))
    return 'write a TrafficSettings with adaptiveConcurrency';
  if (/lua|wasm|ext_proc|ext_authz/.test(name)) return 'there are no extensions; do it in the application';
  if (/gzip|compressor|buffer/.test(name)) return 'bodies go through as they are; do it in the application';
  if (applyTo === 'CLUSTER') return 'write a DestinationRule, or a TrafficSettings for what that cannot say';
  if (/^(HTTP_ROUTE|VIRTUAL_HOST|ROUTE_CONFIGURATION)$/.test(applyTo)) return 'write a VirtualService';
  return 'write what it is for as a VirtualService, a DestinationRule, a RateLimit or a TrafficSettings';
}
