// The settings of injection as a file, which the ConfigMap weft-injection holds and the kubelet keeps current in the pod. In:
// YAML that people may have edited. Out: WebhookSettings, and every mistake with its path. The last good settings stay in use.
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { errorMessage, WeftError } from '../../src/errors/index.ts';
import { parseQuantity } from '../../src/model/index.ts';
import type { Clock } from '../../src/time/index.ts';
import { ACCEPTED_MESHES } from '../inject/foreign/table.ts';
import { ACCESS_LOGS, type InjectOptions, injectOptions, LOG_LEVELS } from '../inject/index.ts';
import { REDIRECTIONS } from '../inject/named-proxy.ts';
import { isMap } from '../inject/pod.ts';
import type { WebhookLog, WebhookSettings } from './options.ts';

/** When the proxy is a native sidecar; see InjectOptions.nativeSidecar. `auto`, `needed`: on clusters that have such. */
export const NATIVE_SIDECARS = ['auto', 'needed', 'on', 'off'] as const;

/** What the process knows by itself. */
export interface SettingsFacts {
  readonly trustDomain: string;
  readonly clusterDomain: string;
  readonly systemNamespace: string;
  /** The default unless told. */
  readonly revision?: string;
  /** Whether the API server has native sidecars (1.29, or `supportsNativeSidecars`). */
  readonly nativeSidecars: boolean;
}

/** Whether a server of this `/version` has native sidecars without a feature gate: 1.29 or newer. */
export function supportsNativeSidecars(version: {
  readonly major?: string;
  readonly minor?: string;
}): boolean {
  const number = (text: string | undefined) => Number.parseInt(text ?? '', 10);
  return number(version.major) > 1 || (number(version.major) === 1 && number(version.minor) >= 29);
}

/** Reads the file's text. `settings` is there when nothing is wrong; each problem names its path and what to write. */
export function readWebhookSettings(
  text: string,
  facts: SettingsFacts,
): { readonly settings?: WebhookSettings; readonly problems: readonly string[] } {
  let file: unknown;
  try {
    file = parse(text, { version: '1.1' }) ?? {};
  } catch (thrown) {
    return { problems: [`not readable as YAML: ${errorMessage(thrown).split('\n')[0]}`] };
  }
  if (!isMap(file)) return { problems: ['not a map of settings; see docs/install.md'] };
  const reader = new Reader(file);
  const native = reader.word('nativeSidecars', NATIVE_SIDECARS) ?? 'auto';
  const accept = reader.words('acceptLabels', ACCEPTED_MESHES);
  const refusedPods = reader.word('refusedPods', ['deny', 'admit']) ?? 'deny';
  const { trustDomain, clusterDomain, systemNamespace, revision } = facts;
  const given: { -readonly [K in keyof InjectOptions]?: InjectOptions[K] | undefined } = {
    trustDomain,
    clusterDomain,
    systemNamespace,
    revision,
    acceptOtherMeshes: (accept ?? []).length > 0,
    acceptedMeshes: accept ?? [],
    nativeSidecar:
      native === 'needed' && facts.nativeSidecars
        ? 'needed'
        : native === 'on' || (native === 'auto' && facts.nativeSidecars),
    canRunNative: native === 'on' || facts.nativeSidecars,
    proxyImage: reader.text('proxyImage'),
    imagePullPolicy: reader.word('imagePullPolicy', ['Always', 'IfNotPresent', 'Never']),
    holdApplicationUntilProxyStarts: reader.flag('holdApplicationUntilProxyStarts'),
    redirection: reader.word('redirection', REDIRECTIONS),
    rewriteProbes: reader.flag('rewriteProbes'),
    mergePrometheus: reader.flag('mergePrometheus'),
    controlPlane: reader.text('controlPlane'),
    logLevel: reader.word('logLevel', LOG_LEVELS),
    accessLog: reader.word('accessLog', ACCESS_LOGS),
    ignoredNamespaces: reader.names('ignoredNamespaces'),
    resources: reader.resources('proxyResources'),
  };
  reader.finish();
  if (reader.problems.length > 0) return { problems: reader.problems };
  const said = Object.entries(given).filter(([, value]) => value !== undefined);
  const inject = injectOptions(Object.fromEntries(said) as Partial<InjectOptions>);
  return { settings: { inject, refusedPods }, problems: [] };
}

/** Reads each key once and knows which were never asked for. */
class Reader {
  readonly problems: string[] = [];
  readonly #map: Record<string, unknown>;
  readonly #known = new Set<string>();

  constructor(map: Record<string, unknown>) {
    this.#map = map;
  }

  #get(key: string): unknown {
    this.#known.add(key);
    return this.#map[key] ?? undefined;
  }

  #wrong(key: string, value: unknown, expected: string): undefined {
    this.problems.push(`${key}: ${JSON.stringify(value)} is not ${expected}`);
    return undefined;
  }

  text(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined || (typeof value === 'string' && /^\S+$/.test(value))) return value;
    return this.#wrong(key, value, 'a text without spaces');
  }

  flag(key: string): boolean | undefined {
    const value = this.#get(key);
    if (value === undefined || typeof value === 'boolean') return value;
    return this.#wrong(key, value, 'true or false');
  }

  word<T extends string>(key: string, words: readonly T[]): T | undefined {
    const value = this.#get(key);
    // YAML 1.1 writers leave on and off without quotes, and some readers make booleans of them.
    const text = value === true ? 'on' : value === false ? 'off' : value;
    if (text === undefined || words.includes(text as T)) return text as T | undefined;
    return this.#wrong(key, value, `one of ${words.join(', ')}`);
  }

  words<T extends string>(key: string, words: readonly T[]): readonly T[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every(each => words.includes(each as T))) return value as T[];
    return this.#wrong(key, value, `a list of ${words.join(', ')}`);
  }

  names(key: string): readonly string[] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (Array.isArray(value) && value.every(each => typeof each === 'string')) return value as string[];
    return this.#wrong(key, value, 'a list of names');
  }

  resources(key: string): InjectOptions['resources'] | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (!isMap(value))
      return this.#wrong(key, value, 'a map of cpuRequest, memoryRequest, cpuLimit, memoryLimit');
    const names = ['cpuRequest', 'memoryRequest', 'cpuLimit', 'memoryLimit'];
    for (const [name, amount] of Object.entries(value)) {
      if (!names.includes(name))
        this.#wrong(`${key}.${name}`, amount, `known; there are ${names.join(', ')}`);
      else if (typeof amount !== 'string' || (parseQuantity(amount) ?? 0) <= 0) {
        this.#wrong(`${key}.${name}`, amount, 'a quantity in quotes, such as "100m" or "64Mi"');
      }
    }
    return { ...injectOptions().resources, ...value };
  }

  finish(): void {
    for (const key of Object.keys(this.#map)) {
      if (!this.#known.has(key)) {
        this.problems.push(`${key}: there is no such setting; there are ${[...this.#known].join(', ')}`);
      }
    }
  }
}

/** Where followWebhookSettings looks, and how often. */
export interface SettingsFileOptions {
  readonly path: string;
  readonly facts: SettingsFacts;
  readonly clock: Clock;
  readonly log: WebhookLog;
  readonly signal: AbortSignal;
  /** 10 s unless told; the kubelet itself takes up to a minute to bring a changed ConfigMap. */
  readonly periodMs?: number;
}

/**
 * Reads the file and follows its changes until the signal aborts; returns what is good now. Rejects with a WeftError
 * `settings-unreadable` when the first reading fails; later the last good settings stay, and the log says why.
 */
export async function followWebhookSettings(options: SettingsFileOptions): Promise<() => WebhookSettings> {
  const { path, facts, clock, log, signal } = options;
  let text = await readFile(path, 'utf8').catch((thrown: unknown) => {
    throw unreadable(path, errorMessage(thrown));
  });
  const first = readWebhookSettings(text, facts);
  if (!first.settings) throw unreadable(path, first.problems.join('; '));
  let current = first.settings;
  const look = async (): Promise<void> => {
    const next = await readFile(path, 'utf8').catch(() => text);
    if (next === text) return;
    text = next;
    const { settings, problems } = readWebhookSettings(next, facts);
    if (settings) {
      current = settings;
      log.info({ path }, 'injection follows its changed settings');
    } else {
      log.error(
        { path, problems },
        'the changed settings of injection are unusable; the last good ones stay',
      );
    }
  };
  const cancel = clock.every(options.periodMs ?? 10_000, () => void look());
  signal.addEventListener('abort', cancel, { once: true });
  return () => current;
}

function unreadable(path: string, why: string): WeftError {
  return new WeftError('settings-unreadable', `the settings of injection in ${path} are unusable: ${why}`, {
    source: 'config',
  });
}
