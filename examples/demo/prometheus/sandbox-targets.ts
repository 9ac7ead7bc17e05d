// The way of a Prometheus on this machine to the pods of a sandbox, which have a network of their own: it asks here which pods
// there are, with the labels that service discovery in a cluster gives them, and scrapes them through here, as through any HTTP
// proxy.
import { createServer, type IncomingMessage, request, type Server, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Duplex } from 'node:stream';
import { scrapeObject } from '../../../src/cli/install/prometheus/scrape.ts';

/** A pod, as far as it matters here. */
export interface ScrapedPod {
  readonly metadata: {
    readonly name: string;
    readonly namespace: string;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly status?: { readonly podIP?: string; readonly phase?: string };
}

/** What runs the pods. */
export interface ScrapedMesh {
  podObjects(): Promise<readonly ScrapedPod[]>;
  /** A connection to a port of a pod. */
  dialPod(namespace: string, name: string, port: number): Promise<Duplex>;
}

const scrapeLimitMs = 5_000;

/** Serves both; `jobs` is what Prometheus must be told. */
export class SandboxTargets {
  readonly #mesh: ScrapedMesh;
  readonly #server: Server;
  #pods: readonly ScrapedPod[] = [];

  private constructor(mesh: ScrapedMesh) {
    this.#mesh = mesh;
    this.#server = createServer((incoming, answer) => {
      const served = incoming.url?.startsWith('/') ? this.#targets(answer) : this.#scrape(incoming, answer);
      served.catch((thrown: unknown) => {
        if (!answer.headersSent) answer.writeHead(502);
        answer.end(String(thrown));
      });
    });
  }

  /** Resolves when it listens. */
  static async start(mesh: ScrapedMesh): Promise<SandboxTargets> {
    const targets = new SandboxTargets(mesh);
    await new Promise<void>((resolve, reject) => {
      targets.#server.once('error', reject);
      targets.#server.listen(0, '127.0.0.1', resolve);
    });
    return targets;
  }

  /** The job that `weft install --monitoring scrape` prints, with the pods of this sandbox in place of those of a cluster. */
  get jobs(): readonly object[] {
    const url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`;
    return scrapeObject().scrape_configs.map(job => {
      const { kubernetes_sd_configs: _, ...rest } = job as Record<string, unknown>;
      return { ...rest, http_sd_configs: [{ url, refresh_interval: '2s' }], proxy_url: url };
    });
  }

  stop(): void {
    this.#server.closeAllConnections();
    this.#server.close();
  }

  async #targets(answer: ServerResponse): Promise<void> {
    this.#pods = await this.#mesh.podObjects();
    const found = this.#pods.filter(({ status }) => status?.podIP && status.phase === 'Running');
    answer.setHeader('content-type', 'application/json');
    answer.end(JSON.stringify(found.map(targetOf)));
  }

  async #scrape(incoming: IncomingMessage, answer: ServerResponse): Promise<void> {
    const url = new URL(incoming.url ?? '');
    const pod = this.#pods.find(({ status }) => status?.podIP === url.hostname);
    if (pod === undefined) throw new Error(`no pod has the address ${url.hostname}`);
    const { namespace, name } = pod.metadata;
    const socket = await this.#mesh.dialPod(namespace, name, Number(url.port));
    const asked = request({
      createConnection: () => socket,
      path: `${url.pathname}${url.search}`,
      headers: { ...incoming.headers, connection: 'close' },
    });
    asked.setTimeout(scrapeLimitMs, () => asked.destroy(new Error('no answer in time')));
    const done = Promise.withResolvers<void>();
    asked.on('error', done.reject);
    asked.on('response', response => {
      response.on('error', done.reject);
      response.on('end', done.resolve);
      answer.writeHead(response.statusCode ?? 502, response.headers);
      response.pipe(answer);
    });
    asked.end();
    await done.promise.finally(() => socket.destroy());
  }
}

/** What service discovery in a cluster would say of a pod. */
function targetOf({ metadata, status }: ScrapedPod): object {
  const meta = (name: string) => `__meta_kubernetes_pod_${name}`;
  const annotations = Object.entries(metadata.annotations ?? {}).map(([key, value]) => [
    meta(`annotation_${key.replaceAll(/[^a-zA-Z0-9_]/g, '_')}`),
    value,
  ]);
  return {
    targets: [status?.podIP],
    labels: {
      ...(Object.fromEntries(annotations) as Record<string, string>),
      __meta_kubernetes_namespace: metadata.namespace,
      [meta('name')]: metadata.name,
      [meta('ip')]: status?.podIP,
      [meta('phase')]: status?.phase,
    },
  };
}
