// A workload behind its proxy, with policies as YAML, and clients that send what they like: raw bytes in plaintext, and requests
// of other workloads over mesh TLS.
import type { IncomingHttpHeaders, IncomingMessage } from 'node:http';
import { connect } from 'node:net';
import type { TestContext } from 'node:test';
import type { FetchKeys } from '../../src/authentication/index.ts';
import type { InboundResource } from '../../src/model/index.ts';
import { type Answer, type Ask, ask, httpServer } from '../../src/proxy/testing/clients.ts';
import { redirectedInbound } from '../../src/proxy/testing/redirected.ts';
import { StaticMesh, type TestProxy } from '../../src/proxy/testing/static-mesh.ts';
import { resolveInbound } from '../../src/resolve/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { askHttp2, type Http2Fields, type Http2Outcome } from './raw-http2.ts';

/** What the app got. */
export interface Seen {
  readonly method: string;
  readonly url: string;
  readonly headers: IncomingHttpHeaders;
}

/** What a client of raw bytes got: 0 where the connection ended without an answer. */
export interface RawAnswer {
  readonly status: number;
  readonly text: string;
}

export interface Place {
  readonly mesh: StaticMesh;
  readonly server: TestProxy;
  /** What the app got since last asked. */
  take(): readonly Seen[];
  /** Sends bytes in plaintext, as redirected from the app's port; until the answer is complete or the connection ends. */
  raw(bytes: string): Promise<RawAnswer>;
  /** Sends fields of HTTP/2 in plaintext, to the same place. */
  http2(fields: Http2Fields): Promise<Http2Outcome>;
  /** Asks as `spiffe://cluster.local/ns/NAMESPACE/sa/NAME`. */
  as(name: string, options?: Ask & { readonly namespace?: string }): Promise<Answer>;
}

/** Labels `app: httpbin`, service account `httpbin`, in the namespace `default`. */
const pod = (port: number): string => `
apiVersion: v1
kind: Pod
metadata: {name: httpbin, namespace: default, labels: {app: httpbin}, annotations: {weft.dev/injected: "true"}}
spec:
  serviceAccountName: httpbin
  containers: [{name: app, ports: [{containerPort: ${port}}]}]
status: {phase: Running, podIP: 10.0.0.1, podIPs: [{ip: 10.0.0.1}], conditions: [{type: Ready, status: "True"}]}
`;

/** `yaml`: policies; PORT in it is the app's. */
export async function place(
  t: TestContext,
  yaml: string,
  options: { readonly fetchKeys?: FetchKeys; readonly inbound?: Partial<InboundResource> } = {},
): Promise<Place> {
  const mesh = new StaticMesh();
  let seen: Seen[] = [];
  const app = await httpServer((request: IncomingMessage, response) => {
    seen.push({ method: request.method!, url: request.url!, headers: request.headers });
    request.resume().on('end', () => response.end('fine'));
  });
  const { resource } = resolveInbound(
    meshFromYaml(`${pod(app.port)}---\n${yaml.replaceAll('PORT', String(app.port))}`).mesh,
    'default/httpbin',
  );
  const { fetchKeys } = options;
  const server = mesh.proxy('httpbin', { mtls: 'permissive', ...(fetchKeys && { fetchKeys }) });
  const inbound = { ...resource!, self: server.peer, ...options.inbound };
  const refused = server.plane.apply(inbound);
  if (refused !== undefined) throw new Error(refused);
  const listener = redirectedInbound(server.plane, app.port);
  const clients = new Map<string, TestProxy>();
  mesh.set({ key: 'httpbin:80', endpoints: [mesh.meshed(server, app.port)] });
  t.after(() => {
    listener.close();
    mesh.close();
    app.close();
  });
  return {
    mesh,
    server,
    take() {
      const taken = seen;
      seen = [];
      return taken;
    },
    raw: bytes => sendRaw(listener.port, bytes),
    http2: fields => askHttp2(listener.port, fields),
    as(name, { namespace = 'default', ...asked } = {}) {
      const key = `${namespace}/${name}`;
      const client = clients.get(key) ?? mesh.proxy(name, { namespace });
      clients.set(key, client);
      return ask(client.plane.outboundPort, 'httpbin:80', asked);
    },
  };
}

function sendRaw(port: number, bytes: string): Promise<RawAnswer> {
  const { promise, resolve } = Promise.withResolvers<RawAnswer>();
  const socket = connect(port, '127.0.0.1');
  let text = '';
  const done = (): void => {
    socket.destroy();
    resolve({ status: Number(/^HTTP\/1\.1 (\d{3})/.exec(text)?.[1] ?? 0), text });
  };
  socket.on('data', piece => {
    text += piece.toString('latin1');
    const end = text.indexOf('\r\n\r\n');
    const length = /\r\ncontent-length: (\d+)/i.exec(text.slice(0, end + 2))?.[1];
    if (end >= 0 && length !== undefined && text.length >= end + 4 + Number(length)) done();
    else if (end >= 0 && text.endsWith('\r\n0\r\n\r\n')) done();
  });
  socket.on('error', () => {});
  socket.on('close', done);
  socket.write(Buffer.from(bytes, 'latin1'));
  return promise;
}
