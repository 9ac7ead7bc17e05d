// Spans as exporters take them. Made only for what is reported.

/** What attributes may be here. */
export type AttributeValue = string | number | boolean;

/** Attributes by name. */
export type Attributes = Record<string, AttributeValue>;

/** Something that happened during a span. Milliseconds since the epoch, with a fraction. */
export interface SpanEvent {
  readonly name: string;
  readonly atMs: number;
  readonly attributes: Attributes;
}

/** One request as one proxy saw it. */
export interface Span {
  /** 32 and 16 lower-case hexadecimal digits; `parentId` is '' for the first of its trace. */
  readonly traceId: string;
  readonly spanId: string;
  readonly parentId: string;
  /** As in `traceparent`. */
  readonly flags: number;
  /** Passed through from whoever it belongs to; '' for none. */
  readonly traceState: string;
  readonly kind: 'server' | 'client';
  readonly name: string;
  /** Since the epoch, with a fraction. */
  readonly startMs: number;
  readonly durationMs: number;
  readonly attributes: Attributes;
  readonly events: readonly SpanEvent[];
  /** The flag and the cause in words; '' where nothing failed. */
  readonly error: string;
  /** Whom the request came from or went to. */
  readonly remote: { readonly service: string; readonly address: string; readonly port: number };
}

/** Whose spans they are: the same for all that a proxy reports. */
export interface SpanSource {
  /** As Istio names it: canonical service and namespace, `reviews.shop`. */
  readonly service: string;
  /** An IP address; '' when not known. */
  readonly address: string;
  readonly attributes: Attributes;
}
