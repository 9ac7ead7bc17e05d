import { emptyMesh, fact, type Mesh, type Node, objectKey, type Problem } from '../../model/index.ts';
import type { Part } from '../part.ts';
import { authorizerProblems } from './authorizers.ts';
import { CallerLabels } from './caller-labels.ts';
import { Draft } from './draft.ts';
import { ExternalAssembler } from './externals.ts';
import {
  backendTlsProblems,
  gatewayProblems,
  upstreamCredentialProblems,
  virtualServiceProblems,
} from './gateway-problems.ts';
import { IngressAssembler } from './ingresses.ts';
import { SelectedMachines } from './machines.ts';
import { MeshSettings } from './mesh-settings.ts';
import { NamedPorts } from './named-ports.ts';
import { PolicyAssembler } from './policies.ts';
import { RouteTableAssembler } from './route-tables.ts';
import { serverPolicyProblems } from './server-policies.ts';
import { ServiceAssembler } from './services.ts';
import { providerProblems } from './telemetry-providers.ts';
import { WorkloadAssembler } from './workloads.ts';

/** Makes a Mesh out of the parts of all objects, and a new one out of what changed. */
export class MeshAssembler {
  readonly #machines = new SelectedMachines();
  readonly #services = new ServiceAssembler(this.#machines);
  readonly #workloads = new WorkloadAssembler();
  readonly #externals = new ExternalAssembler(this.#workloads);
  readonly #nodes = new Map<string, Node | undefined>();
  readonly #policies = new PolicyAssembler();
  readonly #routes: RouteTableAssembler;
  readonly #settings: MeshSettings;
  readonly #labels = new CallerLabels();
  readonly #ports: NamedPorts;
  readonly #ingresses: IngressAssembler;
  #mesh: Mesh;

  constructor(
    trustDomain: string,
    clusterDomain: string,
    { trustDomainAliases = [], gatewayPorts }: Partial<Pick<Mesh, 'trustDomainAliases' | 'gatewayPorts'>>,
  ) {
    this.#mesh = {
      ...emptyMesh(trustDomain, clusterDomain),
      ...{ trustDomainAliases, ...(gatewayPorts && { gatewayPorts }) },
    };
    this.#settings = new MeshSettings(trustDomainAliases);
    this.#ports = new NamedPorts(clusterDomain);
    this.#ingresses = new IngressAssembler(clusterDomain);
    this.#routes = new RouteTableAssembler((table, present) => {
      this.#labels.countTable(table, present);
      this.#ports.countTable(table, present);
    });
  }

  get mesh(): Mesh {
    return this.#mesh;
  }

  /** Replaces the parts of one object; `object` names it among all. Parts that are the very same stay where they are. */
  replace(object: string, before: readonly Part[], after: readonly Part[]): void {
    before.forEach((part, index) => {
      if (part !== after[index]) this.#set(`${object} ${index}`, part, false);
    });
    after.forEach((part, index) => {
      if (part !== before[index]) this.#set(`${object} ${index}`, part, true);
    });
  }

  /** Whether an object of this kind is another controller's, so that nobody is told what is wrong with it. */
  isForeign(object: string): boolean {
    return this.#ingresses.isForeign(object);
  }

  /** Builds the mesh anew where something changed, and says which facts (see model/fact.ts) did. */
  build(): ReadonlySet<string> {
    const touched = new Set<string>();
    const before = this.#mesh;
    this.#ingresses.expand((id, part, present) => this.#set(id, part, present));
    this.#routes.expand();
    const services = this.#services.build(before, touched);
    const workloads = this.#workloads.build(before, touched);
    this.#mesh = {
      ...before,
      ...services,
      ...workloads,
      ...this.#externals.build(before, services, this.#ports, touched),
      nodes: this.#buildNodes(before.nodes, touched),
      ...this.#policies.build(before, touched),
      routeTables: this.#routes.tables.build(before.routeTables, touched),
      ...this.#settings.build(before, touched),
      namedPorts: this.#ports.build(before.namedPorts, touched),
      callerLabels: this.#labels.build(before.callerLabels, touched),
    };
    return touched;
  }

  /** What is wrong between objects: those that take no effect because of others, or that miss one. */
  *problems(): Iterable<Problem> {
    for (const each of [this.#policies, this.#routes, this.#externals]) {
      yield* each.problems();
    }
    yield* this.#ingresses.problems();
    yield* providerProblems(this.#mesh);
    yield* authorizerProblems(this.#mesh);
    yield* serverPolicyProblems(this.#mesh);
    yield* gatewayProblems(this.#mesh);
    yield* virtualServiceProblems(this.#mesh);
    yield* backendTlsProblems(this.#mesh);
    yield* upstreamCredentialProblems(this.#mesh);
  }

  #buildNodes(before: ReadonlyMap<string, Node>, touched: Set<string>): ReadonlyMap<string, Node> {
    const draft = new Draft(before);
    for (const [name, node] of this.#nodes) {
      draft.set(name, node);
      touched.add(fact.node(name));
    }
    this.#nodes.clear();
    return draft.done();
  }

  #set(id: string, part: Part, present: boolean): void {
    this.#labels.count(part, present);
    switch (part.kind) {
      case 'service':
        this.#services.setService(objectKey(part.service), present ? part : undefined);
        break;
      case 'endpoints':
        this.#services.setEndpoints(id, part.service, present ? part : undefined);
        break;
      case 'workload':
        this.#workloads.set(objectKey(part.workload), present ? part : undefined);
        if (part.workload.owner.kind === 'WorkloadEntry')
          this.#machines.set(part.workload.namespace, objectKey(part.workload), present ? part : undefined);
        break;
      case 'node':
        this.#nodes.set(objectKey(part.node), present ? part.node : undefined);
        break;
      case 'policy':
        this.#policies.set(id, part, present);
        break;
      case 'route-table':
      case 'route-fragment':
      case 'match-group':
      case 'reference-grant':
      case 'targets':
        this.#routes.set(id, part, present);
        break;
      case 'external-service':
        this.#externals.set(id, part, present);
        break;
      case 'ingress':
      case 'ingress-class':
      case 'ingress-defaults':
      case 'ingress-fields':
      case 'ingress-words':
        this.#ingresses.set(id, part, present);
        break;
      case 'mesh-settings':
        this.#settings.set(id, part, present);
        break;
    }
  }
}
