import type { Peer, TelemetrySettings, TracingProvider, TracingSettings } from '../model/index.ts';
import type { Log } from '../telemetry/index.ts';
import type { Clock } from '../time/index.ts';
import { attributesOf, errorOf, eventsOf, peerService } from './attributes.ts';
import { TraceContext } from './context.ts';
import { DroppedContext } from './dropped-context.ts';
import { DEFAULT_KEEP, Keeping, type KeepSettings, type KeptFor } from './keep.ts';
import { operationOf } from './operation.ts';
import { OTLP_PATH } from './otlp.ts';
import { Reporter, type SpanSink } from './reporter.ts';
import { isSampled } from './sampling.ts';
import { type Identity, sourceOf } from './source.ts';
import type { Span } from './span.ts';
import { hasFailed, type TracedRequest } from './traced-request.ts';
import { ZIPKIN_PATH } from './zipkin.ts';

const tracestate = Buffer.from('tracestate', 'latin1');
const POST = 'POST';

/** What a tracer works with. */
export interface TracerOptions {
  readonly clock: Clock;
  readonly log: Log;
  readonly random: () => number;
  readonly environment: Readonly<Record<string, string | undefined>>;
  readonly identity: Identity;
  /** This workload, as discovery told it last. */
  readonly self: () => Peer;
  readonly sink: (provider: TracingProvider) => SpanSink;
  readonly keep?: KeepSettings;
}

/** What is known about the trace of one request under way. */
class RequestTrace {
  readonly context = new TraceContext();
  /** From `forward` to the request's end. */
  begun = false;
  sampled = false;
  /** The app has it, with a context. */
  counted = false;
}

/**
 * Traces the requests of one proxy, on one core: reads the context that comes with a request, gives it a span of its own, and
 * when it is over reports that, if the trace is sampled or the request is worth it.
 */
export class Tracer {
  /** Spans reported though their trace is not sampled. */
  readonly kept: Record<KeptFor, number> = { error: 0, slow: 0 };
  readonly dropped: DroppedContext;
  readonly keeping: Keeping;
  readonly #options: TracerOptions;
  readonly #traces = new WeakMap<TracedRequest, RequestTrace>();
  /** By the provider as JSON: the same one may serve both directions. */
  readonly #reporters = new Map<string, Reporter>();
  #inbound: Direction | undefined;
  #outbound: Direction | undefined;
  #offsetMs = Number.NEGATIVE_INFINITY;

  constructor(options: TracerOptions) {
    this.#options = options;
    this.keeping = new Keeping(options.keep ?? DEFAULT_KEEP, options.clock);
    this.dropped = new DroppedContext(options.clock, ({ destination, without, carried }) =>
      options.log.warn(
        { destination, without, carried },
        `the app drops trace contexts: its calls to ${destination} that it makes for requests carry none; it has to pass on traceparent (or b3) from each request to the calls that it makes for it`,
      ),
    );
  }

  get reporters(): Iterable<Reporter> {
    return this.#reporters.values();
  }

  /** Whether anything is to be traced with what was last applied. */
  get active(): boolean {
    return this.#inbound !== undefined || this.#outbound !== undefined;
  }

  /** Uses these settings from now on. A collector that nobody names any more gets what waits for it, and is left. */
  apply(settings: TelemetrySettings | undefined): void {
    const inbound = settings?.inbound.tracing;
    const outbound = settings?.outbound.tracing;
    const used = new Set<string>();
    this.#inbound = this.#direction(inbound, used);
    this.#outbound = this.#direction(outbound, used);
    for (const [key, reporter] of this.#reporters) {
      if (used.has(key)) continue;
      this.#reporters.delete(key);
      void reporter.end(lastCallMs);
    }
  }

  /** The request is about to be sent: its head gets the context of its own span. */
  forward(request: TracedRequest): void {
    const direction = this.#of(request);
    if (direction === undefined || carriesSpans(request)) return;
    const trace = this.#begin(request, direction);
    if (request.direction === 'inbound') {
      trace.counted = true;
      this.dropped.began(this.#options.clock.monotonic());
    } else this.dropped.called(calledBy(request), trace.context.formats !== 0);
  }

  /** The request is over. */
  end(request: TracedRequest): void {
    let trace = this.#traces.get(request);
    if (trace?.counted === true) {
      trace.counted = false;
      this.dropped.ended(request.endMs);
    }
    const direction = this.#of(request);
    if (direction === undefined || carriesSpans(request)) {
      if (trace !== undefined) trace.begun = false;
      return;
    }
    // What was answered here, or refused, was sent to nobody and has its span all the same.
    if (trace?.begun !== true) trace = this.#begin(request, direction);
    trace.begun = false;
    const kept = trace.sampled
      ? undefined
      : this.keeping.why(hasFailed(request), request.endMs - request.startMs);
    if (kept !== undefined) this.kept[kept]++;
    if (trace.sampled || kept !== undefined) this.#report(request, trace, direction, kept);
  }

  /** Sends what waits and ends. */
  async close(withinMs: number): Promise<void> {
    await Promise.all([...this.#reporters.values()].map(reporter => reporter.end(withinMs)));
  }

  #of({ direction }: TracedRequest): Direction | undefined {
    return direction === 'inbound' ? this.#inbound : this.#outbound;
  }

  #direction(settings: TracingSettings | undefined, used: Set<string>): Direction | undefined {
    if (settings === undefined || settings.disabled) return undefined;
    const key = JSON.stringify(settings.provider);
    used.add(key);
    let reporter = this.#reporters.get(key);
    if (reporter === undefined) {
      const { clock, log, sink } = this.#options;
      const source = (): ReturnType<typeof sourceOf> =>
        sourceOf(this.#options.self(), this.#options.identity, settings.istioTags);
      reporter = new Reporter(sink(settings.provider), source, clock, log);
      this.#reporters.set(key, reporter);
    }
    return { settings, reporter, alsoB3: settings.provider.kind === 'zipkin' };
  }

  #begin(request: TracedRequest, { settings, alsoB3 }: Direction): RequestTrace {
    let trace = this.#traces.get(request);
    if (trace === undefined) {
      trace = new RequestTrace();
      this.#traces.set(request, trace);
    }
    const { head } = request;
    const { context } = trace;
    context.read(head);
    // The pod's own app, and whoever has proven to be of the mesh.
    const trusted = request.direction === 'outbound' || request.principal !== '';
    const { samplingPercent, useRequestIdForSampling } = settings;
    const percent = request.route?.traceSampling ?? samplingPercent;
    trace.sampled = isSampled(head, context, percent, useRequestIdForSampling, trusted, this.#options.random);
    context.propagate(head, trace.sampled, alsoB3);
    trace.begun = true;
    return trace;
  }

  #report(
    request: TracedRequest,
    { context }: RequestTrace,
    { settings, reporter }: Direction,
    kept: KeptFor | undefined,
  ): void {
    if (!reporter.hasRoom()) return;
    const { environment } = this.#options;
    const { head, direction } = request;
    const { provider, customTags } = settings;
    const offsetMs = this.#epochOffset();
    const options = { maxLength: provider.maxTagLength, customTags, environment };
    const attributes = attributesOf(request, options);
    if (kept !== undefined) attributes['weft.kept'] = kept;
    const config = request.endpoint?.config;
    const isClient = direction === 'outbound';
    const span: Span = {
      traceId: context.traceId,
      spanId: context.spanId,
      parentId: context.parentId,
      flags: context.flags,
      traceState: context.parentId === '' ? '' : head.text(head.find(tracestate)),
      kind: isClient ? 'client' : 'server',
      name: operationOf({
        route: request.route,
        destination: destinationOf(request),
        authority: head.authority,
        port: request.destination?.port ?? 0,
      }),
      startMs: request.startMs + offsetMs,
      durationMs: request.endMs - request.startMs,
      attributes,
      events: eventsOf(request, offsetMs),
      error: errorOf(request),
      remote: isClient
        ? { service: peerService(request), address: config?.address ?? '', port: config?.port ?? 0 }
        : { service: '', address: String(attributes['client.address'] ?? ''), port: 0 },
    };
    reporter.add(span);
    const { traceId, startMs, durationMs: value } = span;
    request.series?.durationMs.exemplify({ traceId, value, atMs: startMs + value });
  }

  /**
   * From monotonic time to the epoch. The wall clock is cut to whole milliseconds, so the largest difference that was seen is the
   * right one, until the clock is set.
   */
  #epochOffset(): number {
    const { clock } = this.#options;
    const offsetMs = clock.now() - clock.monotonic();
    if (offsetMs > this.#offsetMs || this.#offsetMs - offsetMs > 2) this.#offsetMs = offsetMs;
    return this.#offsetMs;
  }
}

/** What holds for one direction. */
interface Direction {
  readonly settings: TracingSettings;
  readonly reporter: Reporter;
  /** Apps that were written for Zipkin pass on B3's several headers and nothing else, as Istio's documentation asked for. */
  readonly alsoB3: boolean;
}

/** For spans of a collector that is not used any more. */
const lastCallMs = 5_000;
const spanPaths = [Buffer.from(OTLP_PATH, 'latin1'), Buffer.from(ZIPKIN_PATH, 'latin1')];

/**
 * Spans on their way to a collector, of this proxy's or of an app: if they were traced, a collector inside the mesh would get a
 * span for each batch of spans, and so on for ever.
 */
function carriesSpans({ head }: TracedRequest): boolean {
  const { bytes, targetStart, targetEnd } = head;
  for (const path of spanPaths) {
    if (targetEnd - targetStart !== path.length || path.compare(bytes, targetStart, targetEnd) !== 0)
      continue;
    return head.methodText === POST;
  }
  return false;
}

/** `host:port` without a subset: of the Service, also of inbound requests where the port serves one. */
function destinationOf({ direction, cluster, destination }: TracedRequest): string {
  if (cluster === undefined)
    return destination === undefined ? '' : `${destination.host}:${destination.port}`;
  const { name, service, servicePort } = cluster.config;
  if (direction === 'inbound') {
    const port = servicePort ?? destination?.port ?? 0;
    return service.host === '' ? (destination?.host ?? '') : `${service.host}:${port}`;
  }
  const slash = name.indexOf('/');
  return slash < 0 ? name : name.slice(0, slash);
}

function calledBy({ cluster, destination }: TracedRequest): string {
  return cluster?.config.service.host || cluster?.config.name || destination?.host || 'unknown';
}
