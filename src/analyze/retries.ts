// Retries that repeat what must not be repeated, or that never happen.
import type { RetryPolicy, RouteRule, RuleMatch } from '../model/index.ts';
import type { AnalysisContext } from './context.ts';
import { type Finding, finding } from './finding.ts';
import { objectOf, shortHost, tablesOf } from './routed.ts';

/** RFC 9110 section 9.2.2: repeating these is as good as doing them once. */
const idempotent = ['GET', 'HEAD', 'OPTIONS', 'TRACE', 'PUT', 'DELETE'];

/** Findings about retries and time limits, of rules and of policies for whole hosts. */
export function retryFindings({ mesh }: AnalysisContext): readonly Finding[] {
  const rules = tablesOf(mesh).flatMap(table =>
    table.http.flatMap(rule => {
      const where = { object: objectOf(table, rule), path: rule.path };
      return [...repeated(rule.retry, methodsOf(rule), where), ...cut(rule.retry, rule.timeoutMs, where)];
    }),
  );
  const policies = [...mesh.trafficPolicies.values()].flat().flatMap(({ retry, timeoutMs, host, from }) => {
    const where = { object: from, for: shortHost(host, mesh) };
    return [...repeated(retry, undefined, where), ...cut(retry, timeoutMs, where)];
  });
  return [...rules, ...policies];
}

type Where = Pick<Parameters<typeof finding>[1], 'object' | 'path'> & { readonly for?: string };

/** The exact methods that the rule is for; undefined for any. */
function methodsOf({ matches }: RouteRule): readonly string[] | undefined {
  const methods = matches.map(methodOf);
  if (methods.length === 0 || methods.includes(undefined)) return undefined;
  return methods as readonly string[];
}

function methodOf({ request }: RuleMatch): string | undefined {
  return request?.method?.kind === 'exact' ? request.method.value.toUpperCase() : undefined;
}

function repeated(
  retry: Partial<RetryPolicy> | undefined,
  methods: readonly string[] | undefined,
  { object, path, for: host }: Where,
): readonly Finding[] {
  if (!retry || retry.attempts === 0) return [];
  const writes = methods?.filter(each => !idempotent.includes(each));
  const at = { object, ...(path !== undefined && { path }) };
  const place = path ?? `the retries for ${host}`;
  if (retry.nonIdempotent && writes?.length !== 0) {
    const which = writes ? writes.join(' and ') : 'POST and PATCH too';
    const reason = `${place}: requests are repeated even when the app may have seen them, ${which}: an order can be placed twice`;
    return [finding('retries-repeat-writes', { ...at, reason })];
  }
  if (!retry.nonIdempotent && methods && writes!.length === methods.length && (retry.attempts ?? 0) > 0) {
    const reason = `${place}: ${writes!.join(' and ')} is repeated only while no byte of it has reached the app, whatever the retries say`;
    return [finding('retries-without-effect', { ...at, reason })];
  }
  return [];
}

/** The n-th retry begins after n tries, so that it never does when these may last as long as the whole. */
function cut(
  retry: Partial<RetryPolicy> | undefined,
  timeoutMs: number | undefined,
  { object, path, for: host }: Where,
): readonly Finding[] {
  const { attempts = 0, perTryTimeoutMs = 0 } = retry ?? {};
  if (!timeoutMs || attempts === 0 || perTryTimeoutMs === 0 || timeoutMs > attempts * perTryTimeoutMs)
    return [];
  const begun = Math.ceil(timeoutMs / perTryTimeoutMs) - 1;
  const reason = `${path ?? `the settings for ${host}`}: the time limit of ${timeoutMs} ms is over after ${begun} of ${attempts} retries when tries take their full ${perTryTimeoutMs} ms`;
  return [finding('timeout-cuts-retries', { object, ...(path !== undefined && { path }), reason })];
}
