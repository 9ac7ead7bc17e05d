// scenarios: what is measured, one after the other. In: the proxies that there are. Out: figures per proxy, and notices.
import { cores } from './cores.ts';
import { datagrams } from './datagrams.ts';
import { discoveryScenarios } from './discovery.ts';
import { edgeScenarios } from './edge.ts';
import { heldHttp2Scenarios } from './held-http2.ts';
import { http2Scenarios } from './http2.ts';
import { idleConnections } from './idle-connections.ts';
import { meshSize } from './mesh-size.ts';
import { redirect } from './redirect.ts';
import type { Scenario } from './scenario.interface.ts';
import { sidecar } from './sidecar.ts';
import { start } from './start.ts';
import { trafficScenarios } from './traffic.ts';

export type { Scenario } from './scenario.interface.ts';

/** All of them, in the order in which they run. */
export const scenarios: readonly Scenario[] = [
  ...trafficScenarios,
  ...http2Scenarios,
  ...edgeScenarios,
  datagrams,
  redirect,
  idleConnections,
  ...heldHttp2Scenarios,
  sidecar,
  cores,
  meshSize,
  start,
  ...discoveryScenarios,
];
