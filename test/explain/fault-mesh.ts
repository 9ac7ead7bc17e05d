// A caller and a callee with real proxies, and an app that does what a fault says.
import type { RequestListener } from 'node:http';
import type { Socket } from 'node:net';
import { type Certified, certify } from '../../src/ca/testing/odd-certificates.ts';
import { clusterTools, type Explanation, explain } from '../../src/explain/index.ts';
import type { Credentials } from '../../src/identity/index.ts';
import type { ObjectRef, ProxyRecord, RecordedState } from '../../src/model/index.ts';
import {
  type Answer,
  type Ask,
  ask,
  closeAll,
  httpServer,
  rawConnection,
  tcpServer,
} from '../../src/proxy/testing/clients.ts';
import { eventually } from '../../src/proxy/testing/redirected.ts';
import { StaticMesh, type TestDestination, type TestProxy } from '../../src/proxy/testing/static-mesh.ts';

const hourMs = 3_600_000;

/** The objects that the faults' policies are said to come from. */
export const virtualService: ObjectRef = {
  apiVersion: 'networking.istio.io/v1',
  kind: 'VirtualService',
  namespace: 'default',
  name: 'api',
  origin: 'shop.yaml:12',
};

/** What callers call. */
export const KEY = 'api:80';

/** How the proxies are started. */
export interface FaultMeshOptions {
  readonly web?: Parameters<StaticMesh['proxy']>[1];
  readonly api?: Parameters<StaticMesh['proxy']>[1];
}

/** `web` calls `api` through both of their proxies. */
export class FaultMesh {
  readonly mesh = new StaticMesh();
  readonly web: TestProxy;
  readonly api: TestProxy;
  /** What is known of the control plane when the proxies are asked. */
  state: RecordedState | undefined;
  readonly #open: { close(): void }[] = [];

  constructor(options: FaultMeshOptions = {}) {
    this.web = this.mesh.proxy('web', options.web ?? {});
    this.api = this.mesh.proxy('api', options.api ?? {});
  }

  /** An HTTP app; its port. */
  async app(listener: RequestListener): Promise<number> {
    const server = await httpServer(listener);
    this.#open.push(server);
    return server.port;
  }

  /** An app that answers with bytes. */
  async rawApp(listener: (socket: Socket) => void): Promise<number> {
    const server = await tcpServer(listener);
    this.#open.push(server);
    return server.port;
  }

  keep(thing: { close(): void }): void {
    this.#open.push(thing);
  }

  /** Says where `api:80` leads: to this port of api's app, unless `more` says otherwise. */
  serve(port: number, more: Partial<TestDestination> = {}): void {
    this.mesh.set({
      key: KEY,
      endpoints: [this.mesh.meshed(this.api, port)],
      retry: { attempts: 0 },
      ...more,
    });
  }

  /** The app of web asks for `api:80`. */
  ask(options: Ask = {}): Promise<Answer> {
    return ask(this.web.plane.outboundPort, KEY, options);
  }

  /** Sends bytes to web's proxy, as its app does; all that comes back. */
  async send(bytes: string, port = this.web.plane.outboundPort): Promise<string> {
    const raw = await rawConnection(port);
    raw.write(bytes);
    await raw.until(({ ended, closed }) => ended || closed);
    return raw.text;
  }

  /** Certificates of a root of their own, valid for api between these times. */
  certify(apiFromMs: number, apiToMs: number, apiRoot?: Certified): void {
    const nowMs = Date.now();
    const times = { notBeforeMs: nowMs - 3 * hourMs, notAfterMs: nowMs + 3 * hourMs };
    const root = certify({ name: 'root', ca: true, ...times });
    const give = (proxy: TestProxy, issuer: Certified, notBeforeMs: number, notAfterMs: number): void => {
      const made = certify({ issuer, uris: [proxy.principal], notBeforeMs, notAfterMs });
      const credentials = {
        keyPem: made.keyPem,
        chainPem: made.pem,
        roots: [root.pem],
        principal: proxy.principal,
      };
      proxy.plane.services.tls.update(credentials as unknown as Credentials);
    };
    give(this.web, root, nowMs - hourMs, nowMs + hourMs);
    give(this.api, apiRoot ?? root, apiFromMs, apiToMs);
  }

  /** The last record that says of a failure, once there is one. */
  async lastFailure(of: TestProxy = this.web): Promise<ProxyRecord> {
    const find = (): ProxyRecord | undefined => of.plane.recorded({ kept: 'failed' }).records.at(-1);
    await eventually(() => find() !== undefined);
    return find()!;
  }

  /** What `weft explain` says of it. */
  explain({ id }: ProxyRecord): Explanation {
    const answers = [this.web, this.api].map(({ plane }) => plane.recorded({ id }, this.state));
    return explain(id, answers, clusterTools)!;
  }

  close(): void {
    closeAll(...this.#open, this.mesh);
  }
}
