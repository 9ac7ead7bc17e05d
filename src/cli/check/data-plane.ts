// Checks of the pods: who is outside the mesh and should not be, and whose proxy is not well.

import {
  forbidsPacketRules,
  ownerLookup,
  POD_SECURITY_ENFORCE,
  searchUninjected,
} from '../../../webhook/index.ts';
import { ANNOTATIONS, PORTS, VERSION } from '../../config/index.ts';
import { recordsOf } from '../../plain/index.ts';
import { systemClock } from '../../time/index.ts';
import type { ApiObject } from '../kubernetes/objects.ts';
import { choiceOf } from '../revision/revisions.ts';
import { proxyVersion } from '../version.ts';
import { type Check, type CheckContext, error, type Finding, field, ok, skipped, warning } from './check.ts';
import { injectedNamespaces } from './control-plane.ts';

const uninjected: Check = {
  id: 'uninjected',
  title: 'every pod that should be in the mesh is in it',
  async run(context) {
    const namespaces = await context.namespaces();
    const all = await context.revisions();
    // Who chooses a revision that is not there is told so by that label.
    const pods = (await context.pods()).filter(({ metadata: { labels = {}, namespace = 'default' } }) => {
      const choice = choiceOf(all, labels, namespaces.get(namespace)?.labels ?? {});
      return all.revisions.length === 0 || choice.revision !== undefined;
    });
    const found = await searchUninjected(pods, {
      namespaces: name => namespaces.get(name),
      settings: await context.settings(),
      owners: ownerLookup(context.cluster, systemClock),
      limit: 1000,
    });
    return found.map(({ namespace, workload, pods, code, reason, remedy }) => {
      const which = `${workload.kind.toLowerCase()}/${workload.name} in ${namespace}`;
      const words = `${which}: ${pods.length === 1 ? 'one pod is' : `${pods.length} pods are`} outside the mesh: ${reason}`;
      return code === 'impossible' ? warning(words, remedy) : error(words, remedy);
    });
  },
};

function isRunning({ metadata, status }: ApiObject): boolean {
  const phase = field(status, 'phase');
  const ended = phase === 'Succeeded' || phase === 'Failed';
  return !ended && metadata.annotations?.[ANNOTATIONS.status] !== undefined;
}

const proxyVersions: Check = {
  id: 'proxy-versions',
  title: 'every proxy is of this version',
  async run(context) {
    const old = new Map<string, { count: number; namespaces: Set<string> }>();
    for (const pod of (await context.pods()).filter(isRunning)) {
      const version = proxyVersion(pod.metadata.annotations?.[ANNOTATIONS.status]) ?? '(unknown)';
      if (version === VERSION) continue;
      const entry = old.get(version) ?? { count: 0, namespaces: new Set<string>() };
      old.set(version, {
        count: entry.count + 1,
        namespaces: entry.namespaces.add(pod.metadata.namespace ?? ''),
      });
    }
    return [...old].sort().map(([version, { count, namespaces }]) => {
      const where = [...namespaces].sort().join(', ');
      return warning(
        `${count} pods have a proxy of version ${version} (in ${where})`,
        'restart their workloads: kubectl rollout restart deployment,statefulset,daemonset -n NAMESPACE',
      );
    });
  },
};

/** So many pods are asked why they are not ready; the rest is counted. */
const maxAsked = 10;

const proxiesReady: Check = {
  id: 'proxies-ready',
  title: 'every proxy is ready',
  async run(context) {
    const findings: Finding[] = [];
    let more = 0;
    for (const pod of (await context.pods()).filter(isRunning)) {
      const trouble = initTrouble(pod) ?? (isProxyUnready(pod) ? 'ask' : undefined);
      if (trouble === undefined) continue;
      if (findings.length >= maxAsked) more++;
      else findings.push(await unready(context, pod, trouble));
    }
    if (more > 0)
      findings.push(warning(`${more} more pods have a proxy that is not ready`, 'mend those above first'));
    return findings;
  },
};

/**
 * Why nobody wrote the packet rules of a pod: weft-init, or a proxy that does it itself; from what the kubelet kept of its log.
 */
export function initTrouble(pod: { readonly [field: string]: unknown }): string | undefined {
  for (const writer of statusesOf(pod)) {
    if (writer.name !== 'weft-init' && writer.name !== 'weft-proxy') continue;
    for (const state of [field(writer, 'state', 'terminated'), field(writer, 'lastState', 'terminated')]) {
      const code = field(state, 'exitCode');
      if (typeof code !== 'number' || code === 0) continue;
      const message = String(field(state, 'message') ?? '')
        .trim()
        .split('\n')
        .at(-1);
      // A proxy ends for other reasons, too.
      if (writer.name === 'weft-proxy' && !/\bredirect-|WEFT_PACKET_RULES/.test(message ?? '')) continue;
      return `${writer.name} failed with exit code ${code}${message ? `: ${message}` : ''}`;
    }
  }
  return undefined;
}

function statusesOf(pod: { readonly [field: string]: unknown }): ReturnType<typeof recordsOf> {
  return ['initContainerStatuses', 'containerStatuses'].flatMap(list =>
    recordsOf(field(pod, 'status', list)),
  );
}

function isProxyUnready(pod: { readonly [field: string]: unknown }): boolean {
  return statusesOf(pod).some(
    ({ name, ready, state }) =>
      name === 'weft-proxy' && ready === false && field(state, 'running') !== undefined,
  );
}

async function unready(context: CheckContext, { metadata }: ApiObject, trouble: string): Promise<Finding> {
  const { name, namespace = 'default' } = metadata;
  const who = `pod ${namespace}/${name}`;
  if (trouble !== 'ask') {
    return error(
      `${who}: ${trouble}`,
      `kubectl logs -n ${namespace} ${name} -c ${trouble.split(' ')[0]}; it needs NET_ADMIN and NET_RAW, see docs/install.md`,
    );
  }
  const path = `/api/v1/namespaces/${namespace}/pods/${name}:${PORTS.health}/proxy/ready`;
  const answer = await context.cluster.request({ method: 'GET', path, timeoutMs: 5_000 });
  // It may have become ready in between.
  if (answer.status === 200) return ok(`${who} is ready now`);
  const reason = String(field(answer.body, 'message') ?? `status ${answer.status}`);
  const words = `${who}: its proxy is not ready: ${reason}`;
  return error(
    words,
    `kubectl logs -n ${namespace} ${name} -c weft-proxy; delete the pod to have its rules written again`,
  );
}

const podSecurity: Check = {
  id: 'pod-security',
  title: 'Pod Security lets packet rules be written',
  async run(context) {
    const label = POD_SECURITY_ENFORCE;
    if ((await context.settings()).inject.redirection === 'none') return [];
    const namespaces = await context.namespaces();
    const meshed = (await context.pods()).filter(isRunning);
    return (await injectedNamespaces(context)).flatMap(name => {
      const level = namespaces.get(name)?.labels[label];
      if (!forbidsPacketRules(level)) return [];
      // Pods that were not created cannot be seen; where others are in the mesh, they have no weft-init.
      const pods = meshed.filter(({ metadata }) => metadata.namespace === name);
      const all = pods.every(({ metadata }) => metadata.annotations?.[ANNOTATIONS.redirection] === 'none');
      if (pods.length > 0 && all) return [];
      return [
        error(
          `namespace ${name} enforces ${level}: pods with packet rules (NET_ADMIN, NET_RAW) are not created`,
          `kubectl label namespace ${name} --overwrite ${label}=privileged, or weft.dev/redirection: none in its pod templates (docs/pod-annotations.md)`,
        ),
      ];
    });
  },
};

const networkPolicies: Check = {
  id: 'network-policies',
  title: `no NetworkPolicy keeps proxies from the control plane (port ${PORTS.discovery})`,
  async run(context) {
    const policies = await context.list('/apis/networking.k8s.io/v1/networkpolicies');
    const injected = await injectedNamespaces(context);
    const findings: Finding[] = [];
    for (const policy of policies) {
      const { name, namespace = '' } = policy.metadata;
      const types = field(policy, 'spec', 'policyTypes');
      const has = (type: string) => Array.isArray(types) && types.includes(type);
      const remedy = `allow TCP ${PORTS.discovery} between namespace ${context.namespace} and the pods of the mesh`;
      if (injected.includes(namespace) && has('Egress') && !opens(policy, 'egress', PORTS.discovery)) {
        findings.push(
          warning(
            `NetworkPolicy ${namespace}/${name} limits egress and does not name port ${PORTS.discovery}`,
            remedy,
          ),
        );
      }
      if (namespace === context.namespace && has('Ingress') && !opens(policy, 'ingress', PORTS.discovery)) {
        findings.push(
          warning(
            `NetworkPolicy ${namespace}/${name} limits ingress and does not name port ${PORTS.discovery}`,
            remedy,
          ),
        );
      }
    }
    return findings.length > 0 || policies.length > 0 ? findings : [skipped('there is no NetworkPolicy')];
  },
};

/** Whether any rule of the policy lets the port through, to whomever: who it is for is its author's to see. */
export function opens(
  policy: { readonly [field: string]: unknown },
  direction: 'egress' | 'ingress',
  port: number,
): boolean {
  return recordsOf(field(policy, 'spec', direction)).some(({ ports }) => {
    const list = recordsOf(ports);
    if (list.length === 0) return true;
    return list.some(({ protocol, port: from, endPort }) => {
      if ((protocol ?? 'TCP') !== 'TCP') return false;
      if (from === undefined) return true;
      return typeof from === 'number' && from <= port && port <= Number(endPort ?? from);
    });
  });
}

/** Checks of the pods. */
export const dataPlaneChecks: readonly Check[] = [
  uninjected,
  proxyVersions,
  proxiesReady,
  podSecurity,
  networkPolicies,
];
