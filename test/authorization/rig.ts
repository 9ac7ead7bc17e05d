// One server whose proxy obeys policies, and clients of several identities: real proxies, real TLS, real sockets. Policies come
// as YAML, through translation and resolution as in production.
import assert from 'node:assert/strict';
import { TokenClaims } from '../../src/authentication/claims.ts';
import type { InboundResource } from '../../src/model/index.ts';
import type { FilterKind } from '../../src/proxy/filters/filter.interface.ts';
import type { ListenerRules } from '../../src/proxy/filters/lists.ts';
import {
  type Answer,
  ask,
  closeAll,
  httpServer,
  rawConnection,
  tcpServer,
} from '../../src/proxy/testing/clients.ts';
import { redirectedInbound } from '../../src/proxy/testing/redirected.ts';
import { StaticMesh, type TestProxy } from '../../src/proxy/testing/static-mesh.ts';
import { resolveInbound } from '../../src/resolve/index.ts';
import { meshFromYaml } from '../../src/translate/testing/from-yaml.ts';
import { askHttp2 } from '../security/raw-http2.ts';

/** A request of a test. */
export interface Sent {
  /** `namespace/service-account`, or undefined for plaintext. */
  readonly by?: string;
  readonly method?: string;
  readonly host?: string;
  readonly path?: string;
  readonly headers?: readonly (readonly [name: string, value: string])[];
  /** The claims of a token that has been verified. */
  readonly token?: Readonly<Record<string, unknown>>;
  readonly grpc?: boolean;
  /** Whether the client speaks HTTP/2. */
  readonly http2?: boolean;
}

/** The server's pod. */
export const pod = `apiVersion: v1
kind: Pod
metadata: {name: cart-0, namespace: shop, labels: {app: cart}}
spec: {serviceAccountName: cart, containers: [{name: app, image: x}]}
status: {phase: Running, podIP: 10.0.0.9, podIPs: [{ip: 10.0.0.9}], conditions: [{type: Ready, status: "True"}]}
---
`;

/** Stands in for the filter that verifies tokens: takes what a test says of one. */
const givenTokens: FilterKind<ListenerRules> = {
  name: 'given-tokens',
  compile: () => ({
    judge: request => {
      const text = request.requestHeader('x-test-token');
      request.token = text === '' ? undefined : new TokenClaims(JSON.parse(text) as Record<string, unknown>);
      return undefined;
    },
  }),
};

const echo = Buffer.from('these bytes are no request\n');

/** See above. */
export class AuthorizationRig {
  readonly mesh = new StaticMesh();
  readonly server: TestProxy;
  readonly #clients = new Map<string, TestProxy>();
  /** What the last objects say of the app's port beside. */
  #routes: InboundResource['ports'][number]['routes'];
  readonly #app: Awaited<ReturnType<typeof httpServer>>;
  readonly #bytes: Awaited<ReturnType<typeof tcpServer>>;
  readonly #plain: ReturnType<typeof redirectedInbound>;
  readonly #plainBytes: ReturnType<typeof redirectedInbound>;
  /** Paths that reached the app. */
  readonly reached: string[] = [];

  static async start(): Promise<AuthorizationRig> {
    const reached: string[] = [];
    const app = await httpServer((request, response) => {
      reached.push(request.url!);
      response.setHeader('x-seen', `${request.headers['x-debug']} ${request.headers['x-added']}`);
      if (request.headers['content-type'] === 'application/grpc')
        response.writeHead(200, { 'content-type': 'application/grpc', 'grpc-status': '0' });
      response.end('app');
    });
    const bytes = await tcpServer(socket => socket.on('data', data => socket.write(data)));
    return new AuthorizationRig(app, bytes, reached);
  }

  private constructor(
    app: Awaited<ReturnType<typeof httpServer>>,
    bytes: Awaited<ReturnType<typeof tcpServer>>,
    reached: string[],
  ) {
    this.#app = app;
    this.#bytes = bytes;
    this.reached = reached;
    this.server = this.mesh.proxy('cart', {
      namespace: 'shop',
      mtls: 'permissive',
      inboundFilters: [givenTokens],
      ports: [{ number: bytes.port, protocol: 'tcp', mtls: 'permissive' }],
    });
    this.#plain = redirectedInbound(this.server.plane, app.port);
    this.#plainBytes = redirectedInbound(this.server.plane, bytes.port);
    this.mesh.set({
      key: 'bytes:1',
      protocol: 'tcp',
      endpoints: [this.mesh.meshed(this.server, bytes.port)],
    });
  }

  get appPort(): number {
    return this.#app.port;
  }
  get bytesPort(): number {
    return this.#bytes.port;
  }

  close(): void {
    closeAll(this.#plain, this.#plainBytes, this.mesh, this.#app, this.#bytes);
  }

  /** What the objects come to for the server. `PORT` and `TCPPORT` in the texts are those of its apps. */
  policies(
    yaml: string,
    as = { namespace: 'shop', app: 'cart' },
    ofPod = pod,
    mayBeWrong = false,
  ): InboundResource['authorization'] {
    const text = (
      ofPod.replace('namespace: shop', `namespace: ${as.namespace}`).replace('app: cart', `app: ${as.app}`) +
      yaml
    )
      .replaceAll('TCPPORT', String(this.bytesPort))
      .replaceAll('PORT', String(this.appPort));
    const { mesh, problems } = meshFromYaml(text);
    const errors = problems.filter(({ severity }) => severity === 'error').map(({ message }) => message);
    if (mayBeWrong) assert.notEqual(errors.length, 0);
    else assert.deepEqual(errors, []);
    const resource = resolveInbound(mesh, `${as.namespace}/cart-0`).resource;
    this.#routes = resource?.ports.find(({ number }) => number === this.appPort)?.routes;
    return resource?.authorization;
  }

  /** From now on the server obeys these. */
  obey(authorization: InboundResource['authorization']): void {
    const { resource } = this.server.plane.inboundPorts;
    const { authorization: _, ports, ...rest } = resource!;
    const others = ports.filter(({ number }) => number !== this.appPort);
    const routed = this.#routes && {
      ...{ number: this.appPort, protocol: 'auto' as const, mtls: 'permissive' as const },
      routes: this.#routes,
    };
    const all = { ...rest, ports: routed ? [...others, routed] : others };
    assert.equal(this.server.plane.apply({ ...all, ...(authorization && { authorization }) }), undefined);
  }

  /** The answer of the server, by way of its proxy. */
  async send(sent: Sent): Promise<Answer> {
    const { by, method = 'GET', host = 'cart', path = '/', headers = [], token, grpc = false } = sent;
    const fields = headers.flat();
    if (token !== undefined) fields.push('x-test-token', JSON.stringify(token));
    if (grpc) fields.push('content-type', 'application/grpc', 'te', 'trailers');
    if (by === undefined && !sent.http2) return this.#plaintext(method, host, path, fields);
    const key = (/:\d+$/.test(host) ? host : `${host}:80`).toLowerCase();
    if (!this.mesh.destinations.has(key))
      this.mesh.set({ key, endpoints: [this.mesh.meshed(this.server, this.appPort)] });
    if (by === undefined || sent.http2) {
      const port = by === undefined ? this.#plain.port : this.client(by).plane.outboundPort;
      return this.#http2(port, method, host, path, fields);
    }
    return ask(this.client(by).plane.outboundPort, host, {
      method,
      path,
      headers: ['host', host, ...fields],
    });
  }

  /** Whether the server's app of bytes can be spoken with. */
  async speak(by: string | undefined, first: Buffer = echo): Promise<boolean> {
    const raw = await rawConnection(
      by === undefined ? this.#plainBytes.port : this.client(by).plane.outboundPort,
    );
    if (by !== undefined) {
      raw.write('CONNECT bytes:1 HTTP/1.1\r\nhost: bytes:1\r\n\r\n');
      await raw.until(({ text, closed }) => text.includes('\r\n\r\n') || closed);
      raw.text = '';
    }
    raw.write(first);
    await raw.until(({ text, ended, closed }) => text.length >= first.length || ended || closed);
    const spoken = raw.text === first.toString('latin1');
    raw.socket.destroy();
    return spoken;
  }

  client(by: string): TestProxy {
    let client = this.#clients.get(by);
    if (client === undefined) {
      const [namespace = '', name = ''] = by.split('/');
      client = this.mesh.proxy(name, { namespace });
      this.#clients.set(by, client);
    }
    return client;
  }

  async #http2(
    port: number,
    method: string,
    host: string,
    path: string,
    fields: readonly string[],
  ): Promise<Answer> {
    const pairs: [string, string][] = [];
    for (let i = 0; i < fields.length; i += 2) pairs.push([fields[i]!.toLowerCase(), fields[i + 1]!]);
    const pseudo = [
      [':method', method],
      [':scheme', 'http'],
      [':path', path],
      [':authority', host],
    ] as const;
    const { status, headers, body } = await askHttp2(port, [...pseudo, ...pairs]);
    return { status, headers, rawHeaders: [], trailers: {}, body };
  }

  async #plaintext(method: string, host: string, path: string, fields: readonly string[]): Promise<Answer> {
    const raw = await rawConnection(this.#plain.port);
    const lines = [`${method} ${path} HTTP/1.1`, `host: ${host}`, 'connection: close'];
    for (let i = 0; i < fields.length; i += 2) lines.push(`${fields[i]}: ${fields[i + 1]}`);
    raw.write(`${lines.join('\r\n')}\r\n\r\n`);
    await raw.until(({ ended, closed }) => ended || closed);
    raw.socket.destroy();
    const [head = '', body = ''] = raw.text.split('\r\n\r\n');
    const status = Number(/^HTTP\/1\.1 (\d+)/.exec(head)?.[1] ?? 0);
    const headers = Object.fromEntries(
      head
        .split('\r\n')
        .slice(1)
        .map(line => line.split(/: ?/, 2) as [string, string]),
    );
    return { status, headers, rawHeaders: [], trailers: {}, body };
  }
}

/** An AuthorizationPolicy of the server's namespace, as YAML that is JSON. */
export function policy(spec: object, name = 'p', annotations: Record<string, string> = {}): string {
  const metadata = { name, namespace: 'shop', annotations };
  return `${JSON.stringify({ apiVersion: 'security.istio.io/v1', kind: 'AuthorizationPolicy', metadata, spec })}\n---\n`;
}
