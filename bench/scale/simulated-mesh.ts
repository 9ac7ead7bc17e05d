// What the simulated cluster holds: Services with their pods, spread over namespaces. Pure.
import type { FakeObject } from '../../src/kubernetes/testing/fake-api.ts';

/** How large it is. */
export interface MeshSize {
  readonly services: number;
  readonly pods: number;
  readonly namespaces: number;
  /** How many Services each app calls. */
  readonly called: number;
}

/** A pod of the simulated cluster. */
export interface SimulatedPod {
  readonly service: number;
  readonly name: string;
  readonly address: string;
}

/** The SPIFFE id of a Service's pods, the address of the Service, what its apps call. */
export class SimulatedMesh {
  readonly size: MeshSize;

  constructor(size: MeshSize) {
    this.size = size;
  }

  namespaceOf(service: number): string {
    return `ns-${service % this.size.namespaces}`;
  }

  principalOf(service: number): string {
    return `spiffe://cluster.local/ns/${this.namespaceOf(service)}/sa/svc-${service}`;
  }

  /** By which proxies ask for it. */
  keyOf(service: number): string {
    return `${virtualAddress(service)}:80`;
  }

  /** The Services that the apps of this one call: the same number for each, and each is called by as many. */
  calledBy(service: number): readonly number[] {
    const { services, called } = this.size;
    const step = Math.max(1, Math.floor(services / called));
    return Array.from({ length: Math.min(called, services) }, (_, i) => (service + 1 + i * step) % services);
  }

  /** The Services whose apps call this one. */
  callersOf(service: number): readonly number[] {
    const { services } = this.size;
    return Array.from({ length: services }, (_, each) => each).filter(each =>
      this.calledBy(each).includes(service),
    );
  }

  /** `number`: of all pods that ever were. */
  pod(service: number, number: number): SimulatedPod {
    return {
      service,
      name: `svc-${service}-7d9c8b6f5-${number.toString(36).padStart(5, '0')}`,
      address: `10.${128 + (number >> 16)}.${(number >> 8) & 255}.${number & 255}`,
    };
  }

  service(service: number): FakeObject {
    return {
      metadata: { name: `svc-${service}`, namespace: this.namespaceOf(service) },
      spec: {
        clusterIP: virtualAddress(service),
        selector: { app: `svc-${service}` },
        ports: [{ name: 'http', port: 80, targetPort: 8080 }],
      },
    };
  }

  /** `annotations`: what an edit adds that means nothing to a mesh. */
  slice(
    service: number,
    pods: readonly SimulatedPod[],
    annotations?: Readonly<Record<string, string>>,
  ): FakeObject {
    return {
      metadata: {
        name: `svc-${service}-abcde`,
        namespace: this.namespaceOf(service),
        labels: { 'kubernetes.io/service-name': `svc-${service}` },
        ...(annotations && { annotations }),
      },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: 8080, protocol: 'TCP' }],
      endpoints: pods.map(pod => ({
        addresses: [pod.address],
        conditions: { ready: true, serving: true, terminating: false },
        nodeName: nodeOf(pod),
        targetRef: { kind: 'Pod', namespace: this.namespaceOf(service), name: pod.name },
      })),
    };
  }

  /** As large as pods are that carry a sidecar: 5 KB of JSON. */
  podObject(pod: SimulatedPod, annotations: Readonly<Record<string, string>> = {}): FakeObject {
    const env = Array.from({ length: 20 }, (_, i) => ({ name: `VARIABLE_${i}`, value: 'v'.repeat(40) }));
    return {
      metadata: {
        name: pod.name,
        namespace: this.namespaceOf(pod.service),
        creationTimestamp: '2026-01-01T00:00:00Z',
        labels: { app: `svc-${pod.service}`, 'pod-template-hash': '7d9c8b6f5' },
        annotations: { 'weft.dev/status': '{"version":"0.1.0","containers":["weft-proxy"]}', ...annotations },
        managedFields: [{ manager: 'kubelet', fieldsV1: { x: 'y'.repeat(1500) } }],
      },
      spec: {
        serviceAccountName: `svc-${pod.service}`,
        nodeName: nodeOf(pod),
        containers: [
          { name: 'app', image: 'app:1', env, ports: [{ containerPort: 8080, name: 'http' }] },
          { name: 'weft-proxy', image: 'weft-proxy:1', env, ports: [{ containerPort: 15020 }] },
        ],
      },
      status: {
        phase: 'Running',
        podIP: pod.address,
        podIPs: [{ ip: pod.address }],
        conditions: [{ type: 'Ready', status: 'True' }],
      },
    };
  }

  /** Requests to the Service, edited so that the change can be told from others: `mark` is in what proxies hear of it. */
  route(service: number, mark: string): FakeObject {
    const backend = { name: `svc-${service}`, port: 80 };
    const set = {
      type: 'RequestHeaderModifier',
      requestHeaderModifier: { set: [{ name: 'x-scale', value: mark }] },
    };
    return {
      metadata: { name: `svc-${service}`, namespace: this.namespaceOf(service) },
      spec: {
        parentRefs: [{ group: '', kind: 'Service', name: `svc-${service}`, port: 80 }],
        rules: [{ filters: [set], backendRefs: [backend] }],
      },
    };
  }

  /** Who may call the pods of a namespace, or of the whole mesh in the root namespace; `mark` as for `route`. */
  policy(namespace: string, mark: string): FakeObject {
    return {
      metadata: { name: 'scale', namespace },
      spec: { action: 'DENY', rules: [{ to: [{ operation: { paths: [`/${mark}`] } }] }] },
    };
  }
}

const nodes = 100;

function nodeOf({ service, name }: SimulatedPod): string {
  return `node-${(service + name.length) % nodes}`;
}

function virtualAddress(service: number): string {
  const number = service + 1;
  return `10.96.${number >> 8}.${number & 255}`;
}
