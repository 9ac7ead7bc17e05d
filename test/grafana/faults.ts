// What goes wrong in the second run, so that every panel about failures has something to show: over and over until it is stopped,
// because a counter that appears has no rate before it grows.
import { connect } from 'node:tls';
import { callJson } from '../../examples/demo/call.ts';
import type { DemoContext } from '../../examples/demo/claim.ts';
import { HTTP_PORT, podsOf, readyPodsOf, setFault } from '../../examples/demo/shop.ts';
import { ALPN } from '../../src/tls/mesh-tls.ts';

/** Mutual TLS only for reviews, and of ratings a path that is slower than its callers wait. */
const policies = `apiVersion: security.istio.io/v1
kind: PeerAuthentication
metadata: { name: reviews-strict, namespace: shop }
spec: { selector: { matchLabels: { app: reviews } }, mtls: { mode: STRICT } }
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: { name: ratings-slow, namespace: shop }
spec:
  hosts: [ratings]
  http:
    - { match: [{ uri: { prefix: /slow } }], timeout: 0.1s, route: [{ destination: { host: ratings } }] }
    - { route: [{ destination: { host: ratings } }] }`;

const everyMs = 400;

/** Begins; the function ends it. */
export async function breakThings(context: DemoContext): Promise<() => Promise<void>> {
  const { mesh, load } = context;
  const [failing, ...slow] = await readyPodsOf(mesh, 'ratings');
  const [first, second] = await readyPodsOf(mesh, 'cart');
  // A pod that always fails is ejected; what must not be repeated fails at the app and at the connection to it.
  await setFault(mesh, failing!, { status: 503 });
  for (const pod of slow) await setFault(mesh, pod, { delayMs: 400, path: '/slow' });
  await setFault(mesh, first!, { status: 500, share: 0.4, path: '/broken' });
  await setFault(mesh, second!, { reset: true, share: 0.4, path: '/broken' });
  await mesh.apply('faults', policies);
  await load.start('broken', {
    mode: 'open',
    ratePerSecond: 20,
    targets: [
      { url: `http://cart:${HTTP_PORT}/broken`, method: 'POST', weight: 3 },
      { url: `http://ratings:${HTTP_PORT}/slow`, weight: 1 },
    ],
  });
  let going = true;
  const rounds = (async () => {
    while (going) {
      await Promise.allSettled([plaintext(context), garbage(context), handshake(context)]);
      await new Promise(resolve => setTimeout(resolve, everyMs));
    }
  })();
  return async () => {
    going = false;
    await rounds;
    await load.stop('broken');
    for (const pod of [failing!, ...slow, first!, second!]) await setFault(mesh, pod, undefined);
    await mesh.remove('faults');
  };
}

/** Plaintext from outside of the mesh to pods that take mutual TLS only. */
async function plaintext({ mesh }: DemoContext): Promise<void> {
  const [visitor] = (await mesh.pods()).filter(({ app }) => app === 'visitor');
  const url = encodeURIComponent(`http://reviews.shop:${HTTP_PORT}/`);
  await callJson({ mesh, pod: visitor!, port: HTTP_PORT, path: `/visit?url=${url}` });
}

/** From an app: bytes that are no HTTP to a port that is, and a request that two servers could read in two ways. */
async function garbage({ load }: DemoContext): Promise<void> {
  await load.raw('cart', HTTP_PORT, '\x01\x02 no HTTP at all\r\n\r\n').catch(() => {});
  const smuggled =
    'POST /items HTTP/1.1\r\nhost: cart\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n';
  await load.raw('cart', HTTP_PORT, smuggled).catch(() => {});
}

/** A stranger who speaks the mesh's protocol and has no certificate. */
async function handshake({ mesh }: DemoContext): Promise<void> {
  const [pod] = await podsOf(mesh, 'cart');
  const socket = await mesh.dial(pod!, HTTP_PORT);
  const tls = connect({ socket, ALPNProtocols: [ALPN.h1], rejectUnauthorized: false });
  await new Promise<void>(resolve => {
    tls.on('error', () => resolve());
    tls.on('close', () => resolve());
    tls.setTimeout(2_000, () => resolve());
  });
  tls.destroy();
  socket.destroy();
}
