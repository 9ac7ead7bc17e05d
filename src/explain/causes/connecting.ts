// Why a connection to an endpoint was not opened, from the words of proxy/connect and tls/.
import type { Cause } from '../cause.ts';
import { podRef, withObject } from '../cause.ts';
import type { Tools } from '../tools.ts';

/** A connection that failed. */
export interface FailedConnection {
  readonly detail: string;
  readonly flag: string;
  /** Who called: the pod whose proxy tried. */
  readonly caller: { readonly namespace: string; readonly pod: string; readonly workload: string };
  /** Who was called; '' where it is no pod of the mesh. */
  readonly callee: { readonly namespace: string; readonly pod: string; readonly workload: string };
  readonly endpoint: string;
  /** From a proxy to the app beside it. */
  readonly toApp: boolean;
  readonly service: string;
}

interface Row {
  readonly code: string;
  readonly when: RegExp;
  cause(
    failed: FailedConnection,
    tools: Tools,
  ): Omit<Cause, 'code' | 'object'> & { readonly of: 'caller' | 'callee' };
}

const rows: readonly Row[] = [
  {
    code: 'certificate-expired',
    when: /the peer's certificate has expired/,
    cause: ({ callee }, tools) => ({
      of: 'callee',
      words: `the certificate of pod ${callee.pod} has expired`,
      remedy:
        'see why its proxy gets no new one: it may be cut off from the control plane, or its clock wrong',
      commands: [
        tools.proxyConfig('secret', callee.namespace, callee.pod),
        tools.proxyLog(callee.namespace, callee.pod),
        tools.check,
      ],
    }),
  },
  {
    code: 'own-certificate-expired',
    when: /says that our certificate has expired/,
    cause: ({ caller }, tools) => ({
      of: 'caller',
      words: `the certificate of pod ${caller.pod}, which calls, has expired`,
      remedy:
        'see why its proxy gets no new one: it may be cut off from the control plane, or its clock wrong',
      commands: [
        tools.proxyConfig('secret', caller.namespace, caller.pod),
        tools.proxyLog(caller.namespace, caller.pod),
        tools.check,
      ],
    }),
  },
  {
    code: 'clock-skew',
    when: /certificate is not valid yet/,
    cause: ({ callee, caller }, tools) => ({
      of: 'callee',
      words: `the certificate of pod ${callee.pod} is not valid yet for pod ${caller.pod}: the clocks of their nodes differ`,
      remedy: 'set the clocks of both nodes by NTP',
      commands: [tools.pods(caller.namespace), tools.check],
    }),
  },
  {
    code: 'wrong-identity',
    when: /the peer is \S*, expected \S+/,
    cause: ({ callee, endpoint, detail }, tools) => {
      const [, is = '', expected = ''] = /the peer is (\S*), expected (\S+?);?(?:\s|$)/.exec(detail) ?? [];
      return {
        of: 'callee',
        words: `at ${endpoint} answers ${is === '' ? 'somebody without an identity' : is}, and not ${expected}`,
        remedy:
          'the address belongs to another pod by now: compare the endpoints with the pods, and see whether the control plane is up to date',
        commands: [tools.pods(callee.namespace), tools.proxyStatus()],
      };
    },
  },
  {
    code: 'other-root',
    when: /comes from another root|does not trust our root|self-signed|not signed by the root/,
    cause: ({ callee }, tools) => ({
      of: 'callee',
      words: `the certificates of the two proxies come from different roots`,
      remedy: 'see which roots each of them trusts; both must be of one mesh',
      commands: [tools.proxyConfig('secret', callee.namespace, callee.pod), tools.check],
    }),
  },
  {
    code: 'no-certificate',
    when: /this proxy has no certificate yet/,
    cause: ({ caller }, tools) => ({
      of: 'caller',
      words: `the proxy of pod ${caller.pod} has no certificate yet`,
      remedy: 'see why the control plane gives it none',
      commands: [tools.proxyLog(caller.namespace, caller.pod), tools.check],
    }),
  },
  {
    code: 'peer-not-in-mesh',
    when: /does not speak TLS on this port|does not speak the mesh protocol|peer closed the connection during the TLS handshake|the mesh does not know who it is/,
    cause: ({ callee, endpoint }, tools) => ({
      of: 'callee',
      words: `${callee.pod === '' ? endpoint : `pod ${callee.pod}`} is called by mutual TLS, and no proxy of the mesh answers there`,
      remedy:
        'see whether the pod has a proxy and its packet rules are in place; if it is to have none, take the DestinationRule away that asks for mutual TLS',
      commands: [tools.proxyStatus(), tools.pods(callee.namespace)],
    }),
  },
  {
    code: 'handshake-timeout',
    when: /no TLS handshake within/,
    cause: ({ callee, endpoint }, tools) => ({
      of: 'callee',
      words: `${endpoint} takes connections and does not finish the TLS handshake in time`,
      remedy: 'see whether its proxy gets any CPU',
      commands: [tools.proxyLog(callee.namespace, callee.pod), tools.pods(callee.namespace)],
    }),
  },
  {
    code: 'handshake-failed',
    when: /mesh TLS failed|TLS/,
    cause: ({ callee, detail }, tools) => ({
      of: 'callee',
      words: `the TLS handshake failed: ${detail.replace(/^.*?: /, '')}`,
      remedy: 'see what the other side says of it',
      commands: [tools.proxyLog(callee.namespace, callee.pod)],
    }),
  },
  {
    code: 'connect-timeout',
    when: /no connection within|ETIMEDOUT|no answer to the connection attempt/,
    cause: ({ callee, endpoint }, tools) => ({
      of: 'callee',
      words: `${endpoint} did not take the connection in time: packets to it are lost, or its backlog is full`,
      remedy: 'see whether the pod is there, and whether a NetworkPolicy or a firewall drops its packets',
      commands: [tools.pods(callee.namespace)],
    }),
  },
  {
    code: 'host-unreachable',
    when: /EHOSTUNREACH|ENETUNREACH|no route to the host|network is unreachable/,
    cause: ({ callee, endpoint }, tools) => ({
      of: 'callee',
      words: `there is no way to ${endpoint}`,
      remedy: 'the pod or its node is gone; see whether the endpoints are up to date',
      commands: [tools.pods(callee.namespace), tools.proxyStatus()],
    }),
  },
  {
    code: 'ports-exhausted',
    when: /EADDRNOTAVAIL|EADDRINUSE|ephemeral ports/,
    cause: ({ caller }, tools) => ({
      of: 'caller',
      words: `pod ${caller.pod} has no free local port left`,
      remedy: 'let the app keep its connections, or widen net.ipv4.ip_local_port_range',
      commands: [tools.proxyConfig('clusters', caller.namespace, caller.pod)],
    }),
  },
];

/** Why the connection failed. */
export function connectingCause(failed: FailedConnection, tools: Tools): Cause {
  const { callee, caller, toApp, endpoint, detail, service } = failed;
  if (toApp && /refused/.test(detail)) {
    return {
      code: 'app-not-listening',
      words: `the app of pod ${caller.pod} does not listen at ${endpoint}`,
      object: podRef(caller.namespace, caller.pod),
      remedy:
        'see whether the app runs, and whether it listens on the port that its Service names (targetPort), on all addresses or loopback',
      commands: [tools.appLog(caller.namespace, caller.pod), tools.pods(caller.namespace)],
    };
  }
  if (/refused/.test(detail)) {
    return {
      code: 'connect-refused',
      words: `nobody listens at ${endpoint}${callee.pod === '' ? '' : `, where pod ${callee.pod} is to be`}`,
      ...withObject(callee.pod === '' ? undefined : podRef(callee.namespace, callee.pod)),
      remedy: 'see whether the pod runs and listens on the port that its Service names (targetPort)',
      commands: [
        ...(callee.pod === '' ? [] : [tools.appLog(callee.namespace, callee.pod)]),
        ...(service === '' ? [] : [tools.endpoints(callee.namespace, service)]),
      ],
    };
  }
  const row = rows.find(({ when }) => when.test(detail));
  if (row === undefined) {
    return {
      code: 'connect-failed',
      words: `the connection to ${endpoint} could not be opened: ${detail}`,
      ...withObject(callee.pod === '' ? undefined : podRef(callee.namespace, callee.pod)),
      remedy: 'see what the proxy says of it',
      commands: [tools.proxyLog(caller.namespace, caller.pod)],
    };
  }
  const { of, ...rest } = row.cause(failed, tools);
  const who = of === 'caller' ? caller : callee;
  return {
    code: row.code,
    ...rest,
    ...withObject(who.pod === '' ? undefined : podRef(who.namespace, who.pod)),
  };
}
