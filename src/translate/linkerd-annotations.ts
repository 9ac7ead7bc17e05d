// Linkerd's annotations about retries, time limits and circuit breaking, which stand on Services and on routes
// (linkerd.io/2/reference/retries, /timeouts, /circuit-breaking). Pure: annotations in, settings out. Like Linkerd's policy
// objects they are read wherever they stand; `--accept-labels` is about injection.
import {
  GRPC_RETRY_CONDITIONS,
  type OutlierSettings,
  parseDurationMs,
  type RetryCondition,
  type RetryPolicy,
} from '../model/index.ts';
import { given } from './given.ts';
import type { Report } from './report.ts';

/** What the annotations of one object say. */
export interface LinkerdSettings {
  readonly timeoutMs?: number;
  readonly streamIdleTimeoutMs?: number;
  readonly retry?: Partial<RetryPolicy>;
  readonly outlier?: Partial<OutlierSettings>;
}

const accrual = 'balancer.linkerd.io/failure-accrual';
const prefixes = ['retry.linkerd.io/', 'timeout.linkerd.io/', 'balancer.linkerd.io/'];

/** Every one that is obeyed. */
export const LINKERD_ANNOTATIONS: readonly string[] = [
  'retry.linkerd.io/http',
  'retry.linkerd.io/grpc',
  'retry.linkerd.io/limit',
  'retry.linkerd.io/timeout',
  'timeout.linkerd.io/request',
  'timeout.linkerd.io/response',
  'timeout.linkerd.io/idle',
  accrual,
  `${accrual}-consecutive-max-failures`,
  `${accrual}-consecutive-min-penalty`,
  `${accrual}-consecutive-max-penalty`,
];

/** Reads them. `on`: a route has no balancer of its own. Those without a counterpart are warned of; a bad value is an error. */
export function readLinkerdAnnotations(
  annotations: Readonly<Record<string, string>>,
  on: 'service' | 'route',
  report: Report,
): LinkerdSettings {
  const reader = new Reader(annotations, report);
  warnOfOthers(reader, on);
  return given({
    timeoutMs:
      reader.duration('timeout.linkerd.io/request') ?? reader.duration('timeout.linkerd.io/response'),
    streamIdleTimeoutMs: reader.duration('timeout.linkerd.io/idle'),
    retry: retryOf(reader),
    outlier: on === 'service' ? outlierOf(reader) : undefined,
  });
}

function warnOfOthers({ annotations, report }: Reader, on: 'service' | 'route'): void {
  for (const key of Object.keys(annotations)) {
    if (!prefixes.some(each => key.startsWith(each))) continue;
    const isElsewhere = on === 'route' && key.startsWith(accrual);
    if (LINKERD_ANNOTATIONS.includes(key) && !isElsewhere) continue;
    const why = isElsewhere
      ? 'a route has no circuit breaker; write it on the Service'
      : 'Weft has no counterpart';
    report.warn('field-not-supported', pathOf(key), `${key} has no effect: ${why}`);
  }
}

/** One retry unless told; by statuses, and whatever the method: that is what Linkerd's users ask for with these. */
function retryOf(reader: Reader): Partial<RetryPolicy> | undefined {
  const limit = reader.whole('retry.linkerd.io/limit', 65_535);
  const perTryTimeoutMs = reader.duration('retry.linkerd.io/timeout');
  const conditions = reader.get('retry.linkerd.io/http');
  const grpc = grpcConditions(reader);
  if (!limit && !perTryTimeoutMs && conditions === undefined && grpc === undefined) return undefined;
  const on: RetryCondition[] = ['connect-failure', 'refused-stream', ...(grpc ?? [])];
  const statuses = new Set<number>();
  // Linkerd retries 5xx where it is asked to retry and not told what; one that names statuses of gRPC is told.
  const words = conditions ?? (grpc === undefined ? '5xx' : '');
  for (const each of words === '' ? [] : words.split(',')) {
    const word = each.toLowerCase();
    const range = /^([1-5]\d\d)(?:-([1-5]\d\d))?$/.exec(word);
    const last = Number(range?.[2] ?? range?.[1]);
    if (word === '5xx' || word === 'gateway-error') on.push(word);
    else if (range && last >= Number(range[1]))
      for (let status = Number(range[1]); status <= last; status++) statuses.add(status);
    else
      reader.wrong(
        'retry.linkerd.io/http',
        `has '${each}', which is none of 5xx, gateway-error, a status or a range like 500-504`,
      );
  }
  return given({
    attempts: limit || 1,
    on,
    nonIdempotent: true,
    statuses: statuses.size === 0 ? undefined : [...statuses],
    perTryTimeoutMs: perTryTimeoutMs || undefined,
  });
}

/** Undefined where the annotation is not there. */
function grpcConditions(reader: Reader): readonly RetryCondition[] | undefined {
  const key = 'retry.linkerd.io/grpc';
  const words = reader.get(key);
  if (words === undefined) return undefined;
  const known = [...GRPC_RETRY_CONDITIONS.values()];
  return words.split(',').flatMap(each => {
    const word = each.trim().toLowerCase();
    const found = known.find(condition => condition === word);
    if (found === undefined) reader.wrong(key, `has '${each}', which is none of ${known.join(', ')}`);
    return found ?? [];
  });
}

function outlierOf(reader: Reader): Partial<OutlierSettings> | undefined {
  const mode = reader.get(accrual);
  if (mode === undefined) return undefined;
  if (mode !== 'consecutive') {
    reader.wrong(accrual, 'is not "consecutive"');
    return undefined;
  }
  const failures = reader.whole(`${accrual}-consecutive-max-failures`, 0xffff_ffff) ?? 7;
  const least = reader.duration(`${accrual}-consecutive-min-penalty`, 1) ?? 1_000;
  const most = reader.duration(`${accrual}-consecutive-max-penalty`, 1) ?? 60_000;
  if (least > most)
    reader.wrong(`${accrual}-consecutive-min-penalty`, `is longer than the longest penalty, ${most} ms`);
  return {
    enabled: true,
    consecutive5xx: failures,
    // A gateway's error is a 5xx like any other to Linkerd.
    consecutiveGatewayErrors: 0,
    consecutiveConnectFailures: failures,
    baseEjectionTimeMs: least,
    maxEjectionTimeMs: most,
  };
}

function pathOf(key: string): string {
  return `metadata.annotations['${key}']`;
}

class Reader {
  readonly annotations: Readonly<Record<string, string>>;
  readonly report: Report;

  constructor(annotations: Readonly<Record<string, string>>, report: Report) {
    this.annotations = annotations;
    this.report = report;
  }

  get(key: string): string | undefined {
    return Object.hasOwn(this.annotations, key) ? this.annotations[key] : undefined;
  }

  wrong(key: string, why: string): undefined {
    this.report.error('field-invalid', pathOf(key), `${key}: '${this.get(key) ?? ''}' ${why}`);
    return undefined;
  }

  /** Linkerd's durations have one number and one unit. */
  duration(key: string, leastMs = 0): number | undefined {
    const text = this.get(key);
    if (text === undefined) return undefined;
    const days = /^(\d{1,5})d$/.exec(text);
    const ms = days
      ? Number(days[1]) * 86_400_000
      : /^(0|\d+(ms|s|m|h))$/.test(text)
        ? parseDurationMs(text)
        : undefined;
    if (ms !== undefined && ms >= leastMs) return ms;
    return this.wrong(key, 'is no duration; write for example 500ms, 10s or 1m');
  }

  whole(key: string, most: number): number | undefined {
    const text = this.get(key);
    if (text === undefined) return undefined;
    if (/^\d{1,10}$/.test(text) && Number(text) <= most) return Number(text);
    return this.wrong(key, `is no whole number from 0 to ${most}`);
  }
}
