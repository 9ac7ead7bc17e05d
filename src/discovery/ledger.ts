import type { ResourceKind } from '../model/index.ts';
import type { ResourceStatus } from './server.interface.ts';

/** What became of one version. */
export interface Settled {
  readonly kind: ResourceKind;
  readonly key: string;
  readonly changedAtMs?: number;
  /** Whether nothing later of this resource was sent. */
  readonly latest: boolean;
}

interface Sent extends Omit<Settled, 'latest'> {
  readonly sentAtMs: number;
}

/** Which version of each resource one proxy was sent, and what it said to that. */
export class Ledger {
  #version = 0;
  readonly #outstanding = new Map<number, Sent>();
  readonly #resources = new Map<string, ResourceStatus>();
  readonly #refused = new Set<string>();

  /** How many versions have no answer yet. */
  get outstanding(): number {
    return this.#outstanding.size;
  }

  /** When the oldest version without an answer was sent. */
  get oldestSentAtMs(): number | undefined {
    for (const { sentAtMs } of this.#outstanding.values()) return sentAtMs;
    return undefined;
  }

  /** Notes a send and gives its version. */
  send(kind: ResourceKind, key: string, sentAtMs: number, changedAtMs: number | undefined): number {
    const version = ++this.#version;
    this.#outstanding.set(version, {
      kind,
      key,
      sentAtMs,
      ...(changedAtMs !== undefined && { changedAtMs }),
    });
    this.#resources.set(`${kind} ${key}`, { kind, key, version, state: 'sent' });
    return version;
  }

  /** Notes the answer; `reason` when it was a refusal. Undefined for a version that waits for none. */
  settle(version: number, reason?: string): Settled | undefined {
    const sent = this.#outstanding.get(version);
    if (!sent) return undefined;
    this.#outstanding.delete(version);
    const id = `${sent.kind} ${sent.key}`;
    const current = this.#resources.get(id);
    const latest = current?.version === version;
    if (current && latest) {
      if (reason === undefined) this.#refused.delete(id);
      else this.#refused.add(id);
      const state = reason === undefined ? 'acked' : 'nacked';
      this.#resources.set(id, { ...current, state, ...(reason !== undefined && { reason }) });
    }
    return { ...sent, latest };
  }

  /** The resource is not sent any more. Answers that are under way still count. */
  forget(kind: ResourceKind, key: string): void {
    this.#resources.delete(`${kind} ${key}`);
    this.#refused.delete(`${kind} ${key}`);
  }

  /** Those that the proxy refuses now. Few, so that asking often costs nothing. */
  refused(): readonly ResourceStatus[] {
    return [...this.#refused].flatMap(id => this.#resources.get(id) ?? []);
  }

  resources(): readonly ResourceStatus[] {
    return [...this.#resources.values()];
  }
}
