// proxy: the data plane. Connections are accepted, recognised (detection, sniff, mesh TLS) and carried: HTTP as exchanges that
// are routed, retried and counted, everything else as TCP sessions. Resources from discovery come in through DataPlane.apply.

export { appIsPresent } from './app-presence.ts';
export { passThroughAddress, probeAddress } from './connect/connector.ts';
export { encodePreface, type Preface, readPreface } from './connect/preface.ts';
export { DataPlane } from './data-plane.ts';
export type { DataPlaneOptions } from './data-plane-options.ts';
export type { DestinationSource } from './destinations/destinations.ts';
export { type Sniffed, sniff } from './detection/sniff.ts';
export { type DrainSubject, drained } from './drain.ts';
export { mergeAnswers, readRecordQuery } from './record/answer.ts';
export { DEFAULT_RECORD, type RecordSettings } from './record/recorder.ts';
export { proxyMetricPieces } from './render-metrics.ts';
export type { ConnectionLives } from './services/connection-lives.ts';
export type { Http2Bounds } from './services/http2-listening.ts';
export type { Services } from './services/services.ts';
export { IDLE, sumUnderWay, type UnderWay } from './under-way.ts';
