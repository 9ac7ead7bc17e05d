// Why a connection was refused or broke that never became a request.
import type { MirrorRecord, RefusalRecord, SessionRecord } from '../../model/index.ts';
import {
  type Cause,
  type CauseRow,
  firstThatFits,
  podRef,
  refIn,
  serviceRef,
  type Told,
  withObject,
} from '../cause.ts';
import type { Tools } from '../tools.ts';
import { connectingCause } from './connecting.ts';
import { denialCause } from './denials.ts';

const REFUSALS: readonly CauseRow<RefusalRecord>[] = [
  {
    code: 'not-allowed',
    when: ({ record }) => record.reason === 'authorization',
    cause: ({ record, self }, tools) => denialCause(record, `pod ${self.pod}`, record.from, tools),
  },
  {
    code: 'plaintext-refused',
    when: ({ record }) =>
      record.reason === 'plaintext' || (record.reason === 'silent-client' && record.flag === 'UAEX'),
    cause: ({ record, self }, tools) => ({
      words: `${withoutPort(record.downstream)} called pod ${self.pod} in plaintext${record.reason === 'plaintext' ? '' : ', and waited for it to speak first'}, and ${record.detail}`,
      object: record.from ?? podRef(self.namespace, self.pod),
      remedy:
        'call it from a pod in the mesh (label its namespace weft.dev/inject=enabled and restart it), or allow plaintext on this port with portLevelMtls PERMISSIVE',
      commands: [
        ...(record.from === undefined ? [] : [tools.show(record.from)]),
        `kubectl label namespace NAMESPACE-OF-THE-CALLER weft.dev/inject=enabled`,
      ],
    }),
  },
  {
    code: 'handshake-refused',
    when: ({ record }) =>
      ['handshake', 'no-certificate', 'bad-preface', 'handshake-timeout'].includes(record.reason),
    cause: ({ record, self }, tools) => {
      const failed = connectingCause(
        {
          detail: record.detail,
          flag: 'UF',
          caller: self,
          callee: { namespace: '', pod: '', workload: '' },
          endpoint: record.downstream,
          toApp: false,
          service: '',
        },
        tools,
      );
      return {
        words: `pod ${self.pod} refused a client at ${withoutPort(record.downstream)}: ${record.detail}`,
        object: podRef(self.namespace, self.pod),
        remedy: failed.remedy,
        commands: [tools.proxyConfig('secret', self.namespace, self.pod), tools.check],
      };
    },
  },
  {
    code: 'header-too-large',
    when: ({ record }) =>
      /^malformed:(head-too-large|too-many-headers|target-too-long|trailers-too-large)$/.test(record.reason),
    cause: ({ record, self }) => ({
      words: `${record.detail} (${record.reason.slice('malformed:'.length)})`,
      object: podRef(self.namespace, self.pod),
      remedy:
        'send smaller headers: cookies and tokens that grow with each request are the usual reason; docs/http1.md has the limits',
      commands: [],
    }),
  },
  {
    code: 'malformed',
    when: ({ record }) =>
      record.reason.startsWith('malformed:') || (record.reason === 'connect' && record.flag === 'DPE'),
    cause: ({ record, self }) => ({
      words: `what ${withoutPort(record.downstream)} sent is no HTTP: ${record.detail} (${record.reason.replace('malformed:', '')})`,
      ...withObject(record.direction === 'outbound' ? podRef(self.namespace, self.pod) : undefined),
      remedy: 'mend the client; docs/http1.md has what is refused and why',
      commands: [],
    }),
  },
  {
    code: 'outside-refused',
    when: ({ record }) => /lets its workloads reach only/.test(record.detail),
    cause: ({ record }, tools) => {
      const from = refIn(record.detail);
      return {
        words: `${record.wanted} is no host of the mesh, and ${record.detail.replace(/;.*$/, '')}`,
        ...withObject(from),
        remedy: 'add a ServiceEntry for the host, or the host to the Sidecar',
        commands: from === undefined ? [] : [tools.show(from)],
      };
    },
  },
  {
    code: 'not-http',
    when: ({ record }) =>
      record.reason === 'not-http' || record.reason === 'silent-client' || record.reason === 'slow-start',
    cause: ({ record, self }) => ({
      words: record.detail.split(';')[0]!,
      object: podRef(self.namespace, self.pod),
      remedy: record.detail.split('; ').slice(1).join('; ') || 'declare what the port speaks',
      commands: [],
    }),
  },
  {
    code: 'not-configured',
    when: ({ record }) => record.reason === 'not-configured',
    cause: ({ record, self }, tools) => ({
      words: record.detail.split(';')[0]!,
      object: podRef(self.namespace, self.pod),
      remedy: 'come again; if it lasts, see what keeps the control plane from telling it',
      commands: [tools.proxyLog(self.namespace, self.pod), tools.check],
    }),
  },
  {
    code: 'own-port',
    when: ({ record }) => record.reason === 'own-port',
    cause: ({ record, self }) => ({
      words: record.detail.split(';')[0]!,
      object: podRef(self.namespace, self.pod),
      remedy: 'call a port of the app',
      commands: [],
    }),
  },
  {
    code: 'dns',
    when: ({ record }) => record.flag === 'DF',
    cause: ({ record, self }) => ({
      words: record.detail,
      object: podRef(self.namespace, self.pod),
      remedy: 'correct the name, or see what the DNS of the pod says of it',
      commands: [
        `kubectl exec -n ${self.namespace} ${self.pod} -- getent hosts ${record.wanted.replace(/:\d+$/, '')}`,
      ],
    }),
  },
  {
    code: 'connection-refused',
    when: () => true,
    cause: ({ record, self }, tools) => ({
      words: record.detail,
      object: podRef(self.namespace, self.pod),
      remedy: 'see what the proxy says of it',
      commands: [tools.proxyLog(self.namespace, self.pod)],
    }),
  },
];

/** Why it was refused. */
export function refusalCause(told: Told<RefusalRecord>, tools: Tools): Cause {
  return firstThatFits(REFUSALS, told, tools)!;
}

/** Why a connection that carries bytes failed. */
export function sessionCause({ record, self }: Told<SessionRecord>, tools: Tools): Cause {
  const { cluster, endpoints, flag, detail, endpoint, pod, direction } = record;
  const service = cluster.service === '' ? undefined : serviceRef(cluster.namespace, cluster.service);
  const inbound = direction === 'inbound';
  if (flag === 'UH') {
    return {
      code: endpoints.total === 0 ? 'no-endpoint' : 'endpoints-not-ready',
      words: detail,
      ...withObject(service),
      remedy: 'start pods of it, or see why none is ready',
      commands:
        service === undefined
          ? []
          : [tools.endpoints(service.namespace, service.name), tools.pods(service.namespace)],
    };
  }
  if (flag === 'UO') {
    return {
      code: 'pool-full',
      words: detail,
      ...withObject(service),
      remedy: 'raise connectionPool (maxConnections) of its DestinationRule, or close what is not used',
      commands: [tools.proxyConfig('clusters', self.namespace, self.pod)],
    };
  }
  if (flag === 'UF' || flag === 'DF' || flag === 'NR') {
    const callee = inbound ? self : { namespace: cluster.namespace, pod, workload: '' };
    return connectingCause(
      { detail, flag, caller: self, callee, endpoint, toApp: inbound, service: cluster.service },
      tools,
    );
  }
  const broken = flag === 'DC' ? 'the client' : 'the upstream';
  return {
    code: flag === 'DC' ? 'client-left' : 'session-broken',
    words: `${broken} broke the connection off after ${Math.round(record.durationMs)} ms and ${record.sentBytes} bytes to the client: ${detail}`,
    ...withObject(pod === '' ? service : podRef(inbound ? self.namespace : cluster.namespace, pod)),
    remedy: 'see what either side says of it',
    commands: pod === '' ? [] : [tools.appLog(inbound ? self.namespace : cluster.namespace, pod)],
  };
}

/** Why a copy for a mirror failed. */
export function mirrorCause({ record }: Told<MirrorRecord>, tools: Tools): Cause {
  const { cluster, detail } = record;
  const service = cluster.service === '' ? undefined : serviceRef(cluster.namespace, cluster.service);
  return {
    code: 'mirror-failed',
    words: `the copy for the mirror ${cluster.host} failed (${detail}); the request itself does not notice`,
    ...withObject(service),
    remedy: 'mend the mirror, or take it out of the route',
    commands: service === undefined ? [] : [tools.endpoints(service.namespace, service.name)],
  };
}

function withoutPort(address: string): string {
  return address.replace(/:\d+$/, '') || 'a client';
}
