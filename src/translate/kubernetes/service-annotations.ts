import {
  parseDurationMs,
  RETRY_CONDITIONS,
  type RetryCondition,
  type TrafficPolicy,
} from '../../model/index.ts';
import type { KubeObject } from '../../registry/index.ts';
import type { KindTranslator, TranslateContext } from '../dialect.ts';
import { fieldsOf } from '../fields.ts';
import { readLinkerdAnnotations } from '../linkerd-annotations.ts';
import type { Part } from '../part.ts';
import type { Report } from '../report.ts';

const prefix = 'weft.dev/';
const balancers = ['p2c-ewma', 'least-request', 'round-robin', 'random'] as const;

/** What one annotation adds to the policy. */
type Patch = Omit<Partial<TrafficPolicy>, 'host' | 'from'>;
/** Reads the annotation's value; a string says what is wrong with it. */
type Reader = (text: string) => Patch | string;

/**
 * The annotations of a Service, without `weft.dev/`. They say for the Service what a policy object would; where there is
 * such an object too, it goes over them.
 */
const annotations: Readonly<Record<string, Reader>> = {
  timeout: duration(timeoutMs => ({ timeoutMs })),
  'stream-idle-timeout': duration(streamIdleTimeoutMs => ({ streamIdleTimeoutMs })),
  'connect-timeout': duration(connectTimeoutMs => ({ connectTimeoutMs }), 1),
  'connection-idle-timeout': duration(idleTimeoutMs => ({ idleTimeoutMs }), 1),
  balancer: text => {
    const kind = balancers.find(each => each === text);
    return kind ? { balancer: { kind } } : `is none of ${balancers.join(', ')}`;
  },
  retries: whole(0, 100, attempts => ({ retry: { attempts } })),
  'per-try-timeout': duration(perTryTimeoutMs => ({ retry: { perTryTimeoutMs } })),
  'retry-on': text => {
    const on = text.split(',').map(each => each.trim());
    const wrong = on.find(each => !RETRY_CONDITIONS.includes(each as RetryCondition));
    if (wrong !== undefined) return `has '${wrong}', which is none of ${RETRY_CONDITIONS.join(', ')}`;
    return { retry: { on: on as RetryCondition[] } };
  },
  'retry-non-idempotent': flag(nonIdempotent => ({ retry: { nonIdempotent } })),
  'max-connections': whole(1, 1e6, maxConnections => ({ limits: { maxConnections } })),
  'max-pending-requests': whole(1, 1e6, maxPendingRequests => ({ limits: { maxPendingRequests } })),
  'max-requests': whole(1, 1e6, maxRequests => ({ limits: { maxRequests } })),
  outlier: flag(enabled => ({ outlier: { enabled } })),
  'outlier-consecutive-5xx': whole(0, 1e6, consecutive5xx => ({ outlier: { consecutive5xx } })),
  'outlier-consecutive-gateway-errors': whole(0, 1e6, consecutiveGatewayErrors => ({
    outlier: { consecutiveGatewayErrors },
  })),
  'outlier-consecutive-connect-failures': whole(0, 1e6, consecutiveConnectFailures => ({
    outlier: { consecutiveConnectFailures },
  })),
  'outlier-interval': duration(intervalMs => ({ outlier: { intervalMs } }), 1),
  'outlier-base-ejection-time': duration(baseEjectionTimeMs => ({ outlier: { baseEjectionTimeMs } }), 1),
  'outlier-max-ejection-time': duration(maxEjectionTimeMs => ({ outlier: { maxEjectionTimeMs } }), 1),
  'outlier-max-ejection-percent': whole(0, 100, maxEjectionPercent => ({ outlier: { maxEjectionPercent } })),
  'outlier-panic-threshold-percent': whole(0, 100, panicThresholdPercent => ({
    outlier: { panicThresholdPercent },
  })),
};

/** Every annotation that a Service may have, with its prefix. */
export const SERVICE_ANNOTATIONS: readonly string[] = Object.keys(annotations).map(name => prefix + name);

/**
 * v1 Service: the traffic policy that its annotations make. A bad one leaves the last good ones, and the Service, as they are.
 */
export const serviceAnnotationsTranslator: KindTranslator = {
  kind: 'Service',
  translate: translateAnnotations,
};

function translateAnnotations(
  object: KubeObject,
  context: TranslateContext,
  report: Report,
): readonly Part[] {
  // kube-proxy picks by the client's address and forgets it after a time; a hash of the address needs no memory. Annotations go
  // over it.
  const affine = fieldsOf(object, 'spec', report).text('sessionAffinity') === 'ClientIP';
  const patches: Patch[] = affine ? [{ balancer: { kind: 'ring-hash', hash: [{ kind: 'source-ip' }] } }] : [];
  const linkerd = readLinkerdAnnotations(object.metadata.annotations ?? {}, 'service', report);
  if (Object.keys(linkerd).length > 0) patches.push(linkerd);
  for (const [key, text] of Object.entries(object.metadata.annotations ?? {})) {
    if (!key.startsWith(prefix)) continue;
    const path = `metadata.annotations['${key}']`;
    const name = key.slice(prefix.length);
    if (!Object.hasOwn(annotations, name)) {
      const message = `${key} is no annotation of a service; it has no effect${meant(name)}`;
      report.warn('field-not-supported', path, message);
      continue;
    }
    const read = annotations[name]!(text);
    if (typeof read === 'string') report.error('field-invalid', path, `${key}: '${text}' ${read}`);
    else patches.push(read);
  }
  if (patches.length === 0) return [];
  const { name, namespace = '' } = object.metadata;
  const host = `${name}.${namespace}.svc.${context.clusterDomain}`;
  const policy = patches.reduce<TrafficPolicy>(merge, { host, from: report.object });
  return [
    {
      kind: 'policy',
      of: 'trafficPolicies',
      policy,
      rank: 0,
      createdAt: object.metadata.creationTimestamp ?? '',
    },
  ];
}

function merge(policy: TrafficPolicy, patch: Patch): TrafficPolicy {
  return {
    ...policy,
    ...patch,
    ...(patch.retry && { retry: { ...policy.retry, ...patch.retry } }),
    ...(patch.limits && { limits: { ...policy.limits, ...patch.limits } }),
    ...(patch.outlier && { outlier: { ...policy.outlier, ...patch.outlier } }),
  };
}

/** `; did you mean weft.dev/timeout?` where one annotation begins or ends alike. */
function meant(name: string): string {
  const alike = (each: string): boolean =>
    each.startsWith(name) || name.startsWith(each) || each.endsWith(name) || name.endsWith(each);
  const near = Object.keys(annotations).find(alike);
  return near === undefined ? '' : `; did you mean ${prefix}${near}?`;
}

function duration(patch: (ms: number) => Patch, minMs = 0): Reader {
  return text => {
    const ms = parseDurationMs(text);
    if (ms !== undefined && ms >= minMs) return patch(ms);
    return 'is no duration; write for example 500ms, 1.5s or 1m';
  };
}

function whole(min: number, max: number, patch: (value: number) => Patch): Reader {
  return text => {
    const value = /^\d{1,9}$/.test(text) ? Number(text) : Number.NaN;
    return value >= min && value <= max ? patch(value) : `is no whole number from ${min} to ${max}`;
  };
}

function flag(patch: (value: boolean) => Patch): Reader {
  return text => (text === 'true' || text === 'false' ? patch(text === 'true') : 'is neither true nor false');
}
