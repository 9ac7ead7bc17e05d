import type { Duplex } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { PORTS, SYSTEM_NAMESPACE } from '../../src/config/index.ts';
import { type PodView, Sandbox, type SandboxView } from '../../src/sandbox/index.ts';
import type { DemoMesh, DemoPod } from './mesh.interface.ts';
import type { ScrapedMesh, ScrapedPod } from './prometheus/sandbox-targets.ts';
import { SHOP } from './shop.ts';

const folder = fileURLToPath(new URL('../shop/kubernetes', import.meta.url));
const upLimitMs = 60_000;
const restartLimitMs = 40_000;

/** The shop in a sandbox of its own: its name has this process's id, so that demos do not collide. */
export class SandboxMesh implements DemoMesh, ScrapedMesh {
  readonly transparent: boolean;
  /** Why pods have no network of their own; empty when they do. */
  readonly limits: readonly string[];
  readonly #sandbox: Sandbox;

  private constructor(sandbox: Sandbox) {
    this.#sandbox = sandbox;
    this.transparent = sandbox.record.mode === 'namespaces';
    this.limits = sandbox.limits;
  }

  /** Starts it without waiting for its pods, so that whoever holds it can take it down at any time; see `ready`. */
  static async start(dir = folder): Promise<SandboxMesh> {
    return new SandboxMesh(await Sandbox.up({ dir, name: `demo-${process.pid}` }));
  }

  /** Resolves when every pod is ready; `progress` hears how many are. Rejects with what is missing. */
  async ready(progress: (ready: number, all: number) => void, signal: AbortSignal): Promise<void> {
    const told = ({ pods }: SandboxView) => progress(pods.filter(pod => pod.ready).length, pods.length);
    await this.#sandbox.ready({ timeoutMs: upLimitMs, progress: told, signal });
  }

  async pods(): Promise<readonly DemoPod[]> {
    return (await this.#sandbox.pods()).filter(pod => !pod.terminating).map(toDemoPod);
  }

  dial(pod: DemoPod, port: number): Promise<Duplex> {
    return this.#sandbox.dial(`pod/${pod.namespace}/${pod.name}`, port);
  }

  async podObjects(): Promise<readonly ScrapedPod[]> {
    const objects = await this.#sandbox.objects();
    return objects.filter(({ kind }) => kind === 'Pod') as unknown as ScrapedPod[];
  }

  dialPod(namespace: string, name: string, port: number): Promise<Duplex> {
    return this.#sandbox.dial(`pod/${namespace}/${name}`, port);
  }

  async open(service: string, port: number): Promise<string | undefined> {
    try {
      const forward = await this.#sandbox.forward(`svc/${SHOP}/${service}`, port);
      return `http://${forward.host}:${forward.port}`;
    } catch {
      // Only the demo's convenience is lost; the table says that there is no address.
      return undefined;
    }
  }

  async dashboard(): Promise<string | undefined> {
    const token = this.#sandbox.liveToken();
    if (token === '') return undefined;
    try {
      const { host, port } = await this.#sandbox.forward(`svc/${SYSTEM_NAMESPACE}/weft-injector`, PORTS.live);
      return `http://${host}:${port}/dashboard/#token=${token}`;
    } catch {
      // As above.
      return undefined;
    }
  }

  kill(pod: DemoPod): Promise<void> {
    return this.#sandbox.kill(`pod/${pod.namespace}/${pod.name}`);
  }

  async restart(namespace: string, workload: string): Promise<void> {
    const { workloads } = await this.#sandbox.status();
    const found = workloads.find(one => one.namespace === namespace && one.name === workload);
    if (!found) throw new Error(`there is no workload ${workload} in namespace ${namespace}`);
    const kind = found.kind === 'StatefulSet' ? 'sts' : 'deploy';
    await this.#sandbox.restart(`${kind}/${namespace}/${workload}`, { timeoutMs: restartLimitMs });
  }

  async apply(name: string, yaml: string): Promise<void> {
    const problems = await this.#sandbox.apply(name, yaml);
    const errors = problems.filter(problem => problem.severity === 'error');
    if (errors.length > 0) throw new Error(errors.map(problem => problem.message).join('; '));
  }

  remove(name: string): Promise<void> {
    return this.#sandbox.unapply(name);
  }

  logs(pod: { readonly namespace: string; readonly name: string }): Promise<string> {
    return Promise.resolve(this.#sandbox.logs(pod.namespace, pod.name));
  }

  down(): Promise<readonly string[]> {
    return this.#sandbox.down();
  }
}

function toDemoPod(pod: PodView): DemoPod {
  return {
    name: pod.name,
    namespace: pod.namespace,
    uid: pod.uid,
    workload: pod.workload,
    app: pod.labels.app ?? '',
    version: pod.labels.version ?? '',
    address: pod.address,
    meshed: pod.meshed,
    ready: pod.ready,
  };
}
