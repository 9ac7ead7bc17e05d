import { get } from 'node:http';
import { PORTS, SYSTEM_NAMESPACE } from '../../config/index.ts';
import type { Problem } from '../../model/index.ts';
import type { Clock } from '../../time/index.ts';
import { isPodReady, type ObjectStore, refOf } from '../kube/index.ts';

const askAgainMs = 1000;
const timeoutMs = 500;

/** What the control plane finds wrong with the objects: policies that mean nothing, hosts that do not exist. */
export class ControlPlaneProblems {
  readonly #store: ObjectStore;
  readonly #clock: Clock;
  readonly #originOf: (ref: string) => string | undefined;
  #known: readonly Problem[] = [];
  #askedAtMs = Number.NEGATIVE_INFINITY;

  /** `originOf` says in which of the user's files an object stands; the control plane only knows the sandbox's own. */
  constructor(store: ObjectStore, clock: Clock, originOf: (ref: string) => string | undefined) {
    this.#store = store;
    this.#clock = clock;
    this.#originOf = originOf;
  }

  /** As they are now, or were within the last second; those known last while the control plane is away. Never rejects. */
  async list(): Promise<readonly Problem[]> {
    const nowMs = this.#clock.monotonic();
    if (nowMs - this.#askedAtMs < askAgainMs) return this.#known;
    const pod = this.#store
      .list('Pod')
      .find(one => one.metadata.namespace === SYSTEM_NAMESPACE && isPodReady(one));
    if (!pod) return this.#known;
    this.#askedAtMs = nowMs;
    const found = await ask(pod.status?.podIP ?? '');
    if (found) this.#known = found.map(problem => this.#atHome(problem));
    return this.#known;
  }

  #atHome(problem: Problem): Problem {
    const { object } = problem;
    if (!object) return problem;
    const { apiVersion, kind, name, namespace } = object;
    const origin = this.#originOf(refOf({ apiVersion, kind, metadata: { name, namespace } }));
    return origin === undefined ? problem : { ...problem, object: { ...object, origin } };
  }
}

function ask(host: string): Promise<readonly Problem[] | undefined> {
  return new Promise(resolve => {
    const options = { host, port: PORTS.controlPlaneMetrics, path: '/debug/problems', timeout: timeoutMs };
    const request = get({ ...options, agent: false }, response => {
      let text = '';
      response.setEncoding('utf8');
      response.on('data', chunk => {
        text += String(chunk);
      });
      response.on('end', () => resolve(response.statusCode === 200 ? parse(text) : undefined));
      response.on('error', () => resolve(undefined));
    });
    request.on('timeout', () => request.destroy());
    request.on('error', () => resolve(undefined));
    request.on('close', () => resolve(undefined));
  });
}

function parse(text: string): readonly Problem[] | undefined {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? (value as Problem[]) : undefined;
  } catch {
    return undefined;
  }
}
