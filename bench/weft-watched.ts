// The proxy of weft-hop.ts with somebody who watches its requests: WEFT_WATCH is one of WATCHERS. For bench/watching.ts; apart,
// so that the bundle whose allocations the budget counts holds none of it.
import { figuresAnswerer } from '../src/live/figures/index.ts';
import { Answering } from '../src/live/index.ts';
import { tapAnswerer } from '../src/live/tap/index.ts';
import type { TracingSettings } from '../src/model/index.ts';
import { silentLog } from '../src/telemetry/index.ts';
import { systemClock } from '../src/time/index.ts';
import { type SpanSink, Tracer } from '../src/tracing/index.ts';
import { plane } from './weft-hop.ts';

const answering = new Answering({
  answerers: {
    tap: tapAnswerer(() => plane.services.observers, systemClock),
    figures: figuresAnswerer(
      () => ({ series: plane.services, clusters: plane.destinations.clusters }),
      systemClock,
    ),
  },
  clock: systemClock,
});

/** What is said is written as for the control plane, and thrown away. */
function ask(question: { readonly kind: string }): void {
  answering.ask(
    { type: 'ask', id: 1, question },
    { said: items => void items.join('\n'), done: error => process.stderr.write(`${error}\n`) },
  );
}

const sink: SpanSink = { name: 'none', send: async () => ({ kind: 'taken' }), close: async () => {} };

function trace(samplingPercent: number): void {
  const tracing: TracingSettings = {
    ...{ disabled: false, samplingPercent, useRequestIdForSampling: true, istioTags: true, customTags: [] },
    provider: {
      ...{ name: 'otel', kind: 'opentelemetry', address: '127.0.0.1:1', path: '/v1/traces' },
      ...{ timeoutMs: 1_000, maxTagLength: 256 },
    },
  };
  const tracer = new Tracer({
    ...{ clock: systemClock, log: silentLog, random: Math.random, environment: {} },
    identity: {
      ...{ pod: 'client-0', namespace: 'bench', address: '127.0.0.1', node: 'node-1' },
      ...{ trustDomain: 'cluster.local', clusterDomain: 'cluster.local' },
    },
    self: () => plane.services.self,
    sink: () => sink,
  });
  tracer.apply({ inbound: { tracing }, outbound: { tracing } });
  plane.services.observers.add({
    onForward: request => tracer.forward(request),
    onRequestEnd: request => tracer.end(request),
  });
}

/** By name; what is not in here watches nothing. */
const WATCHERS: Readonly<Record<string, () => void>> = {
  'tap-other': () => ask({ kind: 'tap', path: '/nowhere', maxRps: 1_000 } as { kind: string }),
  'tap-all': () => ask({ kind: 'tap', maxRps: 1_000 } as { kind: string }),
  figures: () => ask({ kind: 'figures' }),
  'trace-1': () => trace(1),
  'trace-100': () => trace(100),
};

WATCHERS[process.env.WEFT_WATCH ?? '']?.();
