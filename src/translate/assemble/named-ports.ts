import { fact, type Mesh, type RouteTable, type Service } from '../../model/index.ts';

/** Ports on which only the name in a request tells destinations apart; see Mesh.namedPorts. */
export class NamedPorts {
  readonly #uses = new Map<number, number>();
  readonly #clusterSuffix: string;
  readonly #changed = new Set<number>();

  constructor(clusterDomain: string) {
    this.#clusterSuffix = `.svc.${clusterDomain}`;
  }

  /** An external Service came or went. */
  countService({ ports }: Service, present: boolean): void {
    for (const { number } of ports) this.#count(number, present);
  }

  /** A table came or went. One for a host that is no Service of Kubernetes concerns requests on any port. */
  countTable({ host, http, attachment }: RouteTable, present: boolean): void {
    if (attachment === undefined && http.length > 0 && host !== '*' && !host.endsWith(this.#clusterSuffix))
      this.#count(0, present);
  }

  build(before: Mesh['namedPorts'], touched: Set<string>): Mesh['namedPorts'] {
    const differs = [...this.#changed].filter(port => this.#uses.has(port) !== before.has(port));
    this.#changed.clear();
    if (differs.length === 0) return before;
    for (const port of differs) touched.add(fact.namedPort(port));
    return new Set(this.#uses.keys());
  }

  #count(port: number, present: boolean): void {
    const uses = (this.#uses.get(port) ?? 0) + (present ? 1 : -1);
    if (uses > 0) this.#uses.set(port, uses);
    else this.#uses.delete(port);
    this.#changed.add(port);
  }
}
