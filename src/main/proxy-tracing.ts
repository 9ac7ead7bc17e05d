// Tracing on one core: switched on and off as discovery or flags say, and loaded only then.
import type { ProxyConfig } from '../config/proxy-config.ts';
import { internalError } from '../errors/index.ts';
import type { Resource, TelemetrySettings } from '../model/index.ts';
import type { DataPlane } from '../proxy/index.ts';
import { type Exposition, type Log, labelText } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import type { Tracer } from '../tracing/index.ts';

/** What of a core's tracing others have to do with. */
export interface ProxyTracing {
  /** A resource is in use from now on: that of the workload itself may say what is traced. */
  heed(resource: Resource): void;
  metrics(out: Exposition): void;
  /** Whether anything is traced. */
  readonly on: boolean;
  /** For `/status`; empty while nothing is traced. */
  status(): { readonly tracing?: object };
  /** Sends what waits for a collector. */
  close(): Promise<void>;
}

/** What tracing has to know of a proxy's configuration. */
type TracedProxy = Pick<ProxyConfig, 'pod' | 'node' | 'trustDomain' | 'clusterDomain' | 'tracing' | 'slowMs'>;

/** At the end of a proxy, for spans that wait. */
const lastSpansMs = 2_000;

/** Begins with what the flags say. */
export function traceRequests(plane: DataPlane, config: TracedProxy, clock: Clock, log: Log): ProxyTracing {
  let wanted: TelemetrySettings | undefined;
  let tracer: Tracer | undefined;
  let isLoading = false;
  let stop: (() => void) | undefined;

  const use = (): void => {
    const { inbound, outbound } = withFlags(wanted, config);
    const isOn = [inbound, outbound].some(({ tracing }) => tracing !== undefined && !tracing.disabled);
    if (tracer === undefined) {
      if (!isOn || isLoading) return;
      isLoading = true;
      void load().catch((thrown: unknown) => internalError('tracing', thrown));
      return;
    }
    const active = tracer;
    active.apply({ inbound, outbound });
    if (!isOn) {
      stop?.();
      stop = undefined;
    } else
      stop ??= plane.services.observers.add({
        onForward: request => active.forward(request),
        onRequestEnd: request => active.end(request),
      });
  };

  const load = async (): Promise<void> => {
    const { DEFAULT_KEEP, sinkOf, Tracer: TracerOf } = await import('../tracing/index.ts');
    tracer = new TracerOf({
      clock,
      log,
      random: Math.random,
      environment: process.env,
      identity: {
        pod: config.pod.name,
        namespace: config.pod.namespace,
        address: config.pod.addresses[0] ?? '',
        node: config.node,
        trustDomain: config.trustDomain,
        clusterDomain: config.clusterDomain,
      },
      self: () => plane.services.self,
      sink: sinkOf,
      keep: { ...DEFAULT_KEEP, slowMs: config.slowMs ?? DEFAULT_KEEP.slowMs },
    });
    use();
  };

  use();
  return {
    heed(resource) {
      if (resource.kind !== 'inbound' || resource.telemetry === wanted) return;
      wanted = resource.telemetry;
      use();
    },
    metrics(out) {
      if (tracer !== undefined) traceMetrics(out, tracer);
    },
    get on() {
      return tracer?.active === true;
    },
    status: () => (tracer?.active === true ? { tracing: statusOf(tracer) } : {}),
    async close() {
      await tracer?.close(lastSpansMs).catch((thrown: unknown) => internalError('tracing', thrown));
    },
  };
}

/** What discovery says of traces; where it says nothing the flags hold. */
function withFlags(
  said: TelemetrySettings | undefined,
  { tracing: byFlags }: TracedProxy,
): Pick<TelemetrySettings, 'inbound' | 'outbound'> {
  const inbound = said?.inbound.tracing ?? byFlags;
  const outbound = said?.outbound.tracing ?? byFlags;
  return {
    inbound: { ...(inbound && { tracing: inbound }) },
    outbound: { ...(outbound && { tracing: outbound }) },
  };
}

function statusOf(tracer: Tracer): object {
  return {
    collectors: [...tracer.reporters].map(({ name, trouble, waiting }) => ({
      name,
      waiting,
      trouble: trouble ?? null,
    })),
    droppedContext: tracer.dropped.dropped,
  };
}

function traceMetrics(out: Exposition, tracer: Tracer): void {
  const sums = { sent: 0, queue_full: 0, refused: 0 };
  let waiting = 0;
  for (const { counts, waiting: own } of tracer.reporters) {
    sums.sent += counts.sent;
    sums.queue_full += counts.queueFull;
    sums.refused += counts.refused;
    waiting += own;
  }
  const counter = (name: string, help: string): void => out.family(name, 'counter', help);
  counter(
    'weft_spans_total',
    'Spans, by what became of them: sent, or dropped for want of room or by the collector.',
  );
  for (const [outcome, count] of Object.entries(sums))
    out.sample('weft_spans_total', labelText({ outcome }), count);
  out.family('weft_spans_waiting', 'gauge', 'Spans that wait for the collector.');
  out.sample('weft_spans_waiting', '', waiting);
  counter(
    'weft_spans_kept_total',
    'Spans of traces that are not sampled, reported because they failed or were slow.',
  );
  for (const [why, count] of Object.entries(tracer.kept))
    out.sample('weft_spans_kept_total', labelText({ why }), count);
  counter('weft_spans_not_kept_total', 'The same, and not reported because there were too many.');
  out.sample('weft_spans_not_kept_total', '', tracer.keeping.refused);
  counter(
    'weft_trace_context_dropped_total',
    'Calls of the app for requests that had a trace context, to where it does not pass that on.',
  );
  for (const { destination, without } of tracer.dropped.dropped)
    out.sample('weft_trace_context_dropped_total', labelText({ destination }), without);
}
