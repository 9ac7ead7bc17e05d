import type { Resource } from '../../model/index.ts';
import type { ResourceSink } from '../client.interface.ts';

/** A sink for tests: keeps what it got, refuses what it is told to, and lets tests wait for a state instead of a time. */
export class RecordingSink implements ResourceSink {
  readonly applied: Resource[] = [];
  readonly connections: { readonly up: boolean; readonly reason: string }[] = [];
  /** Why a resource is refused; undefined: it is taken. */
  refuse: (resource: Resource) => string | undefined = () => undefined;
  readonly #current = new Map<string, Resource>();
  readonly #waiting = new Set<() => void>();

  apply(resource: Resource): string | undefined {
    this.applied.push(resource);
    try {
      const reason = this.refuse(resource);
      if (reason === undefined) this.#current.set(`${resource.kind} ${resource.key}`, resource);
      return reason;
    } finally {
      this.#check();
    }
  }

  connection(up: boolean, reason: string): void {
    this.connections.push({ up, reason });
    this.#check();
  }

  /** What is in use under that name. */
  get<K extends Resource['kind']>(kind: K, key: string): Extract<Resource, { kind: K }> | undefined {
    return this.#current.get(`${kind} ${key}`) as Extract<Resource, { kind: K }> | undefined;
  }

  /** Addresses of an endpoint set, or undefined when it is not there. */
  addresses(cluster: string): string[] | undefined {
    return this.get('endpoints', cluster)?.endpoints.map(each => each.address);
  }

  /** Resolves when `holds` does; looked at whenever something arrives. The test's own time limit ends it. */
  until(holds: () => boolean): Promise<void> {
    return new Promise(resolve => {
      const alive = setInterval(() => {}, 1000);
      const check = (): void => {
        if (!holds()) return;
        clearInterval(alive);
        this.#waiting.delete(check);
        resolve();
      };
      this.#waiting.add(check);
      check();
    });
  }

  #check(): void {
    for (const check of [...this.#waiting]) check();
  }
}
