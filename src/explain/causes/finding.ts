// Why no endpoint was found that the request could have gone to.
import type { RequestRecord } from '../../model/index.ts';
import { type CauseRow, refIn, serviceOf, withObject } from '../cause.ts';
import { lastFilter, nameOf, routeCommand, routeOf, shows, who } from './record.ts';

/** Flags NR, NFCF, NC and UH. In this order; the first that fits decides. */
export const FINDING_CAUSES: readonly CauseRow<RequestRecord>[] = [
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
];
