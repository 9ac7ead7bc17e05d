// Two revisions of weft-injector as processes against a real API server, each with exactly the permissions that `weft install
// --revision` gives.
import assert from 'node:assert/strict';
import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { after, before, test } from 'node:test';
import { connect, createServer, type TLSSocket } from 'node:tls';
import { type CertificateKeeper, principalOf } from '../../src/identity/index.ts';
import { ApiError } from '../../src/kubernetes/index.ts';
import { noApiServer, openApiServer, type TestApiServer } from './support/api-server.ts';
import { startInjector, startProxy } from './support/injector.ts';
import {
  good,
  makeAccount,
  makeControlPlaneAccount,
  makeNamespace,
  makePod,
  makeService,
  system,
  tokenOf,
  until,
} from './support/objects.ts';

let api: TestApiServer;
let pods: { name: string; uid: string }[];
const kubeconfigs = new Map<string, string>();

before(async () => {
  if (noApiServer) return;
  api = await openApiServer();
  for (const revision of ['default', 'canary']) {
    const account = revision === 'default' ? 'weft-injector' : `weft-injector-${revision}`;
    kubeconfigs.set(revision, await api.kubeconfigOf(await makeControlPlaneAccount(api.client, account)));
  }
  await makeService(api.client, system, 'weft-injector', '10.96.70.1');
  await makeService(api.client, system, 'weft-injector-canary', '10.96.70.2');
  await makeNamespace(api.client, 'shop');
  await makeAccount(api.client, 'shop', 'front');
  pods = [];
  for (const [index, name] of ['front-0', 'front-1'].entries())
    pods.push(await makePod(api.client, 'shop', name, `10.244.0.${10 + index}`, { account: 'front' }));
});

after(async () => {
  if (!noApiServer) await api.close();
});

async function rootsOf(namespace: string): Promise<string> {
  const found = await api.client.call({ path: `/api/v1/namespaces/${namespace}/configmaps/weft-trust` });
  return found instanceof ApiError ? '' : ((found.data as Record<string, string>)['root-cert.pem'] ?? '');
}

async function holderOf(lease: string): Promise<string> {
  const path = `/apis/coordination.k8s.io/v1/namespaces/${system}/leases/${lease}`;
  const found = await api.client.call({ path });
  return found instanceof ApiError ? '' : ((found.spec as { holderIdentity?: string }).holderIdentity ?? '');
}

/** Whom each sees at the other end of a connection of mutual TLS. */
async function handshake(
  server: CertificateKeeper,
  client: CertificateKeeper,
): Promise<(string | undefined)[]> {
  const [own, other] = [server.credentials!, client.credentials!];
  const listener = createServer({
    ...{ key: own.keyPem, cert: own.chainPem, ca: [...own.roots], requestCert: true, minVersion: 'TLSv1.3' },
  });
  try {
    const accepted = once(listener, 'secureConnection') as Promise<[TLSSocket]>;
    await once(listener.listen(0, '127.0.0.1'), 'listening');
    const socket = connect({
      ...{ host: '127.0.0.1', port: (listener.address() as AddressInfo).port },
      ...{
        key: other.keyPem,
        cert: other.chainPem,
        ca: [...other.roots],
        checkServerIdentity: () => undefined,
      },
    });
    await once(socket, 'secureConnect');
    const [peer] = await accepted;
    assert.ok(socket.authorized && peer.authorized);
    const seen = [socket, peer].map(each => principalOf(each.getPeerCertificate().raw));
    for (const each of [socket, peer]) each.destroy();
    return seen;
  } finally {
    listener.close();
  }
}

test('two revisions have one root: proxies of both speak mutual TLS with each other, and the default leads for all', {
  skip: noApiServer,
  timeout: 240_000,
}, async context => {
  const first = await startInjector(context, kubeconfigs.get('default')!, 'weft-injector-0');
  await first.served;
  await until('the leader', async () => (await holderOf('weft-injector')) === 'weft-injector-0');
  const canary = await startInjector(context, kubeconfigs.get('canary')!, 'weft-injector-canary-0', {
    revision: 'canary',
  });
  await canary.served;
  await until('its own', async () => (await holderOf('weft-injector-canary')) === 'weft-injector-canary-0');
  const leads = async (injector: typeof first): Promise<boolean> =>
    (await injector.json<{ leads: boolean }>('/debug/source')).leads;
  assert.deepEqual([await leads(first), await leads(canary)], [true, false]);

  await until('the roots', async () => (await rootsOf('shop')) !== '');
  const roots = await rootsOf('shop');
  const proxies = await Promise.all(
    [first, canary].map(async (injector, index) => {
      const pod = pods[index]!;
      const token = await tokenOf(api.client, 'shop', 'front', { audience: 'weft', pod });
      const account = injector === first ? 'weft-injector' : 'weft-injector-canary';
      const { port } = await injector.served;
      const of = { namespace: 'shop', name: pod.name, controlPlane: account };
      return startProxy(
        context,
        port,
        () => [roots],
        () => token,
        of,
      );
    }),
  );
  await until('certificates', async () => proxies.every(({ keeper }) => keeper.credentials !== undefined));
  const [one, other] = proxies.map(({ keeper }) => keeper);
  const front = 'spiffe://cluster.local/ns/shop/sa/front';
  assert.deepEqual(await handshake(one!, other!), [front, front]);
  assert.deepEqual(await handshake(other!, one!), [front, front]);

  // The default is taken away: its Service and its pod. The canary does what must be done once.
  await good(
    api.client.call({ method: 'DELETE', path: `/api/v1/namespaces/${system}/services/weft-injector` }),
  );
  assert.equal(await first.kill('SIGTERM'), 0);
  await until('another leader', async () => (await holderOf('weft-injector')) === 'weft-injector-canary-0');
  await makeNamespace(api.client, 'later');
  await until('the roots in a new namespace', async () => (await rootsOf('later')) === roots);
  assert.equal(await leads(canary), true);
  const refused = canary.lines.filter(line => /forbidden/i.test(JSON.stringify(line)));
  assert.deepEqual(refused, [], 'it has every right that it needs');
  assert.equal(await canary.kill('SIGTERM'), 0);
});
