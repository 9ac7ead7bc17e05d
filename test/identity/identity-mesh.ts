// A mesh for tests of identity, in one process: the real control plane over a folder, real proxies that get their certificates
// from it, an app behind one of them, and requests without a pause between them. Real TLS over loopback.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { TokenIssuer } from '../../src/ca/index.ts';
import { type InjectorFlags, readInjectorConfig } from '../../src/config/injector-config.ts';
import { readProxyConfig } from '../../src/config/proxy-config.ts';
import { WeftError } from '../../src/errors/index.ts';
import { Answering } from '../../src/live/answering.ts';
import { runInjector } from '../../src/main/injector-run.ts';
import { type Discovery, openDiscovery } from '../../src/main/proxy-discovery.ts';
import { DataPlane } from '../../src/proxy/index.ts';
import { ask } from '../../src/proxy/testing/clients.ts';
import { KeptAccessLog, KeptLog } from '../../src/proxy/testing/static-mesh.ts';
import { expositionText, silentLog } from '../../src/telemetry/index.ts';
import { systemClock } from '../../src/time/index.ts';
import { MeshTls } from '../../src/tls/index.ts';
import { freePorts } from '../../src/wire/testing/ports.ts';

const tokenIssuer = 'https://kubernetes.default.svc.cluster.local';

/** A proxy of the mesh. */
export interface MeshProxy {
  readonly plane: DataPlane;
  readonly tls: MeshTls;
  readonly log: KeptLog;
  /** Its metrics about its identity, as `weft ca` reads them. */
  metrics(): string;
}

/** How requests fared. */
export interface Load {
  sent: number;
  /** What came instead of a 200, at most a hundred. */
  readonly failed: string[];
}

/** See the head of this file. Everything ends with the test. */
export class IdentityMesh {
  readonly folder: string;
  readonly caDir: string;
  readonly injectorPort: number;
  readonly metricsPort: number;
  #injector = new AbortController();
  readonly #context: TestContext;
  readonly #tokens: TokenIssuer;
  readonly #appPort: number;
  readonly #inboundPort: number;
  readonly #flags: InjectorFlags;
  #outbound: MeshProxy | undefined;

  private constructor(
    context: TestContext,
    parts: {
      folder: string;
      ports: readonly number[];
      app: number;
      tokens: TokenIssuer;
      flags: InjectorFlags;
    },
  ) {
    this.#context = context;
    this.folder = parts.folder;
    this.caDir = join(parts.folder, 'ca');
    this.#tokens = parts.tokens;
    this.#appPort = parts.app;
    [this.injectorPort = 0, this.metricsPort = 0, this.#inboundPort = 0] = parts.ports;
    const objects = join(parts.folder, 'objects');
    this.#flags = {
      source: `files:${objects}`,
      caDir: this.caDir,
      tokenKeys: join(parts.folder, 'keys.json'),
      tokenIssuer,
      listen: `127.0.0.1:${this.injectorPort}`,
      metricsListen: `127.0.0.1:${this.metricsPort}`,
      ...parts.flags,
    };
  }

  /** The control plane runs; `flags` beside those that say where. */
  static async start(context: TestContext, flags: InjectorFlags = {}): Promise<IdentityMesh> {
    const folder = mkdtempSync(join(tmpdir(), 'weft-identity-'));
    const app: Server = createServer((_, response) => response.end('hello'));
    await new Promise<void>(resolve => app.listen(0, '127.0.0.1', resolve));
    context.after(() => {
      app.closeAllConnections();
      app.close();
      rmSync(folder, { recursive: true, force: true });
    });
    const tokens = TokenIssuer.create({ issuer: tokenIssuer, clock: systemClock });
    if (tokens instanceof WeftError) throw tokens;
    writeFileSync(join(folder, 'keys.json'), JSON.stringify(tokens.jwks()));
    const ports = await freePorts(3);
    const mesh = new IdentityMesh(context, {
      ...{ folder, ports, tokens, flags },
      app: (app.address() as AddressInfo).port,
    });
    const { mkdir, writeFile } = await import('node:fs/promises');
    await mkdir(join(folder, 'objects'), { recursive: true });
    await writeFile(join(folder, 'objects', 'shop.yaml'), mesh.#objects());
    await mesh.startInjector();
    return mesh;
  }

  /** Starts the control plane, anew after `stopInjector`. `flags`: others than before. */
  async startInjector(flags: InjectorFlags = {}): Promise<void> {
    this.#injector = new AbortController();
    this.#context.after(() => this.#injector.abort());
    await runInjector(
      readInjectorConfig({ ...this.#flags, ...flags }, {}),
      systemClock,
      silentLog,
      this.#injector.signal,
    );
  }

  /** The control plane goes away. */
  stopInjector(): void {
    this.#injector.abort();
  }

  /** The proxies of the pods shop/web-0, which is called, and shop/front-0, which calls; ready. */
  async proxies(): Promise<{ readonly web: MeshProxy; readonly front: MeshProxy }> {
    const web = await this.proxy('web', this.#inboundPort);
    const front = await this.proxy('front');
    this.#outbound = front;
    return { web, front };
  }

  /** The proxy of one pod. */
  async proxy(name: string, inboundPort = 0): Promise<MeshProxy> {
    const tokenFile = join(this.folder, `token-${name}`);
    const token = await this.#tokens.issue({
      namespace: 'shop',
      serviceAccount: name,
      pod: `${name}-0`,
      lifetimeMs: 3_600_000,
    });
    writeFileSync(tokenFile, token);
    const config = readProxyConfig(
      {
        ...{ controlPlane: `127.0.0.1:${this.injectorPort}`, redirect: false, listen: '127.0.0.1' },
        ...{ rootCertificate: join(this.caDir, 'root-cert.pem'), token: tokenFile },
        ...{ podName: `${name}-0`, podNamespace: 'shop', serviceAccount: name, podIps: '127.0.0.1' },
        controlPlaneIdentity: 'spiffe://cluster.local/ns/weft-system/sa/weft-injector',
      },
      {},
    );
    const stop = new AbortController();
    const tls = new MeshTls();
    const log = new KeptLog();
    const discovery: Discovery = await openDiscovery(config, {
      ...{ clock: systemClock, log, tls, signal: stop.signal },
      questions: new Answering({ answerers: {}, clock: systemClock, threads: 1 }),
      apply: resource => plane.apply(resource),
      restore: resource => plane.restore(resource),
    });
    const plane: DataPlane = new DataPlane({
      ...{ clock: systemClock, log, accessLog: new KeptAccessLog(), tls, source: discovery },
      outbound: { hosts: ['127.0.0.1'], port: 0 },
      inbound: { hosts: ['127.0.0.1'], port: inboundPort },
      ...{ redirected: false, address: '127.0.0.1', mtlsUntilKnown: 'strict' },
    });
    this.#context.after(() => {
      stop.abort();
      plane.destroy();
    });
    plane.listen();
    discovery.start();
    await until(`${name} is ready: ${discovery.notReady()}`, () => discovery.notReady() === undefined).catch(
      () => {
        throw new Error(`${name}: ${discovery.notReady()}`);
      },
    );
    const metrics = (): string => {
      // biome-ignore lint/correctness/useYield: one piece
      return expositionText(function* (out) {
        discovery.metrics(out);
      });
    };
    return { plane, tls, log, metrics };
  }

  /** One request of shop/front to shop/web: the status, or what went wrong. */
  async request(): Promise<string> {
    try {
      const { status, body } = await ask(this.#outbound!.plane.outboundPort, 'web.shop:80');
      return status === 200 ? '200' : `${status} ${body.slice(0, 300)}`;
    } catch (thrown) {
      return String(thrown);
    }
  }

  /** Requests one after another, `lanes` at a time, with pauses where they are told, until what is returned is called. */
  load(lanes = 4, pauseMs = 0): () => Promise<Load> {
    const load: Load = { sent: 0, failed: [] };
    let going = true;
    this.#context.after(() => {
      going = false;
    });
    const lane = async (): Promise<void> => {
      while (going) {
        const outcome = await this.request();
        load.sent++;
        if (pauseMs > 0) await new Promise(resolve => setTimeout(resolve, pauseMs));
        if (outcome !== '200' && load.failed.length < 100) load.failed.push(outcome);
        // A new connection between the proxies every now and then, so that handshakes go on too.
        if (load.sent % 50 === 0)
          for (const each of this.#outbound!.plane.destinations.clusters) each.closeAllIdle();
      }
    };
    const lanesGoing = Promise.all(Array.from({ length: lanes }, lane));
    return async () => {
      going = false;
      await lanesGoing;
      return load;
    };
  }

  #objects(): string {
    const pod = (name: string, port: number): string => `
apiVersion: v1
kind: Pod
metadata: {name: ${name}-0, namespace: shop, labels: {app: ${name}}, annotations: {weft.dev/status: '{}', weft.dev/tunnel-port: '${port}'}}
spec: {serviceAccountName: ${name}, containers: [{name: app, ports: [{containerPort: ${this.#appPort}}]}]}
status: {phase: Running, podIP: ${name === 'web' ? '127.0.0.1' : '127.0.0.2'}, conditions: [{type: Ready, status: 'True'}]}
---`;
    return `${pod('web', this.#inboundPort)}${pod('front', 1)}
apiVersion: v1
kind: Service
metadata: {name: web, namespace: shop}
spec: {clusterIP: 10.96.0.9, selector: {app: web}, ports: [{name: http, port: 80, targetPort: ${this.#appPort}}]}
---
apiVersion: discovery.k8s.io/v1
kind: EndpointSlice
metadata: {name: web-1, namespace: shop, labels: {kubernetes.io/service-name: web}}
addressType: IPv4
ports: [{name: http, port: ${this.#appPort}}]
endpoints: [{addresses: [127.0.0.1], conditions: {ready: true}, targetRef: {kind: Pod, name: web-0, namespace: shop}}]
`;
  }
}

/** Waits until it holds, a minute at most. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  for (const limit = performance.now() + 30_000; !holds(); ) {
    if (performance.now() > limit) throw new Error(`not within a minute: ${what}`);
    await new Promise(resolve => setTimeout(resolve, 20));
  }
}
