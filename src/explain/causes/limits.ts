// What a policy, or a limit that somebody set, did not let through.
import type { RequestRecord } from '../../model/index.ts';
import { type CauseRow, refIn, serviceOf, type Told, withObject } from '../cause.ts';
import type { Tools } from '../tools.ts';
import { authorizerCause, isAuthorizerRefusal, isTokenRefusal, tokenCause } from './credentials.ts';
import { denialCause, isDenial } from './denials.ts';
import { lastFilter, logsOf, routeOf, shows, who } from './record.ts';

/** Flags UO, UT, SI, RL, FI, OM and UAEX. In this order; the first that fits decides. */
export const LIMIT_CAUSES: readonly CauseRow<RequestRecord>[] = [
  {
    code: 'too-many-requests',
    when: ({ record }) => record.flag === 'UO' && /requests to .* are under way/.test(record.detail),
    cause: (told, tools) =>
      limit(
        told,
        tools,
        `as many requests are under way as one proxy may send there (${told.record.cluster?.maxRequests ?? 'its limit'})`,
        'http2MaxRequests',
      ),
  },
  {
    code: 'pool-full',
    when: ({ record }) => record.flag === 'UO',
    cause: (told, tools) =>
      /waiting for a connection/.test(told.record.detail)
        ? limit(
            told,
            tools,
            `as many requests wait for a connection as may wait (${told.record.cluster?.maxPending})`,
            'http1MaxPendingRequests',
          )
        : limit(
            told,
            tools,
            `as many connections are open as one proxy may have there (${told.record.cluster?.maxConnections})`,
            'maxConnections',
          ),
  },
  {
    code: 'try-timeout',
    when: ({ record }) => record.flag === 'UT' && record.code === 'upstream_per_try_timeout',
    cause: (told, tools) => ({
      words: `no try was answered within the ${told.record.route?.perTryTimeoutMs} ms that its route allows each`,
      ...withObject(routeOf(told) ?? serviceOf(told.record)),
      remedy: 'find out what takes the callee so long, or raise the limit of each try (perTryTimeout)',
      commands: [...logsOf(told, tools), ...shows(routeOf(told), tools)],
    }),
  },
  {
    code: 'route-timeout',
    when: ({ record }) => record.flag === 'UT',
    cause: (told, tools) => ({
      words: `${told.record.answeredAfterMs === undefined ? 'no answer' : 'the answer was not complete'} within the ${told.record.route?.timeoutMs} ms that its route allows`,
      ...withObject(routeOf(told) ?? serviceOf(told.record)),
      remedy: "find out what takes the callee so long, or raise the route's timeout",
      commands: [...logsOf(told, tools), ...shows(routeOf(told), tools)],
    }),
  },
  {
    code: 'idle-timeout',
    when: ({ record }) => record.flag === 'SI',
    cause: (told, tools) => ({
      words: `nothing moved for the ${told.record.route?.idleTimeoutMs} ms that a stream may be idle`,
      ...withObject(routeOf(told) ?? serviceOf(told.record)),
      remedy: 'let the app send something now and then, or raise the idle limit of the route',
      commands: [...logsOf(told, tools), ...shows(routeOf(told), tools)],
    }),
  },
  {
    code: 'rate-limited',
    when: ({ record }) => record.flag === 'RL',
    cause: (told, tools) => {
      const from = lastFilter(told)?.from ?? refIn(told.record.detail);
      return {
        words: `a rate limit refused it: ${told.record.detail}`,
        ...withObject(from),
        remedy: 'let the caller slow down, or raise the limit',
        commands: shows(from, tools),
      };
    },
  },
  {
    code: 'fault-abort',
    when: ({ record }) => record.flag === 'FI',
    cause: (told, tools) => ({
      words: `it failed on purpose: ${told.record.detail}`,
      ...withObject(lastFilter(told)?.from ?? routeOf(told)),
      remedy: 'take the fault out of the policy when the experiment is over',
      commands: shows(lastFilter(told)?.from ?? routeOf(told), tools),
    }),
  },
  {
    code: 'overloaded',
    when: ({ record }) => record.flag === 'OM',
    cause: (told, tools) => ({
      words: `the proxy of pod ${told.self.pod} is short of memory and takes no new requests`,
      object: who(told),
      remedy: 'raise weft.dev/proxy-memory-limit of the pod',
      commands: [tools.proxyLog(told.self.namespace, told.self.pod)],
    }),
  },
  {
    code: 'not-allowed',
    when: ({ record }) => record.flag === 'UAEX' && isDenial(record.detail),
    cause: (told, tools) =>
      denialCause(
        told.record,
        `pod ${told.self.pod}`,
        lastFilter(told)?.from ?? refIn(told.record.detail),
        tools,
      ),
  },
  {
    code: 'token-refused',
    when: ({ record }) => record.flag === 'UAEX' && isTokenRefusal(record.detail),
    cause: (told, tools) => tokenCause(told.record.detail, lastFilter(told)?.from, told.self, tools),
  },
  {
    code: 'authorizer-refused',
    when: ({ record }) => record.flag === 'UAEX' && isAuthorizerRefusal(record.detail),
    cause: (told, tools) => authorizerCause(told.record.detail, lastFilter(told)?.from, told.self, tools),
  },
  {
    code: 'refused',
    when: ({ record }) => record.flag === 'UAEX',
    cause: (told, tools) => {
      const from = lastFilter(told)?.from ?? refIn(told.record.detail);
      return {
        words: `it is not authorized: ${told.record.detail}`,
        ...withObject(from),
        remedy: 'let the policy allow this caller, or the caller show who it is',
        commands: shows(from, tools),
      };
    },
  },
];

function limit(
  told: Told<RequestRecord>,
  tools: Tools,
  words: string,
  field: string,
): ReturnType<CauseRow<RequestRecord>['cause']> {
  const service = serviceOf(told.record);
  return {
    words: `${words}: ${told.record.detail}`,
    ...withObject(service),
    remedy: `see why the callee is slow, start more pods of it, or raise connectionPool (${field}) of its DestinationRule or the annotation of its Service`,
    commands: [
      tools.proxyConfig('clusters', told.self.namespace, told.self.pod),
      ...(service === undefined ? [] : [tools.pods(service.namespace)]),
    ],
  };
}
