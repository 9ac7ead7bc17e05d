// The way of a call in a mesh, in the process of the test: app, proxy, proxy, app, with real sockets and real TLS. Packet rules
// are played by listeners in front of the proxies.
import { closeAll } from '../../src/proxy/testing/clients.ts';
import {
  type Redirected,
  redirectedInbound,
  redirectedOutbound,
} from '../../src/proxy/testing/redirected.ts';
import { StaticMesh, type TestDestination, type TestProxy } from '../../src/proxy/testing/static-mesh.ts';

/** What is spoken between the two proxies. */
export type Between = 'mutual TLS' | 'plaintext';

const service = { address: '10.96.0.1', port: 50_051 };
const key = `${service.address}:${service.port}`;

/** One calling app, and any number of serving ones, each with a proxy of its own. */
export class MeshPath {
  readonly mesh = new StaticMesh();
  readonly client: TestProxy;
  readonly servers: TestProxy[] = [];
  /** Where the calling app connects to reach the service. */
  readonly port: number;
  readonly #between: Between;
  readonly #more: Partial<TestDestination>;
  readonly #listeners: Redirected[] = [];

  constructor(between: Between, more: Partial<TestDestination> = {}) {
    this.#between = between;
    this.#more = more;
    this.client = this.mesh.proxy('client');
    const outbound = redirectedOutbound(this.client.plane, service.address, service.port);
    this.#listeners.push(outbound);
    this.port = outbound.port;
  }

  /** The service is these apps from now on, each a port of loopback. */
  serve(...appPorts: readonly number[]): void {
    const endpoints = appPorts.map((appPort, index) => {
      const proxy = this.#serverProxy(index);
      if (this.#between === 'mutual TLS') return this.mesh.meshed(proxy, appPort);
      const inbound = redirectedInbound(proxy.plane, appPort);
      this.#listeners.push(inbound);
      return this.mesh.plain(inbound.port);
    });
    this.mesh.set({ key, endpoints, ...this.#more });
  }

  /** The service is an app without a proxy from now on. */
  serveOutside(appPort: number, more: Partial<TestDestination>): void {
    this.mesh.set({ key, endpoints: [this.mesh.plain(appPort)], ...this.#more, ...more });
  }

  /** What the proxies took what they carried for, `outbound HTTP/2` and the like. */
  carried(): readonly string[] {
    const records = [this.client, ...this.servers].flatMap(({ access }) => access.records);
    return [...new Set(records.map(({ direction, protocol }) => `${direction} ${protocol}`))].sort();
  }

  #serverProxy(index: number): TestProxy {
    this.servers[index] ??= this.mesh.proxy(`server-${index}`, {
      mtls: this.#between === 'mutual TLS' ? 'strict' : 'permissive',
    });
    return this.servers[index]!;
  }

  close(): void {
    closeAll(...this.#listeners, this.mesh);
  }
}
