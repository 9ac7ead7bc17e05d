// istio: Istio's objects as parts of the mesh. Pure. A first slice: PeerAuthentication, the traffic policies of
// DestinationRules, and VirtualServices that only set timeouts and retries; every other field and kind is named in a problem.
import type { KindTranslator } from '../dialect.ts';
import { destinationRuleTranslator } from './destination-rule.ts';
import { peerAuthenticationTranslator } from './peer-authentication.ts';
import { virtualServiceTranslator } from './virtual-service.ts';

/** The kinds of Istio that Weft reads. */
export const istio: readonly KindTranslator[] = [
  peerAuthenticationTranslator,
  destinationRuleTranslator,
  virtualServiceTranslator,
];
