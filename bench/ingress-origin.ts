// Very many Ingresses of one gateway at an API server: a real one where KUBEBUILDER_ASSETS names its programs, otherwise one that
// this program is.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type ApiObject, collectionPath, type ResourceType, TYPES } from '../src/kubernetes/index.ts';
import { FakeApi } from '../src/kubernetes/testing/fake-api.ts';
import { noOwnApiServer, openApiServer } from '../test/kubernetes/support/api-server.ts';

const networking = (kind: string, plural: string): ResourceType => ({
  ...{ group: 'networking.k8s.io', version: 'v1', kind, plural, namespaced: kind === 'Ingress' },
});
const ingressType = networking('Ingress', 'ingresses');
const classType = networking('IngressClass', 'ingressclasses');

/** Where Ingresses are put. */
export interface IngressOrigin {
  /** Whether the API server is a real one. */
  readonly isReal: boolean;
  readonly kubeconfig: string;
  /** Adds an Ingress of the host `h<number>.example`, or changes x-version of its answers. Resolves when it is taken. */
  put(number: number, version: number): Promise<void>;
  close(): Promise<void>;
}

interface Server {
  readonly kubeconfig: string;
  put(type: ResourceType, object: ApiObject, exists: boolean): Promise<void>;
  close(): Promise<void>;
}

/** `backend`: the port of the app, on loopback; each hundred of `count` Ingresses have a Service of their own. */
export async function ingressOrigin(port: number, backend: number, count: number): Promise<IngressOrigin> {
  const isReal = noOwnApiServer === false;
  const server = await (isReal ? realServer() : ownServer());
  await server.put(TYPES.namespace, { metadata: { name: 'shop' } }, false);
  const annotations = { 'weft.dev/gateway': 'shop/edge', 'weft.dev/http-port': `${port}` };
  await server.put(
    classType,
    { metadata: { name: 'weft', annotations }, spec: { controller: 'weft.dev/ingress-controller' } },
    false,
  );
  for (let service = 0; service <= count / 100; service++) {
    const name = `s${service}`;
    const metadata = { name, namespace: 'shop' };
    const spec = { clusterIP: 'None', ports: [{ name: 'http', port: 80 }] };
    await server.put(TYPES.service, { metadata, spec }, false);
    const slice = {
      metadata: { ...metadata, name: `${name}-1`, labels: { 'kubernetes.io/service-name': name } },
      addressType: 'IPv4',
      ports: [{ name: 'http', port: backend, protocol: 'TCP' }],
      // A real API server takes no endpoint of loopback.
      endpoints: [{ addresses: [isReal ? await ownAddress() : '127.0.0.1'], conditions: { ready: true } }],
    };
    await server.put(TYPES.endpointSlice, slice, false);
  }
  const known = new Set<number>();
  return {
    isReal,
    kubeconfig: server.kubeconfig,
    async put(number, version) {
      const exists = known.has(number);
      known.add(number);
      await server.put(ingressType, ingressOf(number, version), exists);
    },
    close: () => server.close(),
  };
}

/** An address of this machine that is none of loopback. */
async function ownAddress(): Promise<string> {
  const { networkInterfaces } = await import('node:os');
  const all = Object.values(networkInterfaces()).flatMap(each => each ?? []);
  return all.find(each => each.family === 'IPv4' && !each.internal)?.address ?? '127.0.0.1';
}

function ingressOf(number: number, version: number): ApiObject {
  const service = { name: `s${Math.floor(number / 100)}`, port: { number: 80 } };
  const snippet = `more_set_headers "x-version: ${version}";`;
  return {
    metadata: {
      ...{ name: `i${number}`, namespace: 'shop' },
      annotations: { 'nginx.ingress.kubernetes.io/configuration-snippet': snippet },
    },
    spec: {
      ingressClassName: 'weft',
      rules: [
        {
          host: `h${number}.example`,
          http: { paths: [{ path: '/', pathType: 'Prefix', backend: { service } }] },
        },
      ],
    },
  };
}

async function ownServer(): Promise<Server> {
  const folder = mkdtempSync(join(tmpdir(), 'weft-ingresses-'));
  const api = new FakeApi([...Object.values(TYPES), ingressType, classType]);
  await api.start();
  const kubeconfig = join(folder, 'kubeconfig');
  writeFileSync(
    kubeconfig,
    JSON.stringify({
      ...{ apiVersion: 'v1', kind: 'Config', 'current-context': 'own' },
      clusters: [{ name: 'own', cluster: { server: api.url, 'insecure-skip-tls-verify': true } }],
      users: [{ name: 'own', user: { token: 'own' } }],
      contexts: [{ name: 'own', context: { cluster: 'own', user: 'own' } }],
    }),
  );
  return {
    kubeconfig,
    put: (type, object) => Promise.resolve(api.put(type, object as Parameters<FakeApi['put']>[1])),
    async close() {
      await api.stop();
      rmSync(folder, { recursive: true, force: true });
    },
  };
}

async function realServer(): Promise<Server> {
  const api = await openApiServer();
  return {
    kubeconfig: api.kubeconfig,
    async put(type, object, exists) {
      const { name, namespace } = object.metadata as { name: string; namespace?: string };
      const collection = collectionPath(type, namespace);
      const apiVersion = type.group === '' ? type.version : `${type.group}/${type.version}`;
      const body = { apiVersion, kind: type.kind, ...object };
      const answer = await api.client.call(
        exists
          ? { method: 'PATCH', path: `${collection}/${name}`, body }
          : { method: 'POST', path: collection, body },
      );
      if (answer instanceof Error) throw answer;
    },
    close: () => api.close(),
  };
}
