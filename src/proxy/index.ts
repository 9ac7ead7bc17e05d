// proxy: the data plane. Connections are accepted, recognised (detection, sniff, mesh TLS) and carried: HTTP as exchanges that are
// routed, retried and counted, everything else as TCP sessions. Resources from discovery come in through DataPlane.apply.

export { appIsPresent } from './app-presence.ts';
export { passThroughAddress, probeAddress } from './connector.ts';
export { DataPlane, type DataPlaneOptions } from './data-plane.ts';
export type { DestinationSource } from './destinations.ts';
export { type DrainSubject, drained } from './drain.ts';
export { encodePreface, type Preface, readPreface } from './preface.ts';
export { proxyMetricPieces } from './render-metrics.ts';
export type { Services } from './services.ts';
export { type Sniffed, sniff } from './sniff.ts';
export { IDLE, sumUnderWay, type UnderWay } from './under-way.ts';
