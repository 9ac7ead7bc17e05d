// StatefulSets, headless and ExternalName Services, pods by address: the same with the mesh as without (row 26 of what users
// complain of).
import { strict as assert } from 'node:assert';
import type { Claim, Context } from '../claim.ts';
import { isReady } from '../cluster.ts';

const http = (name: string, spec: object) => ({
  apiVersion: 'v1',
  kind: 'Service',
  metadata: { name, namespace: 'shop' },
  spec,
});

const services = [
  http('ratings-pods', {
    clusterIP: 'None',
    selector: { app: 'ratings' },
    ports: [{ name: 'http', port: 8080 }],
  }),
  http('ratings-alias', { type: 'ExternalName', externalName: 'ratings.shop.svc.cluster.local' }),
  http('stock-alias', { type: 'ExternalName', externalName: 'stock.shop.svc.cluster.local' }),
  http('abroad', { type: 'ExternalName', externalName: 'visitor.outside.svc.cluster.local' }),
  {
    ...http('visitor', { selector: { app: 'visitor' }, ports: [{ name: 'http', port: 8080 }] }),
    metadata: { name: 'visitor', namespace: 'outside' },
  },
];

/** Names with the port, and what to hear: the first line of TCP, or status and service of HTTP. */
const questions: readonly (readonly [name: string, port: number, kind: 'http' | 'banner', path?: string])[] =
  [
    ['stock', 9000, 'banner'],
    ['stock-pods', 9000, 'banner'],
    ['stock-0.stock-pods', 9000, 'banner'],
    ['stock-1.stock-pods.shop.svc.cluster.local', 9000, 'banner'],
    ['stock-alias', 9000, 'banner'],
    ['ratings', 8080, 'http', '/ratings/p1'],
    ['ratings.shop.svc.cluster.local', 8080, 'http', '/ratings/p1'],
    ['ratings-pods', 8080, 'http', '/ratings/p1'],
    ['ratings-alias', 8080, 'http', '/ratings/p1'],
    ['abroad', 8080, 'http', '/healthz'],
  ];

let without: Record<string, string> = {};

async function answers({ cluster, shop }: Context): Promise<Record<string, string>> {
  const heard: Record<string, string> = {};
  for (const [name, port, kind, path] of questions) {
    if (kind === 'banner') {
      // A Service picks any of its pods; a pod's own name picks that pod.
      const text = await shop.banner(name, port);
      heard[name] =
        name.startsWith('stock-0') || name.startsWith('stock-1') ? text : text.replace(/stock-\d/, 'stock-N');
    } else heard[name] = httpAnswer(await shop.raw(name, port, get(name, port, path)));
  }
  const [cart] = (await cluster.pods('shop', 'app=cart')).filter(isReady);
  const address = cart?.status.podIP ?? '';
  heard['a pod by its address'] = httpAnswer(await shop.raw(address, 8080, get(address, 8080, '/healthz')));
  return heard;
}

function get(host: string, port: number, path = '/'): string {
  return `GET ${path} HTTP/1.1\r\nHost: ${host}:${port}\r\nConnection: close\r\n\r\n`;
}

function httpAnswer({ text, error }: { text: string; error?: string }): string {
  const status = /^HTTP\/1\.1 (\d+)/.exec(text)?.[1];
  const service = /"service":"([a-z]+)"/.exec(text)?.[1];
  return status === undefined ? (error ?? text.slice(0, 200)) : `${status} of ${service ?? text.slice(-100)}`;
}

export const withoutMesh: Claim = {
  name: 'the shop without the mesh answers by every kind of name',
  async run(context) {
    await context.shop.create();
    await context.cluster.apply(...services);
    // The cluster's DNS learns new names in its own time.
    for (let left = 60; ; left--) {
      without = await answers(context);
      const bad = Object.entries(without).filter(([, heard]) => !/^(200 of|STOCK\/1 ready)/.test(heard));
      if (bad.length === 0) return `${Object.keys(without).length} names`;
      if (left === 0) throw new Error(bad.map(pair => pair.join(': ')).join('; '));
      await new Promise(resolve => setTimeout(resolve, 1_000));
    }
  },
};

export const sameNames: Claim = {
  name: 'StatefulSet pods, headless and ExternalName Services and pods by address answer as without the mesh',
  async run(context) {
    assert.deepEqual(await answers(context), without);
    return `${Object.keys(without).length} names, the same answers`;
  },
};
