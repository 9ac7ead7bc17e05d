import { parse } from 'yaml';
import { errorMessage } from '../errors/index.ts';
import { parseQuantity } from '../model/index.ts';
import { isRecord } from '../plain/index.ts';

/** How the proxies of a gateway run; what is undefined keeps its default. */
export interface GatewaySettings {
  readonly replicas?: number;
  readonly serviceType?: ServiceType;
  readonly externalTrafficPolicy?: 'Local' | 'Cluster';
  readonly loadBalancerClass?: string;
  /** Between so many replicas, by their use of CPU in percent of what they request. */
  readonly autoscaling?: { readonly min: number; readonly max: number; readonly cpu: number };
  /** Of a PodDisruptionBudget: `1`, `25%`. */
  readonly maxUnavailable?: number | string;
  readonly cpuRequest?: string;
  readonly cpuLimit?: string;
  readonly memoryRequest?: string;
  readonly memoryLimit?: string;
  readonly nodeSelector?: Readonly<Record<string, string>>;
  readonly tolerations?: readonly Readonly<Record<string, unknown>>[];
  readonly priorityClassName?: string;
  /** Cores of each proxy that carry traffic. */
  readonly concurrency?: number;
  readonly logLevel?: string;
  readonly accessLog?: string;
}

type ServiceType = (typeof serviceTypes)[number];

const serviceTypes = ['LoadBalancer', 'NodePort', 'ClusterIP'] as const;
const logLevels = ['debug', 'info', 'warn', 'error', 'silent'] as const;
const accessLogs = ['all', 'errors', 'off'] as const;

/** What was read, or each thing that is wrong with its path. */
export type ReadSettings = { readonly settings: GatewaySettings } | { readonly problems: readonly string[] };

/** The text of a ConfigMap's `gateway.yaml`. A closed list: a setting that is not known is named, and nothing of it holds. */
export function readGatewaySettings(text: string): ReadSettings {
  let file: unknown;
  try {
    file = parse(text, { version: '1.1' }) ?? {};
  } catch (thrown) {
    return { problems: [`not readable as YAML: ${errorMessage(thrown).split('\n')[0]}`] };
  }
  if (!isRecord(file)) return { problems: ['not a map of settings; see docs/gateway.md'] };
  const top = new Section(file, '');
  const service = top.section('service');
  const scaling = top.section('autoscaling');
  const resources = top.section('resources');
  const disruption = top.section('disruption');
  const autoscaling = scaling && {
    min: scaling.whole('min', 1, 1000) ?? 2,
    max: scaling.whole('max', 1, 1000) ?? 10,
    cpu: scaling.whole('cpu', 1, 1000) ?? 70,
  };
  if (autoscaling && autoscaling.min > autoscaling.max)
    scaling.wrong('min', 'a number up to autoscaling.max');
  const settings = defined({
    replicas: top.whole('replicas', 0, 1000),
    serviceType: service?.word('type', serviceTypes),
    externalTrafficPolicy: service?.word('externalTrafficPolicy', ['Local', 'Cluster']),
    loadBalancerClass: service?.text('loadBalancerClass'),
    autoscaling,
    maxUnavailable: disruption?.share('maxUnavailable'),
    cpuRequest: resources?.quantity('cpuRequest'),
    cpuLimit: resources?.quantity('cpuLimit'),
    memoryRequest: resources?.quantity('memoryRequest'),
    memoryLimit: resources?.quantity('memoryLimit'),
    nodeSelector: top.texts('nodeSelector'),
    tolerations: top.records('tolerations'),
    priorityClassName: top.text('priorityClassName'),
    concurrency: top.whole('concurrency', 1, 64),
    logLevel: top.word('logLevel', logLevels),
    accessLog: top.word('accessLog', accessLogs),
  });
  const problems = [top, service, scaling, resources, disruption].flatMap(each => each?.end() ?? []);
  return problems.length > 0 ? { problems } : { settings };
}

type Defined<T> = { [K in keyof T]?: Exclude<T[K], undefined> };

function defined<T extends object>(fields: T): Defined<T> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Defined<T>;
}

/** A map whose every key is read once; what nobody asked for is named at the end. */
class Section {
  readonly #map: Readonly<Record<string, unknown>>;
  readonly #at: string;
  readonly #asked = new Set<string>();
  readonly #problems: string[] = [];

  constructor(map: Readonly<Record<string, unknown>>, at: string) {
    this.#map = map;
    this.#at = at;
  }

  #get(key: string): unknown {
    this.#asked.add(key);
    return this.#map[key] ?? undefined;
  }

  wrong(key: string, takes: string): undefined {
    this.#problems.push(`${this.#at}${key} is ${JSON.stringify(this.#map[key])}; it takes ${takes}`);
  }

  section(key: string): Section | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    return isRecord(value) ? new Section(value, `${key}.`) : this.wrong(key, 'a map of settings');
  }

  whole(key: string, least: number, most: number): number | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (Number.isInteger(value) && (value as number) >= least && (value as number) <= most)
      return value as number;
    return this.wrong(key, `a whole number from ${least} to ${most}`);
  }

  word<T extends string>(key: string, words: readonly T[]): T | undefined {
    const value = this.#get(key);
    const found = words.find(each => each === value);
    return value === undefined || found !== undefined ? found : this.wrong(key, words.join(', '));
  }

  text(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined || (typeof value === 'string' && value !== ''))
      return value as string | undefined;
    return this.wrong(key, 'a text');
  }

  quantity(key: string): string | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    const text = String(value);
    return (parseQuantity(text) ?? 0) > 0 ? text : this.wrong(key, 'a quantity such as 100m or 128Mi');
  }

  /** A number, or a share in percent. */
  share(key: string): number | string | undefined {
    const value = this.#get(key);
    const isFit = (Number.isInteger(value) && (value as number) >= 0) || /^\d{1,3}%$/.test(String(value));
    if (value === undefined || isFit) return value as number | string | undefined;
    return this.wrong(key, 'a number, or a share such as 25%');
  }

  texts(key: string): Readonly<Record<string, string>> | undefined {
    const value = this.#get(key);
    if (value === undefined) return undefined;
    if (isRecord(value) && Object.values(value).every(each => typeof each === 'string'))
      return value as Readonly<Record<string, string>>;
    return this.wrong(key, 'a map of texts');
  }

  records(key: string): readonly Readonly<Record<string, unknown>>[] | undefined {
    const value = this.#get(key);
    if (value === undefined || (Array.isArray(value) && value.every(isRecord)))
      return value as readonly Readonly<Record<string, unknown>>[] | undefined;
    return this.wrong(key, 'a list, as a pod has it');
  }

  end(): readonly string[] {
    const unknown = Object.keys(this.#map).filter(key => !this.#asked.has(key));
    return [...this.#problems, ...unknown.map(key => `${this.#at}${key} is no setting; see docs/gateway.md`)];
  }
}
