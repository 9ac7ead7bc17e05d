import type { HeaderEdits, RateLimit, TokenBucket } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given, some } from '../given.ts';
import type { Report } from '../report.ts';

/** Name of the filter, and of its configuration. */
export const LOCAL_RATE_LIMIT = 'envoy.filters.http.local_ratelimit';
const typeUrl = 'type.googleapis.com/envoy.extensions.filters.http.local_ratelimit.v3.LocalRateLimit';
const structs = ['udpa.type.v1.TypedStruct', 'xds.type.v3.TypedStruct'].map(
  each => `type.googleapis.com/${each}`,
);

const denominators = { HUNDRED: 100, TEN_THOUSAND: 10_000, MILLION: 1_000_000 } as const;

/** Envoy refuses quicker refills. */
const shortestFillMs = 50;

/**
 * Envoy's LocalRateLimit (envoyproxy.io/docs/envoy/latest/api-v3/extensions/filters/http/local_ratelimit/v3), typed or in a
 * TypedStruct, fields in either spelling of protobuf. Undefined where something is missing; the report says what.
 */
export function readLocalRateLimit(typed: Fields, report: Report): RateLimit | undefined {
  const config = configOf(typed, report);
  if (!config) return undefined;
  const bucketFields = either(config, 'token_bucket');
  const bucket = bucketFields && readBucket(bucketFields, report);
  const statusFields = config.object('status');
  const code = statusFields?.number('code', { max: 599 }) ?? 429;
  statusFields?.rest();
  const limit = {
    matches: [],
    // Envoy takes what is no error for 429.
    status: code < 400 ? 429 : code,
    enabledPercent: readShare(config, 'filter_enabled', report),
    enforcedPercent: readShare(config, 'filter_enforced', report),
    ...given({ responseHeaders: readHeaders(config, report) }),
  };
  readRest(config, report);
  if (!bucketFields) {
    const path = config.at('token_bucket');
    report.error('field-invalid', path, `${path} is missing; say how many requests and how often`);
  }
  return bucket && { bucket, ...limit };
}

function configOf(typed: Fields, report: Report): Fields | undefined {
  const type = typed.text('@type') ?? '';
  if (type === typeUrl) return typed;
  const inner = either(typed, 'type_url', 'text');
  if (structs.includes(type) && inner === typeUrl) {
    const value = typed.object('value');
    typed.rest();
    return value;
  }
  const path = typed.at('@type');
  report.error(
    'envoy-filter-refused',
    path,
    `${path}: '${inner ?? type}' is no configuration of a local rate limit`,
  );
  return undefined;
}

function readBucket(bucket: Fields, report: Report): TokenBucket | undefined {
  const name = (snake: string): string => (bucket.has(snake) ? snake : camel(snake));
  const maxTokens = bucket.number(name('max_tokens'), { min: 1 });
  const perFill = bucket.number(name('tokens_per_fill'), { min: 1 }) ?? 1;
  const fillIntervalMs = bucket.duration(name('fill_interval'), shortestFillMs);
  bucket.rest();
  for (const each of ['max_tokens', 'fill_interval']) {
    if (!bucket.has(name(each)))
      report.error(
        'field-invalid',
        bucket.at(each),
        `${bucket.at(each)} is missing; a token bucket needs it`,
      );
  }
  if (maxTokens === undefined || fillIntervalMs === undefined) return undefined;
  return { maxTokens, perFill, fillIntervalMs };
}

/** A RuntimeFractionalPercent as a percentage. Envoy takes one that is missing for 0, so that nothing is limited. */
function readShare(config: Fields, name: string, report: Report): number {
  const share = either(config, name);
  const value = share && either(share, 'default_value');
  const unit = value?.choice('denominator', Object.keys(denominators) as (keyof typeof denominators)[]);
  const numerator = value?.number('numerator');
  value?.rest();
  // The name under which Envoy can be told otherwise at run time; there is nobody to tell it here.
  if (share) share.text(share.has('runtime_key') ? 'runtime_key' : 'runtimeKey');
  share?.rest();
  if (numerator === undefined) {
    const path = config.at(name);
    report.warn(
      'field-not-supported',
      path,
      `${path} has no share, which is 0, so that nothing is limited; set 100`,
    );
    return 0;
  }
  return Math.min(100, (numerator * 100) / denominators[unit ?? 'HUNDRED']);
}

function readHeaders(config: Fields, report: Report): HeaderEdits | undefined {
  const field = config.has('response_headers_to_add') ? 'response_headers_to_add' : 'responseHeadersToAdd';
  const set: [string, string][] = [];
  const add: [string, string][] = [];
  for (const each of config.objects(field)) {
    const header = each.object('header');
    const key = header?.text('key');
    const value = header?.text('value') ?? '';
    header?.rest();
    const append = each.flag('append');
    const action = each.text(each.has('append_action') ? 'append_action' : 'appendAction');
    each.rest();
    if (!key || !/^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/.test(key)) {
      report.error('field-invalid', each.path, `${each.path}.header.key must be the name of a header`);
      continue;
    }
    const overwrites = append === false || action === 'OVERWRITE_IF_EXISTS_OR_ADD';
    (overwrites ? set : add).push([key.toLowerCase(), value]);
  }
  const edits = given({ set: some(set), add: some(add) });
  return Object.keys(edits).length === 0 ? undefined : edits;
}

/** Descriptors would limit other requests than those that are meant, so that they are refused; the rest only lacks. */
function readRest(config: Fields, report: Report): void {
  config.text(config.has('stat_prefix') ? 'stat_prefix' : 'statPrefix');
  for (const name of [
    'descriptors',
    'rate_limits',
    'rateLimits',
    'local_cluster_rate_limit',
    'localClusterRateLimit',
  ]) {
    if (!config.has(name)) continue;
    const message = `${config.at(name)}: not supported; write a RateLimit of policy.weft.dev with matches for each`;
    report.error('envoy-filter-refused', config.at(name), message);
    if (config.isList(name)) config.objects(name);
    else config.object(name);
  }
  const downstream = 'local_rate_limit_per_downstream_connection';
  for (const name of [downstream, camel(downstream)]) {
    if (config.has(name) && config.flag(name))
      config.unsupported(name, 'requests of all connections are counted together');
  }
  config.rest();
}

/** A piece under its protobuf name, or under that in JSON. */
function either(fields: Fields, snake: string): Fields | undefined;
function either(fields: Fields, snake: string, kind: 'text'): string | undefined;
function either(fields: Fields, snake: string, kind?: 'text'): Fields | string | undefined {
  const name = fields.has(snake) ? snake : camel(snake);
  return kind === 'text' ? fields.text(name) : fields.object(name);
}

function camel(snake: string): string {
  return snake.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
}
