// The cluster behind the control plane: an API server in this process, and what happens in the cluster while proxies run.

import { type ResourceType, TYPES } from '../../src/kubernetes/index.ts';
import { FakeApi } from '../../src/kubernetes/testing/fake-api.ts';
import { nowMs } from './lean-proxy.ts';
import type { SimulatedMesh, SimulatedPod } from './simulated-mesh.ts';

const httpRoute: ResourceType = {
  group: 'gateway.networking.k8s.io',
  version: 'v1',
  kind: 'HTTPRoute',
  plural: 'httproutes',
  namespaced: true,
};
const authorizationPolicy: ResourceType = {
  group: 'security.istio.io',
  version: 'v1',
  kind: 'AuthorizationPolicy',
  plural: 'authorizationpolicies',
  namespaced: true,
};

/** Something that happened, and how many proxies must hear of it. */
export interface Happened {
  readonly what: string;
  readonly atMs: number;
  readonly service: number;
}

/** See the head of this file. */
export class SimulatedCluster {
  readonly mesh: SimulatedMesh;
  readonly api = new FakeApi([...Object.values(TYPES), httpRoute, authorizationPolicy]);
  /** The pods of each Service. */
  readonly pods: SimulatedPod[][];
  #made = 0;
  #marks = 0;

  constructor(mesh: SimulatedMesh) {
    this.mesh = mesh;
    const { services, pods, namespaces } = mesh.size;
    for (let index = 0; index < namespaces; index++)
      this.api.put(TYPES.namespace, { metadata: { name: `ns-${index}` } });
    this.api.put(TYPES.namespace, { metadata: { name: 'weft-system' } });
    this.pods = Array.from({ length: services }, () => []);
    for (let index = 0; index < pods; index++) {
      const pod = this.#pod(index % services);
      this.pods[pod.service]!.push(pod);
      this.api.put(TYPES.pod, mesh.podObject(pod));
    }
    for (let service = 0; service < services; service++) {
      this.api.put(TYPES.service, mesh.service(service));
      this.api.put(TYPES.endpointSlice, mesh.slice(service, this.pods[service]!));
      // So that a later edit changes a route and does not make one.
      if (service % 10 === 0) this.api.put(httpRoute, mesh.route(service, 'first'));
    }
  }

  /** A pod of a Service more, ready at once. */
  add(service: number): { readonly pod: SimulatedPod; readonly happened: Happened } {
    const { api, mesh } = this;
    const pod = this.#pod(service);
    api.put(TYPES.pod, mesh.podObject(pod));
    this.pods[service]!.push(pod);
    const happened = { what: `+${pod.address}`, atMs: nowMs(), service };
    api.put(TYPES.endpointSlice, mesh.slice(service, this.pods[service]!));
    return { pod, happened };
  }

  /** The oldest pod of a Service goes. */
  remove(service: number): { readonly pod: SimulatedPod; readonly happened: Happened } {
    const { api, mesh } = this;
    const pod = this.pods[service]!.shift()!;
    const happened = { what: `-${pod.address}`, atMs: nowMs(), service };
    api.put(TYPES.endpointSlice, mesh.slice(service, this.pods[service]!));
    api.remove(TYPES.pod, mesh.namespaceOf(service), pod.name);
    return { pod, happened };
  }

  /** The route of a Service, one of each ten, changes. */
  changeRoute(service: number): Happened {
    const what = this.#mark();
    const happened = { what, atMs: nowMs(), service };
    this.api.put(httpRoute, this.mesh.route(service, what));
    return happened;
  }

  /** A policy of a namespace changes: what its pods hear. */
  changePolicy(namespace: string): { readonly what: string; readonly atMs: number } {
    const what = this.#mark();
    const atMs = nowMs();
    this.api.put(authorizationPolicy, this.mesh.policy(namespace, what));
    return { what, atMs };
  }

  /** Edits of objects that say nothing to a mesh: annotations and versions of pods, slices, Services and routes. */
  editMetadata(count: number): void {
    const { api, mesh } = this;
    const { services } = mesh.size;
    for (let index = 0; index < count; index++) {
      const service = index % services;
      const edited = { 'example.com/edited': `${index}` };
      const pod = this.pods[service]![0];
      if (pod) api.put(TYPES.pod, mesh.podObject(pod, edited));
      api.put(TYPES.endpointSlice, mesh.slice(service, this.pods[service]!, edited));
      const { metadata, ...rest } = mesh.service(service);
      api.put(TYPES.service, { ...rest, metadata: { ...metadata, annotations: edited } });
    }
  }

  #pod(service: number): SimulatedPod {
    return this.mesh.pod(service, this.#made++);
  }

  #mark(): string {
    return `scale-change-${this.#marks++}`;
  }
}
