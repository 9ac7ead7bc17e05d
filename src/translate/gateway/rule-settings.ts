import type { RetryPolicy, RouteRule, StickySession } from '../../model/index.ts';
import type { Fields } from '../fields.ts';
import { given } from '../given.ts';
import type { Report } from '../report.ts';

/** Of a rule: its times, what is tried again, and how long clients stay with an endpoint. */
export type RuleSettings = Pick<RouteRule, 'timeoutMs' | 'retry' | 'session'>;

/** `name`: unique for the rule, for its cookie. */
export function readRuleSettings(rule: Fields, name: string, report: Report): RuleSettings {
  const times = readTimeouts(rule.object('timeouts'), report);
  const retry = { ...readRetry(rule.object('retry')), ...times.retry };
  return given({
    timeoutMs: times.timeoutMs,
    retry: Object.keys(retry).length === 0 ? undefined : retry,
    session: readSession(rule.object('sessionPersistence'), name, report),
  });
}

/** 0 switches a limit off, in Gateway API as here. */
function readTimeouts(
  timeouts: Fields | undefined,
  report: Report,
): { timeoutMs: number | undefined; retry: Partial<RetryPolicy> } {
  const timeoutMs = timeouts?.duration('request');
  const perTryTimeoutMs = timeouts?.duration('backendRequest');
  timeouts?.rest();
  if (timeouts && timeoutMs && perTryTimeoutMs && perTryTimeoutMs > timeoutMs) {
    const path = timeouts.at('backendRequest');
    report.error('field-invalid', path, `${path} is longer than the request timeout around it; shorten it`);
  }
  return { timeoutMs, retry: given({ perTryTimeoutMs }) };
}

/**
 * A HTTPRouteRetry: connections that failed or broke, tries that took too long (GEP-1731 wants both wherever there is such a
 * field; what is not idempotent is still repeated only while no backend has seen it), and the statuses that are named.
 */
function readRetry(retry: Fields | undefined): Partial<RetryPolicy> {
  if (!retry) return {};
  const statuses = retry.numbers('codes', { min: 400, max: 599 });
  const attempts = retry.number('attempts', { max: 100 });
  const backoffBaseMs = retry.duration('backoff', 1);
  retry.rest();
  return {
    on: ['connect-failure', 'refused-stream', 'reset'],
    ...(statuses.length > 0 && { statuses }),
    ...(attempts !== undefined && { attempts }),
    ...(backoffBaseMs !== undefined && {
      ...{ backoffMinMs: backoffBaseMs, backoffBaseMs, backoffMaxMs: backoffBaseMs * 10 },
    }),
  };
}

function readSession(session: Fields | undefined, name: string, report: Report): StickySession | undefined {
  if (!session) return undefined;
  const cookie = session.text('sessionName') ?? `weft-${name}`;
  const type = session.choice('type', ['Cookie', 'Header']) ?? 'Cookie';
  const config = session.object('cookieConfig');
  const lifetime = config?.choice('lifetimeType', ['Session', 'Permanent']) ?? 'Session';
  const isPermanent = lifetime === 'Permanent';
  const absoluteMs = isPermanent ? session.duration('absoluteTimeout', 1_000) : undefined;
  config?.rest();
  if (isPermanent && !session.has('absoluteTimeout')) {
    const path = session.at('absoluteTimeout');
    report.error('field-invalid', path, `${path} is missing, which a permanent cookie needs`);
  }
  if (!isPermanent)
    session.unsupported(
      'absoluteTimeout',
      'the cookie lives as long as the browser session; use lifetimeType: Permanent',
    );
  session.unsupported('idleTimeout', 'sessions do not end by being idle; it has no effect');
  session.rest();
  if (type === 'Header') {
    const path = session.at('type');
    report.warn(
      'field-not-supported',
      path,
      `${path}: sessions by header are not supported; clients are not kept with an endpoint. Use Cookie`,
    );
    return undefined;
  }
  return { cookie, ttlSeconds: Math.round((absoluteMs ?? 0) / 1000), path: '/' };
}
