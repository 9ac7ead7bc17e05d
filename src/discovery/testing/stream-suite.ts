// What every ResourceStream must do, whatever is behind it. Each implementation runs this suite in its own test file.
import assert from 'node:assert/strict';
import { type TestContext, test } from 'node:test';
import { type Change, kindOf } from '../../registry/index.ts';
import { Translator } from '../../translate/index.ts';
import { changesOf } from '../../translate/testing/from-yaml.ts';
import type { ResourceStream } from '../client.interface.ts';
import { Hub } from '../hub.ts';
import { RecordingSink } from './recording-sink.ts';

/** A mesh that tests change. */
export class TestMesh {
  readonly #translator = new Translator();
  readonly hub: Hub;

  constructor(yaml: string, roots: readonly string[] = ['root one']) {
    const { mesh } = this.#translator.apply(changesOf(yaml));
    this.hub = new Hub(mesh, roots);
  }

  put(yaml: string, changedAtMs = Date.now()): void {
    this.#apply(changesOf(yaml), changedAtMs);
  }

  delete(apiVersion: string, kind: string, key: string): void {
    this.#apply([{ type: 'delete', kind: kindOf(apiVersion, kind), key }], Date.now());
  }

  #apply(changes: readonly Change[], changedAtMs: number): void {
    const { mesh, touched } = this.#translator.apply(changes);
    this.hub.update(mesh, touched, changedAtMs);
  }
}

/** Makes a started stream for the pod `shop/front-0` and ends it with the test. */
export type StreamFactory = (
  context: TestContext,
  mesh: TestMesh,
  sink: RecordingSink,
) => Promise<ResourceStream>;

/** EndpointSlice of shop/reviews. */
export function reviewsSlice(...addresses: string[]): string {
  return `
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: reviews-1, namespace: shop, labels: {kubernetes.io/service-name: reviews}}
addressType: IPv4
ports: [{name: http, port: 8080}]
endpoints: [${addresses.map(each => `{addresses: [${each}]}`).join(', ')}]
`;
}

/** Service shop/reviews at 10.96.0.5:80 with two endpoints, and the pod shop/front-0 that calls it. */
export const shopYaml = `
apiVersion: v1
kind: Service
metadata: {name: reviews, namespace: shop}
spec: {clusterIP: 10.96.0.5, ports: [{name: http, port: 80}]}
---
apiVersion: v1
kind: Pod
metadata: {name: front-0, namespace: shop, annotations: {weft.dev/status: '{}'}}
spec: {serviceAccountName: front}
status: {podIP: 10.244.0.3}
---${reviewsSlice('10.244.0.7', '10.244.0.8')}`;

/** ClusterConfig.name of shop/reviews. */
export const reviews = 'reviews.shop.svc.cluster.local:80';

async function setUp(context: TestContext, factory: StreamFactory) {
  const mesh = new TestMesh(shopYaml);
  const sink = new RecordingSink();
  const stream = await factory(context, mesh, sink);
  return { mesh, sink, stream };
}

/** Runs the suite; `name` is in every test's name. */
export function streamSuite(name: string, factory: StreamFactory): void {
  const behaves = (what: string, run: (setup: Awaited<ReturnType<typeof setUp>>) => Promise<void>): void => {
    test(`${name}: ${what}`, async context => run(await setUp(context, factory)));
  };

  behaves('trust and the inbound side come without being asked for', async ({ sink }) => {
    await sink.until(() => sink.get('trust', 'cluster.local') !== undefined);
    await sink.until(() => sink.get('inbound', 'shop/front-0') !== undefined);
    assert.deepEqual(sink.get('trust', 'cluster.local')!.roots, ['root one']);
    assert.equal(sink.connections.at(-1)!.up, true);
  });

  behaves('a destination comes with its endpoints, the destination first', async ({ sink, stream }) => {
    stream.want('10.96.0.5:80');
    assert.equal(sink.get('destination', '10.96.0.5:80'), undefined, 'never from within want');
    await sink.until(() => sink.addresses(reviews) !== undefined);
    assert.deepEqual(sink.addresses(reviews), ['10.244.0.7', '10.244.0.8']);
    const kinds = sink.applied
      .map(each => each.kind)
      .filter(each => each === 'destination' || each === 'endpoints');
    assert.deepEqual(kinds, ['destination', 'endpoints']);
  });

  behaves(
    'an endpoint that comes, goes or changes arrives as a whole set',
    async ({ mesh, sink, stream }) => {
      stream.want('10.96.0.5:80');
      await sink.until(() => sink.addresses(reviews)?.length === 2);
      mesh.put(reviewsSlice('10.244.0.7', '10.244.0.8', '10.244.0.9'));
      await sink.until(() => sink.addresses(reviews)?.length === 3);
      mesh.put(reviewsSlice('10.244.0.9', '10.244.0.6'));
      await sink.until(() => sink.addresses(reviews)?.length === 2);
      assert.deepEqual(sink.addresses(reviews), ['10.244.0.6', '10.244.0.9']);
      mesh.put(reviewsSlice());
      await sink.until(() => sink.addresses(reviews)?.length === 0);
      assert.equal(sink.get('endpoints', reviews)!.total, 0);
    },
  );

  behaves(
    'what nobody knows is unknown, and becomes known when it appears',
    async ({ mesh, sink, stream }) => {
      stream.want('10.96.0.77:80');
      await sink.until(() => sink.get('destination', '10.96.0.77:80')?.found === 'unknown');
      mesh.put(shopYaml.replaceAll('reviews', 'late').replace('10.96.0.5', '10.96.0.77'));
      await sink.until(() => sink.addresses('late.shop.svc.cluster.local:80')?.length === 2);
      assert.equal(sink.get('destination', '10.96.0.77:80')!.found, 'service');
    },
  );

  behaves('an edit that changes nothing pushes nothing', async ({ mesh, sink, stream }) => {
    stream.want('10.96.0.5:80');
    await sink.until(() => sink.addresses(reviews) !== undefined);
    const before = sink.applied.length;
    mesh.put(
      shopYaml.replace('name: reviews, namespace: shop}', 'name: reviews, namespace: shop, labels: {a: b}}'),
    );
    mesh.put(`# moved by a line\n${shopYaml}`);
    // A push would come before this one, which is certain.
    mesh.put(reviewsSlice('10.244.0.7'));
    await sink.until(() => sink.addresses(reviews)?.length === 1);
    assert.deepEqual(
      sink.applied.slice(before).map(each => each.kind),
      ['endpoints'],
    );
  });

  behaves(
    'what was forgotten is not delivered any more, until it is wanted again',
    async ({ mesh, sink, stream }) => {
      stream.want('10.96.0.5:80');
      await sink.until(() => sink.addresses(reviews) !== undefined);
      stream.forget('10.96.0.5:80');
      stream.want('front-0:1');
      await sink.until(() => sink.get('destination', 'front-0:1') !== undefined);
      const before = sink.applied.length;
      mesh.put(reviewsSlice('10.244.0.7'));
      stream.want('front-0:2');
      await sink.until(() => sink.get('destination', 'front-0:2') !== undefined);
      assert.deepEqual(
        sink.applied.slice(before).map(each => each.key),
        ['front-0:2'],
      );
      stream.want('10.96.0.5:80');
      await sink.until(() => sink.addresses(reviews)?.length === 1);
    },
  );

  behaves(
    'two destinations share an endpoint set until both are forgotten',
    async ({ mesh, sink, stream }) => {
      stream.want('10.96.0.5:80');
      stream.want('reviews:80');
      await sink.until(() => sink.get('destination', 'reviews:80') !== undefined);
      await sink.until(() => sink.addresses(reviews) !== undefined);
      assert.equal(sink.applied.filter(each => each.kind === 'endpoints').length, 1);
      stream.forget('10.96.0.5:80');
      mesh.put(reviewsSlice('10.244.0.7'));
      await sink.until(() => sink.addresses(reviews)?.length === 1);
    },
  );

  behaves('new roots arrive as they change', async ({ mesh, sink }) => {
    await sink.until(() => sink.get('trust', 'cluster.local') !== undefined);
    mesh.hub.setRoots(['root one', 'root two'], Date.now());
    await sink.until(() => sink.get('trust', 'cluster.local')!.roots.length === 2);
  });

  behaves(
    'a refused resource leaves the last good one, and the next good one is taken',
    async ({ mesh, sink, stream }) => {
      stream.want('10.96.0.5:80');
      await sink.until(() => sink.addresses(reviews) !== undefined);
      sink.refuse = resource =>
        resource.kind === 'endpoints' && resource.endpoints.length === 1 ? 'too few' : undefined;
      mesh.put(reviewsSlice('10.244.0.7'));
      await sink.until(() => sink.applied.at(-1)!.kind === 'endpoints' && sink.applied.length >= 5);
      assert.equal(sink.addresses(reviews)!.length, 2);
      mesh.put(reviewsSlice('10.244.0.7', '10.244.0.8', '10.244.0.9'));
      await sink.until(() => sink.addresses(reviews)!.length === 3);
    },
  );

  behaves(
    'while a destination is refused, the endpoints of the last good one stay current',
    async ({ mesh, sink, stream }) => {
      stream.want('10.96.0.5:80');
      await sink.until(() => sink.addresses(reviews) !== undefined);
      sink.refuse = ({ kind }) => (kind === 'destination' ? 'not now' : undefined);
      // Shares the address, and comes first by name.
      const other = `
apiVersion: v1
kind: Service
metadata: {name: another, namespace: shop}
spec: {clusterIP: 10.96.0.6, externalIPs: [10.96.0.5], ports: [{port: 80}]}
`;
      const another = 'another.shop.svc.cluster.local:80';
      mesh.put(other);
      await sink.until(() => sink.addresses(another) !== undefined);
      assert.equal(sink.get('destination', '10.96.0.5:80')!.host, 'reviews.shop.svc.cluster.local');
      mesh.put(reviewsSlice('10.244.0.9'));
      await sink.until(() => sink.addresses(reviews)?.[0] === '10.244.0.9');
      sink.refuse = () => undefined;
      mesh.put(
        other.replace(
          'another, namespace: shop',
          'another, namespace: shop, annotations: {weft.dev/timeout: 1s}',
        ),
      );
      await sink.until(() => sink.get('destination', '10.96.0.5:80')!.clusters[0]!.name === another);
      // From here on nobody needs the endpoints of the old one.
      stream.want('front-0:1');
      await sink.until(() => sink.get('destination', 'front-0:1') !== undefined);
      const before = sink.applied.length;
      mesh.put(reviewsSlice('10.244.0.8'));
      stream.want('front-0:2');
      await sink.until(() => sink.get('destination', 'front-0:2') !== undefined);
      assert.deepEqual(
        sink.applied.slice(before).filter(each => each.key === reviews),
        [],
      );
    },
  );

  behaves(
    'a destination that cannot be named is refused alone, with the reason, and the others are told',
    async ({ mesh, sink, stream }) => {
      const long = `${'a'.repeat(60)}.`.repeat(6);
      stream.want('10.96.0.5:80');
      stream.want(`${long}example.com:80`);
      assert.equal(sink.get('destination', `${long}example.com:80`), undefined, 'never from within want');
      await sink.until(() => sink.get('destination', `${long}example.com:80`) !== undefined);
      await sink.until(() => sink.addresses(reviews) !== undefined);
      const refused = sink.get('destination', `${long}example.com:80`)!;
      assert.match(refused.refused!, /has 380 characters, and no host has more than 253/);
      assert.deepEqual([refused.found, refused.clusters], ['unknown', []]);
      stream.forget(`${long}example.com:80`);
      mesh.put(reviewsSlice('10.244.0.7'));
      await sink.until(() => sink.addresses(reviews)?.length === 1);
    },
  );

  behaves(
    'a resource that the proxy cannot even read is refused like any other, and what comes next is taken',
    async ({ mesh, sink, stream }) => {
      stream.want('10.96.0.5:80');
      await sink.until(() => sink.addresses(reviews) !== undefined);
      sink.refuse = resource => {
        if (resource.kind === 'endpoints' && resource.total === 1) throw new Error('nobody thought of this');
        return undefined;
      };
      const before = sink.applied.length;
      mesh.put(reviewsSlice('10.244.0.7'));
      await sink.until(() => sink.applied.length > before);
      mesh.put(reviewsSlice('10.244.0.7', '10.244.0.8', '10.244.0.9'));
      await sink.until(() => sink.addresses(reviews)!.length === 3);
    },
  );

  behaves('nothing is delivered after close', async ({ mesh, sink, stream }) => {
    stream.want('10.96.0.5:80');
    await sink.until(() => sink.addresses(reviews) !== undefined);
    const before = sink.applied.length;
    mesh.put(reviewsSlice('10.244.0.7'));
    stream.close();
    stream.want('front-0:1');
    await new Promise(resolve => setImmediate(resolve));
    await new Promise(resolve => setImmediate(resolve));
    assert.equal(sink.applied.length, before);
  });
}
