// What a proxy follows, beside what a proxy makes of it: the two must agree on which endpoint sets it has, however their messages
// cross.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { DestinationResource, EndpointsResource, Resource } from '../model/index.ts';
import type { Hub } from './hub.ts';
import { Interest } from './interest.ts';
import { Received } from './received.ts';

/** Both ends, and the messages between them, which go one by one. */
class Rig {
  readonly #values = new Map<string, Resource>();
  readonly #listeners = new Map<string, Set<(changedAtMs: number) => void>>();
  readonly #sent: { readonly version: number; readonly resource: Resource }[] = [];
  readonly #acks: { readonly version: number; readonly key: string; readonly latest: () => boolean }[] = [];
  readonly #versions = new Map<string, number>();
  readonly received: Received;
  readonly interest: Interest;
  /** Sets that the proxy has for what it uses. */
  readonly has = new Map<string, EndpointsResource>();
  #version = 0;

  constructor() {
    this.received = new Received({
      apply: resource => {
        if (resource.kind === 'endpoints') this.has.set(resource.key, resource);
        return undefined;
      },
    } as ConstructorParameters<typeof Received>[0]);
    const watch = (id: string) => (_: unknown, key: string, changed: (changedAtMs: number) => void) => {
      const all = this.#listeners.get(`${id} ${key}`) ?? new Set();
      this.#listeners.set(`${id} ${key}`, all.add(changed));
      const values = this.#values;
      return {
        get value() {
          return values.get(`${id} ${key}`);
        },
        close: () => void all.delete(changed),
      };
    };
    const hub = { watchAsked: watch('destination'), watchEndpoints: watch('endpoints') };
    this.interest = new Interest(hub as unknown as Hub, { caller: {} as never, pending: () => {} });
  }

  /** The destination names these clusters from now on. */
  names(key: string, ...clusters: readonly string[]): void {
    const named = clusters.map(name => ({ name }));
    this.#set({ kind: 'destination', key, clusters: named } as unknown as DestinationResource);
    for (const name of clusters)
      if (!this.#values.has(`endpoints ${name}`))
        this.#set({ kind: 'endpoints', key: name, endpoints: [] } as unknown as EndpointsResource);
  }

  #set(resource: Resource): void {
    this.#values.set(`${resource.kind} ${resource.key}`, resource);
    for (const each of this.#listeners.get(`${resource.kind} ${resource.key}`) ?? []) each(0);
  }

  /** The control plane writes all that is pending. */
  send(): void {
    for (let next = this.interest.take(); next; next = this.interest.take()) {
      const version = ++this.#version;
      this.#versions.set(`${next.resource.kind} ${next.resource.key}`, version);
      this.#sent.push({ version, resource: next.resource });
    }
  }

  /** The proxy reads all that was written; its answers are under way. */
  apply(): void {
    for (const { version, resource } of this.#sent.splice(0)) {
      const id = `${resource.kind} ${resource.key}`;
      this.received.apply({ type: 'resource', version, resource });
      const latest = (): boolean => this.#versions.get(id) === version;
      if (resource.kind === 'destination') this.#acks.push({ version, key: resource.key, latest });
    }
  }

  /** Its answers arrive. */
  settle(): void {
    for (const { key, latest } of this.#acks.splice(0)) if (latest()) this.interest.accepted(key);
  }

  want(key: string): void {
    this.received.want(key);
    this.interest.want(key);
  }

  /** As the sink does, which forgets a cluster with the last destination that names it. */
  without(cluster: string): void {
    this.has.delete(cluster);
  }

  all(): void {
    this.send();
    this.apply();
    this.settle();
  }
}

function told(): Rig {
  const rig = new Rig();
  rig.names('d', 'a');
  rig.want('d');
  rig.all();
  assert.ok(rig.has.has('a'));
  return rig;
}

test('a set that is named again before the answer to the version without it has come is told again', () => {
  const rig = told();
  rig.names('d');
  rig.send();
  rig.apply();
  rig.without('a');
  rig.names('d', 'a');
  rig.send();
  rig.settle();
  rig.all();
  assert.ok(rig.has.has('a'), 'the proxy has forgotten it with the version without it');
});

test('a set that another destination names, while the only one that did is sent without it, is told again', () => {
  const rig = told();
  rig.names('e', 'a');
  rig.names('d');
  rig.send();
  rig.apply();
  rig.without('a');
  rig.want('e');
  rig.send();
  rig.settle();
  rig.all();
  assert.ok(rig.has.has('a'));
});

test('a set that another destination names while the proxy forgets the only one that did is told again', () => {
  const rig = told();
  rig.names('e', 'a');
  rig.want('e');
  rig.send();
  rig.received.forget('d');
  rig.without('a');
  rig.apply();
  rig.has.delete('a');
  rig.interest.forget('d');
  rig.settle();
  rig.all();
  assert.ok(rig.has.has('a'));
});

test('a set that two destinations share is told once', () => {
  const rig = told();
  let count = 0;
  rig.names('e', 'a');
  rig.want('e');
  for (let next = rig.interest.take(); next; next = rig.interest.take())
    if (next.resource.kind === 'endpoints') count++;
  assert.equal(count, 0);
});
