// What a check is, and what all of them share.
import {
  type InjectOptions,
  injectOptions,
  type KubePod,
  type NamespaceMarks,
  readWebhookSettings,
  supportsNativeSidecars,
  type WebhookSettings,
} from '../../../webhook/index.ts';
import { DEFAULT_REVISION, type RevisionNames, revisionNames } from '../../config/index.ts';
import { errorMessage, WeftError } from '../../errors/index.ts';
import type { Cluster } from '../kubernetes/connect.ts';
import { type ApiObject, listObjects, readObject } from '../kubernetes/objects.ts';
import { type Revisions, readRevisions } from '../revision/revisions.ts';

/** What came of one check. A check may have several findings. */
export interface Finding {
  readonly result: 'ok' | 'warning' | 'error' | 'skipped';
  /** What was found, lowercase. */
  readonly message: string;
  /** What to do about it; a command where there is one. */
  readonly remedy?: string;
  /** It is not wrong, only not finished: `--wait` waits for it as for an error. */
  readonly underWay?: boolean;
}

/** One thing that is looked at. */
export interface Check {
  /** Stable, kebab-case. */
  readonly id: string;
  /** What is checked, as a statement that should be true. */
  readonly title: string;
  run(context: CheckContext): Promise<readonly Finding[]>;
}

/** A check with what it found, as `-o json` prints it. */
export interface Checked {
  readonly id: string;
  readonly title: string;
  readonly findings: readonly Finding[];
}

/** A cluster, and what of it was read already. */
export class CheckContext {
  readonly cluster: Cluster;
  /** Where the control plane is or shall be. */
  readonly namespace: string;
  /** Of the control plane that is looked at, and what it is called by. */
  readonly revision: string;
  readonly names: RevisionNames;
  readonly #kept = new Map<string, Promise<unknown>>();

  constructor(cluster: Cluster, namespace: string, revision: string = DEFAULT_REVISION) {
    this.cluster = cluster;
    this.namespace = namespace;
    this.revision = revision;
    this.names = revisionNames(revision);
  }

  /** All control planes, and the tags that stand for them. */
  revisions(): Promise<Revisions> {
    return this.#once('revisions', () => readRevisions(this.cluster, this.namespace));
  }

  /** Every object at `path`; none where the server has no such kind. Read once. */
  list(path: string): Promise<readonly ApiObject[]> {
    return this.#once(`list ${path}`, async () => (await listObjects(this.cluster, path)) ?? []);
  }

  /** The object at `path`; read once. */
  read(path: string): Promise<ApiObject | undefined> {
    return this.#once(`read ${path}`, () => readObject(this.cluster, path));
  }

  /** major and minor of the server. */
  async version(): Promise<{
    readonly major?: string;
    readonly minor?: string;
    readonly gitVersion?: string;
  }> {
    return ((await this.read('/version')) ?? {}) as object;
  }

  pods(): Promise<readonly (ApiObject & KubePod)[]> {
    return this.list('/api/v1/pods') as Promise<readonly (ApiObject & KubePod)[]>;
  }

  /** Events with this reason. */
  events(reason: string): Promise<readonly ApiObject[]> {
    const query = { fieldSelector: `reason=${reason}` };
    return this.#once(
      `events ${reason}`,
      async () => (await listObjects(this.cluster, '/api/v1/events', query)) ?? [],
    );
  }

  deployment(): Promise<ApiObject | undefined> {
    return this.read(`/apis/apps/v1/namespaces/${this.namespace}/deployments/${this.names.injector}`);
  }

  configuration(): Promise<ApiObject | undefined> {
    return this.read(
      `/apis/admissionregistration.k8s.io/v1/mutatingwebhookconfigurations/${this.names.injector}`,
    );
  }

  /** Marks of every namespace. */
  async namespaces(): Promise<ReadonlyMap<string, NamespaceMarks>> {
    const all = await this.list('/api/v1/namespaces');
    return new Map(
      all.map(({ metadata }) => [
        metadata.name,
        { labels: metadata.labels ?? {}, annotations: metadata.annotations ?? {} },
      ]),
    );
  }

  /** The settings of injection that are installed, or the defaults. */
  async settings(): Promise<WebhookSettings> {
    const map = await this.read(`/api/v1/namespaces/${this.namespace}/configmaps/${this.names.settings}`);
    const text = (map?.data as Record<string, string> | undefined)?.['injection.yaml'] ?? '';
    const { revision } = this;
    const facts = {
      revision,
      trustDomain: 'cluster.local',
      clusterDomain: 'cluster.local',
      systemNamespace: this.namespace,
      nativeSidecars: supportsNativeSidecars(await this.version()),
    };
    const inject: InjectOptions = injectOptions({ systemNamespace: this.namespace, revision });
    return readWebhookSettings(text, facts).settings ?? { inject, refusedPods: 'deny' };
  }

  #once<T>(key: string, read: () => Promise<T>): Promise<T> {
    const known = this.#kept.get(key) as Promise<T> | undefined;
    if (known !== undefined) return known;
    const reading = read();
    this.#kept.set(key, reading);
    return reading;
  }
}

/** Runs a check; what it throws is a finding too. */
export async function runCheck({ id, title, run }: Check, context: CheckContext): Promise<Checked> {
  try {
    const findings = await run(context);
    return { id, title, findings: findings.length > 0 ? findings : [ok()] };
  } catch (thrown) {
    if (!(thrown instanceof WeftError)) throw thrown;
    // Who cannot be reached says in the message what to look at.
    const message = errorMessage(thrown);
    const unreachable = thrown.code === 'api-unreachable';
    const finding: Finding = unreachable
      ? { result: 'error', message }
      : error(message, 'see that this account may read it');
    return { id, title, findings: [finding] };
  }
}

/** Findings in a line of code. */
export function ok(message = ''): Finding {
  return { result: 'ok', message };
}

export function warning(message: string, remedy: string): Finding {
  return { result: 'warning', message, remedy };
}

export function error(message: string, remedy: string): Finding {
  return { result: 'error', message, remedy };
}

export function skipped(message: string): Finding {
  return { result: 'skipped', message };
}

/** Fields of plain data that may not be there. */
export function field(value: unknown, ...path: readonly (string | number)[]): unknown {
  let at = value;
  for (const key of path) {
    if (typeof at !== 'object' || at === null) return undefined;
    at = (at as Record<string | number, unknown>)[key];
  }
  return at;
}
