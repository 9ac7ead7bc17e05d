import { readFileSync } from 'node:fs';
import { request } from 'node:http';
import type { Socket } from 'node:net';
import { join } from 'node:path';
import { WeftError } from '../../errors/index.ts';
import type { Problem } from '../../model/index.ts';
import type { Forward, PodView, SandboxView } from '../agent/index.ts';
import { LIVE_TOKEN, SandboxFolder, type SandboxRecord } from '../host/index.ts';
import type { KubeObject, SandboxEvent } from '../kube/index.ts';
import { type RunResult, run } from '../runtime/index.ts';
import { AgentClient } from './agent-client.ts';
import { takeDown } from './down.ts';
import { readLog } from './logs.ts';
import { startSandbox, type UpOptions } from './up.ts';
import { type WaitOptions, whatIsMissing } from './wait.ts';

/** What an HTTP request to a Service or pod brought back. */
export interface FetchResult {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | readonly string[] | undefined>>;
  readonly body: string;
}

/** What an HTTP request to a Service or pod sends. */
export interface FetchOptions {
  /** Port of the Service, or of the pod; 80 unless told. */
  readonly port?: number | string;
  readonly method?: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly timeoutMs?: number;
}

const pollMs = 50;

/**
 * A running sandbox, for programs: the demo and end-to-end tests. Targets are written as on the command line: `svc/web`,
 * `pod/web-1`, `deploy/web`, with `namespace/` before the name where it is not unique (kube/target.ts). Calls reject with a
 * WeftError whose message says what to do.
 */
export class Sandbox implements AsyncDisposable {
  readonly name: string;
  readonly record: SandboxRecord;
  /** Why pods have no network namespaces of their own; empty when they do. */
  readonly limits: readonly string[];
  readonly #client: AgentClient;

  private constructor(record: SandboxRecord, limits: readonly string[]) {
    this.name = record.name;
    this.record = record;
    this.limits = limits;
    this.#client = new AgentClient(record.name, new SandboxFolder(record.name));
  }

  /** Starts one. Resolves when its agent runs; see `ready` for its pods. */
  static async up(options: UpOptions): Promise<Sandbox> {
    const { record, limits } = await startSandbox(options);
    return new Sandbox(record, limits);
  }

  /** Speaks with one that runs already. */
  static attach(name: string): Sandbox {
    const record = new SandboxFolder(name).record();
    if (!record) throw new WeftError('no-sandbox', `there is no sandbox ${name}; see weft sandbox list`);
    return new Sandbox(record, []);
  }

  /** Everything there is to know about it now. */
  status(): Promise<SandboxView> {
    return this.#client.get('/status');
  }

  /** Its pods. */
  async pods(): Promise<readonly PodView[]> {
    return (await this.status()).pods;
  }

  /** Every object, live ones included. */
  objects(): Promise<readonly KubeObject[]> {
    return this.#client.get('/objects');
  }

  /** Calls `listener` with every event, past ones first, until the signal aborts. */
  events(listener: (event: SandboxEvent) => void, signal: AbortSignal): Promise<void> {
    return this.#client.follow(text => listener(JSON.parse(text) as SandboxEvent), signal);
  }

  /**
   * Waits until every pod is ready or has completed and no rollout is under way. Rejects with what is missing after `timeoutMs`.
   */
  async ready(options: WaitOptions = {}): Promise<SandboxView> {
    const untilMs = performance.now() + (options.timeoutMs ?? 60_000);
    for (;;) {
      const status = await this.status();
      const missing = whatIsMissing(status, options);
      options.progress?.(status);
      if (missing === undefined) return status;
      options.signal?.throwIfAborted();
      if (performance.now() > untilMs) throw new WeftError('not-ready', missing);
      await new Promise(resolve => setTimeout(resolve, pollMs));
    }
  }

  /**
   * Rolling restart of `deploy/NAME`, `sts/NAME` or `ds/NAME`; resolves with its name in full when the new pods are ready and the
   * old ones gone.
   */
  async restart(target: string, options: WaitOptions = {}): Promise<string> {
    const { restarted } = await this.#client.post<{ restarted: string }>('/restart', { target });
    await this.ready({ ...options, workload: restarted });
    return restarted;
  }

  /** Sets the number of replicas and does not wait; the workload's name in full. */
  async scale(target: string, replicas: number): Promise<string> {
    return (await this.#client.post<{ scaled: string }>('/scale', { target, replicas })).scaled;
  }

  /** Deletes a pod, gracefully or by force; does not wait. */
  async deletePod(target: string, options: { force?: boolean; graceSeconds?: number } = {}): Promise<void> {
    await this.#client.post('/delete', { target, ...options });
  }

  /** Signals the processes of a pod, or of one of its containers; SIGKILL unless told: a crash. */
  async kill(target: string, options: { container?: string; signal?: NodeJS.Signals } = {}): Promise<void> {
    await this.#client.post('/signal', { target, signal: 'SIGKILL', ...options });
  }

  /** The words that run a command in a container; whoever runs them decides about input and output. */
  async execCommand(
    target: string,
    command: readonly string[],
    container?: string,
  ): Promise<readonly string[]> {
    const words = await this.#client.post<{ command: readonly string[] }>('/exec', {
      target,
      command,
      container,
    });
    return words.command;
  }

  /** Runs a command in a container to its end. */
  async exec(target: string, command: readonly string[], container?: string): Promise<RunResult> {
    return run(await this.execCommand(target, command, container));
  }

  /** Makes a Job of a CronJob now; the Job's name. */
  async trigger(cronJob: string): Promise<string> {
    return (await this.#client.post<{ created: string }>('/trigger', { target: cronJob })).created;
  }

  /** What a pod's containers printed, those of pods that are gone included; of one container, or of all of them. */
  logs(namespace: string, pod: string, container?: string): string {
    return readLog(new SandboxFolder(this.name).logs, namespace, pod, container);
  }

  /**
   * Puts Kubernetes objects in force beside the folder's; the same name again replaces them. What is wrong with them, and with
   * the rest.
   */
  async apply(name: string, yaml: string): Promise<readonly Problem[]> {
    return (await this.#client.post<{ problems: readonly Problem[] }>('/apply', { name, yaml })).problems;
  }

  /** Takes back what `apply` put in force. */
  async unapply(name: string): Promise<void> {
    await this.#client.post('/apply', { name });
  }

  /** An address of this machine's loopback that leads to a Service or pod; the same one for the same target. */
  forward(target: string, port: number | string, hostPort = 0): Promise<Forward> {
    return this.#client.post('/forward', { target, port, hostPort });
  }

  /** A connection to a Service or pod, made by the node: from outside of the mesh. */
  dial(target: string, port: number | string): Promise<Socket> {
    return this.#client.dial(target, port);
  }

  /** The token that opens the live API of its control plane, for who may read the sandbox's files; '' while it has none. */
  liveToken(): string {
    try {
      return readFileSync(join(new SandboxFolder(this.name).keys, LIVE_TOKEN), 'utf8').trim();
    } catch {
      return '';
    }
  }

  /** An HTTP request to a Service or pod from outside of the mesh. */
  async fetch(target: string, path: string, options: FetchOptions = {}): Promise<FetchResult> {
    const socket = await this.dial(target, options.port ?? 80);
    return new Promise((resolve, reject) => {
      const headers = { host: target.split('/').at(-1)!, connection: 'close', ...options.headers };
      const asked = request({
        createConnection: () => socket,
        path,
        method: options.method ?? 'GET',
        headers,
      });
      asked.setTimeout(options.timeoutMs ?? 10_000, () =>
        asked.destroy(new Error(`${target}${path}: no answer in time`)),
      );
      asked.on('error', reject);
      asked.on('response', response => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', chunk => (body += String(chunk)));
        response.on('error', reject);
        response.on('end', () =>
          resolve({ status: response.statusCode ?? 0, headers: response.headers, body }),
        );
      });
      asked.end(options.body);
    });
  }

  /** Removes all of it; what could not be removed, in words. */
  down(): Promise<readonly string[]> {
    return takeDown(this.name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.down();
  }
}
