// istio: Istio's objects as parts of the mesh, as far as sidecars go by them. Pure: objects in, parts and problems out; every
// field is read, or named with the reason why it has no effect (docs/policies/istio.md has them all).
import type { KindTranslator } from '../dialect.ts';
import { authorizationPolicyTranslator } from './authorization-policy.ts';
import { destinationRuleTranslator } from './destination-rule.ts';
import { envoyFilterTranslator } from './envoy-filter.ts';
import { istioGatewayTranslator } from './gateway.ts';
import { peerAuthenticationTranslator } from './peer-authentication.ts';
import { requestAuthenticationTranslator } from './request-authentication.ts';
import { serviceEntryTranslator } from './service-entry.ts';
import { sidecarTranslator } from './sidecar.ts';
import { telemetryTranslator } from './telemetry.ts';
import { virtualServiceTranslator } from './virtual-service.ts';
import { workloadEntryTranslator } from './workload-entry.ts';
import { workloadGroupTranslator } from './workload-group.ts';

/** The kinds of Istio that Weft reads. */
export const istio: readonly KindTranslator[] = [
  peerAuthenticationTranslator,
  destinationRuleTranslator,
  virtualServiceTranslator,
  serviceEntryTranslator,
  istioGatewayTranslator,
  workloadEntryTranslator,
  workloadGroupTranslator,
  sidecarTranslator,
  envoyFilterTranslator,
  telemetryTranslator,
  authorizationPolicyTranslator,
  requestAuthenticationTranslator,
];
