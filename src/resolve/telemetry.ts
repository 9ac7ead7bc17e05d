import {
  type AccessLogSettings,
  type Collector,
  DEFAULT_REDACTION,
  type DirectionTelemetry,
  ISTIO_METRICS,
  type IstioMetric,
  type MeshTelemetry,
  type MetricSettings,
  matchesLabels,
  parseHostPort,
  type TelemetryMode,
  type TelemetryPolicy,
  type TelemetrySettings,
  type TracingProvider,
  type TracingSettings,
  type Workload,
} from '../model/index.ts';
import { callerOf } from './caller.ts';
import type { MeshReader } from './mesh-reader.ts';
import { withoutOrigin } from './refs.ts';
import { winners } from './traffic.ts';

/** As Istio samples where nobody says how much. */
const DEFAULT_SAMPLING_PERCENT = 1;

/**
 * What proxies tell of a workload's traffic; undefined where nobody said anything about it. Istio's order (Telemetry reference):
 * of the whole mesh, of the namespace, of the workload; of each the oldest alone. Metrics add up, the narrower last; of access
 * logging and tracing the narrower says what it says in place of the wider.
 */
export function telemetryOf(reader: MeshReader, workload: Workload): TelemetrySettings | undefined {
  const mesh = withTls(reader, workload);
  const policies = policiesFor(reader, workload);
  const inbound = directionOf('server', policies, mesh);
  const outbound = directionOf('client', policies, mesh);
  const isSilent = Object.keys(inbound).length === 0 && Object.keys(outbound).length === 0;
  if (isSilent && mesh.redaction === undefined) return undefined;
  const redaction = mesh.redaction && { ...DEFAULT_REDACTION, ...mesh.redaction };
  return { inbound, outbound, ...(redaction && { redaction }) };
}

/**
 * The mesh's settings, with how collectors are called that DestinationRules speak of: as for any other host that this workload
 * calls. What its own settings say goes before.
 */
function withTls(reader: MeshReader, workload: Workload): MeshTelemetry {
  const settings = reader.telemetrySettings();
  const { tracingProviders, logProviders, tracing } = settings;
  if (tracingProviders.length === 0 && logProviders.length === 0 && tracing === undefined) return settings;
  const caller = callerOf(workload);
  const secured = <T extends Collector>(collector: T): T => {
    const { host, port } = parseHostPort(collector.address, 0) ?? { host: '', port: 0 };
    const tls = collector.tls ?? winners(reader, caller, { host, port }).findLast(each => each.tls)?.tls;
    if (tls === undefined) return collector;
    const { credential, ...others } = tls;
    const why =
      credential && `${credential.name}: what collectors are shown cannot come from a Secret; name files`;
    return { ...collector, tls: { ...others, ...(why !== undefined && { why }) } };
  };
  return {
    ...settings,
    ...(tracing && { tracing: { ...tracing, provider: secured(tracing.provider) } }),
    tracingProviders: tracingProviders.map(secured),
    logProviders: logProviders.map(each =>
      each.kind === 'opentelemetry' ? { ...each, collector: secured(each.collector) } : each,
    ),
  };
}

/** The widest first. */
function policiesFor(reader: MeshReader, { namespace, labels }: Workload): readonly TelemetryPolicy[] {
  const meshWide = reader.policies('telemetry', '').find(({ selector }) => !selector);
  const own = reader.policies('telemetry', namespace);
  const namespaced = own.find(({ selector }) => !selector);
  const selected = own.find(({ selector }) => selector && matchesLabels(selector, labels));
  return [meshWide, namespaced, selected].filter(each => each !== undefined);
}

type Side = Exclude<TelemetryMode, 'both'>;

function directionOf(
  side: Side,
  policies: readonly TelemetryPolicy[],
  mesh: MeshTelemetry,
): DirectionTelemetry {
  const metrics = metricsOf(side, policies, mesh);
  const accessLogs = accessLogsOf(side, policies, mesh);
  const tracing = tracingOf(side, policies, mesh);
  return {
    ...(metrics.length > 0 && { metrics }),
    ...(accessLogs && { accessLogs }),
    ...(tracing && { tracing }),
  };
}

function isOf({ mode }: { readonly mode: TelemetryMode }, side: Side): boolean {
  return mode === 'both' || mode === side;
}

const allMetrics = Object.keys(ISTIO_METRICS) as IstioMetric[];

/** Overrides in their order, the later over the earlier: of each tag the last word counts (Istio's mergeMetrics). */
function metricsOf(
  side: Side,
  policies: readonly TelemetryPolicy[],
  { defaults }: MeshTelemetry,
): readonly MetricSettings[] {
  const disabled = new Map<IstioMetric, boolean>();
  const tags = new Map<IstioMetric, Map<string, string | undefined>>();
  // A mesh whose metrics go elsewhere by default says nothing about Prometheus.
  let providers: readonly string[] = defaults.metrics.length > 0 ? defaults.metrics : ['prometheus'];
  for (const section of policies.flatMap(each => each.metrics)) {
    providers = section.providers ?? providers;
    if (!providers.includes('prometheus')) continue;
    for (const override of section.overrides.filter(each => isOf(each, side))) {
      for (const metric of override.metric ? [override.metric] : allMetrics) {
        if (override.disabled !== undefined) disabled.set(metric, override.disabled);
        const own = tags.get(metric) ?? new Map<string, string | undefined>();
        for (const { name, expression } of override.tags) own.set(name, expression);
        tags.set(metric, own);
      }
    }
  }
  return allMetrics.flatMap(metric => {
    const own = [...(tags.get(metric) ?? [])].sort(([left], [right]) => (left < right ? -1 : 1));
    const isDisabled = disabled.get(metric) === true;
    if (!isDisabled && own.length === 0) return [];
    return [
      {
        metric,
        disabled: isDisabled,
        tags: own.map(([name, expression]) => (expression === undefined ? { name } : { name, expression })),
      },
    ];
  });
}

/** The last object with a section for the side decides; without one the mesh's settings do. Undefined: nobody said anything. */
function accessLogsOf(
  side: Side,
  policies: readonly TelemetryPolicy[],
  mesh: MeshTelemetry,
): readonly AccessLogSettings[] | undefined {
  const speaking = policies.filter(each => each.accessLogging.some(section => isOf(section, side)));
  const deciding = speaking.at(-1);
  const names = mesh.defaults.accessLogging;
  if (deciding === undefined) {
    const found = names.flatMap(name => logProvider(name, mesh) ?? []);
    if (found.length > 0) return found.map(provider => ({ provider }));
    return mesh.accessLog && [{ provider: mesh.accessLog }];
  }
  // Sections without providers take those of the object above, then the mesh's.
  let inherited = names.length > 0 ? names : [mesh.accessLog ? '' : 'envoy'];
  for (const each of speaking.slice(0, -1)) inherited = namesOf(each, side) ?? inherited;
  const logs = new Map<string, AccessLogSettings>();
  for (const section of deciding.accessLogging.filter(each => isOf(each, side))) {
    inherited = section.providers ?? inherited;
    for (const name of inherited) {
      const provider = name === '' ? mesh.accessLog : logProvider(name, mesh);
      if (section.disabled === true || provider === undefined) logs.delete(name);
      else {
        const from = withoutOrigin(deciding.from);
        logs.set(name, { provider, ...(section.filter !== undefined && { filter: section.filter }), from });
      }
    }
  }
  return [...logs.values()];
}

function namesOf({ accessLogging }: TelemetryPolicy, side: Side): readonly string[] | undefined {
  const names = accessLogging.filter(each => isOf(each, side)).flatMap(each => each.providers ?? []);
  return names.length === 0 ? undefined : names;
}

function logProvider(name: string, mesh: MeshTelemetry): MeshTelemetry['logProviders'][number] | undefined {
  return mesh.logProviders.find(each => each.name === name);
}

/** Each field from the narrowest that says it, as Istio merges sections; custom tags are replaced as a whole. */
function tracingOf(
  side: Side,
  policies: readonly TelemetryPolicy[],
  mesh: MeshTelemetry,
): TracingSettings | undefined {
  const sections = policies.flatMap(each => each.tracing).filter(each => isOf(each, side));
  const [byDefault] = mesh.defaults.tracing;
  let provider = byDefault === undefined ? mesh.tracing?.provider : tracingProvider(byDefault, mesh);
  // One that nobody named is not told about; whoever names one that is not there means to have spans sent nowhere else.
  for (const { providers } of sections) if (providers) provider = tracingProvider(providers[0]!, mesh);
  if (provider === undefined) return undefined;
  const last = <K extends keyof (typeof sections)[number]>(
    name: K,
  ): Exclude<(typeof sections)[number][K], undefined> | undefined =>
    sections.findLast(each => each[name] !== undefined)?.[name] as
      | Exclude<(typeof sections)[number][K], undefined>
      | undefined;
  return {
    provider,
    disabled: last('disabled') ?? false,
    samplingPercent: last('samplingPercent') ?? mesh.samplingPercent ?? DEFAULT_SAMPLING_PERCENT,
    useRequestIdForSampling: last('useRequestIdForSampling') ?? true,
    istioTags: last('istioTags') ?? true,
    customTags: last('customTags') ?? mesh.tracing?.customTags ?? [],
  };
}

function tracingProvider(name: string, mesh: MeshTelemetry): TracingProvider | undefined {
  return mesh.tracingProviders.find(each => each.name === name);
}
