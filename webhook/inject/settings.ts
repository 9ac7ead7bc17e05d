// What a pod's annotations ask of its proxy, checked. A bad value refuses the pod instead of being ignored: a typo in a
// port list must not quietly put a database behind the proxy, or an app outside the mesh.
import { ANNOTATIONS } from '../../src/config/index.ts';
import { type ObjectRef, type Problem, parseQuantity, problem } from '../../src/model/index.ts';
import { CLIENT_ADDRESSES, type ClientAddresses, readOptions } from '../../src/redirect/options.ts';
import type { ForeignSettings } from './foreign/read.ts';
import { REDIRECTIONS, type Redirection } from './named-proxy.ts';
import type { InjectOptions } from './options.ts';
import type { PodTemplate, Resources } from './pod.ts';

/** Whether a control plane may give a running proxy another program. */
const LIVE_UPGRADES = ['allow', 'refuse'] as const;

/** What is injected into one pod: the options with the pod's annotations laid over them. */
export interface PodSettings {
  readonly image: string;
  readonly logLevel: string;
  readonly accessLog: string;
  /** Threads of the proxy; undefined for the one that it has by itself. */
  readonly concurrency?: string;
  /** As the annotations of these names have it; undefined for the proxy's own defaults. */
  readonly requestRecord?: string;
  readonly liveUpgrade?: (typeof LIVE_UPGRADES)[number];
  readonly slowRequests?: string;
  readonly maxConnectionAge?: string;
  readonly maxConnectionAgeGrace?: string;
  readonly http2MaxStreams?: string;
  readonly http2MaxHeaders?: string;
  readonly resources: Resources;
  readonly redirection: Redirection;
  /** What the app takes for its clients' addresses. */
  readonly clientAddresses: ClientAddresses;
  /**
   * What other meshes' annotations say of inbound ports, in Weft's: written on the pod, since the control plane reads there which
   * ports peers must not speak mutual TLS to.
   */
  readonly inboundAnnotations: Readonly<Record<string, string>>;
  /** What of the traffic is redirected: lists, separated by commas, of the annotations that have any. */
  readonly redirectLists: RedirectLists;
  /** Ports that are the proxy's and not the app's. */
  readonly ownPorts: readonly number[];
}

/** Whether the proxy begins as root, which it is no longer when it carries traffic. */
export function startsAsRoot({ clientAddresses, redirection }: PodSettings): boolean {
  return clientAddresses === 'keep' || redirection === 'proxy';
}

/** Settings out of annotations, Weft's own over those of `foreign`; `settings` is there when no problem is an error. */
export function readSettings(
  pod: PodTemplate,
  options: InjectOptions,
  object?: ObjectRef,
  foreign?: ForeignSettings,
): { settings?: PodSettings; problems: readonly Problem[] } {
  const reader = new AnnotationReader(pod.metadata?.annotations ?? {}, object, foreign);
  const image = reader.text(ANNOTATIONS.image, /^\S+$/, 'write an image such as weft-proxy:0.1.0');
  const concurrency = reader.text(
    ANNOTATIONS.concurrency,
    /^([1-9]|[1-5]\d|6[0-4])$/,
    'write a number of cores from 1 to 64',
  );
  const requestRecord = reader.text(
    ANNOTATIONS.requestRecord,
    /^(off|\d+(Ki|Mi)?)$/,
    'write off, or how much memory it may take, up to 64Mi',
  );
  const slowRequests = reader.text(
    ANNOTATIONS.slowRequests,
    /^(auto|\d+(\.\d+)?(ms|s))$/,
    'write auto, or a duration such as 500ms',
  );
  const duration = (annotation: string): string | undefined =>
    reader.text(annotation, /^(off|\d+(\.\d+)?(ms|s|m|h))$/, 'write off, or a duration such as 30m');
  const maxConnectionAge = duration(ANNOTATIONS.maxConnectionAge);
  const maxConnectionAgeGrace = duration(ANNOTATIONS.maxConnectionAgeGrace);
  const http2MaxStreams = reader.text(
    ANNOTATIONS.http2MaxStreams,
    /^(auto|[1-9]\d{0,4})$/,
    'write auto, or a number from 1 to 99999',
  );
  const http2MaxHeaders = reader.text(
    ANNOTATIONS.http2MaxHeaders,
    /^(auto|\d+(Ki|Mi)?)$/,
    'write auto, or a size from 4Ki to 1Mi',
  );
  const liveUpgrade = reader.word(ANNOTATIONS.liveUpgrade, LIVE_UPGRADES);
  const settings: PodSettings = {
    image: image ?? options.proxyImage,
    logLevel: reader.word(ANNOTATIONS.logLevel, LOG_LEVELS) ?? options.logLevel,
    accessLog: reader.word(ANNOTATIONS.accessLog, ACCESS_LOGS) ?? options.accessLog,
    ...(concurrency !== undefined && { concurrency }),
    ...(requestRecord !== undefined && { requestRecord }),
    ...(slowRequests !== undefined && { slowRequests }),
    ...(maxConnectionAge !== undefined && { maxConnectionAge }),
    ...(maxConnectionAgeGrace !== undefined && { maxConnectionAgeGrace }),
    ...(http2MaxStreams !== undefined && { http2MaxStreams }),
    ...(http2MaxHeaders !== undefined && { http2MaxHeaders }),
    ...(liveUpgrade !== undefined && { liveUpgrade }),
    resources: readResources(reader, options),
    redirection: reader.word(ANNOTATIONS.redirection, REDIRECTIONS) ?? options.redirection,
    clientAddresses: readClientAddresses(reader, options),
    inboundAnnotations: reader.said([ANNOTATIONS.skipInboundPorts, ANNOTATIONS.onlyInboundPorts]),
    ...readRedirect(reader),
  };
  const refused = reader.problems.some(({ severity }) => severity === 'error');
  return { settings: refused ? undefined : settings, problems: reader.problems };
}

function readClientAddresses(reader: AnnotationReader, options: InjectOptions): ClientAddresses {
  const said = reader.word(ANNOTATIONS.clientAddresses, CLIENT_ADDRESSES) ?? 'replace';
  const redirection = reader.get(ANNOTATIONS.redirection) ?? options.redirection;
  if (said === 'keep' && redirection === 'none')
    reader.complain(
      ANNOTATIONS.clientAddresses,
      `it needs packet rules, and this pod has none; take it out, or write ${ANNOTATIONS.redirection}: init`,
    );
  return said;
}

/** The words that telemetry/ knows, which may not be imported here; a test compares them. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error', 'silent'] as const;
/** The same for the access log. */
export const ACCESS_LOGS = ['off', 'errors', 'all'] as const;

class AnnotationReader {
  readonly problems: Problem[] = [];
  readonly #annotations: Readonly<Record<string, string>>;
  readonly #object: ObjectRef | undefined;
  readonly #foreign: ForeignSettings['annotations'];

  constructor(
    annotations: Readonly<Record<string, string>>,
    object: ObjectRef | undefined,
    foreign?: ForeignSettings,
  ) {
    this.#annotations = annotations;
    this.#object = object;
    this.#foreign = foreign?.annotations ?? new Map();
  }

  get(key: string): string | undefined {
    return this.#isOwn(key) ? this.#annotations[key] : this.#foreign.get(key)?.value;
  }

  #isOwn(key: string): boolean {
    return Object.hasOwn(this.#annotations, key);
  }

  /** Those of the keys that other meshes' annotations stand for. */
  said(keys: readonly string[]): Readonly<Record<string, string>> {
    const found = keys.filter(key => !this.#isOwn(key) && this.#foreign.has(key));
    return Object.fromEntries(found.map(key => [key, this.#foreign.get(key)!.value]));
  }

  complain(key: string, message: string, severity: 'error' | 'warning' = 'error'): void {
    // What its author wrote is named, in whose words ever.
    const named = this.#isOwn(key) ? key : (this.#foreign.get(key)?.by ?? key);
    const text = `annotation ${named}: "${this.get(key) ?? ''}": ${message}`;
    const where = { object: this.#object, path: `metadata.annotations[${named}]`, severity };
    this.problems.push(problem('bad-annotation', text, where));
  }

  text(key: string, pattern: RegExp, remedy: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || pattern.test(value)) return value;
    this.complain(key, remedy);
    return undefined;
  }

  word<T extends string>(key: string, words: readonly T[]): T | undefined {
    const value = this.get(key);
    if (value === undefined || words.includes(value as T)) return value as T | undefined;
    this.complain(key, `write one of ${words.join(', ')}`);
    return undefined;
  }

  quantity(key: string, example: string): string | undefined {
    const value = this.get(key);
    if (value === undefined || (parseQuantity(value) ?? 0) > 0) return value;
    this.complain(key, `write a quantity above zero, such as ${example}`);
    return undefined;
  }

  list(key: string): readonly string[] | undefined {
    return this.get(key)
      ?.split(',')
      .map(entry => entry.trim())
      .filter(entry => entry !== '');
  }
}

const redirectAnnotations = {
  skipInboundPorts: ANNOTATIONS.skipInboundPorts,
  onlyInboundPorts: ANNOTATIONS.onlyInboundPorts,
  skipOutboundPorts: ANNOTATIONS.skipOutboundPorts,
  skipOutboundCidrs: ANNOTATIONS.skipOutboundCidrs,
  skipOutboundUids: ANNOTATIONS.skipOutboundUids,
  onlyOutboundCidrs: ANNOTATIONS.onlyOutboundCidrs,
  onlyOutboundPorts: ANNOTATIONS.onlyOutboundPorts,
} as const;

type RedirectKey = keyof typeof redirectAnnotations;

/** By the name of `weft-proxy init`'s option. */
export type RedirectLists = Readonly<Partial<Record<RedirectKey, string>>>;

/** The flag of `weft-proxy init`, which is called as the annotation is. */
export function redirectFlag(name: RedirectKey, list: string): string {
  const key = redirectAnnotations[name];
  return `--${key.slice(key.indexOf('/') + 1)}=${list}`;
}

/** Reads the ports and CIDRs with redirect's own reader, so that `weft-proxy init` never refuses what inject let pass. */
function readRedirect(reader: AnnotationReader): Pick<PodSettings, 'redirectLists' | 'ownPorts'> {
  const options: { -readonly [K in RedirectKey]?: readonly string[] } = {};
  const redirectLists: { -readonly [K in RedirectKey]?: string } = {};
  for (const name of Object.keys(redirectAnnotations) as RedirectKey[]) {
    const key = redirectAnnotations[name];
    const list = reader.list(key);
    const isOnly = name.startsWith('only');
    if (list === undefined || (isOnly && list.join() === '*')) continue;
    if (list.length > 0) {
      options[name] = isOnly && list.join() === 'none' ? [] : list;
      redirectLists[name] = list.join(',');
    } else if (isOnly) {
      reader.complain(key, 'list something, or write "none" to intercept nothing, or remove the annotation');
    }
  }
  const { settings, problems } = readOptions(options);
  for (const { path, message, severity } of problems) {
    const option = (path ?? '').replace(/\[\d+\]$/, '');
    const named = Object.hasOwn(redirectAnnotations, option) ? (option as RedirectKey) : 'skipInboundPorts';
    reader.complain(redirectAnnotations[named], message, severity);
  }
  return { redirectLists, ownPorts: settings?.ownPorts ?? [] };
}

function readResources(reader: AnnotationReader, options: InjectOptions): Resources {
  const { resources } = options;
  const resource = (
    requestKey: string,
    limitKey: string,
    example: string,
    request: string,
    limit?: string,
  ) => {
    const own = { request: reader.quantity(requestKey, example), limit: reader.quantity(limitKey, example) };
    let merged = { request: own.request ?? request, limit: own.limit ?? limit };
    const over = (parseQuantity(merged.request) ?? 0) > (parseQuantity(merged.limit ?? 'none') ?? Infinity);
    if (over && own.request !== undefined && own.limit !== undefined) {
      reader.complain(requestKey, `is above ${limitKey}: "${own.limit}"; lower one or raise the other`);
    } else if (over) {
      // The side that the pod names is meant; the default of the other side follows it.
      const meant = own.request ?? own.limit ?? merged.request;
      merged = { request: meant, limit: meant };
    }
    return merged;
  };
  const cpu = resource(
    ANNOTATIONS.cpuRequest,
    ANNOTATIONS.cpuLimit,
    '100m',
    resources.cpuRequest,
    resources.cpuLimit,
  );
  const memory = resource(
    ANNOTATIONS.memoryRequest,
    ANNOTATIONS.memoryLimit,
    '64Mi',
    resources.memoryRequest,
    resources.memoryLimit,
  );
  const limits = {
    ...(cpu.limit === undefined ? {} : { cpu: cpu.limit }),
    ...(memory.limit === undefined ? {} : { memory: memory.limit }),
  };
  return {
    requests: { cpu: cpu.request, memory: memory.request },
    ...(Object.keys(limits).length > 0 ? { limits } : {}),
  };
}
