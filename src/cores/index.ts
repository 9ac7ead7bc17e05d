// cores: one proxy on several cores. Every core is a thread with a data plane of its own, and all of them listen on the same
// ports, so that the kernel spreads connections over them. The first core is the process itself: it alone talks to discovery and
// holds the certificate, and shares both; asked for metrics it adds up what the others have counted. In: resources and
// credentials. Out: what any core wants to know, and figures of all of them.
export { runCore } from './core.ts';
export { type CorePort, Cores, type CoresOptions } from './cores.ts';
export { mergeMetrics } from './merge-metrics.ts';
export type { CoreView, FromCore, ToCore } from './messages.ts';
