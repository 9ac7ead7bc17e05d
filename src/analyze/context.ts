import {
  interceptsPort,
  type Mesh,
  type ObjectRef,
  type Problem,
  type Service,
  type Workload,
} from '../model/index.ts';
import { fieldAt } from '../plain/index.ts';
import { keyOf, type Stored } from '../registry/index.ts';
import { resolveInbound } from '../resolve/index.ts';
import { type InjectionRules, namespaceMarks } from './expected-pods.ts';
import { expectedReason } from './expected-reason.ts';
import { mentionedServices } from './mentions.ts';
import type { ObjectMesh } from './mesh-of-objects.ts';
import { podMakers } from './pod-makers.ts';
import { templateOf } from './pod-templates.ts';

/** Something without a proxy: all pods of a Deployment, a CronJob, a lone Pod. */
export interface Outsider {
  /** What its author wrote. */
  readonly ref: ObjectRef;
  /** Why it has none, where that is known. */
  readonly why: string | undefined;
  /** Keys of Services that it names in its environment or command line. */
  readonly mentions: ReadonlySet<string>;
}

/** A Service that takes mutual TLS only, and who said so. */
export interface StrictService {
  readonly service: Service;
  readonly policy: ObjectRef | undefined;
}

/** What several findings look at, worked out once. */
export class AnalysisContext {
  readonly mesh: Mesh;
  readonly objects: readonly Stored[];
  readonly problems: readonly Problem[];
  readonly workloads: readonly Workload[];
  readonly services: readonly Service[];
  /** Namespaces with at least one meshed workload. */
  readonly meshedNamespaces: ReadonlySet<string>;
  /** Whether the objects are policies alone, about whose targets nothing can be said. */
  readonly knowsServices: boolean;
  readonly knowsWorkloads: boolean;
  /** What injection goes by. */
  readonly injection: InjectionRules;
  /** Whether the pods are those that the objects ask for, and none that run. */
  readonly expectPods: boolean;
  /** What may make pods that are not among the objects. */
  readonly makers: readonly Stored[];
  readonly #byOwner = new Map<string, Stored>();
  readonly #pods = new Map<string, Stored>();
  #outsiders: readonly Outsider[] | undefined;
  #strict: readonly StrictService[] | undefined;

  constructor({ objects, mesh, problems, inject, expectPods }: ObjectMesh) {
    this.expectPods = expectPods;
    this.makers = expectPods ? podMakers(objects) : [];
    this.mesh = mesh;
    this.objects = objects;
    this.problems = problems;
    this.injection = { namespaces: namespaceMarks(objects), inject };
    this.workloads = [...mesh.workloads.values()];
    this.services = [...mesh.services.values()];
    this.knowsServices = this.services.length > 0;
    this.knowsWorkloads = this.workloads.length > 0;
    this.meshedNamespaces = new Set(this.workloads.filter(each => each.meshed).map(each => each.namespace));
    for (const stored of objects) {
      const { kind, namespace, name } = stored.ref;
      if (kind === 'Pod') this.#pods.set(keyOf(stored.object.metadata), stored);
      else this.#byOwner.set(`${kind} ${namespace}/${name}`, stored);
    }
  }

  /** What the author of the workload wrote: its Deployment where that is known. */
  ownerOf({ namespace, owner, from }: Workload): ObjectRef {
    return this.#owner(namespace, owner)?.ref ?? from;
  }

  /** All that has no proxy and whose pods run, or are going to. */
  outsiders(): readonly Outsider[] {
    this.#outsiders ??= this.#findOutsiders();
    return this.#outsiders;
  }

  /** The workloads behind any port of the Service. */
  behind(service: Service): readonly Workload[] {
    const keys = new Set([...service.endpoints.values()].flat().flatMap(each => this.#keyOf(each) ?? []));
    return [...keys].flatMap(key => this.mesh.workloads.get(key) ?? []);
  }

  /** The Services of which some pod takes mutual TLS only on the port that they send to. */
  strictServices(): readonly StrictService[] {
    this.#strict ??= this.services.flatMap(service => this.#strictOf(service) ?? []);
    return this.#strict;
  }

  #owner(namespace: string, { kind, name }: Workload['owner']): Stored | undefined {
    return (
      this.#byOwner.get(`${kind} ${namespace}/${name}`) ??
      (kind === 'Pod' ? this.#pods.get(`${namespace}/${name}`) : undefined)
    );
  }

  #keyOf({
    workload,
    address,
  }: {
    readonly workload?: string;
    readonly address: string;
  }): string | undefined {
    return workload ?? this.mesh.workloadByAddress.get(address);
  }

  #findOutsiders(): readonly Outsider[] {
    const found = new Map<string, Outsider>();
    for (const workload of this.workloads) {
      if (workload.meshed) continue;
      const { namespace, name, owner } = workload;
      const key = `${owner.kind} ${namespace}/${owner.name}`;
      if (found.has(key)) continue;
      const stored = this.#owner(namespace, owner) ?? this.#pods.get(`${namespace}/${name}`);
      found.set(key, this.#outsider(stored, workload.from));
    }
    // What runs only now and then has no pod at the moment.
    for (const stored of this.objects) {
      const template = templateOf(stored);
      const { kind, namespace, name } = stored.ref;
      const key = `${kind} ${namespace}/${name}`;
      if (!template?.ends || found.has(key)) continue;
      if (expectedReason(stored, this.injection) !== undefined)
        found.set(key, this.#outsider(stored, stored.ref));
    }
    return [...found.values()];
  }

  #outsider(stored: Stored | undefined, from: ObjectRef): Outsider {
    const ref = stored?.ref ?? from;
    const template = stored && templateOf(stored);
    const spec = template ? template.template.spec : fieldAt(stored?.object, 'spec');
    return {
      ref,
      why: stored && expectedReason(stored, this.injection),
      mentions: mentionedServices(spec, ref.namespace, this.mesh),
    };
  }

  #strictOf(service: Service): StrictService | undefined {
    for (const endpoint of [...service.endpoints.values()].flat()) {
      const key = this.#keyOf(endpoint);
      const workload = key === undefined ? undefined : this.mesh.workloads.get(key);
      if (!workload?.meshed || !interceptsPort(workload, endpoint.port)) continue;
      const inbound = resolveInbound(this.mesh, key!).resource!;
      const port = inbound.ports.find(each => each.number === endpoint.port);
      const mode = port?.mtls ?? inbound.defaultMtls;
      if (mode === 'strict')
        return { service, policy: this.#policyRef(port ? port.from : inbound.defaultFrom) };
    }
    return undefined;
  }

  /** With its origin, which resources leave out. */
  #policyRef(from: ObjectRef | undefined): ObjectRef | undefined {
    return from && (this.#byOwner.get(`${from.kind} ${from.namespace}/${from.name}`)?.ref ?? from);
  }
}
