// The EndpointSlices that Kubernetes would make of Services and pods, for folders of YAML. Pure.
import type { Labels } from '../model/index.ts';
import { fieldAt, recordsOf, stringsOf } from '../plain/index.ts';
import { type KubeObject, keyOf, refOf, type Stored } from '../registry/index.ts';

/** One slice for each Service with a selector and each set of target ports, but for Services that have endpoints already. */
export function expectedEndpoints(objects: readonly Stored[], pods: readonly Stored[]): readonly Stored[] {
  const has = new Set(objects.flatMap(endpointsFor));
  return objects.flatMap(stored => {
    const selector = selectorOf(stored);
    if (!selector || has.has(keyOf(stored.object.metadata))) return [];
    const groups = new Map<string, { ports: readonly object[]; addresses: object[] }>();
    for (const pod of pods) {
      if (pod.ref.namespace !== stored.ref.namespace || !selects(selector, pod)) continue;
      const ports = recordsOf(fieldAt(stored.object, 'spec', 'ports')).flatMap(port => targetOf(port, pod));
      const key = JSON.stringify(ports);
      const group = groups.get(key) ?? { ports, addresses: [] };
      group.addresses.push(endpointOf(pod));
      groups.set(key, group);
    }
    return [...groups.values()].map((group, index) => sliceOf(stored, group, index));
  });
}

/** The selector of a Service; undefined for other objects and for Services without one. */
export function selectorOf({ object }: Stored): Labels | undefined {
  if (object.apiVersion !== 'v1' || object.kind !== 'Service') return undefined;
  const selector = stringsOf(fieldAt(object, 'spec', 'selector'));
  if (fieldAt(object, 'spec', 'type') === 'ExternalName' || Object.keys(selector).length === 0)
    return undefined;
  return selector;
}

function selects(selector: Labels, { object }: Stored): boolean {
  return Object.entries(selector).every(([key, value]) => object.metadata.labels?.[key] === value);
}

/** Keys of the Services that the object has endpoints for. */
function endpointsFor({ object }: Stored): readonly string[] {
  if (object.kind === 'Endpoints') return [keyOf(object.metadata)];
  const service =
    object.kind === 'EndpointSlice' ? object.metadata.labels?.['kubernetes.io/service-name'] : '';
  return service ? [keyOf({ ...object.metadata, name: service })] : [];
}

/** The port of the Service in this pod; nothing where its name is none of the pod's. */
function targetOf(port: Readonly<Record<string, unknown>>, pod: Stored): readonly object[] {
  const target = port.targetPort ?? port.port;
  const number =
    typeof target === 'string' && !/^\d+$/.test(target) ? portByName(pod, target) : Number(target);
  return number === undefined
    ? []
    : [{ name: port.name ?? '', port: number, protocol: port.protocol ?? 'TCP' }];
}

function portByName({ object }: Stored, name: string): number | undefined {
  const containers = ['containers', 'initContainers'].flatMap(list =>
    recordsOf(fieldAt(object, 'spec', list)),
  );
  const port = containers.flatMap(each => recordsOf(each.ports)).find(each => each.name === name);
  return typeof port?.containerPort === 'number' ? port.containerPort : undefined;
}

function endpointOf({ object, ref }: Stored): object {
  return {
    addresses: [fieldAt(object, 'status', 'podIP')],
    conditions: { ready: true, serving: true, terminating: false },
    targetRef: { kind: 'Pod', namespace: ref.namespace, name: ref.name },
  };
}

function sliceOf(
  service: Stored,
  { ports, addresses }: { readonly ports: readonly object[]; readonly addresses: readonly object[] },
  index: number,
): Stored {
  const { name, namespace } = service.ref;
  const object: KubeObject = {
    apiVersion: 'discovery.k8s.io/v1',
    kind: 'EndpointSlice',
    metadata: {
      name: `${name}-expected-${index}`,
      namespace,
      labels: { 'kubernetes.io/service-name': name },
    },
    addressType: 'IPv4',
    ports,
    endpoints: addresses,
  };
  return { object, ref: refOf(object, service.ref.origin) };
}
