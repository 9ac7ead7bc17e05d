// linkerd: Linkerd's own objects as parts of the mesh. Pure. ServiceProfiles: routes of a Service with retries, timeouts, metrics
// and response classes, its retry budget, and where its traffic goes instead. Servers, their routes, and who is authorized to
// what: one part for each object, which resolve/ joins. docs/policies/linkerd.md lists every field.
import type { KindTranslator } from '../dialect.ts';
import { meshTlsAuthenticationTranslator, networkAuthenticationTranslator } from './authentications.ts';
import { linkerdAuthorizationPolicyTranslator } from './authorization-policy.ts';
import { serverTranslator } from './server.ts';
import { serverAuthorizationTranslator } from './server-authorization.ts';
import { serverRouteTranslators } from './server-route.ts';
import { serviceProfileTranslator } from './service-profile.ts';

/** The kinds of Linkerd's own that Weft reads. What its HTTPRoute says for Services is Gateway API's: see gateway/. */
export const linkerd: readonly KindTranslator[] = [
  serviceProfileTranslator,
  serverTranslator,
  serverAuthorizationTranslator,
  linkerdAuthorizationPolicyTranslator,
  meshTlsAuthenticationTranslator,
  networkAuthenticationTranslator,
  ...serverRouteTranslators,
];
