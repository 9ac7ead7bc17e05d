import {
  type EndpointSlice,
  isPodFinished,
  isPodReady,
  isTerminating,
  ownerReference,
  type Pod,
  type Service,
  type ServicePort,
  type SliceEndpoint,
} from '../kube/index.ts';
import { NODE_NAME } from './make-pod.ts';

/**
 * The EndpointSlices of a Service (pure): one per set of target port numbers, as a named target port may be another number
 * in each pod. A terminating pod is never ready but may still serve (KEP-1672).
 */
export function endpointSlices(service: Service, pods: readonly Pod[]): EndpointSlice[] {
  const { selector, type } = service.spec;
  if (!selector || Object.keys(selector).length === 0 || type === 'ExternalName') return [];
  const namespace = service.metadata.namespace ?? 'default';
  const members = pods.filter(pod => isMember(pod, namespace, selector));
  const groups = new Map<string, { ports: EndpointSlice['ports']; endpoints: SliceEndpoint[] }>();
  for (const pod of members) {
    const ports = (service.spec.ports ?? []).flatMap(port => resolvePort(port, pod));
    if (ports.length === 0 && service.spec.ports?.length) continue;
    const key = ports.map(port => `${port.name}=${port.port}`).join(',');
    const group = groups.get(key) ?? { ports, endpoints: [] };
    group.endpoints.push(endpointOf(pod, service));
    groups.set(key, group);
  }
  if (groups.size === 0) groups.set('', { ports: [], endpoints: [] });
  return [...groups.values()].map((group, index) => sliceOf(service, group, index));
}

function isMember(pod: Pod, namespace: string, selector: Readonly<Record<string, string>>): boolean {
  if (pod.metadata.namespace !== namespace || !pod.status?.podIP || isPodFinished(pod)) return false;
  return Object.entries(selector).every(([key, value]) => pod.metadata.labels?.[key] === value);
}

function resolvePort(
  port: ServicePort,
  pod: Pod,
): { name: string; port: number; protocol: string; appProtocol?: string }[] {
  const target = port.targetPort ?? port.port;
  const number = typeof target === 'number' ? target : (portByName(pod, target) ?? Number(target));
  if (!Number.isInteger(number)) return [];
  return [
    {
      name: port.name ?? '',
      port: number,
      protocol: port.protocol ?? 'TCP',
      ...(port.appProtocol ? { appProtocol: port.appProtocol } : {}),
    },
  ];
}

/** The number of a pod's named container port, native sidecars included. */
export function portByName(pod: Pod, name: string): number | undefined {
  const sidecars = (pod.spec.initContainers ?? []).filter(container => container.restartPolicy === 'Always');
  for (const container of [...pod.spec.containers, ...sidecars]) {
    const found = container.ports?.find(port => port.name === name);
    if (found) return found.containerPort;
  }
  return undefined;
}

function endpointOf(pod: Pod, service: Service): SliceEndpoint {
  const serving = isPodReady(pod) || service.spec.publishNotReadyAddresses === true;
  const terminating = isTerminating(pod);
  const named = pod.spec.hostname && pod.spec.subdomain === service.metadata.name;
  return {
    addresses: [pod.status!.podIP!],
    conditions: {
      ready: serving && (!terminating || service.spec.publishNotReadyAddresses === true),
      serving,
      terminating,
    },
    ...(named ? { hostname: pod.spec.hostname } : {}),
    nodeName: NODE_NAME,
    targetRef: {
      kind: 'Pod',
      namespace: pod.metadata.namespace ?? 'default',
      name: pod.metadata.name,
      uid: pod.metadata.uid ?? '',
    },
  };
}

function sliceOf(
  service: Service,
  group: { ports: EndpointSlice['ports']; endpoints: SliceEndpoint[] },
  index: number,
): EndpointSlice {
  const { name, namespace } = service.metadata;
  return {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: index === 0 ? name : `${name}-${index}`,
      namespace,
      uid: `${service.metadata.uid}-${index}`,
      labels: {
        'kubernetes.io/service-name': name,
        'endpointslice.kubernetes.io/managed-by': 'endpointslice-controller.k8s.io',
      },
      ownerReferences: [ownerReference(service)],
    },
    addressType: 'IPv4',
    endpoints: group.endpoints,
    ports: group.ports,
  };
}
