import { type RouteRule, type RuleMatch, requestWords } from '../../model/index.ts';

/** `GET /api/* from namespace shop, header end-user=jason`; '' for every request. */
export function matchWords({ caller, request = {} }: RuleMatch): string {
  const labels = Object.entries(caller?.labels?.matchLabels ?? {}).map(([name, value]) => `${name}=${value}`);
  return [
    requestWords(request),
    caller?.namespace && `from namespace ${caller.namespace}`,
    labels.length > 0 && `from pods with ${labels.join(',')}`,
    caller?.port && `on port ${caller.port}`,
  ]
    .filter(Boolean)
    .join(' ');
}

/** What a rule does beside sending on, a few words for each. */
export function settingWords(rule: RouteRule): readonly string[] {
  const {
    timeoutMs,
    retry,
    fault,
    mirrors = [],
    rateLimits = [],
    session,
    cors,
    requestHeaders,
    responseHeaders,
  } = rule;
  return [
    timeoutMs !== undefined && (timeoutMs === 0 ? 'no timeout' : `timeout ${spanWords(timeoutMs)}`),
    retry?.attempts !== undefined && (retry.attempts === 0 ? 'no retries' : `${retry.attempts} retries`),
    fault?.delay && `delays ${fault.delay.percent} % by ${spanWords(fault.delay.ms)}`,
    fault?.abort && `answers ${fault.abort.percent} % with ${fault.abort.status}`,
    ...mirrors.map(({ target, percent }) => `copies ${percent} % to ${target.host}`),
    rateLimits.length > 0 &&
      `${rateLimits.length === 1 ? 'a rate limit' : `${rateLimits.length} rate limits`}`,
    session && `sessions by the cookie ${session.cookie}`,
    cors && 'CORS',
    (requestHeaders || responseHeaders) && 'edits headers',
  ].filter(each => typeof each === 'string');
}

function spanWords(ms: number): string {
  return ms < 1_000 ? `${ms} ms` : `${ms / 1_000} s`;
}
