// Balancing of streams: what is counted is requests, and not connections.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { RunningCluster, RunningEndpoint } from '../cluster/index.ts';
import { clusterOf, endpoints, TestClusterHost } from '../cluster/testing/clusters.ts';
import { seeded } from '../cluster/testing/random.ts';
import { TestRequest } from '../cluster/testing/requests.ts';
import type { PeerStream } from '../cluster/testing/streams-codec.ts';
import type { BalancerSettings } from '../model/index.ts';

const perSecond = 500;
const stepMs = 20;
const serviceMs = 40;

/** A client's load on one cluster of endpoints that each answer after 40 ms, on a clock that the test turns. */
class Load {
  readonly host = new TestClusterHost(seeded(7));
  readonly cluster: RunningCluster;
  readonly counts = new Map<string, number>();
  failed = 0;
  readonly #underWay: { readonly atMs: number; readonly end: () => void }[] = [];

  constructor(kind: BalancerSettings['kind']) {
    this.host.multiplexes = 'always';
    this.cluster = clusterOf(this.host, 1, { balancer: { kind } });
  }

  async run(forMs: number): Promise<void> {
    for (let ms = 0; ms < forMs; ms += stepMs) {
      const nowMs = this.host.clock.monotonic();
      while (this.#underWay.length > 0 && this.#underWay[0]!.atMs <= nowMs) this.#underWay.shift()!.end();
      for (let n = 0; n < (perSecond * stepMs) / 1000; n++) this.#ask(nowMs);
      for (const dial of [...this.host.dials]) dial.share(100);
      await this.host.clock.advance(stepMs);
    }
  }

  #ask(nowMs: number): void {
    const endpoint = this.cluster.pick([], nowMs)!;
    this.counts.set(endpoint.key, (this.counts.get(endpoint.key) ?? 0) + 1);
    endpoint.active++;
    const request: TestRequest = new TestRequest(true, undefined, () => this.failed++);
    endpoint.pool.acquire(request);
    this.#underWay.push({ atMs: nowMs + serviceMs, end: () => this.#end(endpoint, request) });
  }

  #end(endpoint: RunningEndpoint, { stream }: TestRequest): void {
    endpoint.active--;
    endpoint.latency.observe(serviceMs, this.host.clock.monotonic());
    (stream as PeerStream).answer();
  }
}

for (const kind of ['p2c-ewma', 'least-request', 'round-robin'] as const)
  test(`streams of one client spread over ten pods within ten seconds after there was one: ${kind}`, async () => {
    const load = new Load(kind);
    await load.run(2_000);
    assert.equal(load.counts.size, 1);
    load.cluster.setEndpoints(endpoints(10));
    load.counts.clear();
    await load.run(10_000);
    const share = (perSecond * 10) / 10;
    assert.equal(load.counts.size, 10);
    for (const [key, count] of load.counts)
      assert.ok(Math.abs(count - share) <= share * 0.2, `${key} got ${count}, its share is ${share}`);
    assert.equal(load.failed, 0);
    assert.equal(load.cluster.occupancy.connections, 10, 'one connection to each is enough');
  });
