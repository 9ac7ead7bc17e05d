// Why a request failed where its own proxy decided that it does. What another proxy or the app decided is in explain.ts.
import type { ObjectRef, RequestRecord } from '../../model/index.ts';
import { type CauseRow, podRef, refIn, serviceOf, type Told, urlOf, withObject } from '../cause.ts';
import type { Tools } from '../tools.ts';
import { connectingCause } from './connecting.ts';

type Row = CauseRow<RequestRecord>;

const lastFilter = ({ record }: Told<RequestRecord>): RequestRecord['filters'][number] | undefined =>
  record.filters.findLast(each => each.verdict === 'answered');
const routeOf = ({ record }: Told<RequestRecord>): ObjectRef | undefined => record.route?.from;
const nameOf = (ref: ObjectRef): string =>
  `${ref.kind} ${ref.name}${ref.namespace === '' ? '' : `.${ref.namespace}`}${ref.origin === undefined ? '' : ` (${ref.origin})`}`;
const who = ({ self }: Told<RequestRecord>): ObjectRef => podRef(self.namespace, self.pod);
const routeCommand = (told: Told<RequestRecord>, tools: Tools): string =>
  tools.route(told.record.method, urlOf(told.record), told.self.namespace, told.self.pod);
const shows = (ref: ObjectRef | undefined, tools: Tools): readonly string[] =>
  ref === undefined ? [] : [tools.show(ref)];
const isConnecting = ({ record: { flag } }: Told<RequestRecord>): boolean => flag === 'UF' || flag === 'DF';

/** The last try that did not end well. */
function failedTry({ record }: Told<RequestRecord>): RequestRecord['tries'][number] | undefined {
  return record.tries.findLast(each => each.end !== 'taken' && each.end !== 'overtaken');
}

/** In words: how the tries before the last went, and why there was none after it. */
export function triesInWords({ tries, attempts, noRetry }: RequestRecord): string {
  const count = attempts > 1 ? `tried ${attempts} times` : tries.length > 0 ? 'tried once' : '';
  const why = NO_RETRY[noRetry] ?? '';
  return [count, why].filter(part => part !== '').join('; ');
}

const NO_RETRY: Readonly<Record<string, string>> = {
  'not-wanted': 'its policy has no retry for this',
  'not-idempotent': 'not repeated, because a byte may have reached the app and its method is not idempotent',
  'not-kept': 'not repeated, because its body was too large to be kept',
  'no-tries-left': 'no more tries were left',
  budget: 'not repeated, because the budget of retries was spent',
  login: 'not repeated, because it belongs to a login on its connection',
};

/** Who was called by the last try, and who called. */
function connection(told: Told<RequestRecord>): Parameters<typeof connectingCause>[0] {
  const { record, self } = told;
  const last = failedTry(told) ?? record.tries.at(-1);
  const inbound = record.direction === 'inbound';
  const caller = { namespace: self.namespace, pod: self.pod, workload: self.workload };
  return {
    detail: last?.detail || record.detail,
    flag: record.flag,
    caller,
    callee: inbound
      ? caller
      : { namespace: last?.namespace ?? '', pod: last?.pod ?? '', workload: last?.workload ?? '' },
    endpoint: last?.endpoint ?? record.destination?.key ?? '',
    toApp: inbound,
    service: record.cluster?.service ?? '',
  };
}

/** In this order; the first that fits decides. */
export const REQUEST_CAUSES: readonly Row[] = [
  {
    code: 'loop',
    when: ({ record }) => record.flag === 'NR' && /circle/.test(record.detail),
    cause: (told, tools) => ({
      words: told.record.detail,
      object: who(told),
      remedy: 'let the app call the server that is meant, by the name of its Service, and not its own proxy',
      commands: [tools.settings(told.self.namespace, told.self.pod, told.record.authority)],
    }),
  },
  {
    code: 'no-route',
    when: told =>
      told.record.flag === 'NR' &&
      (lastFilter(told)?.filter === 'no-route' || told.record.destination?.found === 'service'),
    cause: (told, tools) => {
      const from = lastFilter(told)?.from ?? routeOf(told);
      return {
        words: `no rule of ${from === undefined ? 'the routes of this host' : nameOf(from)} is for ${told.record.method} ${told.record.path}`,
        ...withObject(from),
        remedy:
          'add a rule for it, or one without a match as the last; this tells why each rule does not match',
        commands: [routeCommand(told, tools)],
      };
    },
  },
  {
    code: 'outside-refused',
    when: ({ record }) => record.flag === 'NR' && /lets its workloads reach only/.test(record.detail),
    cause: ({ record }, tools) => {
      const from = refIn(record.detail);
      return {
        words: `${record.authority} is no host of the mesh, and ${record.detail.replace(/;.*$/, '')}`,
        ...withObject(from),
        remedy: 'add a ServiceEntry for the host, or the host to the Sidecar',
        commands: shows(from, tools),
      };
    },
  },
  {
    code: 'bad-address',
    when: ({ record }) => record.flag === 'NR',
    cause: (told, tools) => ({
      words: told.record.detail === '' ? `nothing is known of ${told.record.authority}` : told.record.detail,
      object: who(told),
      remedy: 'correct the address that the app calls',
      commands: [tools.settings(told.self.namespace, told.self.pod, told.record.authority)],
    }),
  },
  {
    code: 'control-plane-silent',
    when: ({ record }) => record.flag === 'NFCF' && /has not told in time/.test(record.detail),
    cause: (told, tools) => ({
      words: `the proxy was not told in time where ${told.record.authority || told.record.destination?.key} goes${
        told.state?.connected === false ? `: it is cut off from the control plane (${told.state.reason})` : ''
      }`,
      object: who(told),
      remedy: 'see why the control plane does not answer this proxy',
      commands: [tools.proxyStatus(), tools.check, tools.proxyLog(told.self.namespace, told.self.pod)],
    }),
  },
  {
    code: 'configuration-unusable',
    when: ({ record }) => record.flag === 'NFCF',
    cause: (told, tools) => {
      const from = lastFilter(told)?.from ?? routeOf(told) ?? refIn(told.record.detail);
      return {
        words: `what the control plane says of the destination cannot be used: ${told.record.detail}`,
        ...withObject(from),
        remedy: 'mend the object; the analyzer says what is wrong with it',
        commands: ['weft analyze', ...shows(from, tools)],
      };
    },
  },
  {
    code: 'cluster-missing',
    when: ({ record }) => record.flag === 'NC',
    cause: (told, tools) => ({
      words: `the route sends it to what is not there: ${told.record.detail}`,
      ...withObject(routeOf(told)),
      remedy: 'name a Service or subset that exists',
      commands: ['weft analyze', ...shows(routeOf(told), tools)],
    }),
  },
  {
    code: 'canary-without-pods',
    when: ({ record }) =>
      record.flag === 'UH' && (record.endpoints?.why !== '' || (record.cluster?.name.includes('/') ?? false)),
    cause: (told, tools) => {
      const { endpoints, cluster, detail } = told.record;
      const from = refIn(endpoints?.why ?? '') ?? routeOf(told);
      const service = serviceOf(told.record);
      return {
        words:
          endpoints !== undefined && endpoints.why !== ''
            ? detail
            : `the subset ${cluster?.name} that the route sends it to has no pods that are ready (0 of ${endpoints?.total ?? 0})`,
        ...withObject(from),
        remedy: 'start pods with the labels of this subset, or take its weight away in the route',
        commands: [
          ...shows(routeOf(told) ?? from, tools),
          ...(service === undefined ? [] : [tools.pods(service.namespace)]),
        ],
      };
    },
  },
  {
    code: 'no-endpoint',
    when: ({ record }) => record.flag === 'UH' && record.endpoints?.total === 0,
    cause: (told, tools) => {
      const service = serviceOf(told.record);
      return {
        words: `no pod stands behind ${service === undefined ? told.record.cluster?.host : nameOf(service)}: its selector finds none, or it is scaled to nothing`,
        ...withObject(service),
        remedy: "scale the workload up, or make the Service's selector the labels of its pods",
        commands:
          service === undefined
            ? []
            : [tools.endpoints(service.namespace, service.name), ...shows(service, tools)],
      };
    },
  },
  {
    code: 'endpoints-not-ready',
    when: ({ record }) => record.flag === 'UH',
    cause: (told, tools) => {
      const service = serviceOf(told.record);
      return {
        words: `none of the ${told.record.endpoints?.total ?? 0} pods of ${service === undefined ? told.record.cluster?.host : nameOf(service)} is ready`,
        ...withObject(service),
        remedy: 'see why their readiness probes fail',
        commands:
          service === undefined
            ? []
            : [tools.pods(service.namespace), tools.endpoints(service.namespace, service.name)],
      };
    },
  },
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
    code: 'dns',
    when: ({ record }) => record.flag === 'DF',
    cause: told => ({
      words: told.record.detail,
      object: serviceOf(told.record) ?? who(told),
      remedy: 'correct the name, or see what the DNS of the pod says of it',
      commands: [
        `kubectl exec -n ${told.self.namespace} ${told.self.pod} -- getent hosts ${told.record.authority.replace(/:\d+$/, '') || 'NAME'}`,
      ],
    }),
  },
  {
    code: 'connection',
    when: isConnecting,
    cause: (told, tools) => connectingCause(connection(told), tools),
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
    code: 'bad-path',
    when: ({ record }) => record.flag === 'DPE' && /%00/.test(record.detail),
    cause: told => ({
      words: told.record.detail,
      ...withObject(told.record.direction === 'outbound' ? who(told) : undefined),
      remedy: 'let the client not send %00 in paths',
      commands: [],
    }),
  },
  {
    code: 'malformed',
    when: ({ record }) => record.flag === 'DPE',
    cause: told => ({
      words: `the client broke HTTP in the middle of its request: ${told.record.detail}`,
      ...withObject(told.record.direction === 'outbound' ? who(told) : undefined),
      remedy: 'mend the client; docs/http1.md has what is refused and why',
      commands: [],
    }),
  },
  {
    code: 'answer-malformed',
    when: ({ record }) => record.flag === 'UPE',
    cause: (told, tools) => ({
      words: `what the upstream answered is no HTTP that may be passed on: ${told.record.detail}`,
      ...withObject(calleeOf(told)),
      remedy: 'mend what the app answers; docs/http1.md has what is refused and why',
      commands: logsOf(told, tools),
    }),
  },
  {
    code: 'reset-in-answer',
    when: ({ record }) =>
      (record.flag === 'UR' || record.flag === 'UC') && record.answeredAfterMs !== undefined,
    cause: (told, tools) => ({
      words: `the connection broke in the middle of the answer, after ${told.record.sentBytes} bytes of it: ${told.record.detail}`,
      ...withObject(calleeOf(told)),
      remedy: 'see whether the app crashed or was stopped while it answered',
      commands: logsOf(told, tools),
    }),
  },
  {
    code: 'reset-before-answer',
    when: ({ record }) => record.flag === 'UR' || record.flag === 'UC',
    cause: (told, tools) => ({
      words: `the connection broke before there was an answer: ${told.record.detail}`,
      ...withObject(calleeOf(told)),
      remedy: 'see whether the app crashed, or closes connections without an answer',
      commands: logsOf(told, tools),
    }),
  },
  {
    code: 'client-left',
    when: ({ record }) => record.flag === 'DC',
    cause: (told, tools) => ({
      words: `the client went away after ${Math.round(told.record.durationMs)} ms, ${told.record.answeredAfterMs === undefined ? 'before there was an answer' : 'in the middle of the answer'}`,
      ...withObject(told.record.direction === 'outbound' ? who(told) : undefined),
      remedy: "compare this time with the client's own timeout, and see what takes so long",
      commands: logsOf(told, tools),
    }),
  },
  {
    code: 'proxy-error',
    when: ({ record }) => record.flag === 'LR',
    cause: (told, tools) => ({
      words: `an error of the proxy of pod ${told.self.pod} itself`,
      object: who(told),
      remedy: 'this is a defect of Weft: report the stack that its log has',
      commands: [tools.proxyLog(told.self.namespace, told.self.pod)],
    }),
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

/** The pod that the last try went to, or beside an inbound proxy its own. */
export function calleeOf(told: Told<RequestRecord>): ObjectRef | undefined {
  const { record, self } = told;
  if (record.direction === 'inbound') return podRef(self.namespace, self.pod);
  const last = record.tries.at(-1);
  if (last === undefined || last.pod === '') return serviceOf(record);
  return podRef(last.namespace, last.pod);
}

function logsOf(told: Told<RequestRecord>, tools: Tools): readonly string[] {
  const callee = calleeOf(told);
  return callee?.kind === 'Pod' ? [tools.appLog(callee.namespace, callee.name)] : [];
}

function limit(
  told: Told<RequestRecord>,
  tools: Tools,
  words: string,
  field: string,
): Omit<ReturnType<Row['cause']>, 'code'> {
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
